# %% [markdown]
# # Figure 2: does SLUG follow the error across groups and training sets?
#
# The same networks and images as in figure 1, with the SLUG score beside. If it follows the error,
# the six cells (three training sets, two test groups) come in the same order. C3 asks for more: that
# the score of one and the same image changes with its error from one training set to another. A score
# has a level of its own in each network; [What SLUG tells](what_slug_tells.ipynb) has the same
# correlation with that level taken out, which C3 does not allow for.

# %% tags=["parameters", "remove-cell"]
profile = "quick"

# %% tags=["hide-input"]
from matplotlib import pyplot as plt

from companion import notebook
from companion.book.recorded import of_recorded
from companion.experiments.scores import claims, figures
from companion.experiments.scores.analysis import cell_table, order_of_cells, within_origins

run = notebook.open_run("fig2", profile)

# %% [markdown]
# ## The recorded run on real images

# %% tags=["hide-input"]
kept = notebook.find_recorded("scores")
title = "Light and dark skin are of the same atlases in equal numbers. Within each of them, with intervals over runs:"
of_recorded(kept, {title: lambda one: within_origins(one.table("scores"), one.profile)})

# %% mystnb={"figure": {"caption": "Recorded run on real images: mean reconstruction error, standard deviation of the encoder and SLUG score on held-out images of light and of dark skin under the three training sets. Bars: bootstrap intervals over images; with several runs, faint marks are their own means.", "name": "fig-2-recorded"}, "image": {"alt": "Three panels with means and intervals for light and dark test images under three training sets: reconstruction error, standard deviation of the encoder, and SLUG score.", "classes": "dark-light"}} tags=["hide-input"]
if kept is not None:
    figures.group_panels(kept, "mse", "encoder_std", "slug")
    plt.show()

# %% [markdown]
# ## The run of this book

# %% mystnb={"figure": {"caption": "Mean reconstruction error, standard deviation of the encoder and SLUG score on held-out images of light and of dark skin under the three training sets. Bars: bootstrap intervals over images; with several runs, faint marks are their own means.", "name": "fig-2"}, "image": {"alt": "Three panels with means and intervals for light and dark test images under three training sets: reconstruction error, standard deviation of the encoder, and SLUG score.", "classes": "dark-light"}} tags=["hide-input"]
figure = figures.group_panels(run, "mse", "encoder_std", "slug")
plt.show()

# %% [markdown]
# ## What the numbers say

# %%
scores = run.table("scores")
cell_table(scores, run.profile, "mse", "encoder_std", "slug")

# %% tags=["hide-input"]
checks = {
    "C3": claims.follows_the_error(scores, run.profile),
    "C4": claims.dark_after_dark(scores, run.profile),
    "C5": claims.worse_than_mixed(scores, run.profile),
}
order = {column: order_of_cells(scores, run.profile, column) for column in ("slug", "encoder_std")}
numbers = {"cells_slug": order["slug"].value, "cells_encoder": order["encoder_std"].value}
run.finish(figure, numbers, checks)
