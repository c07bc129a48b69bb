# %% [markdown]
# # The sketch: when can the eigenvectors be forgotten?
#
# The k leading eigenvectors take k times as much memory as the network. The paper's SLU keeps only
# a random sketch of each Lanczos vector, s numbers instead of p. The score is then a difference of
# two squared lengths, one of which is known only through the sketch. How large must s be?

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

# %% mystnb={"figure": {"caption": "Left: the score with a sketched basis over the score with the full basis, same probes; points are means over the images, bars their range. Right: the sketch size below which one probe is off by more than 10 %, if the basis removes a given share of the Jacobian norm.", "name": "fig-sketch"}, "image": {"alt": "Left: ratio of the sketched to the full score over the sketch size, one line per number of Lanczos steps; with as many steps as eigenpairs the lines lie above one, with three times as many below. Right: the sketch size that is needed rises steeply with the share of the Jacobian norm that the basis removes.", "classes": "dark-light"}} tags=["hide-input"]
figure, (left, right) = plt.subplots(1, 2, figsize=(7.2, 3.6))
figures.sketched_scores(left, scores)
figures.needed_sizes(right, 0.1)
plt.show()

# %% [markdown]
# ## What the numbers say
#
# Two things differ from the full basis. First, Lanczos iteration that drops its vectors cannot
# orthogonalise against them: k steps give fewer than k eigenvectors, so the score stays too large;
# more steps take out further directions, and it becomes too small. This does not depend on the
# sketch. Second, the sketch measures the removed length with a relative error of about the square
# root of 2 / s, and where U removes the share r of the Jacobian norm that error is magnified by
# r / (1 - r). **The rule: s of at least 2 (r / ((1 - r) ε))² keeps the error of one probe below ε,
# and where that approaches p the full basis is the one to use**, on disk or in bfloat16 if need be.

# %%
scores.groupby(["sketch", "share", "steps"])[
    ["sketch_size", "directions", "ratio", "removed", "numbers_kept"]
].mean().round(3).astype({"sketch_size": int, "directions": int})

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
    "needed_size": float(figures.needed_size(removed, 0.1)),
    "parameters": int(scores["sketch_size"].max() / scores["share"].max()),
    "lowest_ratio": float(scores["ratio"].min()),
    "highest_ratio": float(scores["ratio"].max()),
    "negative_scores": float((scores["score"] < 0).mean()),
}
error = analysis.best_sketch_error(scores, run.profile)
run.finish(
    figure,
    numbers,
    {
        "C13": [
            check("C13", "error", "error of the score, sketch with a quarter of the memory", error)
        ]
    },
)
