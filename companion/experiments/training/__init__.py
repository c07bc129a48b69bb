"""The networks, trained on A, B and C."""

from companion.config import Profile
from companion.pipeline.cost import Cost, trainings
from companion.pipeline.steps import Page, Scope, Step


def _cost(profile: Profile) -> list[Cost]:
    training = profile.training
    return [trainings(1, training.epochs, profile.data.skin.train, training.batch_size)]


TRAIN = Step(
    "train",
    Scope.NETWORK,
    "companion.experiments.training.step:run",
    inputs=("data/train_{dataset}.npy",),
    outputs=("model.msgpack", "losses.csv"),
    settings=("model", "training"),
    cost=_cost,
    gigabytes=24,
    minutes=2880,
    kept={"losses.csv": ""},
)

STEPS = (TRAIN,)
PAGES = (Page("train", shows=("train",)),)
