"""The ablation's own, smaller setting: its images, its base network, and what is fitted to it."""

from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

import jax
import numpy as np
import pandas as pd

from companion.config import Profile
from companion.experiments.ablation.settings import EVIDENCE_SAMPLES, EVIDENCE_STEPS
from slugkit import evidence, slug
from slugkit.model import training
from slugkit.model.vae import TrainedVAE
from slugkit.operators.losses import gaussian

if TYPE_CHECKING:
    from companion.pipeline.jobs import Job

TEST_SETS = ("light", "dark", "object")


class BaseSetting(NamedTuple):
    """The data and the base network of one seed."""

    profile: Profile  # the small setting's own
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


def open_setting(job: "Job", sets: tuple[str, ...] = TEST_SETS) -> BaseSetting:
    """Return the base network of a job, with the test images of some sets."""
    model = training.load_model(job.file("model.msgpack"), job.profile.architecture())
    tests = job.read_table("data/test.csv")
    tests = tests[tests["set"].isin(sets)]
    images, masks = (
        job.read_images(f"data/{name}.npy", "data/test.csv")[tests["image_id"]]
        for name in ("test", "masks")
    )
    posterior = slug.load(job.file("posterior.npz"), model.reconstruct(), model.params)
    assert isinstance(posterior, slug.Posterior)
    return BaseSetting(
        job.profile,
        job.seed,
        np.asarray(job.read_array("data/train_B.npy")),
        tests,
        images,
        masks,
        model,
        posterior,
    )
