"""Kill steps of the graph at random points, resume them, and compare with a run left alone.

    python benchmarks/interruptions.py --trials 60

trains, fits, scores and executes a notebook on a very small profile in a clone of this checkout
(what is committed), and kills each by `kill -9` at points drawn from a seed. A trial passes if what
lies there under its final name after the kill is whole, and if the resumed run ends with the same
bytes as one that was never killed. Writes benchmarks/results/interruptions.json.
"""

import argparse
import hashlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import nbformat
import numpy as np
import yaml

from companion.paths import project_root
from companion.pipeline.provenance import commit, hardware, versions
from slugkit.files import atomic_path

RESULTS = Path(__file__).parent / "results"
MODEL = "seed0/B"
# Lanczos keeps its state every few seconds, which such small steps never reach: here as often as
# it can, so that kills fall between checkpoints and into the writing of one.
COMMAND = (
    "import sys; from slugkit import lanczos; from slugkit.__main__ import main; "
    "lanczos.SECONDS_BETWEEN_CHECKPOINTS = 0.0; sys.exit(main(sys.argv[1:]))"
)


@dataclass(frozen=True)
class Step:
    """One command of the graph and the files that it ends with, in the order of their writing."""

    name: str
    arguments: tuple[str, ...]
    outputs: tuple[str, ...]
    record: str  # written last: says that all others are whole
    prints: bool = True  # a line when its work begins; before, Python starts and JAX compiles


def steps() -> list[Step]:
    """Return the steps that are killed, each the input of the next."""
    one = ("--dataset", "B", "--seed", "0")
    return [
        Step("train", ("train", *one), ("model.msgpack", "losses.csv"), "train.json"),
        Step(
            "curvature",
            ("fit", *one),
            ("posterior.npz", "eigenpairs.csv", "trace.csv"),
            "curvature.json",
        ),
        Step(
            "scores",
            ("score", *one),
            ("scores.csv", "reconstruction.npy", "uncertainty.npy"),
            "scores.json",
        ),
        Step("notebook", ("notebook", "fig4"), ("fig4.svg", "fig4.json"), "fig4.ipynb", False),
    ]


def smallest_profile() -> dict:
    """Return the quick profile, made so small that a step takes seconds."""
    profile = yaml.safe_load((project_root() / "profiles" / "quick.yml").read_text())
    profile["data"]["image_size"] = 16
    profile["data"]["skin"] |= {"train": 24, "test": 8}
    profile["data"]["external"] |= {"per_type": 3}
    profile["data"]["objects"] |= {"kinds": ["ruler", "ink", "patch"], "per_kind": 3}
    profile["model"] |= {"widths": [6, 8], "latent_size": 4, "likelihood_variance": 0.01}
    profile["training"] |= {
        "epochs": 400,
        "batch_size": 8,
        "learning_rate": 0.01,
        "checkpoint_every": 2,
    }
    profile["curvature"] |= {"rank": 20, "max_products": 80, "batch_size": 8}
    profile["scores"] |= {"num_samples": 200, "batch_size": 8}
    profile["statistics"] |= {"resamples": 50}
    return profile


