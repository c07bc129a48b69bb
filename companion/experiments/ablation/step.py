"""Change one thing at a time in the ablation's base setting, and measure what it does."""

import shutil
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from companion.experiments.ablation.base import BaseSetting, open_setting
from companion.experiments.ablation.measure import BASE, evaluate, name_of, prior_precisions
from companion.experiments.ablation.settings import Ablation
from companion.experiments.ablation.weightings import Weighting
from companion.experiments.training.perceptual_weights import perceptual_loss
from companion.pipeline.store import load_table, save_table
from slugkit.errors import InputError
from slugkit.estimators.shared_products import variances
from slugkit.model import training
from slugkit.model.vae import TrainedVAE, num_parameters
from slugkit.progress import Progress

if TYPE_CHECKING:
    from companion.pipeline.jobs import Job

Rows = list[dict[str, Any]]


class NotTrained(InputError):
    """A variant's network did not train: it collapsed, or its loss is not finite."""


def run(job: "Job", facts: dict[str, Any]) -> None:
    """Write ablation.csv, one row per variant; what a killed job had finished is kept.

    The columns are factor, level, num_parameters, rank, num_samples and those of `evaluate`. A
    network that does not train, or whose loss needs weights that are not there, has no row; the
    record lists it under `not_measured`.
    """
    facts["not_measured"] = []
    with job.checkpoint("variants") as parts:
        tasks = _tasks(open_setting(job), parts, facts)
        progress = Progress(f"ablation, seed {job.seed}: variant")
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
        job.save_table("ablation.csv", pd.concat(tables, ignore_index=True))
        shutil.rmtree(parts)


def _tasks(
    setting: BaseSetting, parts: Path, facts: dict[str, Any]
) -> dict[str, Callable[[], Rows]]:
    """Return what is to be measured, each under the name of the file that keeps its rows."""
    settings = setting.profile.experiment(Ablation)
    tasks: dict[str, Callable[[], Rows]] = {
        "base": partial(_of_base, setting, settings),
        "decoder": partial(
            _of_fit,
            setting,
            ("parameters", "decoder"),
            parameter_filter=lambda name: name.startswith("decoder"),
        ),
    }
    for size in settings.subsets:
        name = ("images of the curvature", str(size))
        tasks[f"subset-{size}"] = partial(_of_fit, setting, name, subset_size=size)
    for number, changes in enumerate(settings.networks):
        loss = None
        if "perceptual_weight" in changes:
            loss = perceptual_loss(changes["perceptual_weight"], facts)
            if loss is None:
                facts["not_measured"].append(f"{changes}: {facts['perceptual_loss']}")
                continue
        checkpoint = parts / f"checkpoint-{number}.msgpack"
        tasks[f"network-{number}"] = partial(_of_network, setting, changes, loss, checkpoint)
    return tasks


def _of_base(setting: BaseSetting, settings: Ablation) -> Rows:
    """Return the rows that need no other fit: one set of products serves them all."""
    posterior, count = setting.posterior, setting.profile.scores.num_samples
    whole = Weighting(posterior, count)
    weightings = {BASE: whole}
    for rank in settings.ranks:
        weightings["k", str(rank)] = Weighting(posterior.truncated(rank), count)
    for samples in settings.samples:
        weightings["S", str(samples)] = whole._replace(num_samples=samples)
    precisions = prior_precisions(posterior.eigenvalues, setting.evidence_precision())
    for name, precision in precisions.items():
        weightings["prior precision", name] = Weighting(posterior.with_prior(precision), count)
    return _rows(setting, setting.model, weightings)


def _of_fit(
    setting: BaseSetting,
    name: tuple[str, str],
    model: TrainedVAE | None = None,
    **options: Any,
) -> Rows:
    posterior = setting.fit(model, **options)
    whole = Weighting(posterior, setting.profile.scores.num_samples)
    return _rows(setting, model or setting.model, {name: whole})


def _of_network(
    setting: BaseSetting,
    changes: Mapping[str, Any],
    loss: training.PerceptualLoss | None,
    checkpoint: Path,
) -> Rows:
    profile = setting.profile.changed(changes)
    factor, level = name_of(changes)
    try:
        model, _ = training.train(
            profile.architecture(),
            setting.train_images,
            profile.schedule(),
            seed=setting.seed,
            perceptual_loss=loss,
            checkpoint=checkpoint,
            progress=Progress(f"ablation, seed {setting.seed}, {factor} {level}: epoch"),
        )
    except InputError as error:
        raise NotTrained(f"{factor} {level}: {error}") from error
    return _of_fit(setting, (factor, level), model)


def _rows(
    setting: BaseSetting,
    model: TrainedVAE,
    weightings: dict[tuple[str, str], Weighting],
) -> Rows:
    made = variances(
        [one.posterior for one in weightings.values()],
        setting.images,
        num_samples=[one.num_samples for one in weightings.values()],
        key=setting.key,
        batch_size=setting.profile.scores.batch_size,
    )
    errors = np.sum((setting.images - setting.reconstruct(model)) ** 2, axis=-1)
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
                setting.tests,
                setting.masks,
                setting.profile.statistics,
                seed=0,
            ),
        }
        for ((factor, level), weighting), variance in zip(weightings.items(), made, strict=True)
    ]
