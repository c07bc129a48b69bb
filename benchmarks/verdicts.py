"""How often each rule of book/claims.yml errs, on made-up score tables whose truth is known.

    python benchmarks/verdicts.py

needs nothing, trains nothing, and writes benchmarks/results/verdicts.json, after each claim; the
rates of claims that are not asked for (`--claims C6 C7`) stay as they are. The rules are those that
the pages use, on tables as large as those of the profile `reduced`: 150 test images of each group,
two of each patient, and 27 external images of each skin type. What varies from run to run is set
from the first recorded run, in which the errors of two networks had ratios from 0.98 to 1.17.
"""

import argparse
import json
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from companion.config import DATASETS, Profile, Statistics
from companion.experiments.scores import claims
from companion.pipeline.provenance import commit, versions
from companion.profiles import load_profile
from companion.statistics.claims import Check, Finding, verdicts
from slugkit.files import atomic_path

RESULTS = Path(__file__).parent / "results" / "verdicts.json"
RUNS = (3, 5, 10)
RESAMPLES = 40
TYPES = (1, 2, 3, 4)


@dataclass(frozen=True)
class World:
    """What is true of the made-up scores; all effects are of logarithms of the error."""

    representation: float = 0.0  # dark less light after A, less the same after C
    exposure: float = 0.0  # dark less light whatever the training set
    worse: float = 0.0  # C less B in both groups
    trend: float = 0.0  # from one skin type to the next, on external images
    follows: float = 0.0  # how much of the log error the log score repeats
    edges: float = 0.0  # how much of the images' edges, which the error follows too, it repeats
    encoder: float = 0.0  # how much of the log error the encoder's standard deviation repeats
    spread: tuple[float, float] = (0.3, 0.45)  # of the log error over light and over dark images
    of_network: float = 0.06  # of the log error, over networks, for each group by itself
    images: int = 150  # of each group
    per_patient: int = 2
    external: int = 27  # of each skin type
    fixed_test: bool = True  # the same test images in all runs


def score_table(world: World, runs: int, seed: int) -> pd.DataFrame:
    """Return a score table with what the claims read of it, one row per run, network and image."""
    random = np.random.default_rng(seed)
    parts = []
    for dark, group in enumerate(("light", "dark")):
        names, patients = _names(group, world.images, world.per_patient)
        side, spread = dark - 0.5, world.spread[dark]
        effects = {
            "A": world.representation * side / 2,
            "B": 0.0,
            "C": world.worse - world.representation * side / 2,
        }
        shift = {name: effect + world.exposure * side for name, effect in effects.items()}
        parts.append(_rows(world, random, runs, names, patients, spread, shift).assign(set=group))
    for skin_type in TYPES:
        names, patients = _names(f"type{skin_type}", world.external, world.per_patient)
        shift = dict.fromkeys(DATASETS, world.trend * skin_type)
        rows = _rows(world, random, runs, names, patients, world.spread[0], shift)
        parts.append(rows.assign(set="external", fitzpatrick=skin_type))
    table = pd.concat(parts, ignore_index=True)
    return table.assign(fitzpatrick=table["fitzpatrick"].astype("Int64"))


def _rows(
    world: World,
    random: np.random.Generator,
    runs: int,
    names: list[str],
    patients: list[str],
    spread: float,
    shift: dict[str, float],
) -> pd.DataFrame:
    count = len(names)
    _, patient = np.unique(patients, return_inverse=True)
    draws = 1 if world.fixed_test else runs

    def images() -> np.ndarray:
        """Numbers of images (runs, n) that the images of one patient share by half."""
        of_patient = random.normal(size=(draws, patient.max() + 1))[:, patient]
        both = (of_patient + random.normal(size=(draws, count))) / np.sqrt(2)
        return np.broadcast_to(both, (runs, count))

    edges, hidden, others = images(), images(), [images() for _ in range(2)]
    # The mean of the errors does not depend on their spread.
    own = spread * (0.8 * edges + 0.6 * hidden) - spread**2 / 2
    parts = []
    for name in DATASETS:
        of_network = random.normal(0, world.of_network, (runs, 1))
        error = own + shift[name] + of_network + random.normal(0, 0.05, (runs, count))
        score = world.follows * error + world.edges * edges
        noise = random.normal(0, 0.1, (runs, count))
        deviation = world.encoder * (error - shift[name]) / spread
        parts.append(
            pd.DataFrame(
                {
                    "seed": np.repeat(np.arange(runs), count),
                    "dataset": name,
                    "image_id": np.tile(names, runs),
                    "group": np.tile(patients, runs),
                    "mse": np.exp(error).ravel(),
                    "slug": np.exp(score + noise).ravel(),
                    "encoder_std": np.exp(
                        0.02 * (deviation + random.normal(size=(runs, count)))
                    ).ravel(),
                    "edge_energy": np.exp(edges).ravel(),
                    "kl": np.exp(others[0]).ravel(),
                    "nearest_in_pixels": np.exp(others[1]).ravel(),
                }
            )
        )
    return pd.concat(parts, ignore_index=True)


