# %% [markdown]
# # Your own model: SLUG in a few lines
#
# Anything that maps parameters and images to reconstructions will do. Here it is an autoencoder in
# plain JAX that has nothing to do with the rest of this book: two matrices and a nonlinearity,
# trained for a few seconds on small synthetic images of skin.

# %% tags=["parameters", "remove-cell"]
profile = "quick"

# %% tags=["hide-input"]
import jax
import jax.numpy as jnp
import numpy as np
import optax
from matplotlib import pyplot as plt

from companion import notebook
from companion.experiments.scores import figures
from slugkit import slug
from slugkit.data.synthesis.synthetic import generate

run = notebook.open_run("your_own_vae", profile)
train_images = generate(np.tile([1, 2, 3, 4, 5, 6], 32), 16, seed=0)
test_images = generate(np.tile([1, 2, 3, 4, 5, 6], 8), 16, seed=1)

# %% [markdown]
# ## A model that is not ours


# %%
def reconstruct(params, images):
    flat = images.reshape(len(images), -1) - 0.5
    latent = jnp.tanh(flat @ params["encode"] + params["bias"])
    return jax.nn.sigmoid(latent @ params["decode"] + params["offset"]).reshape(images.shape)


def squared_error(params, images):
    return jnp.mean((reconstruct(params, images) - images) ** 2)


@jax.jit
def train_step(params, state, images):
    gradient = jax.grad(squared_error)(params, images)
    updates, next_state = adam.update(gradient, state)
    return optax.apply_updates(params, updates), next_state


size = train_images[0].size
keys = jax.random.split(jax.random.key(0), 3)
params = {
    "encode": 0.02 * jax.random.normal(keys[0], (size, 8)),
    "bias": jnp.zeros(8),
    "decode": 0.02 * jax.random.normal(keys[1], (8, size)),
    "offset": jnp.zeros(size),
}
adam = optax.adam(0.01)
state = adam.init(params)
for _ in range(1500):
    params, state = train_step(params, state, train_images)

# %% [markdown]
# ## SLUG on it

# %%
key = keys[2]
posterior = slug.fit(reconstruct, params, train_images, rank=20, key=key)
posterior

# %%
score = slug.score(posterior, test_images, num_samples=100, key=key)
variance = slug.pixel_variance(posterior, test_images, num_samples=100, key=key)
print(f"first image: {score.value[0]:.1f} ± {score.standard_error[0]:.1f}")
score

# %% [markdown]
# ## Look at it
#
# The pixel variances have the shape of the reconstruction; their root, summed over the colours, is
# a picture.

# %% mystnb={"figure": {"caption": "The test images with the lowest (upper) and the highest score (lower): image, reconstruction, and the standard deviation of each pixel.", "name": "fig-your-own"}, "image": {"alt": "Three small pictures each of the test images with the lowest and the highest score: image, reconstruction and pixel standard deviation.", "classes": "dark-light"}} tags=["hide-input"]
lowest_and_highest = np.argsort(score.value)[[0, -1]]
figure = figures.lowest_and_highest(
    test_images, reconstruct(params, test_images), variance.value, lowest_and_highest
)
plt.show()

# %% [markdown]
# What may go wrong is said in one line each: dropout or batch normalisation in training mode,
# images of another shape, parameters that are not finite. [When it refuses](../when_it_refuses.md)
# lists what is said, why, and what to do. A `parameter_filter` restricts the uncertainty to some of
# the parameters, `hessian` names another loss, and `slug.score(..., relative_error=0.05)` stops by
# itself. [The method](../method.md) says why.

# %% tags=["hide-input"]
numbers = {
    "parameters": int(sum(leaf.size for leaf in jax.tree.leaves(params))),
    "products": posterior.num_products,
}
run.finish(figure, numbers)
