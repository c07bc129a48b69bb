import inspect

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from companion.paths import project_root
from companion.pipeline.code_digest import source_files
from slugkit.baselines.comparison import Cost, variance_over_members
from slugkit.baselines.registry import COMPARATORS

ARGUMENTS = {"train_images", "images", "key", "settings"}


@given(st.integers(2, 6), st.integers(0, 100), st.sampled_from([0.0, 1000.0]))
def test_the_variance_over_members_is_numpys(count, seed, offset):
    members = offset + np.random.default_rng(seed).normal(size=(count, 2, 3, 4, 3))
    found = variance_over_members(iter(members), Cost())
    expected = members.var(axis=0, ddof=1).sum(axis=-1)
    np.testing.assert_allclose(found.map, expected, rtol=1e-6)
    np.testing.assert_allclose(found.score, expected.sum(axis=(1, 2)), rtol=1e-6)


def test_two_members_do_not_tell_how_well_the_variance_is_known():
    found = variance_over_members(np.random.default_rng(0).normal(size=(2, 5, 2, 2, 3)), Cost())
    assert np.isinf(found.standard_error).all()


def test_the_standard_error_is_that_of_repeated_draws():
    random = np.random.default_rng(0)
    mixing = random.normal(size=(12, 12))
    members = (random.normal(size=(8, 500, 12)) @ mixing).reshape(8, 500, 2, 2, 3)
    found = variance_over_members(members, Cost())
    assert found.score.mean() == pytest.approx(np.sum(mixing**2), rel=0.05)
    typical = np.sqrt(np.mean(found.standard_error**2))
    assert typical == pytest.approx(found.score.std(), rel=0.1)


@pytest.mark.parametrize("name", COMPARATORS)
def test_all_comparators_have_one_interface(name):
    first, *others = inspect.signature(COMPARATORS[name].compare).parameters
    assert first == ("models" if COMPARATORS[name].network == "members" else "model")
    assert set(others) == ARGUMENTS


def test_titles_differ():
    titles = [one.title for one in COMPARATORS.values()]
    assert len(set(titles)) == len(titles)


def test_the_comparators_know_the_model_and_nothing_of_the_companion():
    found = source_files(project_root() / "slugkit" / "baselines" / "registry.py")
    assert {path.parent.name for path in found} == {"slugkit", "baselines"}
