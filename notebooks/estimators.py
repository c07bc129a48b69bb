# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py:percent
#     text_representation:
#       extension: .py
#       format_name: percent
#       format_version: '1.3'
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Estimators: how many products does a score or a map take?
#
# SLUG is a trace, and its map a diagonal, of a matrix that is known only by its products. The paper
# spends S = 500 random probes on each. Which estimator gets how close, and for how many Jacobian
# products? One product is one Jacobian-vector or one vector-Jacobian product for one image. A probe
# of the paper's map takes two of them.

# %% tags=["parameters", "remove-cell"]
profile = "quick"

# %% tags=["hide-input"]
from matplotlib import pyplot as plt

from slugkit.companion import costs, experiment_plots, notebook
from slugkit.companion.claims import check
from slugkit.companion.experiments.estimators import summary

run = notebook.open_run("estimators", profile)
errors = run.experiment("estimators")

# %% tags=["hide-input"] mystnb={"image": {"alt": "Two panels on logarithmic axes: relative error over Jacobian products. Left, the score; right, the map. The Krylov estimator lies lowest in the map from 50 products on; the Bekas diagonal stays near or above 100 percent.", "classes": "dark-light"}, "figure": {"caption": "Relative error over Jacobian products, network trained on B. Left: the score, against the Krylov estimate with many more products. Right: the map, in the l2 norm over outputs drawn at random, against their exact variances. Points are root mean squares over images and repeats, bars their range.", "name": "fig-estimators"}}
figure, (left, right) = plt.subplots(1, 2, figsize=(7.2, 4.4))
experiment_plots.errors(left, errors, "score")
experiment_plots.errors(right, errors, "map")
left.set_title("score")
right.set_title("map")
for axis in (left, right):
    axis.legend(loc="upper center", bbox_to_anchor=(0.5, -0.2), fontsize=8)
plt.show()

# %% [markdown]
# ## What the numbers say
#
# Push-forward has the same relative error, the square root of 2 / S, at every pixel of every model:
# nothing has to be known about the network. The Krylov estimator computes the largest directions of
# each image exactly and leaves only the rest to chance, so its error falls much faster. The Bekas
# diagonal pays for every correlation between two pixels, and a reconstruction is full of them.

# %%
table = summary(errors)
table.assign(error=table["error"].map("{:.2%}".format)).pivot(
    index=["quantity", "estimator"], columns="budget", values="error"
).fillna("")

# %% tags=["hide-input"]
at = table.set_index(["quantity", "estimator", "budget"])["error"]
least, most = (
    min(run.profile.experiments.estimators.map_budgets),
    max(run.profile.experiments.estimators.map_budgets),
)
bekas, ours = at["map", "bekas", most], at["map", "krylov", least]
numbers = {
    "images": int(errors["image"].nunique()),
    "most_products": most,
    "least_products": least,
    "bekas_error": float(bekas),
    "krylov_error_least": float(ours),
    "krylov_error_most": float(at["map", "krylov", most]),
    "pushforward_error_most": float(at["map", "pushforward", most]),
    # The error of a mean of probes falls with the root of their number.
    "bekas_products_for_krylov_error": float(most * (bekas / ours) ** 2),
}
probes = max(run.profile.experiments.estimators.score_budgets)
outputs = 3 * run.profile.data.image_size**2
bekas_rms = costs.error_after(errors, run.profile, "map", "bekas", most)
checks = {
    "C12": [
        check(
            "C12",
            f"relative error of the paper's score, {probes} products for {outputs:,} outputs",
            costs.error_after(errors, run.profile, "score", "hutchinson", probes),
        )
    ],
    "C14": [
        check(
            "C14",
            "products for a map with 10 % error, over outputs",
            costs.products_for_map(bekas_rms, most / outputs),
        )
    ],
}
run.finish(figure, numbers, checks)
