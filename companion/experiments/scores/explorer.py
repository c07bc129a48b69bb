"""The data and the markup of the explorer: maps of a few images at several ranks and sample sizes.

The page works from the disk: pictures are data addresses, the plot is SVG drawn here, and one small
script, book/_extra/explorer.js, connects them.
"""

import base64
import io
import json
from dataclasses import dataclass
from html import escape

import jax
import matplotlib as mpl
import numpy as np
import pandas as pd
from IPython.display import HTML
from PIL import Image

from companion.config import MIXED
from companion.experiments.scores.object_maps import load_maps, scored
from companion.figures.pictures import scaled
from companion.figures.style import COLOURS, INK
from companion.run import Run
from slugkit import slug
from slugkit.model import training

SAMPLES = (2, 8, 24, 64)
SETS = ("light", "dark", "object")
WIDTH, HEIGHT, LEFT, BOTTOM = 460, 340, 62, 46  # of the plot, in its own units


@dataclass(frozen=True)
class Explored:
    """A few images, and what SLUG says of them at each rank and number of samples."""

    all_images: pd.DataFrame  # every test image of the sets shown: mse, slug
    images: pd.DataFrame  # n rows of it
    ranks: tuple[int, ...]
    scores: np.ndarray  # (n, ranks, samples)
    errors: np.ndarray  # (n, ranks, samples), standard errors of the scores
    maps: np.ndarray  # (n, ranks, samples, H, W), variance summed over channels
    pictures: dict[
        str, np.ndarray
    ]  # image and reconstruction (n, H, W, 3), squared_error (n, H, W)


