import re

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slugkit.data.matched_splits import make_matched_splits
from slugkit.data.sources import index
from slugkit.data.splits import check_no_leak
from slugkit.errors import InputError

TYPES = {"light": [1, 2], "dark": [5, 6]}
ORIGINS = ("here", "there")

# One image: skin type, origin, and which of the duplicate groups of its group it is in.
images = st.tuples(st.sampled_from([1, 2, 3, 5, 6]), st.sampled_from(ORIGINS), st.integers(0, 2))
# Mostly groups of one tone and one origin, of up to four images.
plain_groups = st.tuples(
    st.sampled_from([1, 6]),
    st.sampled_from(ORIGINS),
    st.lists(st.integers(0, 2), min_size=1, max_size=4),
).map(lambda group: [(group[0], group[1], number) for number in group[2]])
pools = st.lists(
    st.one_of(plain_groups, plain_groups, st.lists(images, min_size=1, max_size=5)),
    min_size=8,
    max_size=50,
)


def table_of(groups):
    """Make an index table from groups of (skin type, origin, duplicate group)."""
    rows = [
        (f"{g}-{k}", fst, f"g{g}", origin, f"g{g}d{duplicate}")
        for g, group in enumerate(groups)
        for k, (fst, origin, duplicate) in enumerate(group)
    ]
    columns = ["image_id", "fitzpatrick", "group", "origin", "duplicate_group"]
    return pd.DataFrame(rows, columns=columns).astype({"fitzpatrick": "Int64"})


def simple(light_here, light_there, dark_here, dark_there):
    """Make an index table of images that are each a group of their own."""
    counts = {(1, "here"): light_here, (1, "there"): light_there}
    counts |= {(5, "here"): dark_here, (5, "there"): dark_there}
    return table_of([[(*cell, 0)] for cell, count in counts.items() for _ in range(count)])


def numbers(part):
    return part["origin"].value_counts().to_dict()


@settings(deadline=None, max_examples=150)
@given(pool=pools, train=st.integers(1, 12), test=st.integers(1, 10), seed=st.integers(0, 3))
def test_every_promise(pool, train, test, seed):
    table = table_of(pool)
    request = {**TYPES, "train": 2 * train, "test": test, "seed": seed}
    try:
        splits = make_matched_splits(table, **request)
    except InputError as error:
        most = int(re.search(r"largest size that fits is (\d+)", str(error)).group(1))
        about_test = f"for test={test}," in str(error)
        assert most < (test if about_test else 2 * train)
        if about_test or most < 2:
            return
        make_matched_splits(table, **request | {"train": most})
        with pytest.raises(InputError, match=f"the largest size that fits is {most}"):
            make_matched_splits(table, **request | {"train": most + 2})
        return

    check_no_leak(splits)
    kinds = {"A": {"light"}, "B": {"light", "dark"}, "C": {"dark"}, "light": {"light"}}
    tone_of = {1: "light", 2: "light", 5: "dark", 6: "dark"}
    for name, part in (splits.train | splits.test).items():
        assert len(part) == (2 * train if name in splits.train else test)
        assert part["image_id"].is_unique
        assert set(part["fitzpatrick"].map(tone_of)) == kinds.get(name, {"dark"})
    assert numbers(splits.train["A"]) == numbers(splits.train["B"]) == numbers(splits.train["C"])
    assert numbers(splits.test["light"]) == numbers(splits.test["dark"])
    halves = splits.train["B"].assign(tone=splits.train["B"]["fitzpatrick"].map(tone_of))
    assert numbers(halves[halves["tone"] == "light"]) == numbers(halves[halves["tone"] == "dark"])

    tested = pd.concat(splits.test.values())
    assert tested["duplicate_group"].is_unique
    known = table.assign(tone=table["fitzpatrick"].map(tone_of)).dropna()
    labels = known.groupby("duplicate_group")["tone"].agg(set).map(len)
    contradicted = known["duplicate_group"].isin(labels.index[labels > 1])
    used = pd.concat([tested, *splits.train.values()])
    assert not used["image_id"].isin(known["image_id"][contradicted]).any()
    held_out = known[~contradicted & known["group"].isin(tested["group"])]
    places = (held_out["tone"] + held_out["origin"]).groupby(held_out["group"]).agg(set)
    assert (places.map(len) == 1).all()


