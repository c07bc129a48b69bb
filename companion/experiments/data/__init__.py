"""The images of every run: decoded, drawn into training and test sets, and looked at."""

from companion.config import Profile
from companion.pipeline.steps import Page, Scope, Step


def _decoded(profile: Profile) -> list[tuple[str, int]]:
    return [(source, profile.data.image_size) for source in profile.data.real_sources()]


PREPARE = Step(
    "prepare",
    Scope.SEED,
    "companion.experiments.data.step:run",
    settings=("data",),
    images=_decoded,
    outputs=(
        "data/train_A.npy",
        "data/train_B.npy",
        "data/train_C.npy",
        "data/train.csv",
        "data/test.npy",
        "data/test.csv",
        "data/masks.npy",
    ),
)

STEPS = (PREPARE,)
PAGES = (Page("data", shows=("prepare",)), Page("your_own_vae", shows=("prepare",)))
