import pytest

from slugkit.data.acquire.manifests import FOLDER, list_manifests, load_manifest, read_manifest
from slugkit.errors import InputError

NAMES = {
    "cleanpatrick",
    "ddi",
    "fitzpatrick17k",
    "fitzpatrick17k_c",
    "ham10000",
    "isic2017",
    "isic2018",
    "isic2019",
    "isic2020",
    "milk10k",
    "pad_ufes_20",
    "passion",
    "scin",
    "vgg19",
}


def test_every_data_set_has_a_manifest():
    assert set(list_manifests()) >= NAMES


@pytest.mark.parametrize("name", list_manifests())
def test_manifest_follows_the_schema(name):
    manifest = load_manifest(name)
    assert manifest.layouts
    assert manifest.steps or manifest.access == "open"
    # A set that is got by a form must not carry direct links.
    assert not manifest.files or manifest.access == "open"


@pytest.mark.parametrize("name", ["passion", "ddi", "fitzpatrick17k", "ham10000"])
def test_restricted_images_may_not_be_shown(name):
    assert not load_manifest(name).may_show


def test_unknown_permission_counts_as_no():
    assert load_manifest("cleanpatrick").sharing.allowed == "unknown"
    assert not load_manifest("cleanpatrick").may_show


def test_unknown_name_lists_the_known_ones():
    with pytest.raises(InputError, match=r"no data set is called 'isic'.*isic2017"):
        load_manifest("isic")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("access: open", "access: free", "access"),
        ("name: isic2017", "name: isic2016", "must be 'isic2017'"),
        ("digest: unknown", "digest: md5:12", "digest"),
        ("bytes: unknown", "bytes: many", "bytes"),
        ("url: https", "url: ftp", "url"),
        ("doi: unknown", "doy: unknown", "doy"),
        ("licence: CC0-1.0", "licence: [", "not a valid manifest"),
    ],
)
def test_a_bad_manifest_is_named(tmp_path, old, new, message):
    text = (FOLDER / "isic2017.yml").read_text(encoding="utf-8")
    path = tmp_path / "isic2017.yml"
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(InputError, match=f"(?s)isic2017.yml.*{message}"):
        read_manifest(path)