@settings(deadline=None, max_examples=25)
@given(pool=pools, seed=st.integers(0, 3), order=st.integers(0, 3))
def test_the_order_of_the_rows_does_not_matter(pool, seed, order):
    table = table_of(pool + [[(t, origin, 0)] for t in (1, 5) for origin in ORIGINS] * 4)
    request = {**TYPES, "train": 4, "test": 3, "seed": seed}
    one = make_matched_splits(table, **request)
    two = make_matched_splits(table.sample(frac=1, random_state=order), **request)
    for name, part in (one.train | one.test).items():
        pd.testing.assert_frame_equal(part, (two.train | two.test)[name])


def test_numbers_are_in_proportion_to_the_scarcer_tone():
    splits = make_matched_splits(simple(60, 90, 80, 30), **TYPES, train=60, test=30, seed=0)
    assert numbers(splits.train["A"]) == {"here": 40, "there": 20}
    assert numbers(splits.test["dark"]) == {"here": 20, "there": 10}


def test_a_fixed_test_set_and_other_training_sets():
    table = simple(60, 60, 60, 60)
    one, two = (
        make_matched_splits(table, **TYPES, train=40, test=20, seed=seed, test_seed=7)
        for seed in (0, 1)
    )
    for tone in TYPES:
        pd.testing.assert_frame_equal(one.test[tone], two.test[tone])
    for name in one.train:
        assert set(one.train[name]["image_id"]) != set(two.train[name]["image_id"])
    free = make_matched_splits(table, **TYPES, train=40, test=20, seed=1)
    assert set(free.test["light"]["image_id"]) != set(two.test["light"]["image_id"])


def test_too_few_images():
    table = simple(20, 15, 12, 9)
    with pytest.raises(InputError) as caught:
        make_matched_splits(table, **TYPES, train=20, test=7, seed=0)
    assert str(caught.value) == (
        "too few images for train=20 with test=7, matched by origin: the scarcer tone has "
        "8 of here, 6 of there; the largest size that fits is 14"
    )
    with pytest.raises(InputError) as caught:
        make_matched_splits(table, **TYPES, train=4, test=22, seed=0)
    assert str(caught.value) == (
        "too few images for test=22, matched by origin: the scarcer tone has 12 of here, "
        "9 of there; the largest size that fits is 21"
    )


def test_an_odd_training_set():
    with pytest.raises(InputError, match="train=5: matched by origin, B needs an even number"):
        make_matched_splits(simple(9, 9, 9, 9), **TYPES, train=5, test=2, seed=0)


def test_a_data_set_without_origins():
    table = simple(9, 9, 9, 9)
    for unknown in (table.drop(columns="origin"), table.assign(origin="")):
        with pytest.raises(InputError, match=r"does not say .* leave out data\.skin\.match"):
            make_matched_splits(unknown, **TYPES, train=4, test=2, seed=0)


def test_the_sets_of_the_reduced_profile_fit(data_root):
    table = index("fitzpatrick17k", data_root)
    splits = make_matched_splits(table, **TYPES, train=544, test=150, seed=0, test_seed=1_000_000)
    assert numbers(splits.train["B"]) == {"atlas": 390, "dermaamin": 154}
    assert numbers(splits.test["dark"]) == {"atlas": 100, "dermaamin": 50}
    with pytest.raises(InputError, match="the largest size that fits is 548"):
        make_matched_splits(table, **TYPES, train=560, test=150, seed=0, test_seed=1_000_000)
