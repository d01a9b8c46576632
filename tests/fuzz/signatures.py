"""Parse many wrong and right signatures: `python tests/fuzz/signatures.py 1000000`.

The texts are mutations of those in `corpus/signatures.txt`, one a line. The numbers are drawn from
a fixed seed, so a run can be repeated.
"""

import argparse
import random
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from dspex.errors import SignatureError
from dspex.native.signatures import parse_signature

CORPUS: Final = Path(__file__).parent / "corpus" / "signatures.txt"

_PIECES: Final = (
    *"[](){}|,:=.'\"\\ \t\n\0-+@#;é\u202e\ud800",
    *("->", "...", "list[", "dict[", "Literal[", "tuple[", "Union[", "Optional[", "None"),
    *("__import__('os')", "lambda: 0", "r'", "b'", "f'{x}'", "1e999", "0x", "9" * 40),
)


@dataclass(frozen=True, slots=True)
class Figures:
    """What a run came to.

    Attributes:
        good: How many of the texts are signatures.
        worst: The longest that one took, in seconds of this thread's processor time.
        imported: Modules that are there after it and were not before.
    """

    good: int
    worst: float
    imported: frozenset[str]


def read_corpus() -> list[str]:
    """Return the corpus' texts."""
    return CORPUS.read_text(encoding="utf-8").splitlines()


def mutate(corpus: list[str], source: random.Random) -> str:
    """Return one of the texts after one to four changes."""
    text = source.choice(corpus)
    for _ in range(source.randint(1, 4)):
        start = source.randint(0, len(text))
        end = min(len(text), start + source.randint(0, 6))
        other = source.choice(corpus)
        cut = source.randint(0, len(other))
        piece = source.choice((source.choice(_PIECES), other[cut : cut + 12], text[start:end] * 2))
        text = text[:start] + piece + text[end:]
    return text


def parse_many(count: int, seed: int) -> Figures:
    """Parse the corpus and then `count` mutations; what is no SignatureError is raised on."""
    corpus = read_corpus()
    for text in corpus:
        _parse(text)
    before = frozenset(sys.modules)
    source = random.Random(seed)
    good, worst = 0, 0.0
    for _ in range(count):
        text = mutate(corpus, source)
        began = time.thread_time()
        good += _parse(text)
        worst = max(worst, time.thread_time() - began)
    return Figures(good, worst, frozenset(sys.modules) - before)


def _parse(text: str) -> bool:
    try:
        parse_signature(text)
    except SignatureError:
        return False
    except BaseException:
        print(f"this text did it: {text!r}", file=sys.stderr)
        raise
    return True


def main() -> None:
    """Print a run's figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("count", type=int)
    parser.add_argument("--seed", type=int, default=5)
    arguments = parser.parse_args()
    figures = parse_many(arguments.count, arguments.seed)
    print(
        f"{arguments.count} texts, {figures.good} of them signatures; the slowest took "
        f"{figures.worst * 1000:.1f} ms; imported: {sorted(figures.imported) or 'nothing'}"
    )


if __name__ == "__main__":
    main()
