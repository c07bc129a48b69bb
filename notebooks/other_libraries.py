# %% [markdown]
# # Models from other libraries
#
# SLUG takes a function of parameters and images. Each library has its own way to one: here are the
# lines for flax, Equinox, Haiku and PyTorch, on small networks that are not trained, as only the way
# in is shown. [Your own model](your_own_vae.ipynb) goes on from there, and
# [When it refuses](../when_it_refuses.md) says what each message asks for.

# %% tags=["parameters", "remove-cell"]
profile = "quick"

# %% tags=["hide-input"]
import equinox as eqx
import haiku as hk
import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
from flax import linen, nnx
from matplotlib import pyplot as plt

from companion import notebook
from companion.experiments.libraries import figures
from companion.experiments.libraries.recorded import torch_models, torch_table
from slugkit import slug
from slugkit.data.synthesis.synthetic import generate

run = notebook.open_run("other_libraries", profile)
images = generate(np.tile([1, 2, 3, 4, 5, 6], 4), 16, seed=0)
size, key = images[0].size, jax.random.key(0)

# %% [markdown]
# ## flax linen
#
# The variables go in as they are: what stands beside `"params"`, such as the statistics of batch
# normalisation, stays fixed. `train=False` is fixed by a function.


# %%
class Linen(linen.Module):
    @linen.compact
    def __call__(self, x, train):
        hidden = linen.Dense(8)(x.reshape(len(x), -1))
        hidden = linen.BatchNorm(use_running_average=not train)(hidden)
        return linen.sigmoid(linen.Dense(size)(jnp.tanh(hidden))).reshape(x.shape)


linen_model = Linen()
variables = linen_model.init(key, images, train=False)
with_linen = slug.fit(
    lambda variables, x: linen_model.apply(variables, x, train=False),
    variables,
    images,
    rank=5,
    key=key,
)
with_linen

# %% [markdown]
# ## flax nnx
#
# The module itself is the parameters, in evaluation mode. Of its variables only `nnx.Param` are
# uncertain.


# %%
class Nnx(nnx.Module):
    def __init__(self, rngs):
        self.encode = nnx.Linear(size, 8, rngs=rngs)
        self.norm = nnx.BatchNorm(8, rngs=rngs)
        self.decode = nnx.Linear(8, size, rngs=rngs)

    def __call__(self, x):
        hidden = jnp.tanh(self.norm(self.encode(x.reshape(len(x), -1))))
        return nnx.sigmoid(self.decode(hidden)).reshape(x.shape)


nnx_model = Nnx(nnx.Rngs(0))
nnx_model.eval()
with_nnx = slug.fit(lambda model, x: model(x), nnx_model, images, rank=5, key=key)

# %% [markdown]
# ## Equinox
#
# `eqx.partition` parts the arrays from functions and other leaves. A model of Equinox takes single
# images, so `jax.vmap` maps it over them.


# %%
class Equinox(eqx.Module):
    encode: eqx.nn.Linear
    decode: eqx.nn.Linear

    def __init__(self, key):
        keys = jax.random.split(key)
        self.encode = eqx.nn.Linear(size, 8, key=keys[0])
        self.decode = eqx.nn.Linear(8, size, key=keys[1])

    def __call__(self, image):
        hidden = jnp.tanh(self.encode(image.ravel()))
        return jax.nn.sigmoid(self.decode(hidden)).reshape(image.shape)


arrays, static = eqx.partition(Equinox(key), eqx.is_array)
with_equinox = slug.fit(
    lambda arrays, x: jax.vmap(eqx.combine(arrays, static))(x), arrays, images, rank=5, key=key
)

# %% [markdown]
# ## Haiku
#
# `hk.without_apply_rng` leaves a function of parameters and images. With `hk.transform_with_state`
# the state is closed over, and the first of the two results returned.


# %%
@hk.without_apply_rng
@hk.transform
def haiku_model(x):
    hidden = jnp.tanh(hk.Linear(8)(x.reshape(len(x), -1)))
    return jax.nn.sigmoid(hk.Linear(size)(hidden)).reshape(x.shape)


params = haiku_model.init(key, images)
with_haiku = slug.fit(haiku_model.apply, params, images, rank=5, key=key)

# %% [markdown]
# All four give a posterior, and with it scores and maps:

# %% tags=["hide-input"]
fitted = {
    "flax linen": with_linen,
    "flax nnx": with_nnx,
    "Equinox": with_equinox,
    "Haiku": with_haiku,
}
rows = {}
for name, posterior in fitted.items():
    score = slug.score(posterior, images[:1], num_samples=50, key=key)
    flat = posterior.parameters
    rows[name] = {
        "uncertain parameters": flat.size,
        "fixed leaves": len(flat.names) - len(flat.selected),
        "score of the first image": f"{score.value[0]:.3g} ± {score.standard_error[0]:.1g}",
    }
pd.DataFrame.from_dict(rows, orient="index").rename_axis("library")

# %% [markdown]
# ## PyTorch
#
# [torchax](https://github.com/google/torchax) runs the code of a module on arrays of JAX, weights
# and all. It works with some versions of PyTorch: `pip install 'slugkit[torch]'`, or
# `requirements-torch.lock` in a clone, has a pair that does.
#
# ```python
# from slugkit.torch import from_torch
#
# apply, params = from_torch(model.eval())
# posterior = slug.fit(apply, params, images, rank=30, key=key)  # (n, channels, height, width)
# variance = slug.pixel_variance(posterior, new_images, key=key)
# ```
#
# Parameters that require a gradient are uncertain, and buffers stay fixed. A model that returns
# several things, or samples its latent even in evaluation mode, as MONAI's and that of diffusers do,
# comes with a function that returns the reconstruction from the latent mean:
#
# ```python
# model = monai.networks.nets.AutoencoderKL(spatial_dims=3, ...)  # images: (n, 1, d, h, w)
# apply, params = from_torch(model.eval(), lambda model, x: model.reconstruct(x))
#
# model = diffusers.AutoencoderKL.from_pretrained(path)
# apply, params = from_torch(
#     model.eval(), lambda model, x: model.decode(model.encode(x).latent_dist.mean).sample
# )
# ```
#
# On a processor the convolutions of volumes are not XLA's, which are slow there. In flax they are to
# be had by `nnx.Conv(..., conv_general_dilated=slugkit.model.convolution.convolution)`.
#
# In the tests, scores and maps of these models are those of PyTorch's own Jacobian in double
# precision. What small ones take, by `benchmarks/torch_models.py`, with seconds of one processor,
# and with all compilation:

# %% tags=["hide-input"]
recorded = torch_models()
torch_table(recorded)

# %% mystnb={"figure": {"caption": "A fit of four images to three autoencoders in PyTorch: the check of the model, and the rest: compilation, which more images do not repeat, and products with the matrix.", "name": "fig-other-libraries"}, "image": {"alt": "Three horizontal bars, one for each autoencoder, each with a short part for the check of the model and a long one for compilation and products.", "classes": "dark-light"}} tags=["hide-input"]
figure, axes = plt.subplots(figsize=(7.2, 2.4))
figures.torch_seconds(axes, recorded)
plt.show()

# %% tags=["hide-input"]
numbers = {
    "largest_difference": max(found["difference"] for found in recorded["models"].values()),
}
run.finish(figure, numbers)
