# Every command a person or CI needs. `make help` lists them.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: help
help: ## List the commands
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

# litellm is absent by intent, so nothing may resolve dependencies anew: --no-deps.
$(READY): pyproject.toml requirements/dev.txt requirements/uv.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements/uv.txt
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --require-hashes -r requirements/dev.txt
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation -e .
	touch $@

.PHONY: setup
setup: $(READY) ## Make the virtual environment from the hashed lock

# One lock for development, and one a part of the wheel with a choice out of the same pins:
# what images install, and what `make wheel` tries. The order matters: the first bounds the rest.
COMPILE = $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --no-header --no-emit-package dspex
SLIM := --override requirements/overrides.txt
EXTRAS := cli worker embedded operator

.PHONY: lock
lock: $(READY) ## Compile requirements/*.txt anew (pins and hashes, no addresses)
	$(COMPILE) requirements/uv.in -o requirements/uv.txt
	$(COMPILE) $(SLIM) requirements/dev.in -o requirements/dev.txt
	$(COMPILE) $(SLIM) --constraint requirements/dev.txt pyproject.toml -o requirements/core.txt
	for extra in $(EXTRAS); do $(COMPILE) $(SLIM) --constraint requirements/dev.txt --extra $$extra pyproject.toml -o requirements/$$extra.txt; done
	$(COMPILE) --constraint requirements/worker.txt requirements/litellm.in -o requirements/litellm.txt

.PHONY: demo
demo: $(READY) ## Run the demo: ten support messages through a pipeline on the embedded model
	$(BIN)/dspex run -f examples/triage

.PHONY: examples
examples: $(READY) ## Run the ten examples against recorded answers; print what each did
	$(BIN)/python -B examples/recorded run

.PHONY: test
test: lint test-all wheel test-cluster test-cluster-life ## Lint, check what is generated, run every test, try the wheel

.PHONY: test-all
test-all: $(READY)
	$(BIN)/coverage erase
	COVERAGE_FILE=$(CURDIR)/.coverage $(BIN)/coverage run -m pytest -n 2 --dist worksteal --ignore=tests/kubernetes --ignore=tests/cluster_life tests
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report --fail-under=90

.PHONY: test-unit
test-unit: $(READY) ## Run the tests that start no process, no model and no cluster
	$(BIN)/pytest -q -n 2 -m "not slow" tests/unit tests/differential

.PHONY: fuzz
fuzz: $(READY) ## Parse COUNT mutated signatures (1,000,000 unless told)
	$(BIN)/python tests/fuzz/signatures.py $(or $(COUNT),1000000)

.PHONY: lint
lint: $(READY) ## Check style, types, layers, and that generated files are current
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m dspex.manifests.generate --check
	$(BIN)/python -m dspex.python.reference_page --check

.PHONY: generate
generate: $(READY) ## Write CRDs, JSON Schemas and reference pages from the models
	$(BIN)/python -m dspex.manifests.generate
	$(BIN)/python -m dspex.python.reference_page

.PHONY: plain-manifests
plain-manifests: $(READY) ## Write deploy/base from the chart, by the test cluster's helm
	PYTHONPATH=tests $(BIN)/python -m chart

.PHONY: wheel
wheel: $(READY) ## Build the wheel and import what each extra promises, each in an empty environment
	PYTHONPATH=tests $(BIN)/python -m distribution

.PHONY: cluster
cluster: $(READY) ## Start a Kubernetes cluster for tests (see tests/cluster)
	PYTHONPATH=tests $(BIN)/python -m cluster up

.PHONY: cluster-down
cluster-down: $(READY) ## End it; nothing of it stays but what was built
	PYTHONPATH=tests $(BIN)/python -m cluster down

.PHONY: demo-cluster
demo-cluster: $(READY) ## Run the demo on a cluster: starts one, installs the chart, shows what came of it
	PYTHONPATH=tests $(BIN)/python -m stage.demo

.PHONY: test-cluster
test-cluster: $(READY) ## Run the tests that need a Kubernetes cluster; starts one where none is up
	PYTHONPATH=tests $(BIN)/python -m cluster up # outside of any test's time: the first time it builds
	PYTHONPATH=tests $(BIN)/python -m images load
	$(BIN)/pytest -q --durations=15 tests/kubernetes

.PHONY: test-cluster-life
test-cluster-life: $(READY) ## Crash and end the cluster for tests, and look for what it left
	$(BIN)/pytest -q tests/cluster_life

.PHONY: images
images: $(READY) ## Build the images of operator and workers
	PYTHONPATH=tests $(BIN)/python -m images build
	PYTHONPATH=tests $(BIN)/python -m images sizes

.PHONY: release
release: $(READY) ## Build images, wheel and chart into dist/, with their checksums
	PYTHONPATH=tests $(BIN)/python -m distribution.release

.PHONY: bench-cluster
bench-cluster: $(READY) ## Print the benchmarks' table of a cluster: runs beside bare Jobs
	PYTHONPATH=tests $(BIN)/python -m performance --cluster

.PHONY: bench
bench: $(READY) ## Print the benchmarks' table; fail if a ratio is worse than its gate
	PYTHONPATH=tests $(BIN)/python -m performance

.PHONY: clean
clean: ## Remove what was built; the model's cache stays
	rm -rf $(VENV) dist build .coverage .coverage.* .mypy_cache .ruff_cache .pytest_cache .hypothesis
