# %% [markdown]
# # The images
#
# Which images does a run train and test on, and what do they look like? Every data set of skin
# images is divided by Fitzpatrick skin type into light and dark. Training set A holds light skin,
# B half of each, C dark skin; the two test sets are held out, and no patient and no duplicate is
# on both sides.

# %% tags=["parameters", "remove-cell"]
profile = "quick"

# %% tags=["hide-input"]
from matplotlib import pyplot as plt
from myst_nb import glue

from companion import notebook
from companion.book import panels
from companion.experiments.data import figures, report
from companion.experiments.data.report import pool_report
from companion.statistics import summaries

run = notebook.open_run("data", profile)

# %% [markdown]
# ## Counts

# %%
seed = run.profile.seeds[0]
test, train = run.table("test"), run.table("train")
counts = report.image_counts(run.profile, train, test)
counts

# %% [markdown]
# ## What the data sets hold, lack and repeat
#
# Absent is what the data set has as published and the data root does not. Near-duplicates are found
# by perceptual hash, confirmed by thumbnail, and stay on one side of every split; images of one
# patient or one lesion do so too. A group whose images are labelled both light and dark is left
# out. Generated images have nothing to report.

# %% tags=["hide-input"]
pool_report(run.profile) if run.profile.data.real_sources() else "all images are generated"

# %% [markdown]
# ## Examples
#
# The first images of each set. A data set whose manifest does not allow its images to be shown
# leaves an empty frame.

# %% mystnb={"figure": {"caption": "The first images of each test set, as the network sees them.", "name": "fig-data"}, "image": {"alt": "Rows of small skin images: light and dark test images, images without foreign objects, and images with foreign objects.", "classes": "dark-light"}} tags=["hide-input"]
figure = figures.contact_sheet(test[test["seed"] == seed], run.images("test", seed))
plt.show()

# %% tags=["hide-input"]
data = run.profile.data
numbers = {
    "profile": run.profile.name,
    "data_text": summaries.source_names(data.sources()),
    "light_text": summaries.skin_types(data.skin.light),
    "dark_text": summaries.skin_types(data.skin.dark),
    "image_size": data.image_size,
    "num_train": data.skin.train,
    "num_test": data.skin.test,
}
glue("banner", panels.banner(run.profile), display=False)
run.finish(figure, numbers)
