"""Values of a pipeline that are there only when it runs, as objects that render to expressions."""

from typing import Any, NoReturn


class Reference:
    """Stands for a value of a run: `p.inputs.message`, `p.steps.triage.outputs.topic`.

    `str()` gives the expression, such as `$(inputs.message)`, `repr()` what stands inside of it,
    to write a larger one: `f"$({message!r}.size() > 100)"`. Attributes and items lead on to
    parts of the value. References are equal where their expressions are.
    """

    __slots__ = ("_path",)

    def __init__(self, path: str) -> None:
        self._path = path

    def __getattr__(self, name: str) -> "Reference":
        # What Python and notebooks ask any object for is no field: names begin with a letter.
        if name.startswith("_"):
            raise AttributeError(name)
        return Reference(f"{self._path}.{name}")

    def __getitem__(self, key: str | int) -> "Reference":
        return Reference(f"{self._path}[{_literal(key)}]")

    def __str__(self) -> str:
        return f"$({self._path})"

    def __repr__(self) -> str:
        return self._path

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Reference) and other._path == self._path

    def __hash__(self) -> int:
        return hash(self._path)

    def __bool__(self) -> NoReturn:
        raise TypeError(
            f"{self} has a value only when the pipeline runs; write the condition as an "
            f'expression, such as if_="$({self._path})"'
        )

    def __iter__(self) -> NoReturn:
        raise TypeError(
            f"{self} has items only when the pipeline runs; give it as for_each={self._path}"
        )


def step_name(step: "str | Reference") -> str:
    """Return the name of a step that is given by its name or by its reference."""
    return step if isinstance(step, str) else repr(step).removeprefix("steps.")


def _literal(key: str | int) -> Any:
    if isinstance(key, int):
        return key
    escaped = key.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"
