# %% [markdown]
# # On real images: the recorded run
#
# The pages before this one were made together with the book. This one shows a longer run on real
# photographs, which needs data that a fresh clone does not have. Its tables, one row per image,
# are in `results/` with their provenance; the figures are drawn from them anew.

# %% tags=["parameters", "remove-cell"]
profile = "quick"

# %% tags=["hide-input"]
from IPython.display import Markdown
from matplotlib import pyplot as plt

from companion import notebook
from companion.experiments.scores import figures
from companion.statistics.claims import DARK, LIGHT
from companion.statistics.metrics import ause, spearman
from companion.statistics.runs import over_clusters
from companion.statistics.summaries import GROUPS, select, skin_types

run = notebook.open_recorded("recorded", notebook.REAL_RUN, profile)

# %% mystnb={"figure": {"caption": "Recorded run on real images. Upper row: mean error and mean SLUG of the two test groups under each training set, with bootstrap intervals and, faint, the single runs. Lower row, trained on B: SLUG against error, one mark per held-out image; and the mean error of the rest as the most uncertain images are removed.", "name": "fig-recorded"}, "image": {"alt": "Upper row: mean error and mean SLUG of light and dark test images for three training sets. Lower row: SLUG against error per image, and mean error as uncertain images are removed.", "classes": "dark-light"}} tags=["hide-input"]
test = select(run.table("scores"), "B", *GROUPS)
figure, axes = plt.subplots(2, 2, figsize=(7.2, 6.4))
figures.group_means(axes[0, 0], run.table("scores"), run.profile, "mse")
figures.group_means(axes[0, 1], run.table("scores"), run.profile, "slug")
figures.score_against_error(axes[1, 0], test)
figures.rejection(axes[1, 1], test)
handles, labels = axes[0, 0].get_legend_handles_labels()
figure.legend(handles, labels, loc="outside upper center", ncols=2)
plt.show()

# %% [markdown]
# ## What the numbers say
#
# [The claims page](claims.ipynb) has the verdicts.

# %% tags=["hide-input"]
skin = run.profile.data.skin
Markdown(
    f"Light is {skin_types(skin.light)}, dark is {skin_types(skin.dark)}, both of {skin.source}; "
    f"the paper's groups are {skin_types(LIGHT)} and {skin_types(DARK)}."
)

# %% tags=["hide-input"]
correlation = over_clusters(test, run.profile, spearman, "slug", "mse")
sparsification = over_clusters(test, run.profile, ause, "mse", "slug")
fig4 = run.numbers("fig4")
numbers = {
    "spearman_mse": correlation.value,
    "spearman_mse_low": correlation.low,
    "spearman_mse_high": correlation.high,
    "ause": sparsification.value,
    "auroc_slug": fig4["auroc_slug"],
    "auroc_error": fig4["auroc_error"],
    "seeds": len(run.profile.seeds),
}
run.finish(figure, numbers)
