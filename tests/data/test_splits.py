from dataclasses import replace

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slugkit.data.readers.fitzpatrick import fitzpatrick17k_labels
from slugkit.data.sources import index
from slugkit.data.splits import check_no_leak, make_splits
from slugkit.errors import InputError


def table_of(groups):
    """Make an index table from (skin type, images in the group) pairs."""
    rows = [(f"{g}-{k}", fst, f"g{g}") for g, (fst, size) in enumerate(groups) for k in range(size)]
    table = pd.DataFrame(rows, columns=["image_id", "fitzpatrick", "group"])
    return table.astype({"fitzpatrick": "Int64"})


SIMPLE = table_of([(1, 1), (2, 2), (3, 1), (5, 1), (6, 2)] * 20)
SIZES = {"light": [1, 2], "dark": [5, 6], "train": 30, "test": 12}


def test_sizes_and_skin_types():
    splits = make_splits(SIMPLE, **SIZES, seed=0)
    assert {name: len(table) for name, table in splits.train.items()} == {"A": 30, "B": 30, "C": 30}
    assert {name: len(table) for name, table in splits.test.items()} == {"light": 12, "dark": 12}
    assert set(splits.train["A"]["fitzpatrick"]) <= {1, 2}
    assert set(splits.train["C"]["fitzpatrick"]) <= {5, 6}
    assert splits.train["B"]["fitzpatrick"].isin([1, 2]).sum() == 15
    assert splits.train["B"]["fitzpatrick"].isin([5, 6]).sum() == 15
    assert splits.test["dark"]["fitzpatrick"].isin([5, 6]).all()
    for table in (splits.train | splits.test).values():
        assert table["image_id"].is_unique


def test_same_seed_same_splits_in_any_row_order():
    one = make_splits(SIMPLE, **SIZES, seed=3)
    two = make_splits(SIMPLE.sample(frac=1, random_state=0), **SIZES, seed=3)
    for name, table in (one.train | one.test).items():
        pd.testing.assert_frame_equal(table, (two.train | two.test)[name])


def test_draws_stay_as_they_are():
    splits = make_splits(SIMPLE, **SIZES, seed=3)
    first = {
        name: list(part["image_id"][:4]) for name, part in (splits.train | splits.test).items()
    }
    assert first == {
        "A": ["55-0", "81-0", "56-1", "35-0"],
        "B": ["81-1", "6-1", "1-1", "95-0"],
        "C": ["9-1", "84-1", "98-0", "13-0"],
        "light": ["20-0", "21-0", "40-0", "16-0"],
        "dark": ["73-0", "79-1", "79-0", "34-1"],
    }


def test_test_sets_with_a_seed_of_their_own():
    one, two = (make_splits(SIMPLE, **SIZES, seed=seed, test_seed=9) for seed in (0, 1))
    for name in ("light", "dark"):
        pd.testing.assert_frame_equal(one.test[name], two.test[name])
    for name in ("A", "B", "C"):
        assert set(one.train[name]["image_id"]) != set(two.train[name]["image_id"])


def test_different_seeds_differ():
    draws = {
        tuple(sorted(make_splits(SIMPLE, **SIZES, seed=seed).test["dark"]["image_id"]))
        for seed in range(10)
    }
    assert len(draws) == 10


@settings(deadline=None, max_examples=60)
@given(
    light=st.lists(st.integers(1, 7), min_size=3, max_size=20),
    dark=st.lists(st.integers(1, 7), min_size=3, max_size=20),
    train=st.integers(2, 30),
    test=st.integers(1, 20),
    seed=st.integers(0, 5),
)
def test_no_leak_and_refused_only_if_nothing_fits(light, dark, train, test, seed):
    table = table_of([(1, size) for size in light] + [(5, size) for size in dark])
    sizes = {"light": [1], "dark": [5], "train": train, "test": test, "seed": seed}
    if not all(fits(pool, train, test) for pool in (light, dark)):
        with pytest.raises(InputError, match=r"too few (light|dark) .* short"):
            make_splits(table, **sizes)
        return
    splits = make_splits(table, **sizes)
    check_no_leak(splits)
    assert all(len(table) == train for table in splits.train.values())
    assert all(len(table) == test for table in splits.test.values())


