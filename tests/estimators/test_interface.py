"""Estimators by name and as objects, and one of a user's own."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pytest
from small_model import KEY, apply, make_images, make_params

from slugkit import slug
from slugkit.errors import InputError
from slugkit.estimators.interface import Estimator, ImageEstimator, estimator_of, estimators
from slugkit.estimators.krylov import Krylov
from slugkit.linalg.estimates import Estimate


def test_every_estimator_is_found_by_the_name_of_its_module():
    found = estimators()
    assert {"pushforward", "deflated", "krylov", "exact", "hutchinson", "bekas"} <= set(found)
    for name, one in found.items():
        assert one.__module__ == f"slugkit.estimators.{name}"
        assert one.gives_score or one.gives_variance
        assert one() == one()  # a dataclass, all of whose options have defaults


def test_a_name_stands_for_the_default_options():
    assert estimator_of("krylov", score=True, variance=True) == Krylov()
    half = Krylov(exact_fraction=0.5)
    assert estimator_of(half, score=True, variance=False) is half


@pytest.mark.parametrize(
    ("given", "wanted", "message"),
    [
        ("other", (True, False), "estimator is 'other'; for the score choose one of .*hutchinson"),
        ("hutchinson", (False, True), "for the pixel variance choose one of bekas"),
        ("bekas", (True, True), "for the score and the pixel variance at once choose one of"),
        (3, (True, False), "estimator is 3; choose one of"),
    ],
)
def test_what_cannot_be_given_is_named(given, wanted, message):
    with pytest.raises(InputError, match=message):
        estimator_of(given, score=wanted[0], variance=wanted[1])


@dataclass(frozen=True)
class Constant(ImageEstimator):
    name: ClassVar[str] = "constant"
    gives_variance: ClassVar[bool] = False

    level: float = 1.0

    def estimate_image(self, posterior, jacobian, budget, key):
        return Estimate(np.array([self.level]), np.zeros(1), 0), None


def test_an_object_of_a_users_own_class_serves():
    posterior = slug.fit(apply, make_params(), make_images(4), rank=2, key=KEY)
    calls = []
    made = slug.score(
        posterior,
        make_images(3),
        key=KEY,
        estimator=Constant(7.0),
        progress=lambda *call: calls.append(call),
    )
    assert made.value.tolist() == [7.0] * 3
    assert calls[-1] == (3, 3, "images by constant")


def test_the_interface_itself_is_no_estimator():
    with pytest.raises(TypeError, match="abstract"):
        Estimator()
