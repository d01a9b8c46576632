"""Runs a query on a database in memory that can only be read."""

import contextlib
import sqlite3
from pathlib import Path
from typing import Any

import dspy

SCRIPT = Path(__file__).with_name("orders.sql")
ROWS = 50
STEPS = 1_000_000


class Execute(dspy.Module):
    """Answers `sql` with `rows`, and with `error`: sqlite's own words where it refuses, else ''."""

    def forward(self, sql: str) -> dspy.Prediction:
        """Run one query on a database of this call's own."""
        with contextlib.closing(sqlite3.connect(":memory:")) as database:
            database.executescript(SCRIPT.read_text(encoding="utf-8"))
            database.execute("PRAGMA query_only = ON")
            # A query that goes on and on is ended by its number of steps.
            database.set_progress_handler(lambda: 1, STEPS)
            try:
                return dspy.Prediction(rows=_rows(database.execute(sql)), error="")
            except sqlite3.Error as error:
                return dspy.Prediction(rows=[], error=str(error))


def _rows(cursor: sqlite3.Cursor) -> list[dict[str, Any]]:
    names = [each[0] for each in cursor.description or ()]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchmany(ROWS)]
