# %% [markdown]
# # The claims, and what we found
#
# What must be seen to call a claim reproduced was written down before the runs, in one file,
# `book/claims.yml`, each with its reason. A claim is reproduced if the whole interval of every
# number lies on the wanted side of the threshold, partly if only the numbers do or if they disagree,
# and not reproduced if none does. Nothing was tuned until a claim held.

# %% tags=["parameters", "remove-cell"]
profile = "quick"

# %% tags=["hide-input"]
from IPython.display import display
from matplotlib import pyplot as plt

from companion import notebook
from companion.book import claims_page
from companion.experiments import pages

run = notebook.open_run("claims", profile)
deciding = [page.name for page in pages().values() if page.decides_claims]
found = claims_page.sources(run.profile, deciding)
display(claims_page.claims_table(found))

# %% [markdown]
# ## At a glance

# %% mystnb={"figure": {"caption": "Every number behind a verdict, less the threshold set beforehand, with its interval; right of the line it is as the paper says. What leaves the axis is drawn at its end.", "name": "fig-claims"}, "image": {"alt": "One row per check of a claim: its number and interval, less the threshold, for each run. Right of the zero line the number is as the paper says.", "classes": "dark-light"}} tags=["hide-input"]
figure, axis = plt.subplots(figsize=(7.2, 5.6))
claims_page.margins(axis, found)
figure.legend(loc="outside lower center", ncols=3)
plt.show()

# %% [markdown]
# The fresh column comes from the run that made this book; a recorded column from a longer run on
# real images, whose tables lie in `results/`. Intervals are bootstraps over images, 95 %. Many
# claims are asked at once, each by itself: read one surprising verdict with that in mind.

# %% tags=["hide-input"]
fresh = claims_page.counts(found[0])
real = next(one for one in found if one.is_recorded and one.profile == notebook.REAL_RUN)
reduced = claims_page.counts(real)
numbers = {
    "fresh_reproduced": fresh["reproduced"],
    "fresh_inconclusive": fresh["inconclusive"],
    "fresh_not_reproduced": fresh["not reproduced"],
    "fresh_not_testable": fresh["not testable"],
    "reduced_reproduced": reduced["reproduced"],
    "reduced_inconclusive": reduced["inconclusive"],
    "reduced_not_reproduced": reduced["not reproduced"],
    "reduced_not_testable": reduced["not testable"],
}
run.finish(figure, numbers)
