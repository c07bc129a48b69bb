"""Solvers by name and as objects, and one of a user's own."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pytest
from small_model import KEY, apply, make_images, make_params

from slugkit import slug
from slugkit.discovery import discover
from slugkit.errors import InputError
from slugkit.solvers.interface import Solver, solver_of


def test_every_solver_is_found_by_the_name_of_its_module():
    found = discover("slugkit.solvers", Solver)
    assert {"lanczos", "sketched_lanczos"} <= set(found)
    for name, one in found.items():
        assert one.__module__ == f"slugkit.solvers.{name}"
        assert one() == one()


def test_a_name_stands_for_the_default_options():
    assert solver_of("lanczos") == slug.Lanczos()
    mine = slug.Lanczos(tolerance=0.1)
    assert solver_of(mine) is mine
    with pytest.raises(InputError, match="solver is 'other'; choose one of lanczos"):
        solver_of("other")


@dataclass(frozen=True)
class Dense(Solver):
    name: ClassVar[str] = "dense"

    def solve(self, problem, rank, seeds, progress=None):
        size = problem.parameters.size
        matrix = np.stack([problem.product(row) for row in np.eye(size, dtype=np.float32)])
        values, vectors = np.linalg.eigh(matrix)
        leading = values[::-1][:rank]
        return slug.Posterior(
            problem.apply,
            problem.parameters,
            problem.image_shape,
            np.ascontiguousarray(vectors[:, ::-1][:, :rank].T),
            leading,
            np.zeros(rank),
            leading,
            size,
            True,
        )


def test_an_object_of_a_users_own_class_serves():
    arguments = apply, make_params(), make_images(6)
    dense = slug.fit(*arguments, rank=3, key=KEY, solver=Dense())
    ours = slug.fit(*arguments, rank=3, key=KEY, solver=slug.Lanczos(tolerance=1e-5))
    np.testing.assert_allclose(dense.eigenvalues, ours.eigenvalues, rtol=1e-4)
    made, expected = (
        slug.score(one, arguments[2], num_samples=8, key=KEY).value for one in (dense, ours)
    )
    np.testing.assert_allclose(made, expected, rtol=1e-3)
