# %% [markdown]
# # Volumes and large images
#
# Nothing in SLUG knows how many axes an image has. Here are volumes: phantoms with organs, lesions
# and, in the tested ones, a needle that no training volume has, with its exact mask. The network is a
# small variational autoencoder of this page's own.

# %% tags=["parameters", "remove-cell"]
profile = "quick"

# %% tags=["hide-input"]
from matplotlib import pyplot as plt

from companion import notebook
from companion.experiments.volumes import figures, tables

run = notebook.open_run("volumes", profile)
volumes = run.table("volumes")
job = run.jobs("volumes")[0]
example = job.read_array("volume_example.npy")

# %% mystnb={"figure": {"caption": "Three slices through the middle of a needle in a volume that the network has not seen: the volume, its reconstruction, the standard deviation of each voxel scaled to [0, 1], and the mask of the needle.", "name": "fig-volumes"}, "image": {"alt": "Twelve small grey pictures, a row for each of three planes, with the volume, the reconstruction, the uncertainty and the mask of the needle as columns.", "classes": "dark-light"}} tags=["hide-input"]
figure, axes = plt.subplots(3, 4, figsize=(7.2, 5.4))
figures.slices(axes, example)
plt.show()

# %% [markdown]
# AUROC is the probability that a voxel of the needle stands above one outside, here a mean over the
# volumes; 0.5 is chance.

# %% tags=["hide-input"]
tables.detections(volumes)

# %% [markdown]
# ## What a volume costs
#
# The same kind of network, not trained, for volumes and for images with as many outputs. What counts
# is the number of parameters and of outputs, not that of axes. Seconds are of one processor; the
# memory is what the linearised model of one image holds on to and works with.

# %% tags=["hide-input"]
tables.costs(run)

# %% [markdown]
# ## From 32 to 512 pixels
#
# One image at several sizes, by the residual network of this book with as many parameters at each,
# and with as many products for each estimate (`benchmarks/resolution.py`; seconds of one processor,
# without compilation). The error of a score is its stated standard error; that of a map is measured
# against the exact variance of outputs drawn at random. The paper's ways are its estimator of the
# score and that of Bekas for the map, whose error grows with the number of pixels.

# %% tags=["hide-input"]
tables.resolution()

# %% [markdown]
# ## A quarter of a billion parameters
#
# The paper's k vectors take k times the memory of such a network; their sketch has a few hundred
# numbers for each, whatever p is. Here is the book's network with many more channels, not trained, on
# generated images of 16 pixels (`benchmarks/large.py`; on two cores that had other work, too).

# %% tags=["hide-input"]
tables.many_parameters()

# %% tags=["hide-input"]
numbers = {
    "slug_auroc": float(volumes["slug_auroc"].mean()),
    "error_auroc": float(volumes["error_auroc"].mean()),
}
run.finish(figure, numbers)
