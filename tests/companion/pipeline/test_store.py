import numpy as np
import pandas as pd
import pytest

from companion.pipeline.store import load_array, load_table, save_array, save_table
from slugkit.errors import InputError


def test_arrays_come_back(tmp_path):
    array = np.arange(6, dtype=np.float32).reshape(2, 3)
    save_array(tmp_path / "a.npy", array)
    np.testing.assert_array_equal(load_array(tmp_path / "a.npy"), array)


def test_a_file_cut_short_is_named(tmp_path):
    path = tmp_path / "a.npy"
    save_array(path, np.zeros(1000))
    path.write_bytes(path.read_bytes()[:500])
    with pytest.raises(InputError, match=r"a\.npy cannot be read"):
        load_array(path)


@pytest.mark.parametrize("column", ["auroc", "own_error", "standard_error"])
def test_numbers_that_are_missing_stay_numbers(tmp_path, column):
    path = tmp_path / "t.csv"
    save_table(path, pd.DataFrame({"score": [1.0, 2.0], column: [np.nan, 0.5]}))
    assert load_table(path)[column].isna().tolist() == [True, False]


def test_index_tables_keep_their_types(tmp_path):
    table = pd.DataFrame(
        {
            "image_id": ["0001", "NA"],
            "file": ["", "x.jpg"],
            "fitzpatrick": pd.array([3, None], dtype="Int64"),
            "group": ["7", "8"],
            "object": ["", "none"],
            "may_show": [True, False],
        }
    )
    save_table(tmp_path / "t.csv", table)
    found = load_table(tmp_path / "t.csv")
    assert found["object"].tolist() == ["", "none"]
    assert found["image_id"].tolist() == ["0001", "NA"]
    assert found["fitzpatrick"].isna().tolist() == [False, True]
    assert found["may_show"].tolist() == [True, False]
