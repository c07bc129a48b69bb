# %% [markdown]
# # Foreign objects: found by SLUG, by the error, or by both?
#
# [Figure 4](fig4.ipynb) asks whether the pixel maps light up on rulers, ink and patches, at one size
# and with full contrast. Here the objects come in several sizes and contrasts, over images that the
# network trained on B has not seen, with masks that are exact to the pixel. Each image is looked at
# with and without the object and with the same random directions, so that the change is the
# object's. The baseline is the plain squared error, which needs no curvature.

# %% tags=["parameters", "remove-cell"]
profile = "quick"

# %% tags=["hide-input"]
from matplotlib import pyplot as plt

from companion import notebook
from companion.book.recorded import of_recorded, unless_empty
from companion.experiments.objects import figures, tables
from companion.experiments.objects.measure import plainest

run = notebook.open_run("foreign_objects", profile)
objects = run.table("objects")
usual = plainest(objects)

# %% mystnb={"figure": {"caption": "Mean pixel AUROC of the two maps against the mask of the object, with bootstrap intervals over images; 0.5, dotted, is chance. Upper row: over the object's contrast (1 is opaque), at the usual size. Lower row: over its size (1 is the usual one), at full contrast.", "name": "fig-foreign-objects"}, "image": {"alt": "Two rows of small plots, one column per kind of object. Upper row: mean pixel AUROC of SLUG and of the squared error over the contrast of the object. Lower row: over its size. A dotted line marks chance at one half.", "classes": "dark-light"}} tags=["hide-input"]
kinds = objects["kind"].nunique()
figure, axes = plt.subplots(2, kinds, figsize=(7.2, 4.2), sharey=True, squeeze=False)
figures.detections(axes, objects, run.profile)
handles, labels = axes[0, 0].get_legend_handles_labels()
figure.legend(handles, labels, loc="outside upper center", ncols=2)
plt.show()

# %% [markdown]
# ## Pixels
#
# At the usual size and full contrast, with intervals over images. AUROC is the probability that a
# pixel of the object stands above one outside; AP is the average precision, whose chance level is
# the share of pixels covered.

# %%
tables.pixel_table(usual, run.profile)

# %% [markdown]
# ## Reconstructed well, yet flagged?
#
# The paper says that the squared error misses the objects because the network reconstructs them well
# (claim C10). This table asks whether it does: the mean squared error (intensity², summed over
# channels) of the object's pixels, of the same pixels before the object was laid there, and of the
# rest of the image. A ratio well above one means that the object is reconstructed badly, and that
# the squared error has something to find.

# %%
tables.error_table(usual, run.profile)

# %% [markdown]
# ## Whole images
#
# Can the score of a whole image tell that an object was laid over it? AUROC compares images with an
# object against clean images of the same domain, as a detector would have to. The share that rises
# compares each image with itself.

# %%
tables.image_table(usual, run.profile)

# %% [markdown]
# ## Beside a lesion
#
# The paper says that the lesion is uncertain too, but less so than the object (claim C11). The same
# objects are laid over images whose lesion is known: the generator's own, or outlined by experts.
# Means of the map over the lesion, the object and the rest (skin), as ratios: the claim wants both
# columns of SLUG above one.

# %%
unless_empty(
    tables.lesion_table(run.table("lesions"), run.profile),
    "There are no images with a known lesion.",
)

# %% [markdown]
# ## Real objects
#
# Images of ISIC 2017 that people tagged as showing a patch, a ruler or ink, against images tagged
# as showing nothing. **This comparison is
# confounded:** the tagged images differ from the others in framing, colour and contrast, so a score
# that tells them apart need not have seen the object. The pixels of real coloured patches, whose
# masks come from a simple colour rule, are in [Figure 4](fig4.ipynb).

# %%
unless_empty(
    tables.tagged_table(run.table("scores"), run.profile),
    "This run has no images with tags.",
)

# %% [markdown]
# ## The recorded run on real images

# %% tags=["hide-input"]
kept = {
    "Pixels": tables.recorded_pixels,
    "Squared error of the object": tables.recorded_errors,
    "Whole images": tables.recorded_images,
    "Beside a lesion": tables.recorded_lesions,
}
of_recorded(notebook.find_recorded("objects"), kept)

# %% [markdown]
# ## What the numbers say
#
# Claim C11 is decided here; claims C9 and C10 with Figure 4. What this page adds to those is whether
# they hold at other sizes and contrasts (the figure), by how much SLUG finds more of an object than
# the squared error does (last column of the first table), and whether the object is reconstructed
# well at all (last column of the second).

# %% tags=["hide-input"]
numbers = tables.summary(usual, run.profile)
checks = {"C11": tables.lesion_checks(run.table("lesions"), run.profile)}
run.finish(figure, numbers, checks)
