"""Images that are read slice by slice."""

import numpy as np
import pytest
from small_model import KEY, apply, make_images, make_params

from slugkit import slug
from slugkit.errors import InputError
from slugkit.image_stream import ImageStream, is_stream


class Changing:
    """Images that are other ones whenever they are read, as if augmented at random."""

    def __init__(self, images):
        self.images, self.random = images, np.random.default_rng(0)

    def __len__(self):
        return len(self.images)

    def __getitem__(self, where):
        some = self.images[where]
        return some + self.random.normal(size=some.shape).astype(some.dtype)


@pytest.fixture
def on_disk(tmp_path):
    np.save(tmp_path / "images.npy", make_images(11))
    return np.load(tmp_path / "images.npy", mmap_mode="r")


@pytest.mark.parametrize("solver", ["lanczos", "range_finder"])
def test_a_fit_of_images_on_disk_is_that_of_images_in_memory(on_disk, solver):
    options = {"rank": 4, "key": KEY, "batch_size": 4, "solver": solver}
    made = slug.fit(apply, make_params(), on_disk, **options)
    expected = slug.fit(apply, make_params(), make_images(11), **options)
    np.testing.assert_array_equal(made.basis, expected.basis)


def test_what_is_a_stream(on_disk):
    images = make_images(2)
    assert is_stream(on_disk)
    assert is_stream(Changing(images))
    assert not any(map(is_stream, (images, images.tolist(), slug.jax.numpy.asarray(images))))


def test_images_have_the_wanted_type_and_shape(on_disk):
    stream = ImageStream(on_disk, np.float64)
    assert stream.shape == (11, *make_images(1).shape[1:])
    assert stream[2:5].dtype == np.float64
    np.testing.assert_array_equal(stream[2:5], make_images(11)[2:5])


def test_a_subset_of_a_stream_is_read_into_memory(on_disk):
    options = {"rank": 3, "key": KEY, "subset_size": 5}
    made = slug.fit(apply, make_params(), on_disk, **options)
    expected = slug.fit(apply, make_params(), make_images(11), **options)
    np.testing.assert_array_equal(made.basis, expected.basis)


def test_images_that_change_between_passes_are_refused():
    solver = slug.RangeFinder(num_power_iterations=1)
    with pytest.raises(InputError, match=r"images 0 to .* are not those of the first pass"):
        slug.fit(apply, make_params(), Changing(make_images(6)), rank=2, key=KEY, solver=solver)


def test_an_image_that_is_not_finite_is_named():
    images = make_images(9)
    images[7] = np.nan
    with pytest.raises(InputError, match="image 7 has values that are not finite"):
        _ = ImageStream(images, np.float32)[6:9]


def test_no_images_are_refused():
    with pytest.raises(InputError, match=r"images have shape \(0,\)"):
        ImageStream([], np.float32)
