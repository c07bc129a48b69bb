# %% [markdown]
# # What SLUG tells
#
# A score may follow the error because it knows something, or because it repeats what is seen in the
# image. Five questions: does it change when the training set changes? What is left of it when what
# costs nothing is known? Does a given score mean the same error in both groups? What can be decided by
# it with a guarantee? And does the variance of a pixel tell the size of its residual?

# %% tags=["parameters", "remove-cell"]
profile = "quick"

# %% tags=["hide-input"]
from IPython.display import Markdown, display
from matplotlib import pyplot as plt

from companion import notebook
from companion.book.recorded import of_recorded
from companion.experiments.baselines import records
from companion.experiments.meaning import analysis, figures, recorded

run = notebook.open_run("what_slug_tells", profile)

# %% [markdown]
# ## The recorded run on real images

# %% tags=["hide-input"]
kept = notebook.find_recorded("comparisons")
known = None if kept is None else recorded.told(kept)
of_recorded(kept, {} if kept is None else recorded.tables(kept, known))

# %% mystnb={"figure": {"caption": "Recorded run on real images, network trained on B. Left: Spearman's rank correlation of each score with the mean squared error of an image. Right: the same after edge energy, KL divergence, norm of the latent mean and distance to the nearest training image have been taken out of both. Bars: intervals over runs and patients.", "name": "fig-what-slug-tells-recorded"}, "image": {"alt": "Two panels of dots with intervals for the recorded run, one row for each score: its rank correlation with the error alone, and given four numbers that cost nothing.", "classes": "dark-light"}} tags=["hide-input"]
if known is not None:
    figures.added_panels(known.added)
    plt.show()

# %% tags=["hide-input"]
large = notebook.find_recorded_networks()
narrow = notebook.find_recorded_networks(notebook.BOTTLENECK_RUN)
if large is not None:
    free = analysis.free_scores(large.table("scores"))
    larger = analysis.added(free, large.profile, analysis.shown_in(free))
    text = (
        "### At the paper's size, 128 pixels\n\nNetworks of the balanced set alone, and no rivals "
        "but those that cost nothing."
    )
    display(Markdown(text), of_recorded(large, recorded.of_networks(larger)))

# %% mystnb={"figure": {"caption": "Recorded networks on real images of 128 pixels a side, trained on B. Left: Spearman's rank correlation of each score with the mean squared error of an image. Right: the same after edge energy, KL divergence, norm of the latent mean and distance to the nearest training image have been taken out of both (those that are among the scores themselves: the other three). Bars: intervals over runs and patients.", "name": "fig-what-slug-tells-large"}, "image": {"alt": "Two panels of dots with intervals for networks at 128 pixels, one row for SLUG and for each score that costs nothing: its rank correlation with the error alone, and given four numbers that cost nothing.", "classes": "dark-light"}} tags=["hide-input"]
if large is not None:
    figures.added_panels(larger)
    plt.show()

# %% tags=["hide-input"]
if large is not None:
    text = (
        "### Is it the size of the images?\n\nFrom `reduced` to `large` the side of the images is "
        "doubled, and the latent variable keeps its size: it has a quarter as many numbers for each "
        "pixel. `bottleneck` has the images of the first and the network of the second. Beside rank "
        "correlations, the share of the variance of the log error that a quadratic function of what "
        "costs nothing explains, and of the same with SLUG, each fitted to other patients."
    )
    display(Markdown(text))
    sized = [run for run in (kept, narrow, large) if run is not None]
    adds = {one.profile.name: recorded.of_slug(one) for one in sized}
    display(recorded.by_size((one.profile, adds[one.profile.name]) for one in sized))

# %% [markdown]
# ## The run of this book

# %% tags=["hide-input"]
scores = run.table("scores")
wide = records.wide_with_groups(run)
added = analysis.added(wide, run.profile, analysis.shown_in(wide))

