"""What the method refuses or warns of: each message, with its cause and its remedy.

The page "When it refuses" of the book is made of these declarations.
"""

from dataclasses import dataclass
from typing import Any, SupportsInt

from slugkit.errors import ImageError, InputError


@dataclass(frozen=True)
class Refusal:
    """A message, ``{says}; {remedy}``, with its values left open, and what is behind it."""

    says: str
    remedy: str
    cause: str

    def text(self, **values: Any) -> str:
        """Return the message."""
        return f"{self.says}; {self.remedy}".format(**values)

    def error(self, **values: Any) -> InputError:
        """Return the error to raise."""
        return InputError(self.text(**values))

    def of_image(self, image: SupportsInt, **values: Any) -> ImageError:
        """Return the error to raise where it is about one image."""
        return ImageError(lambda position: self.text(image=position, **values), int(image))


# Images

IMAGES_KIND = Refusal(
    "images is {given}",
    "give one array whose first axis counts the images, such as np.stack(list(images))",
    "Images come as an array, or as a list of arrays of one shape: no path, dict, generator or "
    "data loader.",
)
IMAGES_UNEQUAL = Refusal(
    "images {first} and {second} have different shapes, {one} and {other}",
    "resize them to one shape",
    "All images go through the model in one array.",
)
IMAGES_SHAPE = Refusal(
    "images have shape {shape}",
    "give at least one image, the first axis counting them, such as (n, height, width, channels)",
    "The array is empty or lacks an axis.",
)
IMAGES_ONE = Refusal(
    "images have shape {shape}, which is that of one image",
    "give images[None], so that the first axis counts the images",
    "The first axis counts the images, also if there is only one.",
)
IMAGES_OTHER_SHAPE = Refusal(
    "each image has shape {given}, but the posterior was fitted to images of shape {fitted}",
    "resize them",
    "A posterior belongs to the shape of the training images.",
)
IMAGES_TYPE = Refusal(
    "images have type {dtype}",
    "give floating-point values of the range that the model was trained on, such as "
    "images.astype('float32') / 255",
    "Whole numbers mostly mean that the images were not yet scaled.",
)
IMAGES_MASKED = Refusal(
    "{masked} values of the images are masked",
    "fill them, as images.filled(0) does, or leave these images out",
    "The model would see what is under the mask of a `numpy.ma` array.",
)
IMAGE_NOT_FINITE = Refusal(
    "image {image} has values that are not finite",
    "remove or repair it",
    "The image holds NaN or infinity.",
)
TRACED = Refusal(
    "{name} is traced by jax.jit, vmap or grad",
    "call {function} outside of them, as it compiles by itself what it repeats",
    "Fitting and scoring loop in Python over compiled functions, and need values.",
)

# Keys and numbers

KEY = Refusal(
    "key is {given}",
    "give one random key of JAX, such as jax.random.key(0)",
    "A seed, a generator of NumPy or several keys at once are no key.",
)
COUNT = Refusal(
    "{name} is {given}",
    "give a whole number of at least {least}",
    "A number of things is an `int`: neither 3.0 nor True.",
)
FRACTION = Refusal(
    "{name} is {given}",
    "give a fraction between 0 and 1, such as 0.05",
    "A relative error is a fraction of the estimate.",
)
PRECISION = Refusal(
    "prior_precision is {given}",
    "give a positive number or None",
    "The precision of a Gaussian prior is positive; None stands for the projector.",
)
RANK = Refusal(
    "rank is {given}",
    "give a number from 0 (no deflation) to {most}, the smaller of the numbers of parameters and "
    "of outputs",
    "There are no more eigenvectors than that.",
)
SUBSET = Refusal(
    "subset_size is {given}",
    "give a number from 1 to that of the images, {most}",
    "A subset is drawn from the images, each at most once.",
)
BUDGET = Refusal(
    "num_samples is {given}",
    "the estimator {estimator!r} needs at least {least}",
    "Estimators that share their products between a range and its rest need some for both.",
)

# Parameters

