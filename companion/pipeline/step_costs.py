"""What one step of each kind costs on a device, in seconds and in memory, found on one batch."""

import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from companion.config import Profile
from companion.paths import data_root
from slugkit.data.synthesis.synthetic import generate
from slugkit.errors import InputError
from slugkit.model import perceptual, training
from slugkit.model.vae import initialise
from slugkit.operators.ggn import ggn_product
from slugkit.operators.jacobian import lineariser, pull, push
from slugkit.operators.parameters import flatten
from slugkit.progress import stay_silent

REPEATS = 3
# A step that takes longer than so many seconds is timed on a few images and scaled up.
PATIENCE = 5.0
FEW_IMAGES = 4
# The loops over batches run ahead of the device: about so many batches were seen in use at once.
BATCHES_IN_FLIGHT = 3


@dataclass(frozen=True)
class StepCost:
    """One step on one batch."""

    seconds: float
    memory: float = 0.0  # bytes: activations, arguments, results and what lies between
    images: int = 1  # in the batch
    images_timed: int = 0  # fewer where all would not fit or take long; the seconds are scaled up


@dataclass(frozen=True)
class StepCosts:
    """One step of each kind."""

    training_step: StepCost
    ggn_product: StepCost
    jacobian_product: StepCost


def measure(
    profile: Profile,
    device: jax.Device | None = None,
    progress: Callable[[int, int, str], None] = stay_silent,
) -> StepCosts:
    """Find the costs of a training step, a product with G and a Jacobian-vector product.

    On generated images of the profile's size and with its network, so that no data is needed; the
    perceptual loss takes part where its weights are at hand. The memory is what the compiler
    allocates for one batch, which is known without running it; only what fits is run and timed.
    """
    device = device or jax.devices()[0]
    free = free_memory(device)
    made = []
    with jax.default_device(device):
        # One after the other: each holds its activations only while it is timed.
        for number, (name, part) in enumerate(
            (
                ("training step", _training_step),
                ("product with G", _ggn_product),
                ("Jacobian-vector product", _jacobian_product),
            )
        ):
            progress(number, 3, name)
            made.append(part(profile, free))
    return StepCosts(*made)


def perceptual_loss(profile: Profile) -> training.PerceptualLoss | None:
    """Return the loss that the profile trains with, if it has one and its weights are at hand."""
    weight, path = profile.training.perceptual_weight, perceptual.find_weights(data_root())
    if not weight or path is None:
        return None
    return perceptual.perceptual_loss(perceptual.features(perceptual.load_weights(path)), weight)


def free_memory(device: jax.Device) -> float:
    """Return the bytes that a process may still take: of the device, or of this machine."""
    stats = device.memory_stats() if device.platform != "cpu" else None
    if stats:
        return float(stats["bytes_limit"] - stats["bytes_in_use"])
    lines = Path("/proc/meminfo").read_text().splitlines()
    values = {
        name: 1024 * int(rest.split()[0]) for name, _, rest in (x.partition(":") for x in lines)
    }
    return float(min([values["MemAvailable"], *_limits_of_container()]))


def _limits_of_container() -> list[float]:
    limits = []
    for folder, limit, used in (
        ("/sys/fs/cgroup", "memory.max", "memory.current"),
        ("/sys/fs/cgroup/memory", "memory.limit_in_bytes", "memory.usage_in_bytes"),
    ):
        with contextlib.suppress(OSError, ValueError):  # absent, or "max"
            total, taken = (int(Path(folder, name).read_text()) for name in (limit, used))
            limits.append(float(total - taken))
    return limits


