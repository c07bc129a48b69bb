import json
import re
import shutil

import numpy as np
import pandas as pd
import pytest
import yaml
from matplotlib import pyplot as plt

from companion.book.claims_page import (
    NOT_JUDGED,
    claims_table,
    counts,
    counts_table,
    of_networks,
    sources,
)
from companion.config import DATASETS
from companion.experiments import pages, steps
from companion.experiments.baselines import records
from companion.experiments.baselines.records import expand
from companion.experiments.objects import tables
from companion.experiments.objects.records import shorten
from companion.experiments.scores import claims, figures
from companion.figures.style import apply_style, save_figure
from companion.notebook import PageRun, find_recorded, find_recorded_networks
from companion.paths import RunPaths, project_root
from companion.pipeline import recording
from companion.pipeline.jobs import jobs_of
from companion.pipeline.provenance import machine
from companion.pipeline.recorded_runs import NETWORKS, WHOLE_RUN, recorded_profiles, recorded_run
from companion.pipeline.recording import hidden_names, without_identifiers
from companion.pipeline.store import save_table
from companion.profiles import load_profile, make_profile
from companion.run import Run
from companion.statistics.claims import (
    Check,
    Verdict,
    is_by_these_rules,
    load_claims,
    verdicts,
)
from companion.statistics.interval import Interval
from companion.statistics.metrics import spearman
from companion.statistics.runs import over_clusters
from companion.statistics.summaries import GROUPS, over_images, select
from slugkit.errors import InputError

RECORDED = recorded_profiles()


def recorded(name):
    return Run(make_profile(recorded_run(name)["profile"]), steps(), "results")


def record(name):
    return recording.record(load_profile(name), steps(), pages())


@pytest.mark.parametrize("name", RECORDED)
def test_recorded_numbers_come_out_again_from_the_recorded_tables(name):
    run = recorded(name)
    test = select(run.table("scores"), "B", *GROUPS)
    fig4 = json.loads(run.paths.notebook("fig4").with_suffix(".json").read_text())
    if is_by_these_rules("C7", fig4["claims"]["C7"]):
        correlation = over_clusters(test, run.profile, spearman, "slug", "mse")
    else:
        correlation = over_images(test, run.profile, spearman, "slug", "mse")
    assert correlation.value == pytest.approx(fig4["numbers"]["spearman_mse"])
    assert correlation.low == pytest.approx(fig4["numbers"]["spearman_mse_low"])


@pytest.mark.parametrize("name", RECORDED)
def test_recorded_figures_come_out_again_from_the_recorded_tables(name, tmp_path):
    run = recorded(name)
    test = select(run.table("scores"), "B", *GROUPS)
    apply_style()
    figure, axes = plt.subplots(2, 2)
    figures.group_means(axes[0, 0], run.table("scores"), run.profile, "mse")
    figures.group_means(axes[0, 1], run.table("scores"), run.profile, "slug")
    figures.score_against_error(axes[1, 0], test)
    figures.rejection(axes[1, 1], test)
    drawn = [line.get_xydata() for line in axes[1, 0].lines]
    assert sum(map(len, drawn)) == len(test)
    means = [bars.lines[0].get_ydata() for bars in axes[0, 0].containers]
    for group, values in zip(GROUPS, means, strict=True):
        expected = (
            run.table("scores")[run.table("scores")["set"] == group]
            .groupby("dataset")["mse"]
            .mean()
        )
        assert list(values) == pytest.approx(expected.tolist())
    save_figure(figure, tmp_path / "figure.svg")
    plt.close(figure)
    assert (tmp_path / "figure.svg").stat().st_size > 10_000


def found_again(claim, content):
    """The verdict that follows from the numbers that were written down with one."""

    def made(one):
        numbers = {key: value for key, value in one.items() if key != "finding"}
        return Check(**{**numbers, "interval": Interval(**numbers["interval"])})

    checks = tuple(map(made, content["checks"]))
    before = made(content["premise"]) if "premise" in content else None
    return Verdict(claim, checks, content.get("untestable", ""), before).as_dictionary()


def written(name):
    for path in (RunPaths(name, "results").root / "notebooks").glob("*.json"):
        yield from json.loads(path.read_text())["claims"].items()


@pytest.mark.parametrize("name", RECORDED)
def test_recorded_verdicts_follow_from_their_numbers(name):
    for claim, content in written(name):
        if is_by_these_rules(claim, content):
            assert json.dumps(found_again(claim, content)) == json.dumps(content)


