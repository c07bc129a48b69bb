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
import numpy as np
from matplotlib import pyplot as plt

from companion import notebook
from companion.book.recorded import of_recorded
from companion.experiments.estimators import figures, recorded
from companion.experiments.estimators.measure import bekas_over_krylov, summary
from companion.experiments.estimators.settings import Estimators
from companion.statistics.claims import check
from companion.statistics.summaries import over_rows

run = notebook.open_run("estimators", profile)
errors = run.table("estimators")

# %% [markdown]
# The network is made of convolutions alone, so the same parameters serve at every size. At the size
# that it was trained at, U is that of the whole training set; at the others, of some training
# images at that size.

# %% mystnb={"figure": {"caption": "Relative error over Jacobian products, network trained on B, one column for each image size. Upper row: the score, against the Krylov estimate with many more products. Lower row: the map, in the l2 norm over outputs drawn at random, against their exact variances. Points are root mean squares over images and repeats, bars their range.", "name": "fig-estimators"}, "image": {"alt": "Panels on logarithmic axes, relative error over Jacobian products: the score above, the map below, one column for each image size. In the map the Krylov estimator lies lowest from 150 products on, at every size; the Bekas diagonal stays near or above 100 percent.", "classes": "dark-light"}} tags=["hide-input"]
sizes = list(run.profile.experiment(Estimators).most_products)
figure, axes = plt.subplots(2, len(sizes), figsize=(7.2, 6.4), sharey="row", squeeze=False)
figures.errors(axes, errors)
handles, labels = figures.legend_once(axes)
figure.legend(handles, labels, loc="outside lower center", ncols=3)
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
    index=["quantity", "estimator"], columns=["image_size", "budget"], values="error"
).fillna("")

# %% [markdown]
# ## Against the paper's map, as the images grow
#
# How many times more products the Bekas diagonal takes for the error that the Krylov estimator has
# at a budget. One pixel's share of all the others shrinks as the images grow, so Bekas gets worse,
# and the ratio larger.

# %%
bekas_over_krylov(errors).map("{:,.0f}".format)

# %% [markdown]
# ## The recorded run on real images
#
# A long sweep over sizes takes its time, so synthetic images are looked at in few and small sizes.
# The recorded run, whose tables are not kept as a whole, went beyond that.

# %% tags=["hide-input"]
kept = {
    "Relative error of the map": recorded.recorded_map_errors,
    "Products of Bekas over those of Krylov, for the same error": recorded.recorded_ratios,
}
of_recorded(notebook.find_recorded("scores"), kept)

# %% tags=["hide-input"]
own = table[table["image_size"] == run.profile.data.image_size]
at = own.set_index(["quantity", "estimator", "budget"])["error"]
budgets = sorted(own[own["quantity"] == "map"]["budget"])
least, most = int(budgets[0]), int(budgets[-1])
ratio = bekas_over_krylov(errors)
numbers = {
    "images": int(errors["image"].nunique()),
    "most_products": most,
    "least_products": least,
    "bekas_error": float(at["map", "bekas", most]),
    "krylov_error_least": float(at["map", "krylov", least]),
    "krylov_error_most": float(at["map", "krylov", most]),
    "pushforward_error_most": float(at["map", "pushforward", most]),
    "bekas_products_for_krylov_error": float(least * ratio[run.profile.data.image_size][least]),
    "smallest_size": min(sizes),
    "largest_size": max(sizes),
    "ratio_smallest": float(ratio[min(sizes)][least]),
    "ratio_largest": float(ratio[max(sizes)][least]),
}
outputs = 3 * run.profile.data.image_size**2
samples = run.table("samples")
needed = {
    column: over_rows(samples[column] / samples["outputs"], run.profile, np.mean)
    for column in ("samples_needed", "products_needed")
}
numbers["samples_needed"] = float(samples["samples_needed"].mean())
checks = {
    "C12": [
        check(
            "C12",
            "samples",
            f"samples for a score with 5 % error, over {outputs:,} outputs, {len(samples)} images",
            needed["samples_needed"],
        )
    ],
    "C14": [
        check(
            "C14",
            "paper",
            f"products for a map with 10 % error, over {outputs:,} outputs, {len(samples)} images",
            needed["products_needed"],
        )
    ],
}
run.finish(figure, numbers, checks)
