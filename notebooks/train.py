# %% [markdown]
# # Training
#
# Did the networks converge? One variational autoencoder is trained for each training set and each
# seed: residual blocks with batch normalisation and ELU, a Gaussian likelihood, Adam with cosine
# decay. The paper trains for 1,000 epochs “after which we observe convergence in the training
# loss”; the table says how long this run trained.

# %% tags=["parameters", "remove-cell"]
profile = "quick"

# %% tags=["hide-input"]
import pandas as pd
from matplotlib import pyplot as plt

from companion import notebook
from companion.experiments.training import analysis, figures
from companion.statistics import summaries

run = notebook.open_run("train", profile)

# %%
record = run.job("train", run.profile.seeds[0], "A").read_record()
settings = {
    **run.profile.model.model_dump(),
    **run.profile.training.model_dump(),
    "perceptual loss": record["perceptual_loss"],
}
pd.Series(settings, name="value").to_frame()

# %% mystnb={"figure": {"caption": "Negative ELBO of each training set over the epochs, in nats per image; one line per seed. It may be negative: the density of a continuous image can exceed one.", "name": "fig-train"}, "image": {"alt": "Three falling curves of the training loss over epochs, one for each training set.", "classes": "dark-light"}} tags=["hide-input"]
figure, axis = plt.subplots()
figures.losses(axis, run.table("losses"))
plt.show()

# %% [markdown]
# The loss of the last epoch, over the runs: its mean, the standard deviation between runs and a
# bootstrap interval of the mean.

# %%
summaries.over_runs(analysis.final_losses(run.table("losses")), run.profile, "final_loss")

# %% tags=["hide-input"]
numbers = {
    "num_runs": len(run.profile.seeds),
    "num_parameters": record["num_parameters"],
    "late_gain": analysis.late_gain(run.table("losses")),
}
run.finish(figure, numbers)
