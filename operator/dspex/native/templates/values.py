"""Values as a template sees them: read-only, so that no method can change or grow them."""

from typing import Any, NoReturn


class ReadOnlyError(TypeError):
    """A template called a method that would change a value."""


def _refuse(*_: object, **__: object) -> NoReturn:
    raise ReadOnlyError("values are read-only in a template")


class ReadOnlyDict(dict[str, Any]):
    """A dict whose changing methods are refused: minijinja lets templates call methods."""

    __slots__ = ()
    clear = pop = popitem = setdefault = update = _refuse
    fromkeys = _refuse


class ReadOnlyList(list[Any]):
    """A list whose changing methods are refused."""

    __slots__ = ()
    append = clear = extend = insert = pop = remove = reverse = sort = _refuse


def read_only(value: Any) -> Any:
    """Copy a wire value into one that a template can't change; scalars stay as they are."""
    if isinstance(value, dict):
        return ReadOnlyDict((key, read_only(item)) for key, item in value.items())
    if isinstance(value, list | tuple):
        return ReadOnlyList(read_only(item) for item in value)
    return value