@pytest.mark.slow
@pytest.mark.parametrize("name", RECORDED)
def test_recorded_verdicts_come_out_again_from_the_recorded_tables(name):
    run, kept = recorded(name), dict(written(name))
    scores, profile = run.table("scores"), run.profile
    checks, premises = claims.of_mixed_networks(scores, run.table("object_maps"), profile)
    checks |= {
        "C1": claims.representation(scores, profile),
        "C2": claims.encoder(scores, profile),
        "C3": claims.follows_the_error(scores, profile),
        "C4": claims.dark_after_dark(scores, profile),
        "C5": claims.worse_than_mixed(scores, profile),
        "C6": claims.external_trend(scores, profile) if profile.data.external else [],
        "C11": tables.lesion_checks(run.table("lesions"), profile),
    }
    for claim, verdict in verdicts(checks, profile, premises).items():
        found = verdict.as_dictionary()
        assert found["verdict"] == kept[claim]["verdict"]
        for one, other in zip(found["checks"], kept[claim]["checks"], strict=True):
            assert one["metric"] == other["metric"]
            # Some tables are kept with fewer digits.
            assert one["interval"] == pytest.approx(other["interval"], rel=1e-3, abs=1e-4)


def test_a_verdict_that_does_not_follow_from_its_numbers_is_noticed():
    good = Check("made up", Interval(0.7, 0.6, 0.8), "above", 0.5, runs=10)
    content = Verdict("C7", (good,)).as_dictionary()
    assert found_again("C7", content) == content
    assert found_again("C7", content | {"verdict": "not reproduced"}) != content | {
        "verdict": "not reproduced"
    }


def test_verdicts_by_former_rules_are_not_shown_as_verdicts(checkout):
    path = RunPaths("reduced").notebook("fig4").with_suffix(".json")
    interval = vars(Interval(0.6, 0.55, 0.7))
    former = {"metric": "made up", "interval": interval, "side": "above", "threshold": 0.5}
    other = {"metric": "made up", "interval": interval, "wanted": "above", "threshold": 0.6}
    for check in (former, other):
        content = {"claims": {"C7": {"verdict": "reproduced", "checks": [check]}}}
        path.write_text(json.dumps(content))
        (*_, fresh) = sources(load_profile("reduced"), ["fig4"])
        assert fresh.claims == {}
        assert counts(fresh)[NOT_JUDGED] == len(load_claims())
        row = claims_table([fresh]).data.split('id="C7"')[1].split("</tr>")[0]
        assert NOT_JUDGED in row


@pytest.mark.parametrize("name", RECORDED)
def test_the_panel_names_every_model_and_the_time_of_every_step(name):
    run = recorded(name)
    page = pages()["recorded"]
    run = PageRun(run.profile, steps(), "results", page=page, written_to=RunPaths("quick"))
    panel = run._provenance().data
    for seed in run.profile.seeds:
        for dataset in DATASETS:
            assert f"{dataset}, seed {seed}: sha256 " in panel
    for step in ("prepare", "train", "curvature", "scores"):
        assert f"<li>{step} " in panel
    assert ", job after job</summary>" in panel


def test_recorded_runs_hold_no_pictures_and_are_small():
    files = [path for path in (project_root() / "results").rglob("*") if path.is_file()]
    assert {path.suffix for path in files} <= {".csv", ".json"}
    runs = sum(len(recorded_run(name)["profile"]["seeds"]) for name in RECORDED)
    # A run with all its baselines takes some 600 kB.
    assert sum(path.stat().st_size for path in files) < 700_000 * runs


@pytest.mark.parametrize(
    ("name", "about"),
    [(name, about) for about in (WHOLE_RUN, NETWORKS) for name in recorded_profiles(about)],
)
def test_all_that_a_run_was_made_with_is_named(name, about):
    contents = [
        json.loads(path.read_text()) for path in RunPaths(name, "results").root.rglob("*.json")
    ]
    made = [one for one in contents if "step" in one]
    known = recorded_run(name, about)
    assert set(known["commits"]) == {one["commit"][:7] for one in made}
    assert set(known["machines"]) == {machine(one["hardware"]) for one in made}
    for package, versions in known["packages"].items():
        assert set(versions.split(", ")) == {one["packages"][package] for one in made}


def deciding():
    return [page.name for page in pages().values() if page.decides_claims]


def table(source):
    return pd.DataFrame(
        {
            "image_id": ["b", "a", "a+ink"],
            "source": source,
            "file": ["x/b.jpg", "x/a.jpg", ""],
            "group": ["p2", "p1", "p1"],
            "duplicate_group": ["b", "a", ""],
            "pair": ["", "", "a"],
        }
    )


