"""The images from the command line."""

import argparse
import sys

from cluster.choose import choose
from cluster.cluster import ClusterError
from images.build import archive, load, sizes, too_large
from images.image import IMAGES, ON_CLUSTER


def main() -> int:
    """Run one command; returns the exit status."""
    parser = argparse.ArgumentParser(prog="images", description=__doc__)
    parser.add_argument("command", choices=["build", "load", "sizes"])
    parser.add_argument("name", nargs="*", help=f"of {', '.join(IMAGES)}; default: what tests need")
    options = parser.parse_args()
    names = options.name or ON_CLUSTER
    try:
        if options.command == "sizes":
            found = sizes()
            for name, size in found.items():
                above = (
                    ""
                    if name == "base"
                    else f"{(size - found['base']) / 1e6:8.0f} MB above its base"
                )
                print(f"{name:10} {size / 1e6:8.0f} MB {above}")
            if wrong := too_large(found):
                raise ClusterError("; ".join(wrong))
        elif options.command == "load":
            load(choose(), names)
        else:
            for name in names:
                print(archive(IMAGES[name]))
    except ClusterError as error:
        print(f"images: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
