"""Models in PyTorch, where torchax is installed: pip install -r requirements-torch.lock."""

import copy
import sys

import jax
import numpy as np
import pytest
from dense_model import dense_eigenpairs, dense_variance

from slugkit import slug
from slugkit.errors import InputError
from slugkit.torch import from_torch

KEY = jax.random.key(3)
RANK = 3


def install(package):
    return f"{package} is not installed: pip install -r requirements-torch.lock"


@pytest.fixture(scope="module")
def torch():
    pytest.importorskip("torchax", reason=install("torchax"))
    return pytest.importorskip("torch", reason=install("torch"))


@pytest.fixture
def network(torch):
    """A small convolutional autoencoder whose batch normalisation has seen images."""
    torch.manual_seed(0)
    nn = torch.nn
    module = nn.Sequential(
        nn.Conv2d(1, 3, 3, stride=2, padding=1),
        nn.BatchNorm2d(3),
        nn.Dropout(0.2),
        nn.ELU(),
        nn.Flatten(),
        nn.Linear(48, 4),
        nn.Linear(4, 64),
        nn.Unflatten(1, (1, 8, 8)),
    )
    with torch.no_grad():
        module(torch.from_numpy(made_images((1, 8, 8), 8)))
    return module.eval()


def made_images(shape, count, seed=0):
    return np.random.default_rng(seed).random((count, *shape)).astype(np.float32)


def plain(module, images):
    return module(images)


def torch_jacobian(torch, module, call, images):
    """Return the Jacobians (n, outputs, p) in float64, by PyTorch's own derivatives."""
    module = copy.deepcopy(module).double()
    fixed = dict(module.named_buffers())
    params = {n: one.detach() for n, one in module.named_parameters() if one.requires_grad}
    fixed |= {n: one.detach() for n, one in module.named_parameters() if not one.requires_grad}

    class Called(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.module = module

        def forward(self, images):
            return call(self.module, images)

    def outputs(params):
        every = {f"module.{name}": one for name, one in (params | fixed).items()}
        given = torch.from_numpy(images.astype(np.float64))
        return torch.func.functional_call(Called(), every, (given,))

    rows = torch.func.jacrev(outputs)(params)
    size = images[0].size
    return np.concatenate(
        [one.numpy().reshape(len(images), size, -1) for one in rows.values()], axis=-1
    )


def check_against_torch(torch, module, call, shape):
    train, test = made_images(shape, 4), made_images(shape, 2, seed=1)
    apply, params = from_torch(module, None if call is plain else call)
    expected = call(module, torch.from_numpy(test)).detach().numpy()
    np.testing.assert_allclose(jax.jit(apply)(params, test), expected, rtol=1e-4, atol=1e-5)
    solver = slug.Lanczos(tolerance=1e-5)
    posterior = slug.fit(apply, params, train, rank=RANK, key=KEY, solver=solver)
    jacobian = torch_jacobian(torch, module, call, train)
    assert posterior.parameters.size == jacobian.shape[-1]
    eigenvalues, basis = dense_eigenpairs(jacobian, RANK)
    np.testing.assert_allclose(posterior.eigenvalues, eigenvalues, rtol=1e-3)
    expected = dense_variance(torch_jacobian(torch, module, call, test), basis)
    score, variance = slug.score_and_variance(posterior, test, key=KEY, estimator="exact")
    np.testing.assert_allclose(score.value, expected.sum(axis=1), rtol=2e-3)
    np.testing.assert_allclose(
        variance.value.reshape(expected.shape), expected, rtol=5e-3, atol=1e-3 * expected.max()
    )


@pytest.mark.parametrize("frozen", [False, True])
def test_fits_scores_and_maps_are_those_of_pytorchs_own_jacobian(torch, network, frozen):
    network[0].requires_grad_(not frozen)
    check_against_torch(torch, network, plain, (1, 8, 8))


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("side", [(8, 8), (4, 4, 4)], ids=["images", "volumes"])
def test_monais_autoencoder(torch, side):
    nets = pytest.importorskip("monai.networks.nets", reason=install("monai"))
    torch.manual_seed(0)
    model = nets.AutoencoderKL(
        spatial_dims=len(side),
        in_channels=1,
        out_channels=1,
        channels=(2, 4),
        num_res_blocks=(1, 1),
        attention_levels=(False, False),
        with_encoder_nonlocal_attn=False,
        with_decoder_nonlocal_attn=False,
        latent_channels=2,
        norm_num_groups=2,
    )
    check_against_torch(torch, model.eval(), lambda model, x: model.reconstruct(x), (1, *side))


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"stride": (2, 1, 3), "padding": (0, 1, 2)},
        {"bias": False},
        {"dilation": 2},
        {"groups": 2},
    ],
    ids=str,
)
def test_convolutions_of_volumes(torch, options):
    torch.manual_seed(0)
    module = torch.nn.Conv3d(2, 4, 3, **options).eval()
    volumes = made_images((2, 7, 8, 9), 3)
    apply, params = from_torch(module)
    expected = module(torch.from_numpy(volumes)).detach().numpy()
    np.testing.assert_allclose(jax.jit(apply)(params, volumes), expected, rtol=1e-4, atol=1e-5)


