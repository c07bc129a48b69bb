"""What every baseline is given and returns, and how they are found."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from slugkit.baselines.interface import Cost, baselines, configured, variance_over_members
from slugkit.errors import InputError


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


def test_the_paper_s_systems_come_first_and_the_oracle_last():
    found = list(baselines().values())
    kinds = [one.kind for one in found]
    assert kinds == sorted(kinds, key=("named", "trivial", "oracle").index)
    assert [one.name for one in found if one.kind == "oracle"] == ["squared_error"]
    assert len(found) >= 17


def test_titles_and_names_differ():
    found = baselines()
    assert len({one.title for one in found.values()}) == len(found)
    assert all(one.name == name for name, one in found.items())


def test_every_baseline_has_defaults_and_takes_its_own_settings():
    made = configured({"deep_ensemble": {"members": 3}})
    assert list(made) == list(baselines())
    assert made["deep_ensemble"].members == 3
    assert configured()["deep_ensemble"].members == 5


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"ensemble": {}}, "no baseline 'ensemble'; choose one of .*deep_ensemble"),
        ({"deep_ensemble": {"size": 3}}, "has no setting 'size'; choose one of members"),
        ({"slug": {"size": 3}}, "has no setting 'size'; choose one of none"),
    ],
)
def test_settings_that_nobody_has_are_named(settings, message):
    with pytest.raises(InputError, match=message):
        configured(settings)
