from slugkit.data.acquire.manifest_page import anchor, page
from slugkit.data.acquire.manifests import FOLDER, list_manifests, load_manifest


def test_the_page_in_the_book_is_up_to_date():
    written = (FOLDER.parent / "book" / "manifests.md").read_text(encoding="utf-8")
    assert written == page(), "run `slugkit data page > book/manifests.md`"


def test_every_data_set_has_a_section_that_the_table_links_to():
    text = page()
    for name in list_manifests():
        label = anchor(load_manifest(name))
        assert f"({label})=" in text
        assert f"](#{label})" in text
