"""What the page of the baselines says, in tables and in sentences made from them."""

import numpy as np
import pandas as pd

from companion.config import Profile
from companion.experiments.baselines.analysis import (
    BASELINES,
    GIVEN,
    SLUG,
    Findings,
    at,
)
from companion.experiments.baselines.settings import Comparisons
from companion.statistics.interval import Interval
from slugkit.baselines.bayesian_vae import BayesianVAE
from slugkit.baselines.interface import configured
from slugkit.baselines.laplacian_autoencoder import LaplacianAutoencoder
from slugkit.baselines.linearised import SketchedLanczosUncertainty
from slugkit.baselines.retrained import DeepEnsemble, MonteCarloDropout


def reading(found: Findings) -> str:
    """Return in words, as Markdown, what the tables say."""
    trivial, (better, worse) = found.best_trivial, found.against_slug()
    given, reverse = (at(found.partial, trivial, q) for q in GIVEN)
    slug, rival = (at(found.prediction, name, "spearman") for name in (SLUG, trivial))
    best_map, _ = found.best_map()
    own, highest = (at(found.detection, name, "auroc") for name in (SLUG, best_map))
    return "\n".join(
        [
            f"- **Ranking images by their error.** SLUG's rank correlation with the error is "
            f"{slug}. Of {found.num_rivals} others, better by more than "
            f"chance, adjusted for their number: {_list(better)}. Worse: "
            f"{_list(worse)}. The best trivial baseline is {titles()[trivial]}, {rival}.",
            f"- **What SLUG adds.** With {titles()[trivial]} known, SLUG's rank correlation "
            f"with the error is {given}: {_adds(given)}. The other way round, "
            f"{titles()[trivial]} with SLUG known, it is {reverse}: {_adds(reverse)}.",
            f"- **Finding foreign objects.** SLUG's mean pixel AUROC is {own}; the "
            f"highest is that of {titles()[best_map]}, {highest}.",
        ]
    )


def show(*tables: pd.DataFrame) -> pd.DataFrame:
    """Return one row per baseline with a column "value (low to high)" per quantity."""
    found = pd.concat(tables)
    intervals = [
        str(Interval(*numbers)) for numbers in found[["value", "low", "high"]].to_numpy(float)
    ]
    names = dict.fromkeys([SLUG, *BASELINES])  # SLUG first
    order = [name for name in names if (found["baseline"] == name).any()]
    wide = found.assign(shown=intervals).pivot_table(
        index="baseline", columns="quantity", values="shown", aggfunc="first"
    )
    wide = wide.loc[order, list(dict.fromkeys(found["quantity"]))].fillna("no map")
    return wide.rename(index=titles()).rename_axis(index=None, columns=None)


def own_table(found: pd.DataFrame) -> pd.DataFrame:
    """Return `analysis.own_prediction` as text, under the names that people use."""
    return found.map(str).rename(index=titles())


def cost_table(costs: pd.DataFrame, seconds: dict[str, list[float]]) -> pd.DataFrame:
    """Return what each baseline takes; `seconds` are wall times, one per seed."""
    shown = pd.DataFrame(
        {
            "networks trained": costs["trainings"],
            "passes over the training images": costs["training_passes"].map("{:.3g}".format),
            "Jacobian products per image": costs["products"],
            "forward passes per image": costs["forward_passes"],
            "memory (MB)": (costs["memory_bytes"] / 1e6).map("{:.3g}".format),
            "seconds, with its further trainings": [
                f"{np.mean(seconds[name]):.2g}" for name in costs["baseline"]
            ],
        }
    )
    shown.index = pd.Index([titles()[name] for name in costs["baseline"]])
    return shown


def budget(profile: Profile) -> str:
    """Return in words, as Markdown, what each baseline was given and how it was tuned."""
    settings = profile.experiment(Comparisons)
    training, made = profile.training, configured(settings.baselines)
    ensemble, dropout = made["deep_ensemble"], made["monte_carlo_dropout"]
    slu, laplace = made["sketched_lanczos"], made["laplacian_autoencoder"]
    chain = made["bayesian_vae"]
    assert isinstance(ensemble, DeepEnsemble)
    assert isinstance(dropout, MonteCarloDropout)
    assert isinstance(slu, SketchedLanczosUncertainty)
    assert isinstance(laplace, LaplacianAutoencoder)
    assert isinstance(chain, BayesianVAE)
    return (
        f"Every network is trained on the same images for {training.epochs} epochs with Adam at "
        f"{training.learning_rate:g}, the settings of the other pages. "
        f"The ensemble has {ensemble.members} members, the first being the network of "
        f"the other pages. All methods that draw "
        f"anything draw {settings.num_samples} times per image: passes with dropout (rate "
        f"{dropout.dropout:g}), samples of the weights, Jacobian products. SLUG takes "
        f"{profile.curvature.rank} eigenpairs from at most {profile.curvature.max_products} "
        f"products with G; the Jacobian norm is SLUG's score and the exact part of these pairs; "
        f"the last layer has its whole matrix. SLUG as published is SLU with "
        f"{slu.num_steps or profile.curvature.rank} steps on "
        f"{slu.num_images or 'all'} of the images and a sketch of "
        f"{slu.sketch_fraction:.0%} of p. The diagonal of the post-hoc Laplace approximation, "
        f"which Miani et al. train through and this is not, comes from "
        f"{laplace.curvature_samples} backward passes over the training images, and its prior "
        f"precision is the smallest power of ten with which the error on a batch of training "
        f"images at most doubles. The short chain of SGHMC takes {chain.burn_in} "
        f"steps and then one sample every {chain.thinning}, with a prior precision of "
        f"{chain.prior_precision:g} and a step of {chain.step:g} in units of the "
        f"inverse stiffness: far too few steps to leave the neighbourhood of the trained weights, "
        f"so that its spread tells the shape of the posterior there and not its size."
    )


def titles() -> dict[str, str]:
    """Return what people call each baseline."""
    return {name: one.title for name, one in BASELINES.items()}


def _adds(interval: Interval) -> str:
    if interval.low > 0:
        return "it adds something"
    return "it points the other way" if interval.high < 0 else "no gain beyond chance"


def _list(names: list[str]) -> str:
    return "; ".join(titles()[name] for name in names) or "none"
