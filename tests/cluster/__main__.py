"""The test cluster from the command line."""

import argparse
import os
import sys
from pathlib import Path

from cluster.choose import choose
from cluster.cluster import Cluster, ClusterError


def main() -> int:
    """Run one command; returns the exit status."""
    parser = argparse.ArgumentParser(prog="cluster", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("up", help="start it, or find that it is up")
    commands.add_parser("down", help="end it and leave nothing behind")
    commands.add_parser("status", help="how it is")
    commands.add_parser("kubeconfig", help="print the path of its kubeconfig")
    commands.add_parser("env", help='print what a shell sets to use it: eval "$(… env)"')
    logs = commands.add_parser("logs", help="print a component's log, or the components")
    logs.add_argument("component", nargs="?", default="")
    load = commands.add_parser("load", help="load images from docker-archives")
    load.add_argument("archive", nargs="+", type=Path)
    options = parser.parse_args()
    try:
        _run(choose(), options)
    except ClusterError as error:
        print(f"cluster: {error}", file=sys.stderr)
        return 1
    return 0


def _run(cluster: Cluster, options: argparse.Namespace) -> None:
    match options.command:
        case "up":
            cluster.up()
            print(cluster.status(), end="")
        case "down":
            cluster.down()
        case "status":
            print(cluster.status(), end="")
        case "kubeconfig":
            print(cluster.kubeconfig)
        case "env":
            folders = os.pathsep.join([*map(str, cluster.programs), "$PATH"])
            print(f'export KUBECONFIG="{cluster.kubeconfig}"\nexport PATH="{folders}"')
        case "logs":
            print(cluster.logs(options.component), end="")
        case "load":
            for archive in options.archive:
                cluster.load(archive)


if __name__ == "__main__":
    sys.exit(main())
