"""Score the ablation's held-out skin by every version of the score, beside trivial comparators."""

from typing import Any

import numpy as np
import pandas as pd

from companion.config import Profile
from companion.experiments import DATASET
from companion.experiments.ablation.base import Laboratory, inputs, open_laboratory
from companion.experiments.ablation.measure import SKIN_SETS
from companion.experiments.ablation.versions import (
    half_of,
    layer_scales,
    sigmoid_slope,
    trivial_scores,
)
from companion.paths import RunPaths, data_root
from companion.pipeline.provenance import recorded
from companion.pipeline.tables import save_table
from slugkit import slug
from slugkit.estimators.shared_products import variances
from slugkit.model import perceptual
from slugkit.operators.losses import Hessian
from slugkit.operators.losses import perceptual as perceptual_hessian


def run(profile: Profile, seed: int) -> None:
    """Write score_versions.csv, one row per held-out image of skin.

    The columns are image_id, source, group, set, half, mse, the versions of the score (see
    `versions`) and the comparators.
    """
    folder = RunPaths(profile.laboratory().name).trained(DATASET, seed)
    output = folder / "score_versions.csv"
    with recorded(
        folder / "score_versions.json",
        profile,
        step="score_versions",
        inputs=inputs(profile, seed),
        outputs=[output],
        dataset=DATASET,
        seed=seed,
    ) as facts:
        laboratory = open_laboratory(profile, seed)
        skin = laboratory.tests["set"].isin(SKIN_SETS).to_numpy()
        laboratory = laboratory._replace(
            tests=laboratory.tests[skin],
            images=laboratory.images[skin],
            masks=laboratory.masks[skin],
        )
        outputs = laboratory.reconstruct(laboratory.model)
        table = laboratory.tests[["image_id", "source", "group", "set"]].assign(
            half=half_of(laboratory.tests["group"]),
            mse=np.mean((laboratory.images - outputs) ** 2, axis=(1, 2, 3)),
            **versions(laboratory, outputs, facts),
            **trivial_scores(
                laboratory.model,
                laboratory.train_images,
                laboratory.images,
                laboratory.profile.curvature.batch_size,
            ),
        )
        save_table(output, pd.DataFrame(table))


def versions(
    laboratory: Laboratory, outputs: np.ndarray, facts: dict[str, Any]
) -> dict[str, np.ndarray]:
    """Return each version of the score, per image (n,).

    `jacobian_norm` is the score with k = 0, and `over_jacobian_norm` SLUG divided by it; `logit`
    is the variance before the decoder's sigmoid; `prior` has the precision of the largest
    evidence; `layers` moves each layer by the same fraction; `decoder` takes the decoder's
    parameters alone as uncertain; `perceptual` adds the perceptual loss to the curvature, and is
    there where VGG-19 weights are.
    """
    posterior = laboratory.posterior
    slug_map, norm_map, prior_map = _variances(
        laboratory,
        posterior,
        posterior.truncated(0),
        posterior.with_prior(laboratory.evidence_precision()),
    )
    scales = layer_scales(posterior.parameters)
    (layers_map,) = _variances(laboratory, posterior, scale=scales)
    decoder = laboratory.fit(parameter_filter=lambda name: name.startswith("decoder"))
    (decoder_map,) = _variances(laboratory, decoder)
    maps = {
        "slug": slug_map,
        "jacobian_norm": norm_map,
        "logit": slug_map / sigmoid_slope(outputs) ** 2,
        "prior": prior_map,
        "layers": layers_map,
        "decoder": decoder_map,
    }
    hessian = _perceptual_hessian(laboratory, facts)
    if hessian is not None:
        fitted = laboratory.fit(hessian=hessian)
        (maps["perceptual"],) = _variances(laboratory, fitted)
    scores = {name: map_.sum(axis=(1, 2, 3)) for name, map_ in maps.items()}
    return scores | {"over_jacobian_norm": scores["slug"] / scores["jacobian_norm"]}


def _perceptual_hessian(laboratory: Laboratory, facts: dict[str, Any]) -> Hessian | None:
    settings = laboratory.profile.experiments.ablation
    weight = 0.0 if settings is None else settings.perceptual_weight
    path = perceptual.find_weights(data_root())
    if not weight:
        return None
    if path is None:
        facts["not_measured"] = [f"version perceptual: no VGG-19 weights under {data_root()}"]
        return None
    # The Hessian of the negative ELBO is I / variance; here it is I, as for the other versions.
    relative = weight * laboratory.profile.model.likelihood_variance
    return perceptual_hessian(perceptual.features(perceptual.load_weights(path)), relative)


def _variances(
    laboratory: Laboratory,
    *posteriors: slug.Posterior,
    scale: np.ndarray | None = None,
) -> np.ndarray:
    return variances(
        posteriors,
        laboratory.images,
        num_samples=laboratory.profile.scores.num_samples,
        key=laboratory.key,
        scale=scale,
        batch_size=laboratory.profile.scores.batch_size,
    )
