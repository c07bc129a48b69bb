# %% [markdown]
# # What decides whether it works
#
# The paper leaves much open: the shape of the latent, the width, how many eigenpairs, whether the
# encoder's parameters count as uncertain. Here a small base setting is changed in one thing at a
# time, for each of several seeds, and three things are measured: the rank correlation of the score
# with the error on held-out skin, how well the maps find objects laid over unseen images, and the
# error itself.

# %% tags=["parameters", "remove-cell"]
profile = "quick"

# %% tags=["hide-input"]
from matplotlib import pyplot as plt

from companion import notebook
from companion.book.recorded import of_recorded, unless_empty
from companion.experiments.ablation import figures, tables

run = notebook.open_run("ablation", profile)
ablation = run.table("ablation")
versions = run.table("score_versions")
settings = run.profile.part("ablation")

# %% mystnb={"figure": {"caption": "One line per variant; all else is as in the base setting, whose value is the vertical line. Marks are means over the seeds and bars their range, or with a single seed its interval over images. Left: rank correlation of the score with the mean squared error on held-out skin. Right: pixel AUROC of both maps on objects laid over unseen images.", "name": "fig-ablation"}, "image": {"alt": "One line per variant, grouped by what is changed. Left: rank correlation of SLUG with the error. Right: pixel AUROC of SLUG and of the squared error on objects. A vertical line marks the base setting in each.", "classes": "dark-light"}} tags=["hide-input"]
height = 1.2 + 0.24 * ablation[["factor", "level"]].drop_duplicates().shape[0]
figure, (left, right) = plt.subplots(1, 2, figsize=(7.2, height), sharey=True)
figures.variants(left, ablation, {"spearman": "slug"}, "rank correlation with the error")
maps = {"auroc_slug": "slug", "auroc_error": "squared_error"}
figures.variants(right, ablation, maps, "pixel AUROC on objects")
handles, labels = right.get_legend_handles_labels()
figure.legend(handles, labels, loc="outside upper center", ncols=2)
plt.show()

# %% [markdown]
# ## What the numbers say
#
# Means over the seeds, with the lowest and the highest seed; with a single seed, the interval is a
# bootstrap over images. Differences between variants that are no larger than the spread between
# seeds are no finding.

# %%
tables.variant_table(ablation)

# %% tags=["hide-input"]
unless_empty(tables.not_measured(run), "Every variant that was tried gave a number.")

# %% [markdown]
# ## Which version of the score adds most?
#
# A score is only worth its price if it says more than what costs nothing: the energy of the image's
# edges, the distance to the nearest training image, the divergence of the latent from the prior, the
# norm of its mean. First, how well these alone follow the error.

# %%
tables.baseline_table(versions, settings)

# %% [markdown]
# Then the versions of the score, each by its partial rank correlation with the error given the best
# of those. The best baseline and the best version are chosen on one half of the patients, and what
# counts is the other half, which the choice has not seen. More columns take out all four
# baselines at once: what is left there, no combination of them that is linear in ranks can say.

# %%
tables.version_table(versions, settings)

# %% [markdown]
# ## The recorded run on real images

# %% tags=["hide-input"]
kept = {
    "One thing changed at a time": tables.recorded_variants,
    "Trivial baselines": tables.recorded_baselines,
    "Versions of the score": tables.recorded_versions,
}
of_recorded(notebook.find_recorded("ablation"), kept)

# %% tags=["hide-input"]
numbers = tables.summary(ablation, versions, settings)
run.finish(figure, numbers)
