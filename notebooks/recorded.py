# %% [markdown]
# # On real images: the recorded run
#
# The pages before this one were made together with the book. This one shows a longer run on real
# photographs, which needs data that a fresh clone does not have. Its tables, one row per image,
# are in `results/` with their provenance; the figures are drawn from them anew.

# %% tags=["parameters", "remove-cell"]
profile = "quick"

# %% tags=["hide-input"]
from IPython.display import Markdown
from matplotlib import pyplot as plt

from companion import notebook
from companion.experiments import pages
from companion.experiments.scores import figures
from companion.statistics.claims import DARK, LIGHT
from companion.statistics.summaries import GROUPS, select, skin_types, source_names

run = notebook.open_recorded("recorded", notebook.REAL_RUN, profile)

# %% mystnb={"figure": {"caption": "Recorded run on real images. Upper row: mean error and mean SLUG of the two test groups under each training set, with bootstrap intervals and, faint, the single runs. Lower row, trained on B: SLUG against error, one mark per held-out image; and the mean error of the rest as the most uncertain images are removed.", "name": "fig-recorded"}, "image": {"alt": "Upper row: mean error and mean SLUG of light and dark test images for three training sets. Lower row: SLUG against error per image, and mean error as uncertain images are removed.", "classes": "dark-light"}} tags=["hide-input"]
test = select(run.table("scores"), "B", *GROUPS)
figure, axes = plt.subplots(2, 2, figsize=(7.2, 6.4))
figures.group_means(axes[0, 0], run.table("scores"), run.profile, "mse")
figures.group_means(axes[0, 1], run.table("scores"), run.profile, "slug")
figures.score_against_error(axes[1, 0], test)
figures.rejection(axes[1, 1], test)
handles, labels = axes[0, 0].get_legend_handles_labels()
figure.legend(handles, labels, loc="outside upper center", ncols=2)
plt.show()

# %% [markdown]
# ## What the numbers say
#
# [The claims page](claims.ipynb) has the verdicts.

# %% tags=["hide-input"]
skin = run.profile.data.skin
Markdown(
    f"Light is {skin_types(skin.light)}, dark is {skin_types(skin.dark)}, both of {skin.source}; "
    f"the paper's groups are {skin_types(LIGHT)} and {skin_types(DARK)}."
)

# %% tags=["hide-input"]
deciding = [page.name for page in pages().values() if page.decides_claims]
numbers = {
    **{name: value for page in deciding for name, value in run.numbers(page).items()},
    **{
        f"verdict_{claim}": verdict
        for page in deciding
        for claim, verdict in run.verdicts(page).items()
    },
    "num_runs": len(run.profile.seeds),
    "num_train": skin.train,
    "num_test": skin.test,
    "image_size": run.profile.data.image_size,
    "data_text": source_names(run.profile.data.sources()),
    "light_text": skin_types(skin.light),
    "dark_text": skin_types(skin.dark),
}
run.finish(figure, numbers)
