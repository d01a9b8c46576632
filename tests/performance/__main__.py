"""`make bench`: prints the table; exit status 1 where a gate is missed.

`--only NAME …` runs some of the benchmarks; `--cluster` those on a cluster (`make bench-cluster`).
"""

import argparse
import sys
from collections.abc import Mapping, Sequence

from performance import session
from performance.benchmarks import BENCHMARKS, CLUSTER_BENCHMARKS
from performance.session import Benchmark
from performance.table import table, verdict


def main(
    arguments: Sequence[str],
    benchmarks: Mapping[str, Benchmark] = BENCHMARKS,
    on_cluster: Mapping[str, Benchmark] = CLUSTER_BENCHMARKS,
) -> int:
    """Run and print; return the exit status."""
    parser = argparse.ArgumentParser(prog="performance", description=__doc__)
    parser.add_argument("--only", nargs="+", choices=[*benchmarks, *on_cluster])
    parser.add_argument("--cluster", action="store_true", help="those on a cluster")
    given = parser.parse_args(arguments)
    known = {**benchmarks, **on_cluster}
    chosen = given.only or list(on_cluster if given.cluster else benchmarks)
    rows = session.run({name: known[name] for name in chosen})
    print(table(rows))
    print()
    print(verdict(rows))
    return 0 if all(row.passed for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