def test_identifiers_are_hidden_where_images_may_not_be_passed_on():
    private, free = table("passion"), table("isic2017")
    hidden = without_identifiers(private, hidden_names([private]))
    assert {"file", "duplicate_group"}.isdisjoint(hidden)
    assert list(hidden["image_id"]) == ["image00002", "image00000", "image00001"]
    assert list(hidden["pair"]) == ["", "", "image00000"]
    assert list(hidden["group"]) == ["group00001", "group00000", "group00000"]
    names = hidden_names([private, free])
    assert list(without_identifiers(free, names)["image_id"]) == ["b", "a", "a+ink"]


def test_an_image_is_called_the_same_in_all_tables_of_a_run():
    """They are joined by it: the networks of one run, and its scores with the comparisons."""
    whole = table("passion")
    part = whole[whole["image_id"] == "b"]
    names = hidden_names([part, whole, pd.DataFrame({"epoch": [1]})])
    both = [without_identifiers(one, names).set_index("image_id") for one in (part, whole)]
    assert both[0].loc["image00002", "group"] == both[1].loc["image00002", "group"] == "group00001"


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    """A checkout with a finished run: the recorded one, put back to where it came from.

    Its profile is the one that it was made with, whatever that has become since; of experiments
    that are younger it has the settings of today.
    """
    (tmp_path / "Snakefile").touch()
    shutil.copytree(project_root() / "profiles", tmp_path / "profiles")
    made_with = {**recorded_run("reduced")["profile"]}
    made_with.pop("name")
    # Experiments that are younger than the record have their settings in the profile.
    current = yaml.safe_load((tmp_path / "profiles" / "reduced.yml").read_text())["experiments"]
    for settings in current.values():
        settings.pop("num_runs", None)  # it may have fewer runs
    made_with["experiments"] = current | made_with["experiments"]
    (tmp_path / "profiles" / "reduced.yml").write_text(yaml.safe_dump(made_with))
    (tmp_path / "book").mkdir()
    shutil.copy(project_root() / "book" / "claims.yml", tmp_path / "book")
    run = tmp_path / "runs" / "reduced"
    shutil.copytree(project_root() / "results" / "reduced", run)
    for path in run.rglob("comparisons.csv"):  # kept in fewer rows than a run has
        expand(pd.read_csv(path)).to_csv(path, index=False)
    monkeypatch.chdir(tmp_path)
    # What a recorded run does not keep, or what is younger than it.
    content = (run / "seed0" / "B" / "train.json").read_text()
    profile = load_profile("reduced")
    for job in (job for step in steps().values() for job in jobs_of(step, profile)):
        for name in job.step.kept:
            if not job.file(name).is_file():
                save_table(job.file(name), pd.DataFrame({"image_id": ["a"], "source": "isic2017"}))
        if not job.record.is_file():
            job.record.parent.mkdir(parents=True, exist_ok=True)
            job.record.write_text(content)
    for page in pages().values():
        path = run / "notebooks" / f"{page.name}.json"
        if page.decides_claims and not path.is_file():
            path.write_text(json.dumps({"numbers": {}, "claims": {}}))
    return tmp_path


def test_a_finished_run_is_recorded_with_its_provenance(checkout):
    written = record("reduced")
    assert written > 10_000
    run = recorded_run("reduced")
    assert run["data_sets"] == load_profile("reduced").data.sources()
    assert run["commits"]
    assert all("cores" in machine for machine in run["machines"])
    assert set(recorded("reduced").table("scores")["dataset"]) == set(DATASETS)


def record_b(profile):
    return recording.record_networks(profile, steps())


def test_the_networks_of_one_training_set_are_recorded_where_there_is_no_more(checkout):
    profile = load_profile("reduced")
    assert find_recorded_networks("reduced") is None
    for dataset in ("A", "C"):
        shutil.rmtree(RunPaths("reduced").trained(dataset, profile.seeds[0]))
    Run(profile, steps()).job("layers", profile.seeds[1], "B").record.unlink()
    assert record_b(profile) > 10_000
    assert recorded_profiles() == []
    run = find_recorded_networks("reduced")
    scores = run.table("scores")
    assert set(scores["dataset"]) == {"B"}
    assert set(scores["seed"]) == set(run.profile.seeds)
    assert run.has_table("losses")
    assert not run.has_table("layers")
    assert recorded_run("reduced", NETWORKS)["commits"]


def test_the_claims_page_shows_networks_beside_whole_runs(checkout):
    profile = load_profile("reduced")
    record_b(profile)
    (whole,) = sources(profile, deciding())
    run = find_recorded_networks("reduced")
    shown = of_networks(run.profile, claims.verdicts_of_networks(run), "fig4")
    assert set(shown.claims) == {"C7", "C8", "C9", "C10"}
    assert shown.mark.endswith("networks of B alone")
    page = claims_table([shown]).data
    for claim, found in shown.claims.items():
        assert found["verdict"] == whole.claims[claim]["verdict"]
        assert NOT_JUDGED not in page.split(f'id="{claim}"')[1].split("</tr>")[0]
    assert page.count(NOT_JUDGED) == counts(shown)[NOT_JUDGED] == len(load_claims()) - 4


