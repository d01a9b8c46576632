"""Finds the recorded answer to a request for a chat completion, by what the request says."""

import difflib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

_ASKED: Final = re.compile(r"^\d+\. `(\w+)`", re.MULTILINE)
_OUTPUTS: Final = "Your output fields are:"
_CHAT: Final = "[[ ## completed ## ]]"


class NoAnswerError(Exception):
    """No recorded answer fits a request; the message names the nearest one."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A recorded answer.

    Attributes:
        place: File and number, 1-based, for messages.
        when: Texts that a request says, each of them.
        outputs: Output fields by name; a request that asks for exactly these may get them.
    """

    place: str
    when: tuple[str, ...]
    outputs: dict[str, Any]

    def missing(self, said: str) -> list[str]:
        """Return the texts that a request does not say; blanks and line breaks are equal."""
        return [text for text in self.when if _plain(text) not in said]


@dataclass(frozen=True, slots=True)
class Request:
    """What counts of a request.

    Attributes:
        asked: Names of the output fields.
        said: The user's messages as one text, each run of blanks one blank.
        chat: Whether it wants fields under DSPy's headers, and not a JSON object.
    """

    asked: frozenset[str]
    said: str
    chat: bool


def load(file: Path) -> list[Answer]:
    """Read a file of answers: a YAML list of `{when: [text, …], outputs: {name: value}}`.

    Raises:
        ValueError: An entry has another form.
    """
    found = []
    for number, entry in enumerate(yaml.safe_load(file.read_text(encoding="utf-8")), 1):
        place = f"{file.parent.name}/{file.name}, answer {number}"
        if not isinstance(entry, dict) or set(entry) != {"when", "outputs"}:
            raise ValueError(f"{place}: expected when and outputs, found {entry!r}")
        found.append(Answer(place, tuple(entry["when"]), entry["outputs"]))
    return found


def read(body: dict[str, Any]) -> Request:
    """Read a request's body, as DSPy's Chat and JSON adapters write it."""
    told = "\n".join(each["content"] for each in body["messages"] if each["role"] == "system")
    said = "\n".join(str(each["content"]) for each in body["messages"] if each["role"] == "user")
    outputs = told.partition(_OUTPUTS)[2].partition("All interactions")[0]
    return Request(frozenset(_ASKED.findall(outputs)), _plain(said), _CHAT in told + said)


def choose(answers: Sequence[Answer], request: Request) -> Answer:
    """Return the answer whose texts the request says; of several, the one with most text.

    Raises:
        NoAnswerError: There is none.
    """
    fitting = [each for each in answers if frozenset(each.outputs) == request.asked]
    heard = [each for each in fitting if not each.missing(request.said)]
    if heard:
        return max(heard, key=lambda each: sum(map(len, each.when)))
    raise NoAnswerError(_refusal(fitting or answers, request))


def write(answer: Answer, request: Request) -> str:
    """Write an answer in the form that the request wants."""
    if not request.chat:
        return json.dumps(answer.outputs, ensure_ascii=False)
    shown = [
        f"[[ ## {name} ## ]]\n{value if isinstance(value, str) else json.dumps(value)}"
        for name, value in answer.outputs.items()
    ]
    return "\n\n".join([*shown, _CHAT])


def _refusal(answers: Sequence[Answer], request: Request) -> str:
    asked = ", ".join(sorted(request.asked)) or "no field that could be read"
    head = f"no answer is recorded for a request of {asked} that ends with …{request.said[-200:]}"
    if not answers:
        return f"{head}; none is recorded at all"
    nearest = min(
        answers, key=lambda each: (len(each.missing(request.said)), -_like(each, request))
    )
    lacks = nearest.missing(request.said)
    why = f"the request does not say {lacks}" if lacks else f"it gives {', '.join(nearest.outputs)}"
    return f"{head}; the nearest is {nearest.place}, but {why}"


def _like(answer: Answer, request: Request) -> float:
    return difflib.SequenceMatcher(None, " ".join(answer.when), request.said[-2000:]).ratio()


def _plain(text: str) -> str:
    return " ".join(text.split())
