"""Pipelines: compile manifests to a plan, run a plan."""
