# %% [markdown]
# # Curvature
#
# How much of what the network can do to an image do the leading directions hold? The generalised
# Gauss-Newton matrix $\mathbf{G} = \sum_i \mathbf{J}(x_i)^\top \mathbf{J}(x_i)$ of the training
# images has few large eigenvalues. SLUG is what is left of the Jacobian outside their
# eigenvectors, so it matters how many there are and how well Lanczos found them. A run is verified
# where an upper bound, wrong with a probability of at most 1e-4, shows that no eigenvalue is larger
# than the one found, by more than the tolerance.

# %% tags=["parameters", "remove-cell"]
profile = "quick"

# %% tags=["hide-input"]
from matplotlib import pyplot as plt

from companion import notebook
from companion.experiments.curvature import analysis, figures

run = notebook.open_run("curvature", profile)

# %%
pairs = run.table("eigenpairs")
analysis.curvature_table(pairs, run.table("trace"), run.profile)

# %% mystnb={"figure": {"caption": "Left: the leading eigenvalues (Ritz values) of the generalised Gauss-Newton matrix, one line per training set and seed. Right: the residual of each pair relative to its eigenvalue; the line is the tolerance that was asked for.", "name": "fig-curvature"}, "image": {"alt": "Left: eigenvalues falling over their rank on a logarithmic axis, one line per training set. Right: relative residuals, most of them below the tolerance.", "classes": "dark-light"}} tags=["hide-input"]
figure, (left, right) = plt.subplots(1, 2)
figures.spectrum(left, pairs)
figures.residuals(right, pairs, run.profile.curvature.tolerance)
plt.show()

# %% tags=["hide-input"]
numbers = {
    "rank": run.profile.curvature.rank,
    "removed_share": float(run.table("trace")["share_of_trace"].mean()),
    "num_samples": run.profile.scores.num_samples,
}
run.finish(figure, numbers)
