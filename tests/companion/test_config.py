from typing import ClassVar

import pytest

from companion import profiles
from companion.config import Experiment, SeparateExperiment
from companion.paths import project_root
from companion.profiles import list_profiles, load_profile, read_profile
from slugkit.errors import InputError


def written(tmp_path, *replacements):
    text = (project_root() / "profiles" / "quick.yml").read_text()
    for old, new in replacements:
        assert old in text
        text = text.replace(old, new)
    path = tmp_path / "mine.yml"
    path.write_text(text)
    return path


@pytest.mark.parametrize("name", ["quick", "open", "reduced", "large", "paper"])
def test_the_profiles_of_the_checkout_are_valid(name):
    profile = load_profile(name)
    assert profile.name == name
    assert profile.architecture().image_size == profile.data.image_size


def test_the_paper_profile_is_the_papers_experiment():
    paper = load_profile("paper")
    assert paper.data.image_size == 128
    assert paper.data.skin.train == 1668
    assert paper.training.epochs == 1000
    assert paper.training.batch_size == 64
    assert paper.scores.num_samples == 500
    assert len(paper.seeds) == 10


def test_the_reduced_profile_compares_the_papers_groups_matched_by_origin():
    skin = load_profile("reduced").data.skin
    assert (skin.light, skin.dark) == ((1, 2), (5, 6))
    assert (skin.match, skin.fixed_test) == ("origin", True)
    assert load_profile("reduced").seeds == load_profile("paper").seeds


def test_an_unknown_profile_names_the_known_ones():
    with pytest.raises(InputError, match=r"no profile 'quik': choose one of .*quick"):
        load_profile("quik")


@pytest.mark.parametrize(
    ("replacement", "message"),
    [
        (("epochs:", "epoch:"), r"training\.epochs: Field required"),
        (("curvature: {rank: 12", "curvature: {rnk: 3, rank: 12"), r"curvature\.rnk: Extra inputs"),
        (("seeds: [0]", "seeds: []"), "seeds"),
        (("seeds: [0]", "seeds: [0, 0]"), "holds one twice"),
        (("light: [1, 2]", "light: [1, 5]"), "both as light and as dark"),
        (
            ("source: synthetic, light", "match: group, source: synthetic, light"),
            r"data\.skin\.match: .*'origin'",
        ),
        (("image_size: 32", "image_size: 34"), "34 cannot be halved 2 times"),
        (("latent: spatial", "latent: flat"), r"model\.latent.*'flat'"),
        (("seeds: [0]", "seeds: [0"), "not valid YAML"),
        (("  sketch:", "  scetch:"), r"no experiments\.sketch: copy it from"),
        (("  sketch:", "  made_up: {}\n  sketch:"), r"experiments\.made_up is no experiment"),
        (("sketches: [srft]", "sketches: [fast]"), r"experiments\.sketch\.sketches\.0: .*'fast'"),
        (
            ("{latent_size: 1}", "{latnt: 1}"),
            r"networks: latnt: neither of the model nor of training",
        ),
        (("{latent_size: 1}", "{latent_size: 0}"), r"networks: .* model\.latent_size"),
        (
            ("  layers: {", "  layers: {num_runs: 2, "),
            r"experiments\.layers\.num_runs: 2 is more than the number of seeds, 1",
        ),
    ],
)
def test_mistakes_are_named(tmp_path, replacement, message):
    with pytest.raises(InputError, match=message):
        read_profile(written(tmp_path, replacement))


def test_an_empty_file_is_refused(tmp_path):
    path = tmp_path / "empty.yml"
    path.touch()
    with pytest.raises(InputError, match="holds no settings"):
        read_profile(path)


def test_the_digest_follows_the_named_sections_only(tmp_path):
    quick = read_profile(written(tmp_path))
    other = read_profile(written(tmp_path, ("num_samples: ", "num_samples: 1")))
    assert quick.digest() != other.digest()
    assert quick.digest("model", "training") == other.digest("model", "training")
    assert quick.digest("scores") != other.digest("scores")


def test_list_profiles():
    assert set(list_profiles()) >= {"quick", "open", "reduced", "bottleneck", "large", "paper"}


def test_a_dense_latent_takes_images_of_one_size_only(tmp_path):
    path = written(tmp_path, ("latent: spatial", "latent: dense"))
    with pytest.raises(InputError, match=r"dense latent takes no images of 16 pixels; name 32"):
        read_profile(path)


class Defaults(Experiment):
    name: ClassVar[str] = "defaults"
    factor: float = 2


def test_settings_that_all_have_defaults_need_not_be_in_a_profile(tmp_path, monkeypatch):
    known = {**profiles.settings(), "defaults": Defaults}
    monkeypatch.setattr(profiles, "settings", lambda: known)
    assert read_profile(written(tmp_path)).experiment(Defaults).factor == 2
    path = written(tmp_path, ("experiments:\n", "experiments:\n  defaults: {factor: 3}\n"))
    assert read_profile(path).experiment(Defaults).factor == 3


def test_only_a_separate_experiment_has_a_profile_of_its_own():
    quick = load_profile("quick")
    assert quick.part("ablation").name == "quick/ablation"
    assert quick.part("") is quick
    with pytest.raises(InputError, match=r"experiments\.sketch has no setting of its own"):
        quick.part("sketch")
    with pytest.raises(TypeError, match="abstract"):
        SeparateExperiment()


def with_compared_runs(tmp_path, number):
    text = (project_root() / "profiles" / "reduced.yml").read_text()
    path = tmp_path / "reduced.yml"
    path.write_text(text.replace("num_runs: 5", f"num_runs: {number}"))
    assert path.read_text() != text
    return read_profile(path)


def test_an_experiment_may_be_made_on_the_first_runs_only(tmp_path):
    profile = with_compared_runs(tmp_path, 3)
    assert profile.seeds_of(["curvature", "comparisons"]) == profile.seeds[:3]
    assert profile.seeds_of(["curvature", "objects"]) == profile.seeds


def test_more_runs_of_an_experiment_change_no_result(tmp_path):
    more, before = with_compared_runs(tmp_path, 4), load_profile("reduced")
    assert more.digest("comparisons") == before.digest("comparisons")
    assert len(more.seeds_of(["comparisons"])) == 4