def test_one_training_set_does_not_replace_a_whole_run(checkout):
    record("reduced")
    with pytest.raises(InputError, match="whole run of profile 'reduced' is recorded"):
        record_b(load_profile("reduced"))
    assert recorded_profiles() == ["reduced"]


def test_networks_that_are_not_scored_yet_are_left_out(checkout):
    profile = load_profile("reduced")
    last = profile.seeds[-2:]
    assert profile.experiments["comparisons"].num_runs > len(last)
    for seed in set(profile.seeds) - set(last):
        Run(profile, steps()).job("scores", seed, "B").record.unlink()
    record_b(profile)
    run = find_recorded_networks("reduced")
    assert run.profile.seeds == last
    assert set(run.table("scores")["seed"]) == set(run.profile.seeds)
    assert set(run.table("losses")["seed"]) == set(run.profile.seeds)


def test_without_a_scored_network_none_is_recorded(checkout):
    profile = load_profile("reduced")
    for seed in profile.seeds:
        Run(profile, steps()).job("scores", seed, "B").record.unlink()
    with pytest.raises(InputError, match=r"make runs/reduced/seed0/B/scores.csv` first"):
        record_b(profile)
    assert find_recorded_networks("reduced") is None


def test_comparisons_are_kept_in_one_row_per_image_and_come_back_whole(checkout):
    profile = load_profile("reduced")
    seeds = profile.seeds_of(["comparisons"])
    for seed in seeds:
        keys = {"image_id": ["a", "b"], "source": "pad_ufes_20", "object": "none", "set": "light"}
        for name in ("slug", "edge_energy"):
            keys |= {f"score:{name}": [1.0, 2.0], f"auroc:{name}": [np.nan, 0.5]}
            keys |= {f"average_precision:{name}": [np.nan, 0.25]}
        whole = expand(pd.DataFrame({**keys, "seed": seed}))
        save_table(RunPaths("reduced").trained("B", seed) / "comparisons.csv", whole)
    record("reduced")
    kept = records.comparisons(recorded("reduced"))
    assert len(kept) == 2 * 2 * len(seeds)
    assert kept["auroc"].isna().sum() == len(kept) / 2
    assert find_recorded("comparisons") is not None


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


def test_tables_of_the_benchmark_are_kept_with_fewer_digits(checkout):
    seeds = load_profile("reduced").seeds
    for seed in seeds:
        save_table(RunPaths("reduced").trained("B", seed) / "objects.csv", objects_table(4))
    record("reduced")
    run = find_recorded("objects")
    assert run is not None
    kept = run.table("objects")
    assert len(kept) == 4 * len(seeds)
    assert set(kept["auroc"]) == {0.33333}
    assert find_recorded("objects", "another") is None
    (RunPaths("reduced", "results").trained("B", seeds[0]) / "objects.csv").unlink()
    assert find_recorded("objects") is None


def test_of_a_large_table_the_plainest_rows_are_kept():
    assert len(shorten(objects_table(100))) == 100
    kept = shorten(objects_table(20_000))
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
    fresh, kept = sources(load_profile("reduced"), deciding())
    assert fresh.claims == kept.claims
    page = claims_table([fresh, kept]).data
    for claim, text in load_claims().items():
        assert claim in page
        assert text["where"] in page
    assert sum(counts(kept).values()) == len(load_claims())
    mark = '<strong class="verdict not-reproduced">'
    assert page.count(mark) == 2 * counts(kept)["not reproduced"]
    counted = re.findall(r"<td>(\d+)</td>", counts_table([fresh, kept]).data)
    assert sum(map(int, counted)) == 2 * len(load_claims())


def test_a_failing_number_yields_not_reproduced_on_the_page(checkout):
    path = RunPaths("reduced").notebook("fig4").with_suffix(".json")
    content = json.loads(path.read_text())
    bad = Check("made up", Interval(0.1, 0.0, 0.2), "above", 0.5)
    content["claims"]["C7"] = Verdict("C7", (bad,)).as_dictionary()
    path.write_text(json.dumps(content))
    (fresh, *_) = sources(load_profile("reduced"), deciding())
    row = claims_table([fresh]).data.split('id="C7"')[1].split("</tr>")[0]
    assert '<strong class="verdict not-reproduced">not reproduced</strong>' in row
    assert "made up: 0.10 (0.00\xa0to\xa00.20)" in row
