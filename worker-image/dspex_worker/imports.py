"""Dotted paths to objects: only those that the Pool names are ever given here."""

import importlib
from typing import Any

from dspex.errors import ConfigurationError, Diagnostic


def load(path: str, what: str) -> Any:
    """Import the object of a dotted path, `package.module:name` or `package.module.name`.

    Args:
        path: The path, from the Pool.
        what: `module` or `tool`, for the message.

    Raises:
        ConfigurationError: There is no such object, or its module fails when it is imported.
    """
    module_name, separator, name = path.partition(":")
    if not separator:
        module_name, _, name = path.rpartition(".")
    try:
        if not module_name or not name:
            raise ImportError(f"{path!r} is no dotted path")
        found: Any = importlib.import_module(module_name)
        for part in name.split("."):
            found = getattr(found, part)
    except Exception as error:
        raise unusable(path, what, f"{type(error).__name__}: {error}") from error
    return found


def unusable(path: str, what: str, found: str) -> ConfigurationError:
    """Return the error for a path that the Pool names and that can't be used."""
    return ConfigurationError(
        Diagnostic(
            code=f"{what.capitalize()}Unusable",
            message=f"the Pool's {what} {path} can't be used",
            found=found,
            remedy=f"mend the path, or install its package in the Pool's image ({what}s[])",
        )
    )
