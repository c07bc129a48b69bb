# %% [markdown]
# # The claims, and what we found
#
# What must be seen to call a claim reproduced is in one file, `book/claims.yml`, each threshold with
# its reason; [the chronology](../chronology.md) tells when it was set and changed, and what was
# known by then. A claim is reproduced if the whole interval of every number lies on the wanted side
# of its threshold, not reproduced if one lies on the wrong side, and else inconclusive. On generated
# images, or where light and dark are not the paper's groups, there are numbers and no verdict
# ([how to read this](../how_to_read.md)).

# %% tags=["parameters", "remove-cell"]
profile = "quick"

# %% tags=["hide-input"]
from IPython.display import display
from matplotlib import pyplot as plt
from myst_nb import glue

from companion import notebook
from companion.book import claims_page
from companion.experiments import pages
from companion.experiments.scores.claims import verdicts_of_networks

run = notebook.open_run("claims", profile)
deciding = [page.name for page in pages().values() if page.decides_claims]
found = claims_page.sources(run.profile, deciding)
large, numbers = notebook.find_recorded_networks(), {}
if large is not None:
    judged = verdicts_of_networks(large)
    found.insert(-1, claims_page.of_networks(large.profile, judged, "fig4"))
    # The first page quotes these.
    numbers = {
        "large_spearman": judged["C7"].checks[0].interval.value,
        "large_C7": judged["C7"].verdict.value,
        "large_C8": judged["C8"].verdict.value,
        "large_C9": judged["C9"].verdict.value,
    }
display(claims_page.claims_table(found))

# %% [markdown]
# ## At a glance

# %% mystnb={"figure": {"caption": "Every number behind a verdict, less its threshold, with its interval; right of the line it is as the paper says. What leaves the axis is drawn at its end.", "name": "fig-claims"}, "image": {"alt": "One row per check of a claim: its number and interval, less the threshold, for each run. Right of the zero line the number is as the paper says.", "classes": "dark-light"}} tags=["hide-input"]
figure, axis = plt.subplots(figsize=(7.2, 12))
claims_page.margins(axis, found)
figure.legend(loc="outside lower center", ncols=2)
plt.show()

# %% [markdown]
# Recorded columns come from longer runs on real images, whose tables lie in `results/`; the fresh
# column from the run that made this book. Intervals are over the unit that the claim is about,
# 95 %: runs, or runs and the patients in them, or images. Many claims are asked at once, each by
# itself: read one surprising verdict with that in mind. At the paper's size of 128 pixels (`large`) only
# networks of the balanced set are made, which C7 to C10 are about.

# %%
counts = claims_page.counts_table(found)
counts

# %% [markdown]
# ## How often the rules err
#
# The same rules on made-up score tables whose truth is known, as large as those of the profile
# `reduced` and with the same test images in all runs: with an effect (dark skin 22 % worse after
# training without it, 16 % worse after training on dark skin only, and so on), with none, and where a
# claim says "does not", with one at its margin. `benchmarks/verdicts.py` has all of it; a claim without
# a row has not been measured so. C9 to C11 are judged as C7 is; C12 to C14 by intervals over images.

# %%
claims_page.error_rates()

# %% tags=["hide-input"]
glue("counts", counts, display=False)
run.finish(figure, numbers)
