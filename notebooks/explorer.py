# %% [markdown]
# # Explorer: what more samples and more eigenvectors do
#
# Choose an image in the list, or a blue point in the plot by pointer or by the tab key. Each point
# is a test image; the grey ones are the rest of the test set, scored with the settings of the run.
# More samples S make the map less noisy; more eigenvectors k take out what the training images
# determine, so that the points sink. With k = 0 SLUG is the plain norm of the Jacobian.

# %% tags=["parameters", "remove-cell"]
profile = "quick"

# %% tags=["hide-input"]
import pandas as pd
from matplotlib import pyplot as plt

from companion import notebook
from companion.experiments.scores import explorer, figures

run = notebook.open_run("explorer", profile)
explored = explorer.explore(run)

# %% tags=["hide-input"]
explorer.page(explored)

# %% [markdown]
# ## The same on paper
#
# One image, the most uncertain of those above, at every setting.

# %% mystnb={"figure": {"caption": "Uncertainty maps of one image by the number of samples S and of eigenvectors k, each scaled to [0, 1]. With two samples each pixel is off by as much as its own value; neighbours err together, so that the map looks smooth all the same.", "name": "fig-explorer"}, "image": {"alt": "A grid of uncertainty maps of one image, one row for each number of eigenvectors and one column for each number of samples; from left to right the maps settle.", "classes": "dark-light"}} tags=["hide-input"]
figure, axes = plt.subplots(len(explored.ranks), len(explorer.SAMPLES), figsize=(7.2, 5.2))
figures.map_grid(
    axes, explored.maps[-1], explored.images.iloc[-1], explored.ranks, explorer.SAMPLES
)
plt.show()

# %% [markdown]
# ## What the numbers say
#
# The standard error of the score, relative to the score, as a mean over the images. It falls with
# the root of S, and with k, too: without the leading directions the variance is spread over more of
# them.

# %%
relative = (explored.errors / explored.scores).mean(axis=0)
pd.DataFrame(
    relative,
    index=[f"k = {k}" for k in explored.ranks],
    columns=[f"S = {s}" for s in explorer.SAMPLES],
).map("{:.0%}".format)

# %% tags=["hide-input"]
run.finish(figure, {"error_most_samples": float(relative[-1, -1])})