def _names(of: str, count: int, per_patient: int) -> tuple[list[str], list[str]]:
    return [f"{of}{k}" for k in range(count)], [f"{of}p{k // per_patient}" for k in range(count)]


Rule = Callable[[pd.DataFrame, Profile], list[Check]]
RULES: dict[str, Rule] = {
    "C1": claims.representation,
    "C2": claims.encoder,
    "C3": claims.follows_the_error,
    "C4": claims.dark_after_dark,
    "C5": claims.worse_than_mixed,
    "C6": claims.external_trend,
    "C7": claims.strong_correlation,
    "C8": claims.rejection,
}
TRUE = World(representation=0.2, exposure=0.3, worse=0.15, trend=0.1, follows=1.0)
NOTHING = World()
# A world in which the claim is false, where that is not one without any effect.
FALSE = {
    # The encoder's rank correlation with the error is 0.3, the margin of the claim.
    "C2": World(encoder=0.33),
    # The score repeats the edges, which the error follows, and knows nothing else.
    "C7": World(edges=0.4),
}


def rates(claim: str, world: World, runs: int, repeats: int, profile: Profile) -> dict[str, float]:
    """Return how often a rule gives each verdict in a world."""
    found = Counter(
        verdicts({claim: RULES[claim](score_table(world, runs, seed), profile)}, profile)[
            claim
        ].verdict
        for seed in range(repeats)
    )
    return {
        finding.value: found[finding] / repeats
        for finding in (Finding.REPRODUCED, Finding.INCONCLUSIVE, Finding.NOT_REPRODUCED)
    }


def main() -> None:
    """Write the rates of all rules, where the claim holds and where it does not."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=60, help="tables for each rate")
    parser.add_argument("--claims", nargs="*", default=list(RULES), choices=list(RULES))
    arguments = parser.parse_args()
    start = time.process_time()
    profile = load_profile("reduced").model_copy(
        update={"statistics": Statistics(resamples=RESAMPLES, confidence=0.95)}
    )
    for claim in arguments.claims:
        rows = []
        for holds in (True, False):
            world = TRUE if holds else FALSE.get(claim, NOTHING)
            for runs in RUNS:
                found = rates(claim, world, runs, arguments.repeats, profile)
                rows.append({"claim": claim, "holds": holds, "runs": runs, **found})
                print(rows[-1], f"{time.process_time() - start:.0f} s", flush=True)
        write(claim, [{**row, "repeats": arguments.repeats, **commit()} for row in rows])


def write(claim: str, rows: list[dict]) -> None:
    """Put the rates of one claim in the place of its former ones."""
    former = json.loads(RESULTS.read_text())["rates"] if RESULTS.is_file() else []
    kept = [row for row in former if row["claim"] != claim]
    content = {
        "packages": versions(),
        "resamples": RESAMPLES,
        "worlds": {"true": asdict(TRUE), "nothing": asdict(NOTHING)}
        | {f"false, {name}": asdict(world) for name, world in FALSE.items()},
        "rates": sorted([*kept, *rows], key=lambda row: row["claim"]),
    }
    with atomic_path(RESULTS) as partial:
        partial.write_text(json.dumps(content, indent=1) + "\n")


if __name__ == "__main__":
    main()