def fits(groups, train, test):
    """Whether whole groups can be held out so that both sets are full, by trying all."""
    held_out = {0}
    for size in groups:
        held_out |= {total + size for total in held_out}
    return any(test <= total <= sum(groups) - train for total in held_out)


@settings(deadline=None, max_examples=40)
@given(sizes=st.lists(st.integers(1, 5), min_size=2, max_size=12), test=st.integers(1, 12))
def test_largest_training_size_in_the_message_fits(sizes, test):
    table = table_of([(1, 100)] + [(1, 1)] * 100 + [(5, size) for size in sizes])
    options = {"light": [1], "dark": [5], "test": test, "seed": 0}
    with pytest.raises(InputError) as caught:
        make_splits(table, **options, train=sum(sizes))
    message = str(caught.value)
    if f"with test={test}" not in message:
        return
    train = int(message.split("train=")[2].split(" ")[0])
    if train >= 2:
        make_splits(table, **options, train=train)
        with pytest.raises(InputError):
            make_splits(table, **options, train=train + 1)


def test_a_group_with_light_and_dark_labels_is_left_out():
    table = pd.concat(
        [SIMPLE, table_of([(1, 1), (5, 1)]).assign(group="both", image_id=["x", "y"])],
        ignore_index=True,
    )
    for seed in range(5):
        splits = make_splits(table, **SIZES | {"train": 40, "test": 20}, seed=seed)
        for part in (splits.train | splits.test).values():
            assert "both" not in set(part["group"])


def test_leak_check_fails_on_a_straddling_group():
    splits = make_splits(SIMPLE, **SIZES, seed=0)
    leaking = splits.test["light"].copy()
    leaking.loc[0, "group"] = splits.train["C"].loc[0, "group"]
    with pytest.raises(InputError, match="1 groups are both in training and test sets"):
        check_no_leak(replace(splits, test=splits.test | {"light": leaking}))


def test_overlapping_skin_types():
    with pytest.raises(InputError, match=r"skin types \[2\] are both light and dark"):
        make_splits(SIMPLE, light=[1, 2], dark=[2, 3], train=4, test=2, seed=0)


def test_sizes_below_one():
    with pytest.raises(InputError, match="train=4 and test=0"):
        make_splits(SIMPLE, light=[1], dark=[5], train=4, test=0, seed=0)


def test_the_sizes_of_the_paper_are_12_short(data_root):
    table = fitzpatrick17k_labels(data_root / "fitzpatrick17k_labels" / "fitzpatrick17k.csv")
    paper = {"light": [1, 2], "dark": [5, 6], "train": 1668, "seed": 0}
    with pytest.raises(InputError) as caught:
        make_splits(table, **paper, test=512)
    assert str(caught.value) == (
        "too few dark (FST 5, 6) images: 2180 needed (train=1668 and test=512), 2168 available, "
        "12 short; the largest sizes that fit: train=1656 with test=512, or test=500 with "
        "train=1668"
    )
    splits = make_splits(table, **paper, test=500)
    assert len(splits.train["C"]) == 1668
    assert len(splits.test["dark"]) == 500


def test_real_pad_ufes_20_keeps_patients_whole(data_root):
    table = index("pad_ufes_20", data_root)
    for seed in range(3):
        splits = make_splits(table, light=[1, 2], dark=[3, 4], train=96, test=48, seed=seed)
        check_no_leak(splits)
    with pytest.raises(InputError, match="159 available, 1 short"):
        make_splits(table, light=[1, 2], dark=[3, 4], train=112, test=48, seed=0)
