"""`make bench`: prints the table; exit status 1 where a gate is missed.

`--only NAME …` runs some of the benchmarks.
"""

import argparse
import sys
from collections.abc import Mapping, Sequence

from performance import session
from performance.benchmarks import BENCHMARKS
from performance.session import Benchmark
from performance.table import table, verdict


def main(arguments: Sequence[str], benchmarks: Mapping[str, Benchmark] = BENCHMARKS) -> int:
    """Run and print; return the exit status."""
    parser = argparse.ArgumentParser(prog="performance", description=__doc__)
    parser.add_argument("--only", nargs="+", choices=list(benchmarks), default=list(benchmarks))
    chosen = parser.parse_args(arguments).only
    rows = session.run({name: benchmarks[name] for name in chosen})
    print(table(rows))
    print()
    print(verdict(rows))
    return 0 if all(row.passed for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
