"""The ablation's own, smaller setting: its images, its base network, and what is fitted to it."""

from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np
import pandas as pd

from companion.config import Profile
from companion.experiments import DATASET
from companion.experiments.curvature import step as curvature
from companion.experiments.data import step as prepare
from companion.experiments.training import step as train
from companion.paths import RunPaths
from companion.pipeline.tables import load_array, load_table
from slugkit import evidence, slug
from slugkit.model import training
from slugkit.model.vae import TrainedVAE
from slugkit.operators.losses import gaussian

TEST_SETS = ("light", "dark", "object")
# Random starts and steps of the quadrature behind the evidence, whose maximum is flat.
EVIDENCE_SAMPLES, EVIDENCE_STEPS = 2, 12


def run(profile: Profile, seed: int) -> None:
    """Draw the images, train on B and find the curvature, as the steps of those names do."""
    small = profile.laboratory()
    prepare.run(small, seed)
    train.run(small, DATASET, seed)
    curvature.run(small, DATASET, seed)


class Laboratory(NamedTuple):
    """The data and the base network of one seed."""

    profile: Profile  # the laboratory's own
    seed: int
    train_images: np.ndarray  # (m, H, W, 3)
    tests: pd.DataFrame  # n rows: held-out skin, and images with an object
    images: np.ndarray  # (n, H, W, 3)
    masks: np.ndarray  # (n, H, W)
    model: TrainedVAE
    posterior: slug.Posterior

    @property
    def key(self) -> jax.Array:
        """The key of all fits and scores: every variant sees the same directions."""
        return jax.random.key(self.seed)

    def fit(self, model: TrainedVAE | None = None, **options: Any) -> slug.Posterior:
        """Return a posterior of the base network, or of another one, with the rank of the base."""
        settings = self.profile.curvature
        # The base network's function is kept, so that it is compiled once.
        apply = self.posterior.apply if model is None else model.reconstruct()
        posterior = slug.fit(
            apply,
            (model or self.model).params,
            self.train_images,
            rank=settings.rank,
            key=self.key,
            batch_size=settings.batch_size,
            solver=slug.Lanczos(tolerance=settings.tolerance, max_products=settings.max_products),
            **options,
        )
        assert isinstance(posterior, slug.Posterior)
        return posterior

    def reconstruct(self, model: TrainedVAE) -> np.ndarray:
        """Return the reconstructions of the test images."""
        return np.asarray(jax.jit(model.reconstruct())(model.params, self.images))

    def evidence_precision(self) -> float:
        """Return the prior precision of the largest evidence, in the units of the eigenvalues."""
        variance = self.profile.model.likelihood_variance
        # The evidence is that of the Gaussian likelihood, whose Hessian is I / variance; the
        # eigenvalues here are those for H = I.
        scaled = replace(self.posterior, eigenvalues=self.posterior.eigenvalues / variance)
        found = evidence.choose_prior_precision(
            scaled,
            self.train_images,
            key=self.key,
            hessian=gaussian(variance),
            num_samples=EVIDENCE_SAMPLES,
            num_steps=EVIDENCE_STEPS,
            batch_size=self.profile.curvature.batch_size,
        )
        return found.value * variance


def inputs(profile: Profile, seed: int) -> list[Path]:
    """Return the files that `open_laboratory` reads."""
    paths = RunPaths(profile.laboratory().name)
    data, folder = paths.prepared(seed), paths.trained(DATASET, seed)
    names = [f"train_{DATASET}.npy", "test.csv", "test.npy", "masks.npy"]
    return [*(data / name for name in names), folder / "model.msgpack", folder / "posterior.npz"]


def open_laboratory(profile: Profile, seed: int) -> Laboratory:
    """Return what `run` has made."""
    small = profile.laboratory()
    train_file, table_file, image_file, mask_file, model_file, posterior_file = inputs(
        profile, seed
    )
    model = training.load_model(model_file, small.architecture())
    tests = load_table(table_file)
    used = tests["set"].isin(TEST_SETS).to_numpy()
    posterior = slug.load(posterior_file, model.reconstruct(), model.params)
    assert isinstance(posterior, slug.Posterior)
    return Laboratory(
        small,
        seed,
        np.asarray(load_array(train_file)),
        tests[used],
        load_array(image_file)[used],
        load_array(mask_file)[used],
        model,
        posterior,
    )
