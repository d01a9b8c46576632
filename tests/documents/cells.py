"""Runs a page's Python as a notebook does: cell by cell in one namespace, under a running loop.

As a program it reads a list of cells, as JSON, from standard input.
"""

import ast
import asyncio
import inspect
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

from documents.console import TIMEOUT
from documents.pages import ROOT

MARK: Final = "@@ the output of the next cell @@"


def run(cells: list[str], where: Path) -> list[str]:
    """Run cells in a fresh process; return what each printed, both streams."""
    done = subprocess.run(
        [sys.executable, "-m", "documents.cells"],
        cwd=where,
        env={**os.environ, "PYTHONPATH": str(ROOT / "tests")},
        input=json.dumps(cells),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=TIMEOUT,
        check=False,
    )
    return done.stdout.split(f"{MARK}\n")[1:]


async def _run_all(cells: list[str]) -> None:
    namespace: dict[str, Any] = {"__name__": "__main__"}
    for cell in cells:
        print(MARK, flush=True)
        await _run_one(cell, namespace)


async def _run_one(cell: str, namespace: dict[str, Any]) -> None:
    """Run a cell; what its last line is worth is printed, an error is printed in short."""
    tree = ast.parse(cell)
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    try:
        await _evaluate(tree, "exec", namespace)
        if isinstance(last, ast.Expr):
            value = await _evaluate(ast.Expression(last.value), "eval", namespace)
            if value is not None:
                print(repr(value), flush=True)
    except Exception as error:  # noqa: BLE001 -- whatever the page shows
        print(f"{type(error).__name__}: {error}", flush=True)


async def _evaluate(tree: Any, mode: str, namespace: dict[str, Any]) -> Any:
    code = compile(tree, "<cell>", mode, flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    value = eval(code, namespace)
    return await value if inspect.iscoroutine(value) else value


if __name__ == "__main__":
    asyncio.run(_run_all(json.loads(sys.stdin.read())))
