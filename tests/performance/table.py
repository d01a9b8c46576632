"""The rows as text."""

from collections.abc import Iterable, Sequence

from performance.row import Row

_HEAD = ("benchmark", "cost", "clock", "against", "its cost", "ratio", "gate", "goal")
_RIGHT = {1, 4, 5}
_UNITS = ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs"))


def table(rows: Iterable[Row]) -> str:
    """Return a table with aligned columns, a row a line."""
    lines = [_HEAD, *(_cells(row) for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(_HEAD))]
    shown = [_line(line, widths) for line in lines]
    return "\n".join([shown[0], "  ".join("-" * width for width in widths), *shown[1:]])


def verdict(rows: Sequence[Row]) -> str:
    """Say how many gates and goals hold, and name those that do not."""
    gated = [row for row in rows if row.at_least is not None or row.at_most is not None]
    missed = [row.name for row in gated if not row.passed]
    aimed = [row for row in rows if row.met is not None]
    beyond = [row.name for row in aimed if not row.met]
    text = f"{len(gated) - len(missed)} of {len(gated)} gates hold"
    text += f" (missed: {', '.join(missed)})" if missed else ""
    text += f"; {len(aimed) - len(beyond)} of {len(aimed)} goals are met"
    return text + (f" (not: {', '.join(beyond)})" if beyond else "")


def duration(seconds: float) -> str:
    """Write seconds with three digits and a unit: `12.3 µs`."""
    scale, unit = next((each for each in _UNITS if seconds >= each[0]), (1e-9, "ns"))
    return f"{seconds / scale:.3g} {unit}"


def _cells(row: Row) -> tuple[str, ...]:
    measured = row.measured
    amount = "{:.3g}".format if row.counts else duration
    return (
        row.name,
        amount(measured.cost),
        "-" if row.counts else measured.clock.name,
        row.rival,
        amount(measured.rival_cost),
        _ratio(row),
        _gate(row),
        _goal(row),
    )


def _ratio(row: Row) -> str:
    ratio = row.measured.ratio
    return f"{1 / ratio:,.1f}x faster" if row.at_least is not None else f"{ratio:,.2f}x"


def _gate(row: Row) -> str:
    result = "ok" if row.passed else "MISSED"
    if row.at_least is not None:
        return f">= {row.at_least:g} {result}"
    return "-" if row.at_most is None else f"<= {row.at_most:g} {result}"


def _goal(row: Row) -> str:
    if row.goal is None:
        return "-"
    return f"< {duration(row.goal)} {'met' if row.met else 'not met'}"


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    columns = enumerate(zip(cells, widths, strict=True))
    return "  ".join(
        cell.rjust(width) if column in _RIGHT else cell.ljust(width)
        for column, (cell, width) in columns
    ).rstrip()