def explore(run: Run, count: int = 8) -> Explored:
    """Score a few test images at three ranks and four numbers of samples.

    The images are spread evenly over the SLUG scores of those that may be shown; if none may be,
    of all.
    """
    seed = run.profile.seeds[0]
    table = scored(run, seed)
    table = table[table["set"].isin(SETS)].sort_values("slug", kind="stable")
    open_ones = table[table["may_show"]]
    pool = table if open_ones.empty else open_ones
    chosen = pool.iloc[np.unique(np.linspace(0, len(pool) - 1, count).round().astype(int))]
    maps = load_maps(run, seed, chosen["image_id"])
    job = run.job("scores", seed, MIXED)
    model = training.load_model(job.file("model.msgpack"), run.profile.architecture())
    posterior = slug.load(job.file("posterior.npz"), model.reconstruct(), model.params)
    assert isinstance(posterior, slug.Posterior)
    ranks = tuple(sorted({0, max(1, posterior.rank // 4), posterior.rank}))
    found = [
        [
            slug.score_and_variance(
                posterior.truncated(k),
                maps["image"],
                num_samples=samples,
                key=jax.random.key(seed),
                batch_size=len(chosen),
            )
            for samples in SAMPLES
        ]
        for k in ranks
    ]
    return Explored(
        table,
        chosen,
        ranks,
        _first_axis([[one.score.value for one in row] for row in found]),
        _first_axis([[one.score.standard_error for one in row] for row in found]),
        _first_axis([[one.variance.value.sum(axis=-1) for one in row] for row in found]),
        {name: maps[name] for name in ("image", "reconstruction", "squared_error")},
    )


def page(explored: Explored) -> HTML:
    """Return the explorer as HTML."""
    data = {
        "samples": SAMPLES,
        "ranks": explored.ranks,
        "heights": _vertical(explored, explored.scores).round(1).tolist(),
        "images": [_entry(explored, n) for n in range(len(explored.images))],
    }
    # "<" would end the script element that holds the data.
    content = json.dumps(data).replace("<", "\\u003c")
    options = "".join(
        f'<option value="{n}">{escape(entry["name"])}</option>'
        for n, entry in enumerate(data["images"])
    )
    pictures = "".join(
        f'<figure><div class="frame"><img class="dark-light" data-picture="{name}" '
        f'alt="{escape(alternative(title, data["images"][0]))}">'
        f"<p hidden></p></div><figcaption>{title}</figcaption></figure>"
        for name, title in (
            ("image", "image"),
            ("reconstruction", "reconstruction"),
            ("squared_error", "squared error"),
            ("uncertainty", "uncertainty"),
        )
    )
    return HTML(
        '<div class="explorer">'
        f'<div class="explorer-plot">{_plot(explored, data["images"])}</div>'
        '<div class="explorer-choices">'
        f'<label>Image <select name="image">{options}</select></label>'
        f'<label>Samples S: <output name="samples"></output><input type="range" name="samples" '
        f'min="0" max="{len(SAMPLES) - 1}" value="{len(SAMPLES) - 1}"></label>'
        f'<label>Eigenvectors k: <output name="rank"></output><input type="range" name="rank" '
        f'min="0" max="{len(explored.ranks) - 1}" value="{len(explored.ranks) - 1}"></label>'
        '<p class="explorer-says" role="status"></p></div>'
        f'<div class="explorer-pictures">{pictures}</div>'
        f'<script type="application/json">{content}</script>'
        '<script src="../explorer.js" defer></script></div>'
    )


def alternative(title: str, entry: dict) -> str:
    """Return the text in place of a picture of an image, as the script writes it too."""
    return f"{title} of image {entry['name']}"


def picture_address(picture: np.ndarray) -> str:
    """Return a picture (H, W, 3) in [0, 1], or a map (H, W) scaled to it, as a data address."""
    if picture.ndim == 2:
        image = Image.fromarray((255 * scaled(picture)).astype(np.uint8), "P")
        palette = (255 * mpl.colormaps["magma"](np.arange(256))[:, :3]).astype(np.uint8)
        image.putpalette(palette.tobytes())
    else:
        image = Image.fromarray((255 * np.clip(picture, 0, 1)).round().astype(np.uint8))
    buffer = io.BytesIO()
    image.save(buffer, "PNG", optimize=True)
    return f"data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode()}"


def _entry(explored: Explored, n: int) -> dict:
    """What the script knows of one image; no picture of one that may not be shown."""
    row = explored.images.iloc[n]
    what = f"with {row['object']}" if row["set"] == "object" else f"{row['set']} skin"
    entry = {
        "name": f"{n + 1}: {what}",
        "mse": float(f"{row['mse']:.3g}"),
        "scores": [[float(f"{score:.3g}") for score in line] for line in explored.scores[n]],
        "errors": [[float(f"{error:.2g}") for error in line] for line in explored.errors[n]],
    }
    if not row["may_show"]:
        return {**entry, "withheld": f"{row['source']}: may not be shown"}
    pictures = {name: picture_address(of[n]) for name, of in explored.pictures.items()}
    maps = [[picture_address(map_) for map_ in line] for line in explored.maps[n]]
    return {**entry, "pictures": pictures, "maps": maps}


def _plot(explored: Explored, entries: list[dict]) -> str:
    """Return SLUG against the error as SVG: all test images, and a button for each of the few."""
    table = explored.all_images
    dots = "".join(
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2"/>'
        for x, y in zip(
            _horizontal(explored, table["mse"].to_numpy()),
            _vertical(explored, table["slug"].to_numpy()),
            strict=True,
        )
    )
    choices = "".join(
        f'<circle class="choice" data-image="{n}" cx="{x:.1f}" cy="{y:.1f}" r="7" tabindex="0" '
        f'role="button" aria-pressed="false" aria-label="image {escape(entry["name"])}"/>'
        for n, (entry, x, y) in enumerate(
            zip(
                entries,
                _horizontal(explored, explored.images["mse"].to_numpy()),
                _vertical(explored, explored.scores[:, -1, -1]),
                strict=True,
            )
        )
    )
    ticks = "".join(
        f'<text x="{_horizontal(explored, np.array(tick)):.1f}" y="{HEIGHT - BOTTOM + 18}" '
        f'text-anchor="middle">{tick:g}</text>'
        for tick in _ticks(*_limits(table["mse"]))
    ) + "".join(
        f'<text x="{LEFT - 6}" y="{_vertical(explored, np.array(tick)) + 4:.1f}" '
        f'text-anchor="end">{tick:g}</text>'
        for tick in _ticks(*_score_limits(explored))
    )
    return (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="group" '
        'aria-label="SLUG score against mean squared error; each button chooses an image">'
        f'<path d="M{LEFT} 8V{HEIGHT - BOTTOM}H{WIDTH - 4}" fill="none" stroke="{INK}"/>'
        f'<g class="explorer-ink">{ticks}'
        f'<text x="{(LEFT + WIDTH) / 2}" y="{HEIGHT - 6}" text-anchor="middle">mean squared error '
        "(intensity², per pixel)</text>"
        f'<text transform="translate(12 {(HEIGHT - BOTTOM) / 2}) rotate(-90)" '
        'text-anchor="middle">SLUG score (intensity²)</text></g>'
        f'<g fill="{INK}" opacity="0.5">{dots}</g>'
        f'<g fill="{COLOURS["slug"]}">{choices}</g></svg>'
    )


def _horizontal(explored: Explored, errors: np.ndarray) -> np.ndarray:
    return LEFT + _share(errors, *_limits(explored.all_images["mse"])) * (WIDTH - LEFT - 16)


def _vertical(explored: Explored, scores: np.ndarray) -> np.ndarray:
    return 16 + (1 - _share(scores, *_score_limits(explored))) * (HEIGHT - BOTTOM - 26)


def _score_limits(explored: Explored) -> tuple[float, float]:
    # Every rank has its place, so that the points move while the axis stands still.
    return _limits(np.concatenate([explored.scores.ravel(), explored.all_images["slug"]]))


def _limits(values: pd.Series | np.ndarray) -> tuple[float, float]:
    return float(np.min(values)), float(np.max(values))


def _share(values: np.ndarray, low: float, high: float) -> np.ndarray:
    """Where values lie between two limits on a logarithmic axis, from 0 to 1."""
    return np.log(values / low) / np.log(high / low)


def _ticks(low: float, high: float) -> list[float]:
    """Return round numbers between two limits: 1, 2, 5, or powers of ten alone if many.

    >>> _ticks(0.0008, 0.011)
    [0.001, 0.002, 0.005, 0.01]
    """
    decades = range(int(np.floor(np.log10(low))), int(np.ceil(np.log10(high))) + 1)
    steps = (1, 2, 5) if np.log10(high / low) < 2.5 else (1,)
    ticks = [float(f"{step}e{decade}") for decade in decades for step in steps]
    return [tick for tick in ticks if low <= tick <= high]


def _first_axis(found: list[list[np.ndarray]]) -> np.ndarray:
    """Put the axis of the images before those of rank and samples."""
    return np.moveaxis(np.asarray(found), 2, 0)
