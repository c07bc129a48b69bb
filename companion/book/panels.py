"""What a page says about itself: whose data its numbers come from, and how they were made."""

from collections.abc import Iterable, Mapping
from html import escape

from IPython.display import HTML

from companion.config import Profile

_BANNERS = {
    "synthetic": (
        "Synthetic images.",
        "Numbers and pictures on this page come from generated skin and a short training, save "
        "where they are called recorded or real. They show how the computation behaves, not what "
        "holds for people.",
    ),
    "reduced": (
        "Reduced scale.",
        "The images are real, but smaller, fewer and not all from the paper's data sets. "
        "Read the direction of an effect, not its size.",
    ),
}


def banner(profile: Profile) -> HTML:
    """Return the mark that a page carries if its numbers are not the paper's experiment.

    Any synthetic data set marks the page as synthetic; it is empty for a profile with real images
    that has the paper's scale.
    """
    names = sorted(profile.data.sources())
    if "synthetic" not in names and profile.full_scale:
        return HTML("")
    title, text = _BANNERS["synthetic" if "synthetic" in names else "reduced"]
    return HTML(
        f'<aside class="profile-banner" aria-label="About the data on this page">'
        f"<p><strong>{title}</strong> {text} Profile <code>{escape(profile.name)}</code>, "
        f"data: {escape(', '.join(names))}.</p></aside>"
    )


def data_mark(data_sets: Iterable[str], seeds: int) -> str:
    """Return in a few words whose data some numbers come from.

    >>> data_mark(["synthetic"], 1)
    'synthetic images, 1 run'
    >>> data_mark(["pad_ufes_20", "isic2017"], 2)
    'real images of isic2017, pad_ufes_20, 2 runs'
    """
    names = sorted(set(data_sets))
    images = "synthetic images" if "synthetic" in names else f"real images of {', '.join(names)}"
    return f"{images}, {seeds} run{'s' if seeds > 1 else ''}"


def provenance_panel(facts: Mapping[str, object], title: str = "How this was made") -> HTML:
    """Return the folded panel under a figure, one row per fact.

    Parameters
    ----------
    facts
        Label to value. A mapping or a list becomes a list of its entries; a label that is
        "command" is set as code.
    title
        The line that stays visible.

    Examples
    --------
    >>> panel = provenance_panel({"commit": "1a2b3c4", "packages": {"jax": "0.10.2"}})
    >>> '<th scope="row">commit</th><td>1a2b3c4</td>' in panel.data
    True
    """
    rows = "".join(
        f'<tr><th scope="row">{escape(label)}</th><td>{_cell(label, value)}</td></tr>'
        for label, value in facts.items()
    )
    return HTML(
        f'<details class="provenance"><summary>{escape(title)}</summary>'
        f"<table><tbody>{rows}</tbody></table></details>"
    )


def _cell(label: str, value: object) -> str:
    if label == "command":
        return f"<code>{escape(str(value))}</code>"
    if isinstance(value, Mapping):
        value = [f"{name} {entry}" for name, entry in value.items()]
    if isinstance(value, list | tuple):
        return "<ul>" + "".join(f"<li>{escape(str(entry))}</li>" for entry in value) + "</ul>"
    return escape(str(value))
