"""Score the ablation's held-out skin by every version of the score, beside trivial baselines."""

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from companion.experiments.ablation.base import BaseSetting, open_setting
from companion.experiments.ablation.measure import SKIN_SETS
from companion.experiments.ablation.settings import Ablation
from companion.experiments.ablation.versions import (
    half_of,
    layer_scales,
    sigmoid_slope,
    trivial_scores,
)
from companion.paths import data_root
from slugkit import slug
from slugkit.estimators.shared_products import variances
from slugkit.model import perceptual
from slugkit.operators.losses import Hessian
from slugkit.operators.losses import perceptual as perceptual_hessian

if TYPE_CHECKING:
    from companion.pipeline.jobs import Job


def run(job: "Job", facts: dict[str, Any]) -> None:
    """Write score_versions.csv, one row per held-out image of skin.

    The columns are image_id, source, group, set, half, mse, the versions of the score (see
    `versions`) and the trivial baselines.
    """
    setting = open_setting(job, SKIN_SETS)
    outputs = setting.reconstruct(setting.model)
    table = setting.tests[["image_id", "source", "group", "set"]].assign(
        half=half_of(setting.tests["group"]),
        mse=np.mean((setting.images - outputs) ** 2, axis=(1, 2, 3)),
        **versions(setting, outputs, facts),
        **trivial_scores(
            setting.model,
            setting.train_images,
            setting.images,
            setting.profile.curvature.batch_size,
        ),
    )
    job.save_table("score_versions.csv", pd.DataFrame(table))


def versions(
    setting: BaseSetting, outputs: np.ndarray, facts: dict[str, Any]
) -> dict[str, np.ndarray]:
    """Return each version of the score, per image (n,).

    `jacobian_norm` is the score with k = 0, and `over_jacobian_norm` SLUG divided by it; `logit`
    is the variance before the decoder's sigmoid; `prior` has the precision of the largest
    evidence; `layers` moves each layer by the same fraction; `decoder` takes the decoder's
    parameters alone as uncertain; `perceptual` adds the perceptual loss to the curvature, and is
    there where VGG-19 weights are.
    """
    posterior = setting.posterior
    slug_map, norm_map, prior_map = _variances(
        setting,
        posterior,
        posterior.truncated(0),
        posterior.with_prior(setting.evidence_precision()),
    )
    scales = layer_scales(posterior.parameters)
    (layers_map,) = _variances(setting, posterior, scale=scales)
    decoder = setting.fit(parameter_filter=lambda name: name.startswith("decoder"))
    (decoder_map,) = _variances(setting, decoder)
    maps = {
        "slug": slug_map,
        "jacobian_norm": norm_map,
        "logit": slug_map / sigmoid_slope(outputs) ** 2,
        "prior": prior_map,
        "layers": layers_map,
        "decoder": decoder_map,
    }
    hessian = _perceptual_hessian(setting, facts)
    if hessian is not None:
        fitted = setting.fit(hessian=hessian)
        (maps["perceptual"],) = _variances(setting, fitted)
    scores = {name: map_.sum(axis=(1, 2, 3)) for name, map_ in maps.items()}
    return scores | {"over_jacobian_norm": scores["slug"] / scores["jacobian_norm"]}


def _perceptual_hessian(setting: BaseSetting, facts: dict[str, Any]) -> Hessian | None:
    weight = setting.profile.experiment(Ablation).perceptual_weight
    path = perceptual.find_weights(data_root())
    if not weight:
        return None
    if path is None:
        facts["not_measured"] = [f"version perceptual: no VGG-19 weights under {data_root()}"]
        return None
    # The Hessian of the negative ELBO is I / variance; here it is I, as for the other versions.
    relative = weight * setting.profile.model.likelihood_variance
    return perceptual_hessian(perceptual.features(perceptual.load_weights(path)), relative)


def _variances(
    setting: BaseSetting,
    *posteriors: slug.Posterior,
    scale: np.ndarray | None = None,
) -> np.ndarray:
    return variances(
        posteriors,
        setting.images,
        num_samples=setting.profile.scores.num_samples,
        key=setting.key,
        scale=scale,
        batch_size=setting.profile.scores.batch_size,
    )
