# %% [markdown]
# # Status: what each step took
#
# How long did it take to make these pages, on what, and would another run give the same bytes?
# Every step writes a record when it ends. Here are those of the run behind this book, and of the
# runs on real images that are recorded in `results/`.

# %% tags=["parameters", "remove-cell"]
profile = "quick"

# %% tags=["hide-input"]
from IPython.display import HTML
from matplotlib import pyplot as plt

from companion import notebook
from companion.experiments import steps
from companion.pipeline import status

run = notebook.open_run("status", profile)

# %%
jobs = status.jobs(profile, [step.name for step in steps().values()])
HTML(status.by_step(jobs).to_html(na_rep="–", border=0))

# %% [markdown]
# Processor time is what the jobs kept the cores busy, imports and compilation included. The pages
# come on top: `make book` says at its end what all of it took. Records from before it was counted
# show a dash.

# %% mystnb={"figure": {"caption": "Duration of each job of the graph, one mark per job (a seed and a training set), on a logarithmic axis. Jobs of one run work side by side, one on each core.", "name": "fig-status"}, "image": {"alt": "Duration of each job on a logarithmic axis in seconds, one row for each step of the graph, one mark and colour for each profile.", "classes": "dark-light"}} tags=["hide-input"]
figure, axis = plt.subplots()
status.durations(axis, jobs)
figure.legend(*axis.get_legend_handles_labels(), loc="outside upper center", ncols=3)
plt.show()

# %% [markdown]
# ## Every job
#
# A plus behind a commit means that the checkout held changes beyond it. The digest is of the first
# file that the job wrote: the same profile and seed give the same one on the same kind of machine.

# %% tags=["hide-input"]
HTML(
    f'<div class="all-jobs">{jobs.set_index(["profile", "step"]).to_html(na_rep="–", border=0)}</div>'
)

# %% tags=["hide-input"]
here = jobs[jobs["profile"] == profile]
numbers = {
    "jobs": len(here),
    "minutes": float(here["seconds"].sum() / 60),
    "processor_minutes": float(here["processor seconds"].sum() / 60),
    "memory_gb": float(here["memory GB"].max()),
}
run.finish(figure, numbers)
