# %% [markdown]
# # The sketch: when can the eigenvectors be forgotten?
#
# The k leading eigenvectors take k times as much memory as the network. The paper's SLU keeps only
# a random sketch of each Lanczos vector, s numbers instead of p. What does that cost, why does it
# break for a generative model, and what repairs it?

# %% tags=["parameters", "remove-cell"]
profile = "quick"

# %% tags=["hide-input"]
from matplotlib import pyplot as plt

from companion import notebook
from companion.book.recorded import of_recorded
from companion.experiments.sketch import analysis, figures, recorded
from companion.experiments.sketch.settings import Sketch
from companion.statistics.claims import check

run = notebook.open_run("sketch", profile)
scores = run.table("sketch")
growth = run.table("sketch_growth")

# %% [markdown]
# ## What SLU does, and why it breaks
#
# SLU takes the removed length from the sketch, and the whole length as it is. Of the Jacobian of an
# image, U removes the fraction ρ; where ρ is near one, an error of the removed length is magnified by
# ρ / (1 - ρ). The residual inside the sketch takes both lengths from there: its error does not know
# of ρ ([the method](../method.md) proves both). Every point is over the score with the *same*
# basis without a sketch, by the same probes.

# %% mystnb={"figure": {"caption": "Left: relative error of the score with a sketched basis of the trained network, root mean square over images and sketches; the line is at 10 %. Right: the sketch size that keeps the error below 10 %, for untrained networks of several widths.", "name": "fig-sketch"}, "image": {"alt": "Left: error over sketch size on logarithmic axes; both forms fall, and the residual inside the sketch lies well below the published form. Right: needed sketch size over the number of parameters; the residual inside the sketch stays level far below the dotted line s = p.", "classes": "dark-light"}} tags=["hide-input"]
figure, (left, right) = plt.subplots(1, 2, figsize=(7.2, 4.2))
figures.sketch_errors(left, scores)
figures.size_over_parameters(right, growth, 0.1)
plt.show()

# %% [markdown]
# ## What the numbers say
#
# For each image and number of Lanczos steps, the sketch size that keeps the error below 5 % and 10 %.
# The published form needs more the more of the image's Jacobian is removed. **The residual inside the
# sketch needs m numbers for the m directions, and two over the square of the error at most: the
# default of `slug.SketchedLanczos`.**

# %%
analysis.needed_sizes(scores).round({"removed": 3})

# %% [markdown]
# ## Does it grow with the number of parameters?
#
# At equal numbers of Lanczos steps, for untrained networks of several widths:

# %%
analysis.needed_sizes(growth).drop(columns=["sketch", "steps"]).round({"removed": 3})

# %% [markdown]
# ## The second defect, which no sketch repairs
#
# Lanczos iteration that drops its vectors cannot orthogonalise against them: k steps span fewer than k
# directions, and other ones than the k leading eigenvectors. Without any sketch, the score with the
# basis of so many steps over that with the eigenvectors:

# %%
scores.groupby("steps")[["directions", "removed", "space"]].mean().round(3).assign(
    eigenvectors=run.profile.experiment(Sketch).rank
)

# %% [markdown]
# ## The recorded run on real images

# %% tags=["hide-input"]
kept = {"Scores with a sketched basis": recorded.recorded_sketch}
of_recorded(notebook.find_recorded("scores"), kept)

# %% tags=["hide-input"]
removed = float(scores["removed"].mean())
numbers = {
    "removed": removed,
    "rank": run.profile.experiment(Sketch).rank,
    "needed_size": float(figures.rule(removed, 0.1)),
    "parameters": int(scores["parameters"].max()),
    "lowest_ratio": float(scores["published"].min()),
    "highest_ratio": float(scores["published"].max()),
    "negative_scores": float((scores["published"] < 0).mean()),
    "lowest_residual_ratio": float(scores["residual"].min()),
    "highest_residual_ratio": float(scores["residual"].max()),
}
checks = [
    check(
        "C13",
        "growth",
        f"growth of the sketch size, {figures.LABELS[form]}",
        analysis.growth_of_size(growth, form, 0.1, run.profile),
    )
    for form in analysis.FORMS
    if not growth.empty
]
run.finish(figure, numbers, {"C13": checks})
