# %% [markdown]
# # Figure 3: external images, by skin type
#
# Does the bias hold, and does SLUG see it, on images from elsewhere? The paper takes PASSION
# (Fitzpatrick types III to VI), which no network was trained on; the profile `reduced` takes
# PAD-UFES-20 (types I to IV) in its place. Where no such data set is at hand, the held-out images
# stand in by skin type, and the claim stays untested.

# %% tags=["parameters", "remove-cell"]
profile = "quick"

# %% tags=["hide-input"]
from IPython.display import Markdown
from matplotlib import pyplot as plt

from companion import notebook
from companion.book.recorded import of_recorded
from companion.experiments.scores import claims, figures
from companion.statistics.metrics import spearman
from companion.statistics.runs import over_clusters
from companion.statistics.summaries import GROUPS, select

run = notebook.open_run("fig3", profile)

# %% [markdown]
# ## The recorded run on real images

# %% tags=["hide-input"]
kept = notebook.find_recorded("scores")
of_recorded(kept, {})

# %% mystnb={"figure": {"caption": "Recorded run on real images: mean reconstruction error (left) and mean SLUG score (right) by Fitzpatrick skin type. Bars: bootstrap intervals over images; with several runs, faint marks are their own means.", "name": "fig-3-recorded"}, "image": {"alt": "Two panels with one line per training set over Fitzpatrick skin types: reconstruction error on the left, SLUG score on the right.", "classes": "dark-light"}} tags=["hide-input"]
if kept is not None:
    figures.skin_type_panels(kept)
    plt.show()

# %% [markdown]
# ## The run of this book

# %% tags=["hide-input"]
external = run.profile.data.external
sets = GROUPS if external is None else ("external",)
Markdown(
    "**No external images with skin types in this profile**: the held-out test images are shown."
    if external is None
    else f"External images: {external.source}, {external.per_type} of each skin type."
)

# %% mystnb={"figure": {"caption": "Mean reconstruction error (left) and mean SLUG score (right) by Fitzpatrick skin type. Bars: bootstrap intervals over images; with several runs, faint marks are their own means.", "name": "fig-3"}, "image": {"alt": "Two panels with one line per training set over Fitzpatrick skin types: reconstruction error on the left, SLUG score on the right.", "classes": "dark-light"}} tags=["hide-input"]
figure = figures.skin_type_panels(run)
plt.show()

# %% [markdown]
# ## What the numbers say

# %%
scores = run.table("scores")
claims.adjusted_trend(scores, run.profile) if external is not None else "no external images"

# %% tags=["hide-input"]
rows = select(scores, "B", *sets)
numbers = {
    "trend_mse": over_clusters(rows, run.profile, spearman, "fitzpatrick", "mse").value,
    "trend_slug": over_clusters(rows, run.profile, spearman, "fitzpatrick", "slug").value,
}
checks = [] if external is None else claims.external_trend(scores, run.profile)
run.finish(figure, numbers, {"C6": checks})
