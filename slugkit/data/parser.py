"""The command line of the data: slugkit data list, show, page, fetch, verify, prepare, status."""

import argparse
import os
from pathlib import Path

SMALLEST_SIDE = 16


def add_commands(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add `data` and its commands; each sets `run`, a function of the arguments."""
    data = subparsers.add_parser("data", help="list, fetch, verify and prepare the data sets")
    data.set_defaults(run=_run)
    commands = data.add_subparsers(dest="command", required=True)

    commands.add_parser("list", help="the known data sets")

    show = commands.add_parser("show", help="all that is known about one data set")
    show.add_argument("name", metavar="NAME")

    commands.add_parser("page", help="the manifests as a page of the book")

    fetching = commands.add_parser("fetch", help="download and unpack one data set")
    fetching.add_argument("name", metavar="NAME")
    fetching.add_argument("--per-host", type=count, default=4, help="connections to one host")
    fetching.add_argument("--attempts", type=count, default=4, help="per file")

    verifying = commands.add_parser("verify", help="check the files of one data set")
    verifying.add_argument("name", metavar="NAME")

    preparing = commands.add_parser("prepare", help="make the training arrays of one data set")
    preparing.add_argument("name", metavar="NAME")
    preparing.add_argument("--size", type=side, default=128, help="side in pixels, at least 16")

    status = commands.add_parser("status", help="what is there")

    for command in (fetching, verifying, preparing, status):
        command.add_argument(
            "--data",
            type=_folder,
            default=_folder(os.environ.get("SLUGKIT_DATA", "data")),
            help="data root, the folder of the data sets (default: $SLUGKIT_DATA, or data)",
        )
    for command in (preparing, status):
        command.add_argument(
            "--output",
            type=_folder,
            default=Path("runs/images"),
            help="folder of the prepared arrays (default: runs/images, where `make book` looks)",
        )


def count(text: str) -> int:
    """Return an integer that is at least 1."""
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{number} is too small: give at least 1")
    return number


def side(text: str) -> int:
    """Return the side of an image in pixels."""
    side = int(text)
    if side < SMALLEST_SIDE:
        raise argparse.ArgumentTypeError(f"{side} is too small: give at least {SMALLEST_SIDE}")
    return side


def _folder(text: str) -> Path:
    # A shell does not always expand it, as in --data=~/skin.
    return Path(text).expanduser()


def _run(arguments: argparse.Namespace) -> None:
    # Only now, so that no other command waits for pandas and httpx.
    from slugkit.data.commands import COMMANDS

    COMMANDS[arguments.command](arguments)
