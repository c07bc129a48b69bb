"""The perceptual loss of a profile, where its weights are at hand."""

from typing import Any

from companion.paths import data_root
from slugkit.model import perceptual
from slugkit.model.training import PerceptualLoss


def perceptual_loss(weight: float, facts: dict[str, Any] | None = None) -> PerceptualLoss | None:
    """Return the loss of that weight, if it has any and VGG-19 is there, and note it as a fact."""
    facts = {} if facts is None else facts
    if not weight:
        facts["perceptual_loss"] = "not used: its weight is 0 in this profile"
        return None
    path = perceptual.find_weights(data_root())
    if path is None:
        # Said on the page of the training, which shows this sentence.
        facts["perceptual_loss"] = f"NOT USED: no VGG-19 weights under {data_root()}"
        return None
    facts["perceptual_loss"] = f"weight {weight:g}, {path.name}"
    return perceptual.perceptual_loss(perceptual.features(perceptual.load_weights(path)), weight)
