"""The command line: `slugkit <command>`, each a thin call into the package."""

import argparse
import errno
import os
import sys
from collections.abc import Sequence

from companion.pipeline.compilation import keep_compiled
from slugkit.data.parser import add_commands as add_data_commands
from slugkit.errors import InputError

STATUS_BAD_INPUT = 2
STATUS_INTERRUPTED = 130
REMEDIES = {
    errno.ENOSPC: "make room, then run the same command again",
    errno.EROFS: "work in a folder that can be written",
    errno.EACCES: "work in a folder that you may read and write",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return the exit status; bad input ends in one line, not a traceback."""
    options = _parser().parse_args(arguments)
    try:
        if getattr(options, "data", None):
            os.environ["SLUGKIT_DATA"] = options.data
        if getattr(options, "computes", False):
            keep_compiled()
        options.run(options)
    except InputError as error:
        _say(str(error))
        return STATUS_BAD_INPUT
    except OSError as error:
        # A full disk or a folder without permission: the operating system's words are clear.
        where = f"{error.filename}: " if error.filename else ""
        remedy = f"; {REMEDIES[error.errno]}" if error.errno in REMEDIES else ""
        _say(f"{where}{error.strerror or error}{remedy}")
        return STATUS_BAD_INPUT
    except ModuleNotFoundError as error:
        if (error.name or "slugkit").startswith("slugkit"):
            raise  # a mistake of ours
        _say(
            f"{error.name} is not installed, which this command needs: in a clone, `make setup` "
            "installs everything, and so does `pip install '.[book]'`"
        )
        return STATUS_BAD_INPUT
    except KeyboardInterrupt:
        _say("interrupted; the same command goes on from here")
        return STATUS_INTERRUPTED
    return 0


def _say(message: str) -> None:
    # In one write, so that two jobs of the graph do not speak into each other's line.
    sys.stderr.write(f"slugkit: {message}\n")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="slugkit", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="command")

    def add(
        name: str,
        run,
        help_text: str,
        *,
        dataset: bool = False,
        seed: bool = False,
        computes: bool = True,
    ):
        command = commands.add_parser(name, help=help_text, description=help_text)
        if name != "decode":  # which all profiles share
            command.add_argument("--profile", default="quick", help="a name from profiles/")
        if dataset:
            command.add_argument("--dataset", choices=("A", "B", "C"), required=True)
        if seed:
            command.add_argument("--seed", type=int, required=True)
        command.set_defaults(run=run, computes=computes)
        return command

    decode = add("decode", _decode, "decode the images of one real data set", computes=False)
    decode.add_argument("source", help="a name from data_manifests/")
    decode.add_argument("--size", type=int, required=True, help="side of the images in pixels")
    add("prepare", _prepare, "draw one seed's images", seed=True, computes=False)
    add("train", _train, "train one network", dataset=True, seed=True)
    add("fit", _fit, "find the curvature of one network", dataset=True, seed=True)
    add("score", _score, "score the test images with one network", dataset=True, seed=True)
    add("comparisons", _comparisons, "score with every comparator, for one seed", seed=True)
    experiment = add("experiment", _experiment, "measure the method on one network")
    experiment.add_argument("name")
    add("objects", _objects, "lay foreign objects over unseen images, and look", seed=True)
    add("laboratory", _laboratory, "train the base network of the ablation", seed=True)
    add("ablation", _ablation, "change one thing at a time in that setting", seed=True)
    add("score_versions", _score_versions, "compare versions of the score there", seed=True)
    notebook = add("notebook", _notebook, "execute one notebook")
    notebook.add_argument("name")
    plan = add("plan", _plan, "say how long a profile will take on this machine", computes=False)
    plan.add_argument("--workers", type=int, default=2, help="jobs side by side")
    plan.add_argument("--data", help="folder with the weights of the perceptual loss")
    add("record", _record, "keep the tables of a finished run in results/", computes=False)
    add("pages", _pages, "compile the executed notebooks into the book", computes=False)
    book = add("book", _book, "make everything up to the book, as `make book` does", computes=False)
    book.add_argument("--data", help="folder with real images (or set SLUGKIT_DATA)")
    book.add_argument("--cores", type=int, help="jobs side by side; all cores by default")
    book.add_argument("--cluster", help="run on a cluster by this folder, such as profiles/slurm")
    add_data_commands(commands)
    return parser


# Each command imports what it needs when it runs, so that `slugkit --help` does not wait for jax.


def _decode(options: argparse.Namespace) -> None:
    from companion.experiments.data import decode

    decode.run(options.source, options.size)


def _prepare(options: argparse.Namespace) -> None:
    from companion.config import load_profile
    from companion.experiments.data import step as prepare

    prepare.run(load_profile(options.profile), options.seed)


def _train(options: argparse.Namespace) -> None:
    from companion.config import load_profile
    from companion.experiments.training import step as train

    train.run(load_profile(options.profile), options.dataset, options.seed)


def _fit(options: argparse.Namespace) -> None:
    from companion.config import load_profile
    from companion.experiments.curvature import step as curvature

    curvature.run(load_profile(options.profile), options.dataset, options.seed)


def _score(options: argparse.Namespace) -> None:
    from companion.config import load_profile
    from companion.experiments.scores import step as scores

    scores.run(load_profile(options.profile), options.dataset, options.seed)


def _comparisons(options: argparse.Namespace) -> None:
    from companion.config import load_profile
    from companion.experiments.baselines import step as comparisons

    comparisons.run(load_profile(options.profile), options.seed)


def _experiment(options: argparse.Namespace) -> None:
    from companion.config import load_profile
    from companion.experiments.estimators import step as experiment

    experiment.run(load_profile(options.profile), options.name)


def _objects(options: argparse.Namespace) -> None:
    from companion.config import load_profile
    from companion.experiments.objects import step as objects

    objects.run(load_profile(options.profile), options.seed)


def _laboratory(options: argparse.Namespace) -> None:
    from companion.config import load_profile
    from companion.experiments.ablation import base as laboratory

    laboratory.run(load_profile(options.profile), options.seed)


def _ablation(options: argparse.Namespace) -> None:
    from companion.config import load_profile
    from companion.experiments.ablation import step as ablation

    ablation.run(load_profile(options.profile), options.seed)


def _score_versions(options: argparse.Namespace) -> None:
    from companion.config import load_profile
    from companion.experiments.ablation import versions_step as score_versions

    score_versions.run(load_profile(options.profile), options.seed)


def _notebook(options: argparse.Namespace) -> None:
    from companion.pipeline.execution import execute

    execute(options.name, options.profile)


def _plan(options: argparse.Namespace) -> None:
    from companion.config import load_profile
    from companion.pipeline.plan import describe
    from slugkit.progress import Progress

    print(describe(load_profile(options.profile), options.workers, Progress("measuring")))


def _record(options: argparse.Namespace) -> None:
    from companion.pipeline.recording import record

    print(f"results/{options.profile}: {record(options.profile) / 1e3:.0f} kB")


def _pages(options: argparse.Namespace) -> None:
    from companion.book.build import build

    build(options.profile)


def _book(options: argparse.Namespace) -> None:
    from companion.pipeline.make_book import make_book

    make_book(options.profile, cores=options.cores, cluster=options.cluster)


if __name__ == "__main__":
    sys.exit(main())
