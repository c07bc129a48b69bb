"""The method against other packages, where these are installed: pip install --group peers."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from slugkit import slug
from slugkit.linalg.hutchinson import forms_of, hutchinson
from slugkit.linalg.quadrature import stochastic_lanczos_quadrature
from slugkit.operators.ggn import ggn_product
from slugkit.operators.losses import gaussian
from slugkit.operators.parameters import flatten

INPUTS, HIDDEN, IMAGES = 12, 5, 20
KEY = jax.random.key(0)


def install(package):
    return f"{package} is not installed: pip install --group peers"


@pytest.fixture(scope="module")
def matfree():
    return pytest.importorskip("matfree", reason=install("matfree"))


@pytest.fixture(scope="module")
def torch():
    pytest.importorskip("curvlinops", reason=install("curvlinops-for-pytorch"))
    return pytest.importorskip("torch", reason=install("torch"))


def reconstruct(params, images):
    hidden = jnp.tanh(images @ params["encode"] + params["bias"])
    return hidden @ params["decode"] + params["offset"]


@pytest.fixture(scope="module")
def problem():
    """A model, its images, and the same matrix G as a dense one."""
    random = np.random.default_rng(0)
    params = {
        "bias": 0.1 * random.normal(size=HIDDEN),
        "decode": random.normal(size=(HIDDEN, INPUTS)),
        "encode": 0.4 * random.normal(size=(INPUTS, HIDDEN)),
        "offset": 0.1 * random.normal(size=INPUTS),
    }
    params = jax.tree.map(lambda leaf: jnp.asarray(leaf, jnp.float32), params)
    images = random.normal(size=(IMAGES, INPUTS)).astype(np.float32)
    product = ggn_product(reconstruct, flatten(params), images, batch_size=8)
    size = flatten(params).size
    dense = np.stack([product(row) for row in np.eye(size, dtype=np.float32)])
    return params, images, dense


def spectrum(size):
    return 0.8 ** np.arange(size)


def test_eigenvalues_agree_with_matfree(matfree, problem):
    from matfree import decomp, eig

    params, images, dense = problem
    posterior = slug.fit(
        reconstruct, params, images, rank=6, key=KEY, solver=slug.Lanczos(tolerance=1e-5)
    )
    start = jax.random.normal(KEY, (len(dense),))
    values, _ = eig.eigh_partial(decomp.tridiag_sym(40))(lambda v: dense @ v, start)
    theirs = np.sort(np.asarray(values))[::-1][:6]
    np.testing.assert_allclose(posterior.eigenvalues, theirs, rtol=1e-4)


def by_matfree(integrand, values, num):
    """Return the peer's estimate for a diagonal matrix, and its standard error."""
    from matfree import stochtrace

    sampler = stochtrace.sampler_sphere(jnp.zeros(len(values)), num=num)
    estimate = stochtrace.estimator_monte_carlo_mean_and_sem(integrand, sampler=sampler)
    return [float(part) for part in estimate(lambda v: values * v, jax.random.key(1))]


def test_traces_agree_with_matfree(matfree):
    from matfree import stochtrace

    values = spectrum(60).astype(np.float32)
    ours = hutchinson(forms_of(lambda x: x * values), 60, 800, KEY, distribution="sphere")
    theirs, error = by_matfree(stochtrace.monte_carlo_trace(), values, 800)
    assert abs(ours.value - theirs) < 4 * np.hypot(ours.standard_error, error)
    # Of equal probes the stated errors are equal, too, up to their own uncertainty.
    np.testing.assert_allclose(ours.standard_error, error, rtol=0.2)


def test_log_determinants_agree_with_matfree(matfree):
    from matfree import decomp, funm

    values = (0.1 + spectrum(60)).astype(np.float32)
    quadrature = stochastic_lanczos_quadrature(
        lambda v: values * v, 60, num_samples=200, num_steps=20, seed=0
    )
    ours, our_error = quadrature.trace(np.log)
    integrand = funm.monte_carlo_funm_sym_logdet(decomp.tridiag_sym(20))
    theirs, error = by_matfree(integrand, values, 200)
    assert abs(ours - theirs) < 4 * np.hypot(our_error, error)
    np.testing.assert_allclose(our_error, error, rtol=0.3)


def module_of(torch, params):
    """Return the same network in PyTorch."""
    module = torch.nn.Sequential(
        torch.nn.Linear(INPUTS, HIDDEN), torch.nn.Tanh(), torch.nn.Linear(HIDDEN, INPUTS)
    )
    names = (("encode", "bias"), ("decode", "offset"))
    with torch.no_grad():
        for layer, (weight, bias) in zip((module[0], module[2]), names, strict=True):
            layer.weight.copy_(torch.tensor(np.asarray(params[weight]).T.copy()))
            layer.bias.copy_(torch.tensor(np.array(params[bias])))
    return module.eval()


@pytest.mark.filterwarnings("ignore")
def test_products_and_eigenvalues_agree_with_curvlinops(torch, problem):
    from curvlinops import GGNLinearOperator

    params, images, dense = problem
    module = module_of(torch, params)
    data = torch.tensor(images)
    # The Hessian of the summed squared error is twice the identity: a likelihood of variance 1/2.
    operator = GGNLinearOperator(
        module,
        torch.nn.MSELoss(reduction="sum"),
        list(module.parameters()),
        [(data, data)],
    )
    theirs = (operator @ torch.eye(len(dense))).detach().numpy()
    product = ggn_product(reconstruct, flatten(params), images, hessian=gaussian(0.5))
    # Both packages have another order of the parameters, which no eigenvalue and no trace knows.
    ours = np.stack([product(row) for row in np.eye(len(dense), dtype=np.float32)])
    np.testing.assert_allclose(np.trace(ours), np.trace(theirs), rtol=1e-5)
    np.testing.assert_allclose(
        np.linalg.eigvalsh(ours)[::-1][:10], np.linalg.eigvalsh(theirs)[::-1][:10], rtol=1e-4
    )
    posterior = slug.fit(
        reconstruct,
        params,
        images,
        rank=5,
        key=KEY,
        hessian=gaussian(0.5),
        solver=slug.Lanczos(tolerance=1e-5),
    )
    np.testing.assert_allclose(
        posterior.eigenvalues, np.linalg.eigvalsh(theirs)[::-1][:5], rtol=1e-4
    )
