"""`python -m chart [--check]`: writes deploy/base from the chart, or says what differs."""

import argparse

from chart import plain
from chart.render import ROOT, Helm
from cluster.choose import choose
from cluster.cluster import environment


def main() -> int:
    """Run the command; return its exit status."""
    parser = argparse.ArgumentParser(prog="chart", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing, fail on a difference")
    check = parser.parse_args().check
    helm = Helm(environment(choose()))
    changed = plain.differences(ROOT, helm) if check else plain.write(ROOT, helm)
    for name in changed:
        print("differs" if check else "wrote", name)
    return 1 if check and changed else 0


if __name__ == "__main__":
    raise SystemExit(main())
