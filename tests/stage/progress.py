"""What is new about a run between two looks at it, in lines for a person."""

from collections.abc import Iterator
from datetime import datetime

from stage.kubectl import Object, condition


def news(before: Object, after: Object) -> list[str]:
    """Return a line for each thing that has changed; `before` is empty at the first look."""
    return [*_standing(before, after), *_steps(before, after)]


def table(run: Object) -> list[str]:
    """Return the steps of a run as a table: a headline, then a line a step."""
    rows = [("STEP", "KIND", "STATE", "TIME", "ATTEMPTS", "TOKENS", "WORKER")]
    rows += [
        (
            step["name"],
            step.get("kind", ""),
            step["state"],
            _seconds(step),
            str(step.get("attempts", "")),
            str((step.get("usage") or {}).get("totalTokens", "")),
            step.get("worker", ""),
        )
        for step in _named(run).values()
    ]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "   ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]


def _standing(before: Object, after: Object) -> Iterator[str]:
    """Give the run's own words where they are others than before."""
    old, new = (condition(each, "Succeeded") for each in (before, after))
    words = (new.get("reason"), new.get("message"))
    if new and words != (old.get("reason"), old.get("message")):
        name = after["metadata"]["name"]
        yield f"{name} {new['reason']}: {(new.get('message') or '').partition(chr(10))[0]}"


def _steps(before: Object, after: Object) -> Iterator[str]:
    old = _named(before)
    for name, step in _named(after).items():
        former = old.get(name, {})
        if step["state"] != former.get("state"):
            if step["state"] != "Pending":
                yield f"{name} {_said(step)}"
        elif _done(step) != _done(former):
            yield f"{name} {_done(step)}"


def _said(step: Object) -> str:
    facts = [_done(step), _seconds(step), step.get("reason", "")]
    return ", ".join([step["state"].lower(), *(fact for fact in facts if fact)])


def _done(step: Object) -> str:
    """Say how many items of a step are done."""
    items = step.get("items") or {}
    done = sum(items.get(state, 0) for state in ("succeeded", "failed", "skipped"))
    return f"{done} of {items['total']} items" if "total" in items else ""


def _seconds(step: Object) -> str:
    if not step.get("completionTime") or not step.get("startTime"):
        return ""
    began, ended = (datetime.fromisoformat(step[each]) for each in ("startTime", "completionTime"))
    return f"{(ended - began).total_seconds():.2f} s"


def _named(run: Object) -> dict[str, Object]:
    return {step["name"]: step for step in (run.get("status") or {}).get("steps") or ()}
