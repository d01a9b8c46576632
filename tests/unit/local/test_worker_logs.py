"""Workers' logs: made readable, followed, asked for errors."""

import asyncio
import json
from pathlib import Path

from dspex.local.logs import LogFollower, read_findings, read_tail, readable


def line(message: str, **facts: object) -> str:
    """Make a log line as the worker writes it."""
    return json.dumps({"time": "t", "level": "error", "logger": "l", "message": message, **facts})


def test_json_lines_become_words() -> None:
    """Level, message, the facts that have a value, and the trace below."""
    text = readable(line("it broke", code="Bad", found=None, exception="File x\nOops"))
    assert text == "error: it broke (code: Bad)\nFile x\nOops"
    assert readable(line("it broke")) == "error: it broke"


def test_other_lines_stay_as_they_are() -> None:
    """What a module prints is shown as it is, broken JSON too."""
    for text in ("plain", "{broken", "[1]", '{"no": "message"}', "{}"):
        assert readable(text + "\n") == text


def test_the_tail_is_the_end(tmp_path: Path) -> None:
    """The last lines, counted as they are shown; none of a file that is not there."""
    file = tmp_path / "w.log"
    lines = [line(f"m{index}", exception="a\nb") for index in range(2000)]
    file.write_text("\n".join(lines))
    assert read_tail(file, 4) == ("b", "error: m1999", "a", "b")
    assert read_tail(tmp_path / "none", 4) == ()


def test_findings_are_the_errors_with_a_code(tmp_path: Path) -> None:
    """What the worker found wrong about its configuration becomes a diagnostic again."""
    file = tmp_path / "w.log"
    file.write_text("\n".join(["plain", line("other"), line("bad", code="Bad", remedy="mend")]))
    [finding] = read_findings(file)
    assert (finding.code, finding.message, finding.remedy) == ("Bad", "bad", "mend")
    assert read_findings(tmp_path / "none") == ()


async def test_a_follower_passes_on_whole_lines(tmp_path: Path) -> None:
    """Lines come once, as they are finished; files may appear later; the end loses nothing."""
    heard: list[tuple[str, str]] = []
    changed = asyncio.Event()

    def hear(worker: str, text: str) -> None:
        heard.append((worker, text))
        changed.set()

    follower = LogFollower(hear)
    await follower.stop()
    file = tmp_path / "small-0.log"
    follower.follow([file, tmp_path / "never.log"])
    file.write_text("one\ntw")
    async with asyncio.timeout(5):
        await changed.wait()
    assert heard == [("small-0", "one")]
    with file.open("a") as log:
        log.write("o\n" + line("three") + "\n")
    await follower.stop()
    assert heard == [("small-0", "one"), ("small-0", "two"), ("small-0", "error: three")]
