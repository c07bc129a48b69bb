"""The command line of the package: `slugkit data <command>`."""

import argparse
import sys
from collections.abc import Sequence

from slugkit.commands import report_errors
from slugkit.data.parser import add_commands


def main(words: Sequence[str] | None = None) -> int:
    """Run one command and return the exit status; bad input ends in one line, not a traceback."""
    parser = argparse.ArgumentParser(
        prog="slugkit",
        description=__doc__,
        epilog="What makes the book is in a clone of the repository: `python -m companion`.",
    )
    add_commands(parser.add_subparsers(required=True, metavar="command"))
    options = parser.parse_args(words)
    return report_errors(lambda: options.run(options), extra="data")


if __name__ == "__main__":
    sys.exit(main())
