"""Keeps sensitive inputs out of everything that a runner writes."""

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

SHOWN: Final = "[redacted]"
"""Stands for a sensitive value in statuses, events and logs."""

SHORTEST_PART: Final = 4
"""Characters of a sensitive text below which it is only found as a whole value: within other texts
it would be found everywhere."""

_CUTS: Final = ("…", "...")


class Redactor:
    """Finds sensitive values in texts and JSON values.

    `shown` is for people, and gives nothing back. `conceal` is for checkpoints: it puts marks in
    place of the values, which `reveal` turns back, so that a resumed run has them again.

    Args:
        sensitive: Values by input name.
        salt: Makes the marks of one run unlike any text; its uid.
    """

    def __init__(self, sensitive: Mapping[str, Any], *, salt: str) -> None:
        self._marks: dict[str, str] = {}
        self._numbers: dict[str, tuple[int | float, str]] = {}
        for name, value in sensitive.items():
            for number, text in enumerate(_distinct(_leaves(value))):
                self._marks.setdefault(text, f"⟦{salt[-12:]}:{name}:{number}⟧")
            for number, each in enumerate(_numbers(value)):
                mark = f"⟦{salt[-12:]}:{name}:#{number}⟧"
                self._numbers.setdefault(json.dumps(each), (each, mark))
        self._values: dict[str, Any] = {mark: text for text, mark in self._marks.items()}
        self._values |= {mark: each for each, mark in self._numbers.values()}
        # The longest first: one value may hold another.
        self._parts = sorted(
            (text for text in self._marks if len(text) >= SHORTEST_PART), key=len, reverse=True
        )
        self._spellings = sorted(
            {form for text in self._parts for form in _spellings(text)},
            key=len,
            reverse=True,
        )

    def text(self, text: str) -> str:
        """Return a text for people without any sensitive value, or the beginning of one."""
        if not self._values:
            return text
        if text in self._marks:
            return SHOWN
        for spelling in self._spellings:
            text = text.replace(spelling, SHOWN)
        return self._without_cut(text)

    def shown(self, value: Any) -> Any:
        """Return a JSON value for people."""
        return _mapped(value, self.text, self._shown_number) if self._values else value

    def conceal(self, value: Any) -> Any:
        """Return a JSON value with marks in place of what is sensitive."""
        return _mapped(value, self._marked, self._marked_number) if self._values else value

    def reveal(self, value: Any) -> Any:
        """Return what `conceal` was given."""
        return _mapped(value, self._unmarked, lambda number: number) if self._values else value

    def _without_cut(self, text: str) -> str:
        """Take away the beginning of a sensitive value that was cut off: `the key sk-12…`."""
        for cut in _CUTS:
            pieces = text.split(cut)
            if len(pieces) > 1:
                text = cut.join([*map(self._without_beginning, pieces[:-1]), pieces[-1]])
        return text

    def _without_beginning(self, text: str) -> str:
        for spelling in self._spellings:
            for length in range(min(len(spelling) - 1, len(text)), SHORTEST_PART - 1, -1):
                if text.endswith(spelling[:length]):
                    return text[:-length] + SHOWN
        return text

    def _shown_number(self, number: int | float) -> Any:
        return SHOWN if json.dumps(number) in self._numbers else number

    def _marked(self, text: str) -> str:
        if text in self._marks:
            return self._marks[text]
        for part in self._parts:
            text = text.replace(part, self._marks[part])
        return text

    def _marked_number(self, number: int | float) -> Any:
        found = self._numbers.get(json.dumps(number))
        return number if found is None else found[1]

    def _unmarked(self, text: str) -> Any:
        if text in self._values:
            return self._values[text]
        for mark, value in self._values.items():
            if isinstance(value, str):
                text = text.replace(mark, value)
        return text


def _leaves(value: Any) -> Iterable[str]:
    if isinstance(value, str):
        yield value
        if "\n" in value.strip():
            yield value.strip()
    elif isinstance(value, Mapping):
        for each in value.values():
            yield from _leaves(each)
    elif isinstance(value, list | tuple):
        for each in value:
            yield from _leaves(each)
    else:
        yield from map(json.dumps, _numbers(value))


def _numbers(value: Any) -> Iterable[int | float]:
    if isinstance(value, Mapping):
        for each in value.values():
            yield from _numbers(each)
    elif isinstance(value, list | tuple):
        for each in value:
            yield from _numbers(each)
    # Small ones are everywhere, and tell nothing.
    elif type(value) in (int, float) and len(json.dumps(value)) >= SHORTEST_PART:
        yield value


def _distinct(texts: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(text for text in texts if text.strip()))


def _spellings(text: str) -> set[str]:
    """Return a text as it may stand in another one: as it is, in JSON, in a Python string."""
    return {
        text,
        json.dumps(text)[1:-1],
        json.dumps(text, ensure_ascii=False)[1:-1],
        repr(text)[1:-1],
    }


def _mapped(
    value: Any, on_text: Callable[[str], Any], on_number: Callable[[int | float], Any]
) -> Any:
    if isinstance(value, str):
        return on_text(value)
    if isinstance(value, Mapping):
        return {str(on_text(key)): _mapped(each, on_text, on_number) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_mapped(each, on_text, on_number) for each in value]
    if isinstance(value, int | float) and not isinstance(value, bool):
        return on_number(value)
    return value
