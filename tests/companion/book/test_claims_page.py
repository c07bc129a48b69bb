"""The page of all claims: its tables, from made-up numbers."""

import json

from companion.book.claims_page import error_rates


def test_each_error_is_counted_in_the_world_where_it_is_one(tmp_path):
    path = tmp_path / "verdicts.json"
    shares = {"reproduced": 0.5, "inconclusive": 0.3, "not reproduced": 0.2}
    other = {"reproduced": 0.1, "inconclusive": 0.2, "not reproduced": 0.7}
    rows = [
        {"claim": "C1", "runs": 3, "holds": holds, **found}
        for holds, found in ((True, shares), (False, other))
    ]
    path.write_text(json.dumps({"rates": rows}))
    row = error_rates(path).loc["C1"]
    assert row["reproduced, though false", 3] == "10%"
    assert row["not reproduced, though true", 3] == "20%"
    assert row["inconclusive, though true", 3] == "30%"
