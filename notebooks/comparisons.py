# %% [markdown]
# # Baselines: what is SLUG worth beside everything else?
#
# The paper sets its score beside one other, the standard deviation of the encoder. Here it is beside
# every system that the paper names: deep ensembles {cite:p}`lakshminarayanan2017simple`, Monte
# Carlo dropout {cite:p}`gal2016dropout`, a Bayesian VAE {cite:p}`daxberger2019bayesian` (here the
# variance over a short chain), the Laplacian autoencoder {cite:p}`miani2022laplacian` (here made
# after training) and SLU {cite:p}`miani2024sketched`, which is SLUG as published; beside two
# variants, the plain Jacobian norm and the Laplace approximation of the last layer
# {cite:p}`daxberger2021laplace`; and beside trivial ones that use no uncertainty of the weights: how many
# edges the image has, how far its nearest neighbour in the training set is, how large its latent.
# All get the same images and the same training. Who predicts the error of an image, and whose map
# finds a foreign object?

# %% tags=["parameters", "remove-cell"]
profile = "quick"

# %% tags=["hide-input"]
from IPython.display import Markdown, display
from matplotlib import pyplot as plt

from companion import notebook
from companion.book import panels
from companion.book.recorded import unless_empty
from companion.experiments.baselines import analysis, figures, records, report

run = notebook.open_run("comparisons", profile)
found = analysis.measure(records.comparisons(run), run.profile, records.patients(run))

# %% mystnb={"figure": {"caption": "Network trained on B. Left: Spearman's rank correlation of each score with the mean squared error of the image, over held-out skin images. Right: mean pixel AUROC of each map on images with a drawn object; dotted, chance. Bars are bootstrap intervals over patients; small ticks above a bar, where there are several, are single seeds. Below: mean error of the rest as the most uncertain images are removed.", "name": "fig-comparisons"}, "image": {"alt": "Left: for each baseline, its rank correlation with the mean squared error, sorted, with intervals. Right: the mean pixel AUROC of its map on drawn objects, sorted, with intervals. Below: mean error of the remaining images as the most uncertain are removed, for SLUG, the best trivial baseline, the best named one and the encoder standard deviation, between an oracle and random order.", "classes": "dark-light"}} tags=["hide-input"]
figure = plt.figure(figsize=(7.2, 7.6))
upper, lower = figure.subfigures(2, 1, height_ratios=(5, 3))
left, right = upper.subplots(1, 2)
figures.dots(left, found.prediction, found.seeds, "spearman", 0.0)
figures.dots(right, found.detection, found.seeds, "auroc", 0.5)
left.set(title="predicting the error", xlabel="Spearman with MSE")
right.set(title="finding objects", xlabel="pixel AUROC")
upper.legend(handles=figures.legend_handles(left), loc="outside lower center", ncols=4)
below = lower.subplots()
shown = ["slug", found.best_trivial, found.best_named, "encoder_standard_deviation"]
figures.rejection(below, records.comparisons(run), list(dict.fromkeys(shown)))
below.legend(loc="center left", bbox_to_anchor=(1, 0.5), fontsize=8)
plt.show()

# %% [markdown]
# ## What the numbers say
#
# These sentences are put together from the tables below. The best of several is picked on these
# very images, which flatters it a little; the tables have all of them.

# %% tags=["hide-input"]
display(Markdown(report.reading(found)))

# %% [markdown]
# Correlation of each score with the mean squared error over all held-out skin images, and within
# each group; `ause` is the area under the sparsification error curve, 0 for an oracle and 1 for a
# random order; `above slug` is the difference in Spearman from SLUG on the same images. Statistics
# are taken within each seed and averaged, since the scores of two networks have two scales.

# %%
report.show(found.prediction)

# %% [markdown]
# A mean over members, passes or samples is a prediction of its own, with another error than the
# network's. Scores of such methods beside both errors:

# %%
unless_empty(
    report.own_table(analysis.own_prediction(records.comparisons(run), run.profile)),
    "This run was made before these errors were kept.",
)

# %% [markdown]
# Foreign objects are drawn over images that have none, so that each pixel is known to belong to one
# or not. The squared error needs the image itself and no uncertainty at all.

# %%
report.show(found.detection)

# %% [markdown]
# ## What SLUG adds to a trivial baseline
#
# Rank correlation with the error after the other one has been removed from both.

# %%
report.show(found.partial)

# %% [markdown]
# ## The order of training sets and groups
#
# The baselines are computed for the network trained on B. Three scores are known for all three
# training sets: how well does each order the six means by training set and test group?

# %%
report.show(analysis.cells(run.table("scores"), run.profile))

# %% [markdown]
# ## Budgets, tuning and cost

# %% tags=["hide-input"]
display(Markdown(report.budget(run.profile)))

# %%
report.cost_table(run.table("costs"), records.seconds(run))

# %% [markdown]
# ## On real images
#
# The same tables of the recorded run on real photographs.

# %% tags=["hide-input"]
numbers = found.numbers()
kept = notebook.find_recorded("comparisons")
if kept is not None:
    there = analysis.measure(records.comparisons(kept), kept.profile, records.patients(kept))
    display(panels.banner(kept.profile))
    count = len(kept.profile.seeds_of(["comparisons"]))
    display(Markdown(f"Baselines were made on {count} of {len(kept.profile.seeds)} runs."))
    numbers |= there.numbers("recorded_")
    display(Markdown(report.reading(there)))
    display(report.show(there.prediction, there.detection))
    display(report.show(there.partial))
else:
    display(Markdown("No run on real images is recorded with these baselines."))

# %% tags=["hide-input"]
# The first page quotes these of the recorded run.
quoted = {"recorded_best_trivial", "recorded_spearman_trivial", "recorded_slug_given_trivial"}
assert quoted <= set(numbers) or kept is None
run.finish(figure, numbers)