class Checkout:
    """A clone with the smallest profile, in which steps are run, killed and compared."""

    def __init__(self, folder: Path):
        self.folder, self.run = folder, folder / "runs" / "smallest"
        clone = ["git", "clone", "--quiet", str(project_root()), str(folder)]
        subprocess.run(clone, check=True)
        (folder / "profiles" / "smallest.yml").write_text(yaml.safe_dump(smallest_profile()))

    def start(self, *arguments: str) -> subprocess.Popen:
        """Start a command in a session of its own."""
        return subprocess.Popen(
            [sys.executable, "-c", COMMAND, *arguments, "--profile", "smallest"],
            cwd=self.folder,
            env={
                **os.environ,
                "PYTHONPATH": str(self.folder),
                "OMP_NUM_THREADS": "1",
                "NPROC": "1",
                "SLUGKIT_INSIDE_GRAPH": "1",
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def finish(self, *arguments: str) -> float:
        """Run a command to its end; return the seconds since its first line (its start if none)."""
        start = time.monotonic()
        process = self.start(*arguments)
        assert process.stdout is not None
        first = process.stdout.readline()
        start = time.monotonic() if first else start
        printed, _ = process.communicate()
        if process.returncode:
            raise SystemExit(f"{' '.join(arguments)} failed:\n{first}{printed}")
        return time.monotonic() - start

    def path(self, step: Step, name: str) -> Path:
        """Return where a step leaves a file."""
        return self.run / ("notebooks" if step.name == "notebook" else MODEL) / name

    def digests(self, step: Step) -> dict[str, str]:
        """Return the digests of the outputs that are there under their final names."""
        paths = {name: self.path(step, name) for name in step.outputs}
        return {
            name: hashlib.sha256(path.read_bytes()).hexdigest()
            for name, path in paths.items()
            if path.is_file()
        }

    def forget(self, step: Step) -> None:
        """Remove what a step has made."""
        for name in (*step.outputs, step.record):
            self.path(step, name).unlink(missing_ok=True)

    def whole(self, step: Step) -> bool:
        """Say whether the record is absent, or can be read to its end."""
        path = self.path(step, step.record)
        if not path.is_file():
            return True
        try:
            nbformat.read(path, as_version=4) if path.suffix == ".ipynb" else json.loads(
                path.read_text()
            )
        except ValueError:
            return False
        return True


def trial(checkout: Checkout, step: Step, expected: dict[str, str], delays: list[float]) -> dict:
    """Kill a step, each delay after its work began, then let it finish; say what was found."""
    checkout.forget(step)
    kills, half_written = 0, []
    for delay in delays:
        process = checkout.start(*step.arguments)
        if step.prints and process.stdout is not None:
            process.stdout.readline()
        try:
            process.communicate(timeout=delay)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
            kills += 1
        found = checkout.digests(step)
        half_written += [name for name in found if found[name] != expected[name]]
        half_written += [] if checkout.whole(step) else [step.record]
    # Not the hidden files that a kill leaves of what was being written.
    folder = checkout.path(step, "")
    checkpoint = any([*folder.glob("[a-z]*-*.msgpack"), *folder.glob("lanczos-*.npz")])
    checkout.finish(*step.arguments)
    made = checkout.digests(step)
    return {
        "step": step.name,
        "delays": [round(delay, 3) for delay in delays],
        "kills": kills,
        "resumed_from_checkpoint": checkpoint,
        "half_written": half_written,
        "mismatches": [name for name in expected if made.get(name) != expected[name]],
    }


def summary(trials: list[dict]) -> dict:
    """Count trials and kills by step."""
    names = dict.fromkeys(one["step"] for one in trials)
    return {
        name: {
            "trials": sum(one["step"] == name for one in trials),
            "kills": sum(one["kills"] for one in trials if one["step"] == name),
            "resumed_from_checkpoint": sum(
                one["resumed_from_checkpoint"] for one in trials if one["step"] == name
            ),
        }
        for name in names
    }


def report(seed: int, trials: list[dict]) -> dict:
    """Return what the trials so far show."""
    return {
        "seed": seed,
        "trials": len(trials),
        "kills": sum(one["kills"] for one in trials),
        "steps": summary(trials),
        "half_written": sum(len(one["half_written"]) for one in trials),
        "mismatches": sum(len(one["mismatches"]) for one in trials),
        "each": trials,
        "commit": commit(),
        "hardware": hardware(),
        "packages": versions(),
    }


def main() -> None:
    """Run the trials, print each, and write all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=60)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    random = np.random.default_rng(options.seed)
    trials: list[dict] = []
    with tempfile.TemporaryDirectory() as folder:
        checkout = Checkout(Path(folder) / "slugkit")
        checkout.finish("prepare", "--seed", "0")
        others = [("train", "A"), ("train", "C"), ("fit", "A"), ("fit", "C")]
        others += [("score", "A"), ("score", "C")]
        for command, dataset in others:
            checkout.finish(command, "--dataset", dataset, "--seed", "0")
        seconds, expected = {}, {}
        for step in steps():
            seconds[step.name] = checkout.finish(*step.arguments)
            expected[step.name] = checkout.digests(step)
        while len(trials) < options.trials:
            step = steps()[len(trials) % len(steps())]
            # Once in three the resumed run is killed, too.
            count = 2 if random.random() < 1 / 3 else 1
            delays = list(random.uniform(0.0, 1.0, count) * seconds[step.name])
            made = trial(checkout, step, expected[step.name], delays)
            if made["kills"] == 0:
                continue  # it was faster than the point drawn
            trials.append(made)
            print(json.dumps(made), flush=True)
            # After each, since all of them take long.
            with atomic_path(RESULTS / "interruptions.json") as partial:
                partial.write_text(json.dumps(report(options.seed, trials), indent=1) + "\n")
    result = report(options.seed, trials)
    failed = result["half_written"] + result["mismatches"]
    print(f"{result['trials']} trials, {result['kills']} kills, {failed} failures")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