def test_one_pad_for_all_sides_of_a_volume(torch):
    torch.manual_seed(0)
    module = torch.nn.Conv3d(2, 4, 3).eval()
    volumes = made_images((2, 5, 6, 7), 3)

    def padded(module, x):
        strides, dilation, none = [1, 1, 1], [1, 1, 1], [0, 0, 0]
        given = x, module.weight, module.bias, strides, [1], dilation, False, none, 1
        return torch.convolution(*given)

    apply, params = from_torch(module, padded)
    expected = padded(module, torch.from_numpy(volumes)).detach().numpy()
    np.testing.assert_allclose(jax.jit(apply)(params, volumes), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.filterwarnings("ignore")
def test_the_autoencoder_of_diffusers(torch):
    diffusers = pytest.importorskip("diffusers", reason=install("diffusers"))
    torch.manual_seed(0)
    model = diffusers.AutoencoderKL(
        in_channels=1,
        out_channels=1,
        block_out_channels=(2, 4),
        down_block_types=("DownEncoderBlock2D",) * 2,
        up_block_types=("UpDecoderBlock2D",) * 2,
        layers_per_block=1,
        latent_channels=2,
        norm_num_groups=2,
    )

    def reconstruct(model, images):
        return model.decode(model.encode(images).latent_dist.mean).sample

    check_against_torch(torch, model.eval(), reconstruct, (1, 8, 8))


def test_weights_that_two_layers_share_count_once(torch):
    module = torch.nn.Sequential(torch.nn.Linear(5, 5), torch.nn.Tanh(), torch.nn.Linear(5, 5))
    module[2].weight = module[0].weight
    apply, params = from_torch(module.eval())
    images = made_images((5,), 8)
    assert slug.fit(apply, params, images, rank=1, key=KEY).parameters.size == 35


def test_later_training_is_not_seen(torch, network):
    apply, params = from_torch(network)
    images = made_images((1, 8, 8), 3)
    before = np.asarray(apply(params, images))
    with torch.no_grad():
        network[0].weight.zero_()
    np.testing.assert_array_equal(apply(params, images), before)


def refusal_of(apply, params, images):
    with pytest.raises(InputError) as error:
        slug.fit(apply, params, images, rank=RANK, key=KEY)
    return str(error.value)


def test_a_module_that_cannot_be_used(torch, network):
    partly = copy.deepcopy(network)
    partly[2].train()
    for module, message in (
        (copy.deepcopy(network).train(), "Sequential is in training mode; call model.eval() first"),
        (partly, "2 is in training mode; call model.eval() first"),
        (network.state_dict(), "module is of type OrderedDict; give a torch.nn.Module"),
        (copy.deepcopy(network).requires_grad_(False), "no parameter of the module requires"),
    ):
        with pytest.raises(InputError) as error:
            from_torch(module)
        assert str(error.value).startswith(message)


def test_images_and_outputs_that_cannot_be_used(torch, network):
    images = made_images((1, 8, 8), 7)
    assert refusal_of(*from_torch(network), images[:, 0]) == (
        "apply(params, images) refuses images of shape (3, 8, 8), but takes (3, 1, 8, 8); give "
        "images[:, None]"
    )
    assert refusal_of(*from_torch(network), np.moveaxis(images, 1, -1)).endswith(
        "give np.moveaxis(images, -1, 1)"
    )
    assert refusal_of(*from_torch(network, lambda m, x: (m(x), x)), images).endswith(
        "return the reconstruction alone, such as lambda p, x: model(p, x)[0]"
    )
    assert refusal_of(*from_torch(network, lambda m, x: m(x).detach().numpy()), images).startswith(
        "apply uses the values of traced arrays: "
    )


def test_a_sampled_latent_is_noise_and_leaves_torchax_as_it_was(torch, network):
    import torchax

    key = torchax.default_env().prng_key
    noisy = from_torch(network, lambda m, x: m(x) + 0.1 * torch.randn_like(x))
    assert refusal_of(*noisy, made_images((1, 8, 8), 7)).endswith(
        "decode the latent mean, and switch off dropout"
    )
    assert torchax.default_env().prng_key is key


def test_without_torchax_the_package_to_install_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "torchax", None)
    with pytest.raises(InputError, match=r"^models in PyTorch need torchax: .*\[torch\]'"):
        from_torch(None)
