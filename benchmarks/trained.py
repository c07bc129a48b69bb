"""A trained network of a run and its images, for benchmarks that need one."""

import argparse
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from companion.config import Profile
from companion.profiles import load_profile
from slugkit.model import training
from slugkit.model.vae import TrainedVAE


@dataclass(frozen=True)
class Trained:
    """A network of the first seed, and some of the images that it is trained and tested on."""

    profile: Profile
    model: TrainedVAE
    train: np.ndarray  # the first of them
    test: np.ndarray  # spread evenly over all


def parser(description: str | None) -> argparse.ArgumentParser:
    """Return a parser of what says which network is meant."""
    made = argparse.ArgumentParser(description=description)
    made.add_argument("--profile", default="quick")
    made.add_argument("--runs", type=Path, default=Path("runs"))
    made.add_argument("--dataset", default="B")
    return made


def load(options: argparse.Namespace, num_train: int, num_test: int = 1) -> Trained:
    """Return the network that the options name, with so many images."""
    profile = load_profile(options.profile)
    folder = options.runs / options.profile / "seed0"
    path = folder / options.dataset / "model.msgpack"
    train = np.load(folder / "data" / f"train_{options.dataset}.npy")[:num_train]
    test = np.load(folder / "data" / "test.npy")
    test = test[np.linspace(0, len(test) - 1, num_test).astype(int)]
    return Trained(
        profile,
        training.load_model(path, profile.architecture()),
        train.astype(np.float32),
        test.astype(np.float32),
    )
