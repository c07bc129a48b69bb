# %% [markdown]
# # Figure 1: error follows representation, the encoder does not notice
#
# A network that has seen little dark skin reconstructs dark skin badly. Does its own encoder know?
# Each network reconstructs the same held-out images of light and of dark skin; the encoder's
# deviation is the mean standard deviation of $q(z \mid x)$.

# %% tags=["parameters", "remove-cell"]
profile = "quick"

# %% tags=["hide-input"]
from matplotlib import pyplot as plt

from companion import notebook
from companion.experiments.scores import figures
from companion.experiments.scores.analysis import cell_table, ratio, ratio_of_ratios
from companion.statistics.claims import check
from companion.statistics.metrics import spearman
from companion.statistics.summaries import GROUPS, over_images, select

run = notebook.open_run("fig1", profile)

# %% mystnb={"figure": {"caption": "Mean reconstruction error (left) and mean encoder deviation (right) on held-out images of light and of dark skin, for networks trained on light (A), mixed (B) and dark skin (C). Bars: bootstrap intervals over images; with several runs, faint marks are their own means.", "name": "fig-1"}, "image": {"alt": "Two panels with means and intervals for light and dark test images under three training sets: reconstruction error on the left, encoder deviation on the right.", "classes": "dark-light"}} tags=["hide-input"]
figure, (left, right) = plt.subplots(1, 2)
figures.group_means(left, run.table("scores"), run.profile, "mse")
figures.group_means(right, run.table("scores"), run.profile, "encoder_std")
figure.legend(*left.get_legend_handles_labels(), loc="outside upper center", ncols=2)
plt.show()

# %% [markdown]
# ## What the numbers say

# %%
scores = run.table("scores")
error = {d: ratio(scores, run.profile, "mse", (d, "dark"), (d, "light")) for d in "AC"}
encoder = ratio(scores, run.profile, "encoder_std", ("A", "dark"), ("A", "light"))
shift = ratio_of_ratios(scores, run.profile, "mse")
test = select(scores, "B", *GROUPS)
encoder_rank = over_images(test, run.profile, spearman, "encoder_std", "mse")
cell_table(scores, run.profile, "mse", "encoder_std")

# %% tags=["hide-input"]
checks = {
    "C1": [check("C1", "(dark / light error after A) / (the same after C)", shift)],
    "C2": [check("C2", "rank correlation of encoder deviation with error, B", encoder_rank)],
}
numbers = {
    "mse_ratio_A": error["A"].value,
    "mse_ratio_C": error["C"].value,
    "encoder_ratio_A": encoder.value,
}
run.finish(figure, numbers, checks)
