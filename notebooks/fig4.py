# %% [markdown]
# # Figure 4: SLUG against the error, rejection, and foreign objects
#
# Three questions about the network trained on the mixed set B. Do uncertain images have a large
# error? Does the mean error fall when they are removed? And do the pixel maps light up on rulers,
# ink and patches, which the network has never seen? For the last one the objects are drawn over
# images without any, so that every pixel is known to belong to one or not.

# %% tags=["parameters", "remove-cell"]
profile = "quick"

# %% tags=["hide-input"]
from IPython.display import Markdown, display
from matplotlib import pyplot as plt

from companion import notebook
from companion.book.recorded import of_recorded
from companion.experiments.scores import claims, figures, object_maps
from companion.experiments.scores.analysis import map_table
from companion.statistics.claims import verdict_table

run = notebook.open_run("fig4", profile)

# %% [markdown]
# ## The recorded run on real images

# %% tags=["hide-input"]
kept = notebook.find_recorded("scores")
of_recorded(kept, {})

# %% mystnb={"figure": {"caption": "Recorded run on real images, network trained on B. Left: SLUG score against mean squared error, one mark per held-out image and run. Right: mean error of the rest as the most uncertain images are removed; faint lines are single runs.", "name": "fig-4-recorded"}, "image": {"alt": "Left: scatter of SLUG score against mean squared error on real images. Right: mean error of the remaining images as the most uncertain are removed, for SLUG, the encoder standard deviation and an oracle.", "classes": "dark-light"}} tags=["hide-input"]
if kept is not None:
    figures.error_panels(plt.figure(figsize=(7.2, 3.2)), kept)
    plt.show()

# %% tags=["hide-input"]
title = "The maps against the objects' masks, as means over runs and images:"
tables = {title: lambda one: map_table(one.table("object_maps"), one.profile)}
display(of_recorded(notebook.find_recorded("object_maps"), tables))
large = notebook.find_recorded_networks()
if large is not None:
    display(Markdown("### The same at the paper's size, 128 pixels"), of_recorded(large, tables))

# %% mystnb={"figure": {"caption": "Recorded run on real images of 128 pixels a side, network trained on B. Left: SLUG score against mean squared error, one mark per held-out image and run. Right: mean error of the rest as the most uncertain images are removed; faint lines are single runs.", "name": "fig-4-large"}, "image": {"alt": "Left: scatter of SLUG score against mean squared error on real images of 128 pixels a side. Right: mean error of the remaining images as the most uncertain are removed, for SLUG, the encoder standard deviation and an oracle.", "classes": "dark-light"}} tags=["hide-input"]
if large is not None:
    figures.error_panels(plt.figure(figsize=(7.2, 3.2)), large)
    plt.show()

# %% tags=["hide-input"]
if large is not None:
    display(verdict_table(claims.verdicts_of_networks(large)))

# %% [markdown]
# ## The run of this book

# %% mystnb={"figure": {"caption": "Network trained on B. Upper left: SLUG score against mean squared error, one mark per held-out image. Upper right: mean error of the rest as the most uncertain images are removed; with several runs, faint lines are their own curves. Below: image, reconstruction, squared error and SLUG map for four images with foreign objects, summed over the channels and, as the paper shows them, with red, green and blue apart; each scaled to [0, 1] per image.", "name": "fig-4"}, "image": {"alt": "Upper left: scatter of SLUG score against mean squared error. Upper right: mean error of the remaining images as the most uncertain are removed, for SLUG, the encoder standard deviation and an oracle. Below: four images with foreign objects, each with its reconstruction and its maps of squared error and uncertainty, summed over channels and in colour.", "classes": "dark-light"}} tags=["hide-input"]
figure = plt.figure(figsize=(7.2, 12))
upper, lower = figure.subfigures(2, 1, height_ratios=(3, 9))
figures.error_panels(upper, run)
maps, examples = object_maps.examples(run)
figures.object_rows(lower.subplots(len(figures.OBJECT_ROWS), len(examples)), maps, examples)
plt.show()

# %% [markdown]
# ## What the numbers say
#
# Per image, the area under the ROC curve (AUROC) of a map against the object's mask: 0.5 is
# chance, 1 means every pixel of the object stands above every other pixel.

# %%
measured = run.table("object_maps")
map_table(measured, run.profile)

# %% tags=["hide-input"]
scores = run.table("scores")
checks, premises = claims.of_mixed_networks(scores, measured, run.profile)
correlation, sparsification = checks["C7"][0].interval, checks["C8"][0].interval
drawn = measured[measured["set"] == "object"].groupby("map")["auroc"].mean()
numbers = {
    "spearman_mse": correlation.value,
    "spearman_mse_low": correlation.low,
    "spearman_mse_high": correlation.high,
    "ause": sparsification.value,
    "auroc_slug": float(drawn["slug"]),
    "auroc_error": float(drawn["squared_error"]),
}
run.finish(figure, numbers, checks, premises)
