import json
import shutil
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import yaml
from matplotlib import pyplot as plt

from companion.book.claims_page import claims_table, counts, sources
from companion.config import Profile, load_profile
from companion.experiments.baselines.records import expand
from companion.figures import plots
from companion.figures.style import apply_style, save_figure
from companion.notebook import Run, find_recorded
from companion.paths import DATASETS, RunPaths, project_root
from companion.pipeline.graph import DECIDING
from companion.pipeline.recorded_runs import recorded_profiles, recorded_run
from companion.pipeline.recording import compact, has_comparisons, record, without_identifiers
from companion.pipeline.tables import save_table
from companion.statistics.claims import Check, Verdict, check, load_claims
from companion.statistics.interval import Interval
from companion.statistics.metrics import spearman
from companion.statistics.summaries import GROUPS, over_images, select
from slugkit.errors import InputError

RECORDED = recorded_profiles()


def recorded(name):
    return Run("recorded", Profile(**recorded_run(name)["profile"]), RunPaths(name, "results"))


@pytest.mark.parametrize("name", RECORDED)
def test_recorded_numbers_come_out_again_from_the_recorded_tables(name):
    run = recorded(name)
    test = select(run.scores, "B", *GROUPS)
    correlation = over_images(test, run.profile, spearman, "slug", "mse")
    assert correlation.value == pytest.approx(run.numbers("fig4")["spearman_mse"])
    assert correlation.low == pytest.approx(run.numbers("fig4")["spearman_mse_low"])


@pytest.mark.parametrize("name", RECORDED)
def test_recorded_figures_come_out_again_from_the_recorded_tables(name, tmp_path):
    run = recorded(name)
    test = select(run.scores, "B", *GROUPS)
    apply_style()
    figure, axes = plt.subplots(2, 2)
    plots.group_means(axes[0, 0], run.scores, run.profile, "mse")
    plots.group_means(axes[0, 1], run.scores, run.profile, "slug")
    plots.score_against_error(axes[1, 0], test)
    plots.rejection(axes[1, 1], test)
    drawn = [line.get_xydata() for line in axes[1, 0].lines]
    assert sum(map(len, drawn)) == len(test)
    means = [bars.lines[0].get_ydata() for bars in axes[0, 0].containers]
    for group, values in zip(GROUPS, means, strict=True):
        expected = run.scores[run.scores["set"] == group].groupby("dataset")["mse"].mean()
        assert values == pytest.approx(expected.to_numpy())
    save_figure(figure, tmp_path / "figure.svg")
    plt.close(figure)
    assert (tmp_path / "figure.svg").stat().st_size > 10_000


@pytest.mark.parametrize("name", RECORDED)
def test_recorded_verdicts_follow_from_their_numbers(name):
    for path in (RunPaths(name, "results").root / "notebooks").glob("*.json"):
        for claim, content in json.loads(path.read_text())["claims"].items():
            checks = tuple(
                check(claim, c["metric"], Interval(**c["interval"])) for c in content["checks"]
            )
            assert Verdict(claim, checks).as_dictionary() == content


@pytest.mark.parametrize("name", RECORDED)
def test_the_panel_names_every_model_and_the_time_of_every_step(name):
    run = replace(recorded(name), shown_in=RunPaths("quick"))
    panel = run._provenance().data
    for seed in run.profile.seeds:
        for dataset in DATASETS:
            assert f"{dataset}, seed {seed}: sha256 " in panel
    for step in ("prepare", "train", "curvature", "scores"):
        assert f"<li>{step} " in panel
    assert "on one core</summary>" in panel


def test_recorded_runs_hold_no_pictures_and_are_small():
    files = [path for path in (project_root() / "results").rglob("*") if path.is_file()]
    assert {path.suffix for path in files} <= {".csv", ".json"}
    assert sum(path.stat().st_size for path in files) < 1_000_000 * max(1, len(RECORDED))


def table(source):
    return pd.DataFrame(
        {
            "image_id": ["b", "a", "a+ink"],
            "source": source,
            "file": ["x/b.jpg", "x/a.jpg", ""],
            "group": ["p2", "p1", "p1"],
            "pair": ["", "", "a"],
        }
    )


def test_identifiers_are_hidden_where_images_may_not_be_passed_on():
    hidden = without_identifiers(table("passion"))
    assert "file" not in hidden
    assert list(hidden["image_id"]) == ["image00002", "image00000", "image00001"]
    assert list(hidden["pair"]) == ["", "", "image00000"]
    assert set(hidden["group"]) == {"hidden"}
    assert list(without_identifiers(table("isic2017"))["image_id"]) == ["b", "a", "a+ink"]


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    """A checkout with a finished run: the recorded one, put back to where it came from.

    Its profile is the one that it was made with, whatever that has become since.
    """
    (tmp_path / "Snakefile").touch()
    shutil.copytree(project_root() / "profiles", tmp_path / "profiles")
    made_with = {**recorded_run("reduced")["profile"]}
    made_with.pop("name")
    (tmp_path / "profiles" / "reduced.yml").write_text(yaml.safe_dump(made_with))
    (tmp_path / "book").mkdir()
    shutil.copy(project_root() / "book" / "claims.yml", tmp_path / "book")
    run = tmp_path / "runs" / "reduced"
    shutil.copytree(project_root() / "results" / "reduced", run)
    for path in run.rglob("comparisons.csv"):  # kept in fewer rows than a run has
        expand(pd.read_csv(path)).to_csv(path, index=False)
    for name in DECIDING:  # some are younger than the recorded run
        path = run / "notebooks" / f"{name}.json"
        if not path.is_file():
            path.write_text(json.dumps({"numbers": {}, "claims": {}}))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_finished_run_is_recorded_with_its_provenance(checkout):
    written = record("reduced")
    assert written > 10_000
    run = recorded_run("reduced")
    assert run["data_sets"] == load_profile("reduced").data.sources()
    assert run["commit"]
    assert run["hardware"]["cores"] >= 1
    assert set(recorded("reduced").scores["dataset"]) == set(DATASETS)