def _training_step(profile: Profile, free: float) -> StepCost:
    architecture, loss = profile.architecture(), perceptual_loss(profile)
    count = min(profile.training.batch_size, profile.data.skin.train)
    model = initialise(architecture, profile.seeds[0])
    optimiser, step = training.make_step(architecture, profile.training.learning_rate, 1, loss)

    def memory(images: int) -> float:
        return _allocated(
            step.lower(
                model.params,
                model.batch_stats,
                optimiser.init(model.params),
                _shape(profile, images),
                jax.random.key(0),
            )
        )

    def seconds(images: int) -> float:
        ticks: list[float] = []
        schedule = replace(profile.schedule(), epochs=REPEATS + 1, batch_size=images)
        # So few steps may well end in a collapsed decoder, which is no matter here.
        with contextlib.suppress(InputError):
            training.train(
                architecture,
                _images(profile, images),
                schedule,
                seed=profile.seeds[0],
                perceptual_loss=loss,
                progress=lambda *_: ticks.append(time.perf_counter()),
            )
        return float(np.diff(ticks).min())

    return _cost(count, memory, seconds, free)


def _ggn_product(profile: Profile, free: float) -> StepCost:
    model = initialise(profile.architecture(), profile.seeds[0])
    parameters, apply = flatten(model.params), model.reconstruct()
    vector = parameters.vector
    count = min(profile.curvature.batch_size, profile.data.skin.train)

    def memory(images: int) -> float:
        outputs, jvp = _linearised(apply, parameters, _shape(profile, images))
        lowered = pull.lower(jvp, outputs, len(vector), vector.dtype)
        return _in_flight(count, profile.data.skin.train) * _bytes(jvp) + _temporary(lowered)

    def seconds(images: int) -> float:
        some = _images(profile, images)
        product = ggn_product(apply, parameters, some, batch_size=images)
        return _shortest(lambda: product(np.asarray(vector)))

    return _cost(count, memory, seconds, free)


def _jacobian_product(profile: Profile, free: float) -> StepCost:
    model = initialise(profile.architecture(), profile.seeds[0])
    parameters, apply = flatten(model.params), model.reconstruct()
    count = profile.scores.batch_size

    def memory(images: int) -> float:
        _, jvp = _linearised(apply, parameters, _shape(profile, images))
        lowered = push.lower(jvp, parameters.vector)
        return BATCHES_IN_FLIGHT * _bytes(jvp) + _temporary(lowered)

    def seconds(images: int) -> float:
        _, jvp = lineariser(apply, parameters)(jnp.asarray(_images(profile, images)))
        return _shortest(lambda: push(jvp, parameters.vector))

    return _cost(count, memory, seconds, free)


def _cost(
    images: int,
    memory: Callable[[int], float],
    seconds: Callable[[int], float],
    free: float,
) -> StepCost:
    """Time the whole batch if it fits and does not take long, else a few of its images."""
    needed, few = memory(images), min(images, FEW_IMAGES)
    found = seconds(few) * images / few
    if few == images or found > PATIENCE or needed > free / 2:
        return StepCost(found, needed, images, few)
    return StepCost(seconds(images), needed, images, images)


def _in_flight(batch: int, images: int) -> int:
    # The activations of a single batch are kept for all products.
    return BATCHES_IN_FLIGHT if images > batch else 1


def _linearised(apply: Any, parameters: Any, images: jax.ShapeDtypeStruct) -> Any:
    return jax.eval_shape(lineariser(apply, parameters), images)


def _shape(profile: Profile, count: int) -> jax.ShapeDtypeStruct:
    side = profile.data.image_size
    return jax.ShapeDtypeStruct((count, side, side, 3), np.float32)


def _images(profile: Profile, count: int) -> np.ndarray:
    types = np.resize([1, 2, 3, 4, 5, 6], count)
    return generate(types, profile.data.image_size, profile.seeds[0])


def _bytes(tree: Any) -> float:
    return float(sum(x.size * x.dtype.itemsize for x in jax.tree.leaves(tree)))


def _temporary(lowered: Any) -> float:
    return float(lowered.compile().memory_analysis().temp_size_in_bytes)


def _allocated(lowered: Any) -> float:
    found = lowered.compile().memory_analysis()
    return float(
        found.argument_size_in_bytes
        + found.output_size_in_bytes
        + found.temp_size_in_bytes
        - found.alias_size_in_bytes
    )


def _shortest(function: Callable[[], object]) -> float:
    jax.block_until_ready(function())
    times = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        jax.block_until_ready(function())
        times.append(time.perf_counter() - start)
    return min(times)
