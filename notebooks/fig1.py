# %% [markdown]
# # Figure 1: error follows representation, the encoder does not notice
#
# A network that has seen little dark skin reconstructs dark skin badly. Does its own encoder know?
# Each network reconstructs the same held-out images of light and of dark skin; the encoder's
# own uncertainty is the mean standard deviation of $q(z \mid x)$. ([Figure 2](fig2.ipynb) has the
# same within each atlas that the images are from.)

# %% tags=["parameters", "remove-cell"]
profile = "quick"

# %% tags=["hide-input"]
from matplotlib import pyplot as plt

from companion import notebook
from companion.book.recorded import of_recorded
from companion.experiments.scores import claims, figures
from companion.experiments.scores.analysis import cell_table, dark_over_light

run = notebook.open_run("fig1", profile)

# %% [markdown]
# ## The recorded run on real images

# %% tags=["hide-input"]
kept = notebook.find_recorded("scores")
of_recorded(kept, {})

# %% mystnb={"figure": {"caption": "Recorded run on real images: mean reconstruction error (left) and mean standard deviation of the encoder (right) on held-out images of light and of dark skin, for networks trained on light (A), mixed (B) and dark skin (C). Bars: bootstrap intervals over images; with several runs, faint marks are their own means.", "name": "fig-1-recorded"}, "image": {"alt": "Two panels with means and intervals for light and dark test images under three training sets: reconstruction error on the left, standard deviation of the encoder on the right.", "classes": "dark-light"}} tags=["hide-input"]
if kept is not None:
    figures.group_panels(kept, "mse", "encoder_std")
    plt.show()

# %% [markdown]
# ## The run of this book

# %% mystnb={"figure": {"caption": "Mean reconstruction error (left) and mean standard deviation of the encoder (right) on held-out images of light and of dark skin, for networks trained on light (A), mixed (B) and dark skin (C). Bars: bootstrap intervals over images; with several runs, faint marks are their own means.", "name": "fig-1"}, "image": {"alt": "Two panels with means and intervals for light and dark test images under three training sets: reconstruction error on the left, standard deviation of the encoder on the right.", "classes": "dark-light"}} tags=["hide-input"]
figure = figures.group_panels(run, "mse", "encoder_std")
plt.show()

# %% [markdown]
# ## What the numbers say

# %%
scores = run.table("scores")
cell_table(scores, run.profile, "mse", "encoder_std")

# %% tags=["hide-input"]
checks = {
    "C1": claims.representation(scores, run.profile),
    "C2": claims.encoder(scores, run.profile),
}
numbers = {
    "mse_ratio_A": dark_over_light(scores, "A", "mse"),
    "mse_ratio_C": dark_over_light(scores, "C", "mse"),
    "encoder_ratio_A": dark_over_light(scores, "A", "encoder_std"),
}
run.finish(figure, numbers, checks)
