"""The whole graph on a profile so small that it runs in a few minutes."""

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

from companion.paths import project_root

TINY = """
summary: as small as it can be
seeds: [0]
data:
  image_size: 16
  skin: {source: synthetic, light: [1, 2], dark: [5, 6], train: 24, test: 8}
  external: {source: synthetic, types: [3, 4, 5, 6], per_type: 3}
  objects: {source: synthetic, kinds: [ruler, ink, patch], per_kind: 3}
model: {widths: [6], latent: spatial, latent_size: 4, likelihood_variance: 0.01}
training: {epochs: 40, batch_size: 8, learning_rate: 0.01, checkpoint_every: 2}
curvature: {rank: 3, tolerance: 0.1, max_products: 8, batch_size: 24, trace_samples: 4}
scores: {num_samples: 4, batch_size: 32}
experiments:
  estimators:
    {images: 1, score_repeats: 2, score_budgets: [8], map_budgets: [8],
     reference_outputs: 4, reference_products: 16, most_products: {16: 8, 32: 8}, train_images: 4}
  layers: {images: 2, num_samples: 2}
  sketch:
    train_images: 8
    rank: 2
    steps: [2]
    fractions: [0.1, 0.2]
    sketches: [srft]
    repeats: 2
    num_samples: 4
    growth:
      {widths: [[4], [6]], image_size: 16, steps: 2, sizes: [20, 40], images: 4, num_samples: 4}
  comparisons:
    num_samples: 2
    baselines:
      deep_ensemble: {members: 2}
      sketched_lanczos: {num_steps: 2, num_images: 8}
      laplacian_autoencoder: {curvature_samples: 2}
      bayesian_vae: {curvature_samples: 2, burn_in: 2, thinning: 1}
  volumes:
    {side: 16, image_side: 16, train: 16, test: 2, steps: 5, rank: 2, max_products: 4,
     num_samples: 4}
  objects:
    {images: 2, kinds: [ink, patch], scales: [1], contrasts: [0.5, 1], num_samples: 4, lesions: 3}
  ablation:
    seeds: [0]
    image_size: 16
    train: 24
    test: 12
    kinds: [patch]
    per_kind: 3
    model: {widths: [6], latent: spatial, latent_size: 4, likelihood_variance: 0.01}
    training: {epochs: 40, batch_size: 8, learning_rate: 0.01, checkpoint_every: 20}
    curvature: {rank: 3, tolerance: 0.1, max_products: 8, batch_size: 24, trace_samples: 2}
    num_samples: 4
    networks: [{latent_size: 2}]
    ranks: [0]
    samples: [2]
    subsets: [8]
statistics: {resamples: 50, confidence: 0.95}
"""
COMMAND = [sys.executable, "-m", "companion", "book", "--profile", "tiny"]
# What has all kinds of jobs that can be resumed, in a fifth of the time.
FIGURE_4 = "runs/tiny/notebooks/fig4.json"
MAKE_FIGURE_4 = [sys.executable, "-m", "companion", "make", FIGURE_4, "--profile", "tiny"]


def copy_checkout(folder: Path) -> None:
    # --cached --others: also what is not committed yet, so that a working copy tests itself.
    listing = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    files = subprocess.run(listing, cwd=project_root(), capture_output=True, text=True, check=True)
    for name in files.stdout.splitlines():
        if (project_root() / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(project_root() / name, folder / name)
    (folder / "profiles" / "tiny.yml").write_text(TINY)
    identity = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
    for arguments in (["init", "-q"], ["add", "."], ["commit", "-q", "-m", "start"]):
        subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True)


def copy_compiled(checkout: Path, folder: Path) -> None:
    """Give one checkout what was compiled in another: what is computed is the same."""
    for program in (checkout / "runs" / "compiled").rglob("*-cache"):
        copy = folder / program.relative_to(checkout)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(program, copy)


def environment(folder: Path) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(folder), "PYTHONUNBUFFERED": "1"}


def make(folder: Path, *command: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        command or COMMAND,
        cwd=folder,
        env=environment(folder),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def make_until(folder: Path, sign: str, *command: str) -> None:
    """Make the book and kill everything as soon as a line is printed that holds the sign."""
    process = subprocess.Popen(
        command or COMMAND,
        cwd=folder,
        env=environment(folder),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    try:
        printed = []
        for line in process.stdout:
            printed.append(line)
            if sign in line:
                return
        raise AssertionError(f"it ended before it said {sign!r}:\n{''.join(printed)}")
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        process.stdout.close()


def numbers_of_figure_4(folder: Path) -> dict[str, float]:
    return json.loads((folder / FIGURE_4).read_text())["numbers"]


def digests(folder: Path) -> dict[str, str]:
    """The digest of every result, as the provenance records tell it."""
    found = {}
    for record in sorted((folder / "runs" / "tiny").rglob("*.json")):
        found |= json.loads(record.read_text()).get("outputs", {})
    return found