NO_PARAMETERS = Refusal(
    "no parameters selected: {why}, among them {names}",
    "select at least one leaf of a floating type",
    "The filter rejects every leaf, or no leaf is a parameter: statistics, integers and random "
    "keys stay fixed.",
)
PARAMETER_KIND = Refusal(
    "parameter {name!r} is {given}",
    "give arrays alone as parameters, and close over the rest in apply",
    "A leaf of the parameters is a function, a text or another object. Of an Equinox model, "
    "`eqx.partition(model, eqx.is_array)` gives the arrays.",
)
PARAMETER_TYPE = Refusal(
    "parameter {name!r} has type {dtype}, which has no derivative here",
    "exclude it with parameter_filter or close over it in apply",
    "The filter selects whole numbers or keys, or a parameter is complex.",
)
PARAMETER_FLOAT8 = Refusal(
    "parameter {name!r} has type {dtype}, with which JAX does not compute",
    "convert it to float32, and back in apply where the model wants it",
    "Floating-point numbers of less than 16 bits are a format of storage.",
)
PARAMETER_NOT_FINITE = Refusal(
    "parameter {name!r} has values that are not finite",
    "restore the parameters from before training diverged",
    "Training diverged, or the file is damaged.",
)
PARAMETER_MASKED = Refusal(
    "parameter {name!r} has masked values",
    "fill them first, as numpy.ma.filled does",
    "The model would see what is under the mask of a `numpy.ma` array.",
)
PARAMETER_DELETED = Refusal(
    "parameter {name!r} was deleted",
    "take the parameters that the training step returned",
    "A step that was compiled with `donate_argnums` has taken over its memory.",
)

# Models

OUTPUT_KIND = Refusal(
    "apply(params, images) returned {given}",
    "return the reconstruction alone, such as lambda p, x: model(p, x){part}",
    "The model returns several things, as variational autoencoders often do.",
)
OUTPUT_NONE = Refusal(
    "apply(params, images) returned None",
    "end it with `return` and the reconstruction",
    "The function does not return what it computes.",
)
OUTPUT_SHAPE = Refusal(
    "apply(params, images) returned shape {shape} and type {dtype} for {count} images",
    "return floating-point outputs whose first axis counts the images; a model of single images "
    "becomes one by jax.vmap(apply, in_axes=(None, 0))",
    "The outputs are averaged over the images, are classes, or belong to a single image.",
)
OUTPUT_NOT_FINITE = Refusal(
    "the model's output for image {image} is not finite",
    "check this image and the parameters",
    "An overflow, a division by zero or a logarithm of zero in the model.",
)
DERIVATIVE_NOT_FINITE = Refusal(
    "the model's derivative in its parameters is not finite at image {image}",
    "look for a root, a norm or a logarithm at 0, as in jnp.sqrt(x), and write "
    "jnp.sqrt(x + 1e-12); or for an overflow in float16",
    "The output is finite, but its derivative is not: that of a root at 0 is infinite.",
)
SINGLE_IMAGES = Refusal(
    "apply(params, images) takes single images, of shape {shape}, and refuses {count} at once",
    "give jax.vmap(apply, in_axes=(None, 0))",
    "The model has no axis that counts the images, as in Equinox.",
)
OTHER_AXES = Refusal(
    "apply(params, images) refuses images of shape {shape}, but takes {taken}",
    "give {how}",
    "The axis of the channels is missing, or stands elsewhere: PyTorch has it before the pixels, "
    "flax and Haiku after them.",
)
MODEL_VALUES = Refusal(
    "apply uses the values of traced arrays: {reason}",
    "write it with jax.numpy, jnp.where and jax.lax.cond in place of numpy, float() and `if`",
    "The model is compiled, so that its numbers are not known while its Python code runs.",
)
MODEL_KEEPS = Refusal(
    "apply keeps traced arrays between two calls: {reason}",
    "return what is new, and store nothing in objects outside of apply",
    "A pure function leaves nothing behind. An nnx module that was made outside of apply may not "
    "be updated in it: use nnx.merge there, and model.eval().",
)
MODEL_RAISES = Refusal(
    "apply(params, images) raises {kind} for images of shape {shape}: {reason}",
    "call it so by itself until it returns the reconstructions",
    "The parameters or the shape of the images do not belong to the model, or it wants further "
    "arguments, which a function can fix: lambda p, x: model.apply(p, x, train=False); in Haiku, "
    "hk.without_apply_rng.",
)
CUSTOM_VJP = Refusal(
    "the model has no forward-mode derivative, because of jax.custom_vjp",
    "give the function a forward-mode rule by jax.custom_jvp, of which JAX makes both modes",
    "Scores need products with the Jacobian, of which a function with its own backward pass alone "
    "has none.",
)
CALLBACK = Refusal(
    "the model has no forward-mode derivative, because of a callback",
    "write it with jax.numpy, or give it a rule by jax.custom_jvp",
    "JAX knows nothing of what jax.pure_callback computes.",
)
NO_FORWARD_MODE = Refusal(
    "the model has no forward-mode derivative: {reason}",
    "write it with functions that have both modes",
    "Scores need products with the Jacobian.",
)
WHILE_LOOP = Refusal(
    "the model has no reverse-mode derivative, because of jax.lax.while_loop",
    "use jax.lax.scan, or a fixed number of steps in jax.lax.fori_loop",
    "The fit needs products with the transposed Jacobian, of which a loop whose number of steps "
    "depends on values has none.",
)
NO_REVERSE_MODE = Refusal(
    "the model has no reverse-mode derivative: {reason}",
    "write it with functions that have both modes",
    "The fit needs products with the transposed Jacobian.",
)
MEMORY = Refusal(
    "the model does not fit into memory: {reason}",
    "give batch_size=1, or smaller images; of a volume, its parts",
    "A batch keeps the activations of all its images, which of a volume are many times its size.",
)
RANDOM = Refusal(
    "the model's output changes between two equal calls",
    "switch off dropout and every other randomness (model.eval() in PyTorch and flax nnx) and "
    "decode the latent mean",
    "The model draws random numbers outside of JAX.",
)
NOISE = Refusal(
    "an image's output depends on its place among the images, as the model draws noise from a "
    "fixed key",
    "decode the latent mean, and switch off dropout",
    "A key that is the same in each call draws the same noise, but another for each place.",
)
STATISTICS = Refusal(
    "an image's output depends on the other images of its batch",
    "put batch normalisation into evaluation mode with frozen statistics (model.eval() in PyTorch "
    "and flax nnx, use_running_average=True in linen)",
    "Batch normalisation in training mode, or another average over the images.",
)
POSITION = Refusal(
    "an image's output depends on its place among the images, or on their number",
    "let apply treat each image alike, without its index and without len(images)",
    "The model uses an index, a sum over the batch, or the first image as a reference.",
)