def test_comparisons_are_kept_with_a_run_that_has_them(checkout):
    path = checkout / "profiles" / "reduced.yml"
    content = yaml.safe_load(path.read_text())
    quick = yaml.safe_load((checkout / "profiles" / "quick.yml").read_text())
    content["experiments"]["comparisons"] = quick["experiments"]["comparisons"]
    path.write_text(yaml.safe_dump(content))
    for seed in content["seeds"]:
        folder = checkout / "runs" / "reduced" / f"seed{seed}" / "B"
        keys = {"image_id": ["a", "b"], "source": "pad_ufes_20", "object": "none", "set": "light"}
        for name in ("slug", "edge_energy"):
            keys |= {f"score:{name}": [1.0, 2.0], f"auroc:{name}": [np.nan, 0.5]}
            keys |= {f"average_precision:{name}": [np.nan, 0.25]}
        expand(pd.DataFrame({**keys, "seed": seed})).to_csv(folder / "comparisons.csv", index=False)
        (folder / "costs.csv").write_text("comparator,trainings\nslug,1\n")
        (folder / "comparisons.json").write_text("{}\n")
    record("reduced")
    assert has_comparisons("reduced")
    kept = recorded("reduced").comparisons
    assert len(kept) == 2 * 2 * len(content["seeds"])
    assert kept["auroc"].isna().sum() == len(kept) / 2


def test_a_run_without_comparisons_says_so(checkout):
    record("reduced")
    assert has_comparisons("reduced") == bool(
        recorded_run("reduced")["profile"]["experiments"].get("comparisons")
    )
    assert not has_comparisons("paper")


def objects_table(rows):
    contrast = np.resize([0.5, 1.0], rows)
    return pd.DataFrame(
        {
            "image_id": [f"i{k}" for k in range(rows)],
            "source": "isic2017",
            "kind": "ink",
            "scale": 1.0,
            "contrast": contrast,
            "auroc": 1 / 3,
        }
    )


def test_tables_of_the_benchmark_are_kept_with_fewer_digits_where_the_run_has_them(checkout):
    seeds = load_profile("reduced").seeds
    for seed in seeds:
        for name in ("objects", "lesions"):
            path = RunPaths("reduced").trained("B", seed) / f"{name}.csv"
            path.unlink(missing_ok=True)
    record("reduced")
    assert find_recorded("objects") is None
    for seed in seeds:
        save_table(RunPaths("reduced").trained("B", seed) / "objects.csv", objects_table(4))
    record("reduced")
    run = find_recorded("objects")
    assert run is not None
    kept = run.measured("objects")
    assert len(kept) == 4 * len(seeds)
    assert set(kept["auroc"]) == {0.33333}
    assert find_recorded("objects", "another") is None


def test_of_a_large_table_the_plainest_rows_are_kept():
    assert len(compact(objects_table(100))) == 100
    kept = compact(objects_table(20_000))
    assert len(kept) == 10_000
    assert set(kept["contrast"]) == {1.0}


def test_an_unfinished_run_is_not_recorded_and_the_old_record_stays(checkout):
    record("reduced")
    (checkout / "runs" / "reduced" / "seed1" / "C" / "scores.csv").unlink()
    with pytest.raises(InputError, match=r"seed1/C/scores.csv is missing; run `make book"):
        record("reduced")
    assert recorded_profiles() == ["reduced"]


def test_the_claims_page_has_every_claim_and_every_verdict(checkout):
    record("reduced")
    fresh, kept = sources("reduced")
    assert fresh.claims == kept.claims
    page = claims_table([fresh, kept]).data
    for claim, text in load_claims().items():
        assert claim in page
        assert text["where"] in page
    assert sum(counts(kept).values()) == len(kept.claims)
    assert page.count("not reproduced") == 2 * counts(kept)["not reproduced"]


def test_a_failing_number_yields_not_reproduced_on_the_page(checkout):
    path = RunPaths("reduced").notebook("fig4").with_suffix(".json")
    content = json.loads(path.read_text())
    bad = Check("made up", Interval(0.1, 0.0, 0.2), "above", 0.5)
    content["claims"]["C7"] = Verdict("C7", (bad,)).as_dictionary()
    path.write_text(json.dumps(content))
    (fresh, *_) = sources("reduced")
    row = claims_table([fresh]).data.split('id="C7"')[1].split("</tr>")[0]
    assert '<strong class="verdict not-reproduced">not reproduced</strong>' in row
    assert "made up: 0.10 (0.00\xa0to\xa00.20)" in row
