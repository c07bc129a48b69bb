r"""Stochastic estimates of the trace and the diagonal of a symmetric positive semi-definite matrix.

All have one interface: ``estimate(product, size, num_products, key)``, where ``product`` maps
vectors (m, D), one per row, to A times each of them. All return the value, its standard error and
the number of products spent, work under ``jax.jit`` and ``jax.vmap``, and are unbiased (up to the
rounding errors of the small factorisations). What lies between two products is compiled as one
function, since a product may well be none that jax can trace.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from slugkit.errors import InputError
from slugkit.linalg.estimates import Estimate, mean

Product = Callable[[jax.Array], jax.Array]
Pair = tuple[jax.Array, jax.Array]

DISTRIBUTIONS = ("rademacher", "gaussian", "sphere")


def probes(
    key: jax.Array, count: int, size: int, distribution: str = "rademacher", dtype: Any = None
) -> jax.Array:
    """Draw random vectors (count, size) with mean zero and covariance I.

    "rademacher" has entries of +-1, "gaussian" is standard normal, and "sphere" is uniform on the
    sphere of radius sqrt(size).

    Raises
    ------
    InputError
        The distribution has another name.
    """
    if distribution == "rademacher":
        return jax.random.rademacher(key, (count, size), jnp.result_type(dtype or float))
    normals = jax.random.normal(key, (count, size), jnp.result_type(dtype or float))
    if distribution == "gaussian":
        return normals
    if distribution == "sphere":
        norms = jnp.linalg.norm(normals, axis=1, keepdims=True)
        return normals * (jnp.sqrt(size).astype(normals.dtype) / norms)
    raise InputError(f"distribution is {distribution!r}; choose one of {', '.join(DISTRIBUTIONS)}")


def hutchinson(
    product: Product,
    size: int,
    num_products: int,
    key: jax.Array,
    *,
    distribution: str = "rademacher",
    dtype: Any = None,
) -> Estimate:
    r"""Estimate the trace as the mean of quadratic forms.

    .. math:: \mathrm{Tr}(A) \approx \frac{1}{S} \sum_s \epsilon_s^T A \epsilon_s

    References
    ----------
    Hutchinson, Communications in Statistics 19 (1990); the paper's equation 7.

    Examples
    --------
    >>> matrix = jnp.diag(jnp.arange(4.0))
    >>> float(hutchinson(lambda x: x @ matrix, 4, 3, jax.random.key(0)).value)
    6.0
    """
    _check(num_products, 1)
    x = probes(key, num_products, size, distribution, dtype)
    return _estimate(_mean_form(x, product(x)), num_products)


def bekas(
    product: Product,
    size: int,
    num_products: int,
    key: jax.Array,
    *,
    distribution: str = "rademacher",
    dtype: Any = None,
) -> Estimate:
    r"""Estimate the diagonal as the mean of entrywise products.

    .. math:: \mathrm{diag}(A) \approx \frac{1}{S} \sum_s \epsilon_s \odot A \epsilon_s

    References
    ----------
    Bekas, Kokiopoulou, Saad, Applied Numerical Mathematics 57 (2007).

    Examples
    --------
    >>> matrix = jnp.diag(jnp.arange(4.0))
    >>> bekas(lambda x: x @ matrix, 4, 3, jax.random.key(0)).value.tolist()
    [0.0, 1.0, 2.0, 3.0]
    """
    _check(num_products, 1)
    x = probes(key, num_products, size, distribution, dtype)
    return _estimate(_mean_of_entries(x, product(x)), num_products)


def hutchpp(
    product: Product, size: int, num_products: int, key: jax.Array, *, dtype: Any = None
) -> Estimate:
    r"""Estimate the trace exactly on a sketch of the range, and by probes on the rest.

    .. math:: \mathrm{Tr}(A) = \mathrm{Tr}(Q^T A Q) + \mathrm{Tr}((I - Q Q^T) A (I - Q Q^T)),
              \qquad Q = \mathrm{orth}(A \Omega)

    References
    ----------
    Meyer, Musco, Musco, Woodruff, Hutch++, SOSA 2021.
    """
    _check(num_products, 3)
    third = min(num_products // 3, size)
    key_range, key_rest = jax.random.split(key)
    q, _ = _orthonormal(product(probes(key_range, third, size, dtype=dtype)))
    known = product(q)
    x = _outside(probes(key_rest, num_products - 2 * third, size, dtype=dtype), q)
    return _estimate(_hutchpp(x, product(x), q, known), num_products)


def xtrace(
    product: Product, size: int, num_products: int, key: jax.Array, *, dtype: Any = None
) -> Estimate:
    r"""Estimate the trace with every probe serving both the range and, left out of it, the rest.

    .. math:: \mathrm{Tr}(A) \approx \frac{1}{m} \sum_i \left[ \mathrm{Tr}(Q_i^T A Q_i)
              + \frac{D - m + 1}{|u_i|^2} u_i^T A u_i \right],
              \qquad Q_i = \mathrm{orth}(A \Omega_{-i}), \quad u_i = (I - Q_i Q_i^T) \omega_i

    References
    ----------
    Epperly, Tropp, Webber, XTrace: making the most of every sample in stochastic trace estimation,
    SIAM J. Matrix Anal. Appl. 45 (2024).
    """
    _check(num_products, 4)
    m = min(num_products // 2, size)
    omega = probes(key, m, size, "gaussian", dtype)
    q, r = _orthonormal(product(omega))
    return _estimate(_xtrace(omega, q, r, product(q)), 2 * m)


def xnystrace(
    product: Product, size: int, num_products: int, key: jax.Array, *, dtype: Any = None
) -> Estimate:
    r"""Estimate the trace by Nystrom approximations, each probe in turn left out for the rest.

    .. math:: \mathrm{Tr}(A) \approx \frac{1}{m} \sum_i \left[ \mathrm{Tr}(A_i)
              + \frac{D - m + 1}{|u_i|^2} \omega_i^T (A - A_i) \omega_i \right], \qquad
              A_i = A \Omega_{-i} (\Omega_{-i}^T A \Omega_{-i})^{-1} (A \Omega_{-i})^T

    where :math:`u_i` is the part of :math:`\omega_i` outside of the span of the others.

    References
    ----------
    Epperly, Tropp, Webber, SIAM J. Matrix Anal. Appl. 45 (2024), section 2.3.
    """
    _check(num_products, 2)
    m = min(num_products, size)
    omega = probes(key, m, size, "gaussian", dtype)
    return _estimate(_xnystrace(omega, product(omega)), m)


def xnysdiag(
    product: Product, size: int, num_products: int, key: jax.Array, *, dtype: Any = None
) -> Estimate:
    r"""Estimate the diagonal by Nystrom approximations, each probe in turn left out for the rest.

    .. math:: \mathrm{diag}(A) \approx \frac{1}{m} \sum_i \left[ \mathrm{diag}(A_i)
              + \omega_i \odot (A - A_i) \omega_i \right]

    with :math:`A_i` as for `xnystrace`. The standard error treats the terms as independent, which
    they nearly are.

    References
    ----------
    Epperly, Tropp, Webber, SIAM J. Matrix Anal. Appl. 45 (2024), section 4.
    """
    _check(num_products, 2)
    m = min(num_products, size)
    omega = probes(key, m, size, "rademacher", dtype)
    return _estimate(_xnysdiag(omega, product(omega)), m)


def _estimate(mean_and_error: Pair, num_products: int) -> Estimate:
    value, error = mean_and_error
    return Estimate(value, error, num_products)


@jax.jit
def _mean_form(x: jax.Array, image: jax.Array) -> Pair:
    """Return the mean of the quadratic forms of x (m, D), given A x, and its error."""
    return _mean(jnp.sum(x * image, axis=1))


@jax.jit
def _mean_of_entries(x: jax.Array, image: jax.Array) -> Pair:
    return _mean(x * image)


@jax.jit
def _orthonormal(rows: jax.Array) -> Pair:
    """Return an orthonormal basis of the rows (m, D), as rows, and their triangular factor."""
    q, r = jnp.linalg.qr(rows.T)
    return q.T, r


@jax.jit
def _outside(x: jax.Array, q: jax.Array) -> jax.Array:
    return x - (x @ q.T) @ q


@jax.jit
def _hutchpp(x: jax.Array, image: jax.Array, q: jax.Array, known: jax.Array) -> Pair:
    """Return the estimate of `hutchpp`, given A x and A Q, all as rows."""
    value, error = _mean(jnp.sum(x * image, axis=1))
    return jnp.sum(q * known) + value, error


@jax.jit
def _xtrace(omega: jax.Array, q: jax.Array, r: jax.Array, image: jax.Array) -> Pair:
    """Return the estimate of `xtrace`, given probes (m, D), Q and A Q as rows, and R."""
    omega, q, image = omega.T, q.T, image.T
    size, m = omega.shape
    h = q.T @ image
    # Without probe i the range loses the direction Q s_i, the i-th column of R^-T normalised.
    s = jnp.linalg.inv(r).T
    s = s / jnp.linalg.norm(s, axis=0)
    w = q.T @ omega
    c = w - s * jnp.sum(s * w, axis=0)  # Q_i Q_i^T omega_i = Q c_i
    form = jnp.sum((w - 2 * c) * r, axis=0) + jnp.sum(c * (h @ c), axis=0)
    squared_norm = jnp.sum(omega**2, axis=0) - jnp.sum(c**2, axis=0)
    scale = (size - m + 1) / squared_norm
    known = jnp.trace(h) - jnp.sum(s * (h @ s), axis=0)
    return _mean(known + scale * form)


@jax.jit
def _xnystrace(omega: jax.Array, image: jax.Array) -> Pair:
    nystrom = _nystrom(omega.T, image.T)
    size, m = nystrom.omega.shape
    without = jnp.sum(nystrom.root**2) - jnp.sum(nystrom.z**2, axis=0) / nystrom.d
    outside = 1 / jnp.diag(jnp.linalg.inv(nystrom.omega.T @ nystrom.omega))
    rest = (size - m + 1) / outside / nystrom.d
    return _mean(without + rest - nystrom.shift * size)


@jax.jit
def _xnysdiag(omega: jax.Array, image: jax.Array) -> Pair:
    nystrom = _nystrom(omega.T, image.T)
    z, d = nystrom.z, nystrom.d
    without = jnp.sum(nystrom.root**2, axis=1)[:, None] - z**2 / d
    rest = nystrom.omega * z / d
    return _mean((without + rest - nystrom.shift).T)


def _mean(samples: jax.Array) -> Pair:
    """Return the mean over the first axis and its standard error."""
    value, error, _ = mean(samples, len(samples))
    return value, error


class _Nystrom(NamedTuple):
    r"""The approximation F F^T of A + shift I, and what removing one probe takes away from it.

    With :math:`H = \Omega^T Y` and :math:`Z = Y H^{-1}`, leaving out probe i subtracts
    :math:`z_i z_i^T / d_i` from it, where d is the diagonal of :math:`H^{-1}`; and the matrix less
    that approximation maps :math:`\omega_i` to :math:`z_i / d_i`.
    """

    omega: jax.Array  # (D, m)
    root: jax.Array  # F, (D, m)
    z: jax.Array  # (D, m)
    d: jax.Array  # (m,)
    shift: jax.Array


def _nystrom(omega: jax.Array, y: jax.Array) -> _Nystrom:
    """Return the approximation from probes and their products with A, both (D, m)."""
    # A small multiple of the identity keeps H positive definite in spite of rounding errors.
    shift = jnp.finfo(y.dtype).eps * jnp.linalg.norm(y)
    y = y + shift * omega
    h = omega.T @ y
    lower = jnp.linalg.cholesky((h + h.T) / 2)
    root = jax.scipy.linalg.solve_triangular(lower, y.T, lower=True).T
    inverse = jax.scipy.linalg.solve_triangular(lower, jnp.eye(len(h), dtype=h.dtype), lower=True)
    z = root @ inverse
    return _Nystrom(omega, root, z, jnp.sum(inverse**2, axis=0), shift)


def _check(num_products: int, least: int) -> None:
    if num_products < least:
        raise InputError(
            f"num_samples is {num_products}; this estimator needs at least {least} products"
        )