# PyTorch

TORCH_MISSING = Refusal(
    "models in PyTorch need torchax: {reason}",
    "pip install 'slugkit[torch]', into an environment of its own where another PyTorch is wanted",
    "torchax runs the code of a module on arrays of JAX, and works with some versions of PyTorch.",
)
TORCH_KIND = Refusal(
    "module is of type {given}",
    "give a torch.nn.Module with its weights loaded, such as "
    "model.load_state_dict(torch.load(path)) leaves it",
    "A state or a function of PyTorch is no module.",
)
TORCH_TRAINING = Refusal(
    "{part} is in training mode",
    "call model.eval() first",
    "Dropout and batch normalisation in training mode make an image's output depend on chance and "
    "on the other images. A module of PyTorch starts in training mode, and each part has its own.",
)
TORCH_FROZEN = Refusal(
    "no parameter of the module requires a gradient",
    "call model.requires_grad_(), and select parameters by parameter_filter",
    "Parameters that require no gradient count as fixed, like the buffers.",
)

# Devices

DEVICES = Refusal(
    "JAX_PLATFORMS is {platforms!r}, but JAX finds no such device: {reason}",
    "unset it, or set it to cpu; for NVIDIA cards, pip install '.[cuda]' in a clone",
    "The machine has none, or the package of JAX for it is not installed.",
)

# Estimates

CLUSTER = Refusal(
    "rank {rank} cuts a cluster of equal eigenvalues: number {rank} is {last:.6g} and number "
    "{next} is {following:.6g}, with residuals of {residual:.1g} and {following_residual:.1g}",
    "another seed gives other scores; choose a rank of {below}, or one above all that are equal",
    "Of equal eigenvalues no direction comes first. Copies of an image make them, and so do "
    "symmetric models.",
)
COST = Refusal(
    "relative_error={goal:g} will take about {expected:.0e} products per image by {estimator!r}, "
    "as the first {done} show",
    "allow a larger error, give num_samples as a limit, or choose 'krylov'",
    "The error of a mean falls with the root of the number of products: a tenth of it takes a "
    "hundred times as many.",
)

# Streams and their tables

TABLE_PATH = Refusal(
    "the table {path} cannot be written: {reason}",
    "give the path of a file in a folder, such as scores.csv",
    "The path is that of a folder, or leads through a file.",
)
STREAM_KIND = Refusal(
    "images is {given}",
    "give an array, or another object with a length whose slices are arrays, such as "
    "numpy.load(path, mmap_mode='r')",
    "A table can be resumed only where an image can be found by its position.",
)
STREAM_CHANGED = Refusal(
    "images {first} to {last} are not those of the first pass over the images",
    "give images that stay as they are, without random augmentation",
    "Each product reads the images again, and all must be of the same matrix.",
)

# The first of each part of the page.
PARTS = {
    IMAGES_KIND: "Images",
    KEY: "Keys and numbers",
    NO_PARAMETERS: "Parameters",
    OUTPUT_KIND: "Models",
    TORCH_MISSING: "Models in PyTorch",
    DEVICES: "Devices",
    CLUSTER: "Estimates",
    TABLE_PATH: "Streams and their tables",
}
