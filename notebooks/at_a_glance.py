# %% [markdown]
# # At a glance: an image, its reconstruction, its error and its SLUG map
#
# A network that has seen light and dark skin reconstructs three images that it has not seen. Where
# is it wrong, and where does it know that it may be?

# %% tags=["parameters", "remove-cell"]
profile = "quick"

# %% tags=["hide-input"]
from matplotlib import pyplot as plt

from companion import notebook
from companion.experiments.scores import figures, object_maps

run = notebook.open_run("at_a_glance", profile)

# %% mystnb={"figure": {"caption": "The first light, the first dark and the first image with a foreign object of the test set, with the network trained on B. The squared error needs the image as it should be; the SLUG map needs the network alone. Yellow is the largest value of each map, which is scaled to [0, 1] by itself; the score under it is the sum over its pixels, in squared units of intensity.", "name": "fig-at-a-glance"}, "image": {"alt": "Three rows: light skin, dark skin, and skin with a foreign object. Four columns: the image, its blurred reconstruction, the map of the squared error, and the SLUG map, with the score below it.", "classes": "dark-light"}} tags=["hide-input"]
maps, images = object_maps.at_a_glance(run)
figure, axes = plt.subplots(len(images), 4, figsize=(7.2, 1.9 * len(images)))
figures.at_a_glance(axes, maps, images)
plt.show()

# %% [markdown]
# ## How to read it
#
# The error says where the reconstruction *is* wrong, which can be computed only where the right image is
# known. SLUG says how far each pixel could move if the weights moved in all directions but those
# that the training images determine best. Whether the one follows the other is what this book
# measures, [claim by claim](claims.ipynb).

# %% tags=["hide-input"]
columns = ["set", "object", "mse", "slug", "slug_standard_error"]
images[columns].set_index("set").rename(
    columns={"mse": "mean squared error", "slug_standard_error": "standard error of SLUG"}
)

# %% tags=["hide-input"]
run.finish(figure, {f"score_{row.set}": float(row.slug) for row in images.itertuples()})
