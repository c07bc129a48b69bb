"""Change one thing at a time in the ablation's base setting, and measure what it does."""

import shutil
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from companion.config import AblationExperiment, Profile
from companion.experiments import DATASET
from companion.experiments.ablation.base import Laboratory, inputs, open_laboratory
from companion.experiments.ablation.measure import BASE, evaluate, name_of, prior_precisions
from companion.experiments.ablation.weightings import Weighting
from companion.experiments.training.step import perceptual_loss
from companion.paths import RunPaths
from companion.pipeline.provenance import recorded
from companion.pipeline.tables import load_table, save_table
from slugkit.errors import InputError
from slugkit.estimators.shared_products import variances
from slugkit.model import training
from slugkit.model.vae import TrainedVAE, num_parameters
from slugkit.progress import Progress

Rows = list[dict[str, Any]]


class NotTrained(InputError):
    """A variant's network did not train: it collapsed, or its loss is not finite."""


def run(profile: Profile, seed: int) -> None:
    """Write ablation.csv, one row per variant; what a killed run had finished is kept.

    The columns are factor, level, num_parameters, rank, num_samples and those of
    `experiments.ablation.evaluate`. A network that does not train, or whose loss needs weights
    that are not there, has no row; the record says so under `not_measured`.
    """
    small = profile.laboratory()
    folder = RunPaths(small.name).trained(DATASET, seed)
    # The digest keeps rows of other settings from being taken for these.
    parts = folder / f"variants-{small.digest()}"
    output = folder / "ablation.csv"
    with recorded(
        folder / "ablation.json",
        profile,
        step="ablation",
        inputs=inputs(profile, seed),
        outputs=[output],
        dataset=DATASET,
        seed=seed,
    ) as facts:
        facts["not_measured"] = []
        tasks = _tasks(open_laboratory(profile, seed), parts, facts)
        progress = Progress(f"ablation, seed {seed}: variant")
        tables = []
        for number, (name, task) in enumerate(tasks.items()):
            part = parts / f"{name}.csv"
            try:
                if not part.is_file():
                    save_table(part, pd.DataFrame(task()))
                tables.append(load_table(part))
            except NotTrained as error:
                facts["not_measured"].append(str(error))
            progress(number + 1, len(tasks), name)
        save_table(output, pd.concat(tables, ignore_index=True))
    shutil.rmtree(parts)


def _tasks(
    laboratory: Laboratory, parts: Path, facts: dict[str, Any]
) -> dict[str, Callable[[], Rows]]:
    """Return what is to be measured, each under the name of the file that keeps its rows."""
    settings = laboratory.profile.experiments.ablation
    assert settings is not None
    tasks: dict[str, Callable[[], Rows]] = {
        "base": partial(_of_base, laboratory, settings),
        "decoder": partial(
            _of_fit,
            laboratory,
            ("parameters", "decoder"),
            parameter_filter=lambda name: name.startswith("decoder"),
        ),
    }
    for size in settings.subsets:
        name = ("images of the curvature", str(size))
        tasks[f"subset-{size}"] = partial(_of_fit, laboratory, name, subset_size=size)
    for number, changes in enumerate(settings.networks):
        loss = None
        if "perceptual_weight" in changes:
            loss = perceptual_loss(changes["perceptual_weight"], facts)
            if loss is None:
                facts["not_measured"].append(f"{changes}: {facts['perceptual_loss']}")
                continue
        checkpoint = parts / f"checkpoint-{number}.msgpack"
        tasks[f"network-{number}"] = partial(_of_network, laboratory, changes, loss, checkpoint)
    return tasks


def _of_base(laboratory: Laboratory, settings: AblationExperiment) -> Rows:
    """Return the rows that need no other fit: one set of products serves them all."""
    posterior, count = laboratory.posterior, laboratory.profile.scores.num_samples
    whole = Weighting(posterior, count)
    weightings = {BASE: whole}
    for rank in settings.ranks:
        weightings["k", str(rank)] = Weighting(posterior.truncated(rank), count)
    for samples in settings.samples:
        weightings["S", str(samples)] = whole._replace(num_samples=samples)
    precisions = prior_precisions(posterior.eigenvalues, laboratory.evidence_precision())
    for name, precision in precisions.items():
        weightings["prior precision", name] = Weighting(posterior.with_prior(precision), count)
    return _rows(laboratory, laboratory.model, weightings)


def _of_fit(
    laboratory: Laboratory,
    name: tuple[str, str],
    model: TrainedVAE | None = None,
    **options: Any,
) -> Rows:
    posterior = laboratory.fit(model, **options)
    whole = Weighting(posterior, laboratory.profile.scores.num_samples)
    return _rows(laboratory, model or laboratory.model, {name: whole})


def _of_network(
    laboratory: Laboratory,
    changes: Mapping[str, Any],
    loss: training.PerceptualLoss | None,
    checkpoint: Path,
) -> Rows:
    profile = laboratory.profile.changed(changes)
    factor, level = name_of(changes)
    try:
        model, _ = training.train(
            profile.architecture(),
            laboratory.train_images,
            profile.schedule(),
            seed=laboratory.seed,
            perceptual_loss=loss,
            checkpoint=checkpoint,
            progress=Progress(f"ablation, seed {laboratory.seed}, {factor} {level}: epoch"),
        )
    except InputError as error:
        raise NotTrained(f"{factor} {level}: {error}") from error
    return _of_fit(laboratory, (factor, level), model)


def _rows(
    laboratory: Laboratory,
    model: TrainedVAE,
    weightings: dict[tuple[str, str], Weighting],
) -> Rows:
    made = variances(
        [one.posterior for one in weightings.values()],
        laboratory.images,
        num_samples=[one.num_samples for one in weightings.values()],
        key=laboratory.key,
        batch_size=laboratory.profile.scores.batch_size,
    )
    errors = np.sum((laboratory.images - laboratory.reconstruct(model)) ** 2, axis=-1)
    return [
        {
            "factor": factor,
            "level": level,
            "num_parameters": num_parameters(model.params),
            "rank": int(np.sum(weighting.posterior.shrinkage > 0)),
            "num_samples": weighting.num_samples,
            **evaluate(
                variance.sum(axis=-1),
                errors,
                laboratory.tests,
                laboratory.masks,
                laboratory.profile.statistics,
                seed=0,
            ),
        }
        for ((factor, level), weighting), variance in zip(weightings.items(), made, strict=True)
    ]
