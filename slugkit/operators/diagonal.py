"""The diagonal of the generalised Gauss-Newton matrix."""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from slugkit.operators.batches import batches
from slugkit.operators.jacobian import Apply, lineariser, pull
from slugkit.operators.parameters import FlatParameters


def ggn_diagonal(
    apply: Apply,
    parameters: FlatParameters,
    images: Float[np.ndarray, "n ..."],
    *,
    num_samples: int,
    batch_size: int,
    key: jax.Array,
) -> Float[np.ndarray, " p"]:
    r"""Estimate the diagonal of :math:`G = \sum_i J(x_i)^T J(x_i)` from backward passes.

    .. math:: G_{jj} = E[(\sum_i J(x_i)^T \epsilon_i)_j^2], \qquad \epsilon_i \sim N(0, I)

    The images of a batch share a backward pass: their cotangents are independent, so the products
    between two images vanish on average. Of one batch, every entry is a scaled chi-square variable
    with as many degrees of freedom as samples: the relative standard error is sqrt(2 / samples),
    and less over several batches.

    Parameters
    ----------
    apply, parameters
        The model.
    images
        Shape (n, ...).
    num_samples
        Backward passes over all images.
    batch_size
        How many images are linearised at once.
    key
        For the cotangents.

    References
    ----------
    Bekas, Kokiopoulou, Saad, Applied Numerical Mathematics 57 (2007) has the idea of a diagonal
    from random vectors; here the vectors lie in the space of the outputs, so no entry is negative.
    """
    linearise = lineariser(apply, parameters)
    total = np.zeros(parameters.size)
    for number, batch in enumerate(batches(images, batch_size)):
        outputs, jvp = linearise(batch.images)
        mask = batch.mask.reshape(-1, *[1] * (outputs.ndim - 1))
        for sample in range(num_samples):
            one = jax.random.fold_in(jax.random.fold_in(key, number), sample)
            cotangents = jax.random.normal(one, outputs.shape, outputs.dtype) * mask
            pulled = pull(jvp, cotangents, parameters.size, parameters.dtype)
            total += np.asarray(jnp.square(pulled))
    return total / num_samples