# %% mystnb={"figure": {"caption": "Network trained on B. Left: Spearman's rank correlation of each score with the mean squared error of an image. Right: the same after edge energy, KL divergence, norm of the latent mean and distance to the nearest training image have been taken out of both (those that are among the scores themselves: the other three). Bars: intervals over runs and patients.", "name": "fig-what-slug-tells"}, "image": {"alt": "Two panels of dots with intervals, one row for each score: its rank correlation with the error alone, and given four numbers that cost nothing.", "classes": "dark-light"}} tags=["hide-input"]
figure = figures.added_panels(added)
plt.show()

# %% [markdown]
# ## What the numbers say
#
# ### Does it change with the training set?
#
# The same image under three training sets is its own control. The correlation of the changes of each
# score with those of the error, and the same once a difference between whole networks is taken out,
# too.

# %%
analysis.show(analysis.epistemic(scores, run.profile))

# %% [markdown]
# ### What does it add?
#
# Rank correlation with the error given each of four numbers that cost nothing, and given all.

# %%
analysis.show(added)

# %% [markdown]
# ### Where does it come from?
#
# SLUG of each layer alone. The weights of the decoder's first layer are multiplied by the latent
# mean: their part of the squared Jacobian norm is |mu|² times what one unit of that layer's output
# does. KL is |mu|²/2 and a term that hardly varies. So a score in which that layer weighs much must
# follow KL.

# %%
layers = run.table("layers")
analysis.layer_table(layers, scores, run.profile)

# %% [markdown]
# ### Does a given score mean the same error in both groups?
#
# The gap in the logarithm of the error between dark and light skin, as it is and with SLUG known;
# and how many images of each group a fixed threshold flags (the highest tenth of the scores) beside
# how many have an error among the highest tenth.

# %%
gaps = analysis.sufficiency(scores, run.profile)
display(analysis.show(gaps.to_frame("log (dark / light)")))
analysis.show(analysis.flags(scores, run.profile))

# %% [markdown]
# ### What can be decided by it?
#
# The share of images that can be kept if the chance of a large error among them (the upper quartile
# of the errors) is to stay below a risk, by split-conformal risk control.

# %%
analysis.kept_at_risk(wide, run.profile, recorded.DECIDING)

# %% [markdown]
# ### Does the variance of a pixel tell its residual?
#
# Within each image, the squared residuals beside SLUG's variances: their rank correlation, and the
# slope of one in the other over tenths of the pixels, on logarithmic axes. One factor for a whole
# network would be no fault; but the factor must be the same for all images, and for both groups.

# %%
analysis.calibration(run.table("calibration"), run.profile)

# %% tags=["hide-input"]
slug = added.loc["slug"]
numbers = {
    "slug_alone": slug["alone"].value,
    **recorded.with_ends("slug_given_all", slug["given all four"]),
    "gap": gaps["gap"].value,
    "gap_given_slug": gaps["gap given SLUG"].value,
}
if known is not None:
    numbers |= recorded.numbers(known)
if large is not None and narrow is not None:
    at_128, at_64 = adds[large.profile.name], adds[narrow.profile.name]
    numbers |= {
        **recorded.with_ends("large_slug_given_all", at_128[recorded.GIVEN_ALL]),
        **recorded.with_ends("bottleneck_slug_given_all", at_64[recorded.GIVEN_ALL]),
        "large_explained": at_128[recorded.EXPLAINED].value,
        "large_explained_by_slug": at_128[recorded.MORE].value,
    }
# The first page quotes these of the recorded runs.
quoted = {
    "large_slug_given_all",
    "large_slug_given_all_low",
    "large_slug_given_all_high",
    "bottleneck_slug_given_all",
    "bottleneck_slug_given_all_low",
    "bottleneck_slug_given_all_high",
    "large_explained",
    "large_explained_by_slug",
    "recorded_slug_given_all",
    "recorded_slug_given_all_low",
    "recorded_slug_given_all_high",
    "recorded_deep_ensemble_given_all",
    "recorded_within_images",
    "recorded_within_images_and_sets",
    "recorded_flagged_light",
    "recorded_flagged_dark",
    "recorded_large_error_light",
    "recorded_large_error_dark",
    "recorded_excess_given_slug",
}
assert quoted <= set(numbers) or kept is None
run.finish(figure, numbers)
