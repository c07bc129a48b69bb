import numpy as np
import pytest

from companion.paths import data_root
from slugkit.data.lesion_images import OUTLINED, outlined_lesions, synthetic_lesions
from slugkit.data.synthesis.synthetic import generate, lesion_masks


def test_the_masks_of_a_collection_do_not_depend_on_how_many_are_asked_for():
    np.testing.assert_array_equal(lesion_masks(3, 32, 5), lesion_masks(6, 32, 5)[:3])


def test_masks_at_two_resolutions_are_of_the_same_lesions():
    small, large = lesion_masks(8, 32, 5), lesion_masks(8, 64, 5)
    reduced = large.reshape(8, 32, 2, 32, 2).mean(axis=(2, 4)) >= 0.5
    assert np.mean(small != reduced) < 0.02


def test_inside_the_mask_the_image_differs_from_the_skin_around():
    identifiers, images, masks = synthetic_lesions(24, 32, 5, fitzpatrick=2)
    assert 12 < len(identifiers) <= 24
    assert masks.any(axis=(1, 2)).all()
    np.testing.assert_array_equal(images[0], generate([2] * 24, 32, 5)[int(identifiers[0][-5:])])
    offset = [
        np.abs(image - np.median(image[~mask], axis=0)).sum(axis=-1)
        for image, mask in zip(images, masks, strict=True)
    ]
    inside = [one[mask].mean() for one, mask in zip(offset, masks, strict=True)]
    outside = [one[~mask].mean() for one, mask in zip(offset, masks, strict=True)]
    assert np.mean(np.greater(inside, outside)) > 0.8


def test_without_outlines_under_the_data_root_there_is_nothing(tmp_path):
    identifiers, images, masks = outlined_lesions(tmp_path, 5, 32, 0)
    assert identifiers == []
    assert images.shape == (0, 32, 32, 3)
    assert masks.shape == (0, 32, 32)


@pytest.mark.skipif(not (data_root() / OUTLINED).is_dir(), reason="no outlines of ISIC 2017 here")
def test_outlined_images_have_a_lesion_of_reasonable_size():
    identifiers, images, masks = outlined_lesions(data_root(), 6, 32, 0)
    assert len(set(identifiers)) == len(images) == len(masks) <= 6
    assert 0.005 < masks.mean() < 0.8
    assert images.min() >= 0
    assert images.max() <= 1
