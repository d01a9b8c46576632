"""`python examples/recorded` serves recorded answers; `… run` runs the examples against them."""

import argparse
import asyncio
import contextlib
import sys

import endpoint
import table


async def serve(port: int) -> None:
    """Serve until interrupted."""
    runner, chosen = await endpoint.start(port)
    sys.stdout.write(f"recorded answers at http://localhost:{chosen}/<example>/v1\n")
    sys.stdout.flush()
    try:
        await asyncio.Event().wait()
    finally:
        await runner.cleanup()


def main() -> int:
    """Parse arguments, then serve or run."""
    parser = argparse.ArgumentParser(prog="python examples/recorded", description=__doc__)
    parser.add_argument("--port", type=int, default=table.PORT, help="0 chooses a free one")
    commands = parser.add_subparsers(dest="command")
    run = commands.add_parser("run", help="run examples, print a table of what each did")
    run.add_argument("names", nargs="*", metavar="EXAMPLE", help="all of them by default")
    options = parser.parse_args()
    with contextlib.suppress(KeyboardInterrupt):
        if options.command == "run":
            return asyncio.run(table.run(options.names or table.names()))
        asyncio.run(serve(options.port))
    return 0


sys.exit(main())
