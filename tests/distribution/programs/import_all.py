"""Imports every module of both packages, where what it needs is there.

Arguments are the modules that may be lacking. Fails where anything else is lacking, and where
`dspex` has loaded what only workers may; kopf is there with the operator alone.
"""

import importlib
import importlib.util
import pkgutil
import sys
from collections.abc import Iterator

HEAVY = {"dspy", "litellm", "kubernetes"}


def names(package: str) -> Iterator[str]:
    """List a package's modules without importing them."""
    spec = importlib.util.find_spec(package)
    assert spec is not None
    assert spec.submodule_search_locations is not None
    for found in pkgutil.iter_modules(spec.submodule_search_locations, f"{package}."):
        if found.name.endswith(".__main__"):
            continue
        yield found.name
        if found.ispkg:
            yield from names(found.name)


def load(package: str, lacking: set[str]) -> int:
    """Import a package's modules; return how many could be."""
    count = 0
    for name in names(package):
        try:
            importlib.import_module(name)
            count += 1
        except ModuleNotFoundError as error:
            root = (error.name or "").partition(".")[0]
            if root not in lacking:
                raise
    return count


def main() -> None:
    """Import them all, `dspex` first."""
    lacking = set(sys.argv[1:])
    for name in lacking:
        assert importlib.util.find_spec(name) is None, f"{name} must not be installed"
    count = load("dspex", lacking)
    loaded = HEAVY & sys.modules.keys()
    assert not loaded, f"dspex imports {', '.join(sorted(loaded))}"
    count += load("dspex_worker", lacking)
    assert "litellm" not in sys.modules
    print(count)


main()
