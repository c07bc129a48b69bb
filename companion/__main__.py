"""The command line of the checkout: `python -m companion <command>`.

Each step of the graph is a command, as declared in companion/experiments.
"""

import argparse
import functools
import os
import sys
from collections.abc import Callable, Sequence
from typing import Any

from companion.pipeline.compilation import keep_compiled
from companion.pipeline.graph import leave_failure
from slugkit.commands import report_errors


def main(words: Sequence[str] | None = None) -> int:
    """Run one command and return the exit status; bad input ends in one line, not a traceback."""

    def run() -> None:
        options = _parser().parse_args(words)
        if getattr(options, "data", None):
            os.environ["SLUGKIT_DATA"] = options.data
        if options.computes:
            keep_compiled()
            # A graphics card rounds products of float32 to ten bits unless JAX is told this.
            os.environ.setdefault("JAX_DEFAULT_MATMUL_PRECISION", "highest")
        if os.environ.get("JAX_PLATFORMS"):
            # Not always, as few commands compute themselves.
            from slugkit.checks.devices import check_devices

            check_devices()
        options.run(options)

    return report_errors(run, extra="book", heard=leave_failure)


def _parser() -> argparse.ArgumentParser:
    # Here, so that a package that is not installed is named.
    from companion.config import DATASETS, MIXED
    from companion.experiments import steps
    from companion.pipeline.steps import Scope
    from slugkit.data.parser import count, side

    parser = argparse.ArgumentParser(prog="python -m companion", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="command")

    def add(name: str, run: Callable[[Any], None], text: str, computes: bool = False) -> Any:
        command = commands.add_parser(name, help=text, description=text)
        command.add_argument("--profile", default="quick", help="a name from profiles/")
        command.set_defaults(run=run, computes=computes)
        return command

    for step in steps().values():
        text = f"run one job of this step of the graph, for {step.scope.value}"
        command = add(step.rule, functools.partial(_job, step), text, True)
        command.add_argument("--seed", type=int, required=True)
        if step.scope is not Scope.SEED:
            command.add_argument("--dataset", choices=DATASETS, required=True)
    decode = add("decode", _decode, "decode the images of one real data set")
    decode.add_argument("source", help="a name from data_manifests/")
    decode.add_argument("--size", type=side, required=True, help="side of the images in pixels")
    notebook = add("notebook", _notebook, "execute one notebook", True)
    notebook.add_argument("name")
    target = add("make", _make, "bring a rule of the graph, or a file, up to date")
    target.add_argument("target", help='such as "scores_all" or "notebooks"')
    target.add_argument("--cores", type=count, help="jobs side by side; all cores by default")
    target.add_argument("--cluster", help="run on a cluster by this folder, such as profiles/slurm")
    plan = add("plan", _plan, "say how long a profile will take on this machine")
    plan.add_argument("--workers", type=count, default=2, help="jobs side by side")
    plan.add_argument("--data", help="folder with the weights of the perceptual loss")
    record = add("record", _record, "keep the tables of a finished run in results/")
    record.add_argument(
        "--dataset", choices=[MIXED], help="only what this training set's networks gave"
    )
    add("pages", _pages, "compile the executed notebooks into the book")
    book = add("book", _book, "make everything up to the book, as `make book` does")
    book.add_argument("--data", help="folder with real images (or set SLUGKIT_DATA)")
    book.add_argument("--cores", type=count, help="jobs side by side; all cores by default")
    book.add_argument("--cluster", help="run on a cluster by this folder, such as profiles/slurm")
    return parser


# Each command imports what it needs when it runs, so that `--help` does not wait for jax.


def _job(step: Any, options: argparse.Namespace) -> None:
    from companion.pipeline.jobs import execute
    from companion.profiles import load_profile

    dataset = getattr(options, "dataset", None)
    execute(step, load_profile(options.profile), options.seed, dataset)


def _decode(options: argparse.Namespace) -> None:
    from companion.experiments.data import decode

    decode.run(options.source, options.size)


def _notebook(options: argparse.Namespace) -> None:
    from companion.pipeline.execution import execute
    from companion.profiles import load_profile

    execute(options.name, load_profile(options.profile).name)


def _make(options: argparse.Namespace) -> None:
    from companion.pipeline.graph import make
    from companion.profiles import load_profile

    profile = load_profile(options.profile).name
    make(profile, options.target, cores=options.cores, cluster=options.cluster)


def _plan(options: argparse.Namespace) -> None:
    from companion.experiments import steps
    from companion.experiments.training.perceptual_weights import perceptual_loss
    from companion.pipeline.plan import describe
    from companion.profiles import load_profile
    from slugkit.progress import Progress

    profile = load_profile(options.profile)
    loss = perceptual_loss(profile.training.perceptual_weight)
    print(describe(profile, steps(), options.workers, Progress("measuring"), loss))


def _record(options: argparse.Namespace) -> None:
    from companion.experiments import pages, steps
    from companion.pipeline.recording import record, record_networks
    from companion.profiles import load_profile

    profile = load_profile(options.profile)
    if options.dataset:
        size = record_networks(profile, steps())
    else:
        size = record(profile, steps(), pages())
    print(f"results/{options.profile}: {size / 1e3:.0f} kB")


def _pages(options: argparse.Namespace) -> None:
    from companion.book.build import build
    from companion.experiments import pages
    from companion.profiles import load_profile

    build(load_profile(options.profile).name, pages())


def _book(options: argparse.Namespace) -> None:
    from companion.pipeline.make_book import make_book
    from companion.profiles import load_profile

    make_book(load_profile(options.profile), cores=options.cores, cluster=options.cluster)


if __name__ == "__main__":
    sys.exit(main())
