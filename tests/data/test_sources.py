import hashlib
import io
import re
import shutil

import numpy as np
import pandas as pd
import pytest
import yaml
from PIL import Image

from slugkit.data.acquire import manifests
from slugkit.data.acquire.manifests import list_manifests
from slugkit.data.duplicates import merge_groups
from slugkit.data.images import read_image
from slugkit.data.readers import has_reader
from slugkit.data.readers.fitzpatrick import fitzpatrick17k_labels
from slugkit.data.readers.tables import COLUMNS
from slugkit.data.sources import index, load
from slugkit.errors import InputError


def jpeg(colour):
    buffer = io.BytesIO()
    Image.new("RGB", (40, 30), colour).save(buffer, "JPEG")
    return buffer.getvalue()


@pytest.fixture
def fitzpatrick(tmp_path):
    """Lay out a small Fitzpatrick17k: four labelled rows, three images named by their md5."""
    folder = tmp_path / "fitzpatrick17k"
    (folder / "images").mkdir(parents=True)
    images = [jpeg((40 * k, 90, 60)) for k in range(4)]
    names = [hashlib.md5(image).hexdigest() for image in images]
    for name, image in list(zip(names, images, strict=True))[:3]:
        (folder / "images" / f"{name}.jpg").write_bytes(image)
    pd.DataFrame(
        {
            "md5hash": names,
            "fitzpatrick_scale": [1, -1, 6, 5],
            "fitzpatrick_centaur": [2, 3, -1, 4],
        }
    ).to_csv(folder / "fitzpatrick17k.csv", index=False)
    return tmp_path, names


@pytest.fixture
def passion(tmp_path):
    folder = tmp_path / "passion"
    (folder / "images").mkdir(parents=True)
    for name in ["AA001_1.jpg", "AA001_2.JPEG", "BB02.png", "CC03.jpg", "DD04.jpg"]:
        (folder / "images" / name).write_bytes(jpeg("white"))
    pd.DataFrame({"subject_id": ["AA001", "BB02", "CC03"], "fitzpatrick": [4, 6, 2]}).to_csv(
        folder / "label.csv", index=False
    )
    return tmp_path


def check(table, name):
    own = ["origin", "duplicate_group"] if name == "fitzpatrick17k" else []
    assert list(table.columns) == COLUMNS + own
    assert (table["source"] == name).all()
    assert table["fitzpatrick"].dtype == "Int64"
    assert table["may_show"].dtype == bool
    assert table["image_id"].is_unique
    assert table["image_id"].is_monotonic_increasing
    assert table[["file", "group", "object"]].notna().all(axis=None)


def test_fitzpatrick17k_takes_the_images_that_are_there(fitzpatrick):
    root, names = fitzpatrick
    table = index("fitzpatrick17k", root)
    check(table, "fitzpatrick17k")
    labels = dict(zip(table["image_id"], table["fitzpatrick"].astype(object), strict=True))
    assert labels == {names[0]: 1, names[1]: pd.NA, names[2]: 6}
    assert not table["may_show"].any()
    assert load(table, root, 16).shape == (3, 16, 16, 3)


def test_fitzpatrick17k_column_by_choice(fitzpatrick):
    root, names = fitzpatrick
    table = index("fitzpatrick17k", root, fitzpatrick_column="fitzpatrick_centaur")
    labels = table.set_index("image_id")["fitzpatrick"]
    assert labels[names[0]] == 2
    assert labels[names[2]] is pd.NA
    with pytest.raises(InputError, match="no label column 'fst'"):
        index("fitzpatrick17k", root, fitzpatrick_column="fst")


def test_fitzpatrick17k_says_from_which_atlas_an_image_is(fitzpatrick):
    root, names = fitzpatrick
    sheet = root / "fitzpatrick17k" / "fitzpatrick17k.csv"
    addresses = ["https://www.dermaamin.com/site/a.jpg", None, "http://atlasdermatologico.com.br/c"]
    letters = ["httpwwwdermaamincomsiteajpg.jpg", "httpwwwdermaamincomsitebjpg.jpg", "c.jpg"]
    labels = pd.read_csv(sheet)
    labels.assign(url=[*addresses, None], url_alphanum=[*letters, None]).to_csv(sheet, index=False)
    origins = index("fitzpatrick17k", root).set_index("image_id")["origin"]
    assert [origins[name] for name in names[:3]] == ["dermaamin", "dermaamin", "atlas"]
    assert fitzpatrick17k_labels(sheet).set_index("image_id")["origin"][names[3]] == ""


def test_fitzpatrick17k_leaves_out_what_is_wrongly_labelled_and_counts_it(fitzpatrick):
    root, names = fitzpatrick
    assert index("fitzpatrick17k", root).attrs["left_out"] == {}
    sheet = root / "fitzpatrick17k" / "fitzpatrick17k.csv"
    marks = ["3 Wrongly labelled", "1 Diagnostic", None, "3 Wrongly labelled"]
    pd.read_csv(sheet).assign(qc=marks).to_csv(sheet, index=False)
    table = index("fitzpatrick17k", root)
    assert set(table["image_id"]) == set(names[1:3])
    # The fourth is labelled wrongly, too, but its image is not there.
    assert table.attrs["left_out"] == {"wrongly labelled, by the column qc": 1}


def test_fitzpatrick17k_as_copies_with_their_index(fitzpatrick):
    root, names = fitzpatrick
    folder = root / "fitzpatrick17k"
    columns = {
        "md5hash": names[:3],
        "source": ["atlas", "atlas", "dermaamin"],
        "patient_group": ["p", "p", "q"],
        "duplicate_group": ["d", "d", "e"],
        "conflicting_types": [0, 0, 1],
    }
    pd.DataFrame(columns).to_csv(folder / "index.csv", index=False)
    (folder / "images" / f"{names[3]}.jpg").write_bytes(jpeg("white"))
    table = index("fitzpatrick17k", root)
    check(table, "fitzpatrick17k")
    # The fourth is there as well, but the index does not list it.
    assert set(table["image_id"]) == set(names[:2])
    assert set(table["group"]) == {"p"}
    assert set(table["duplicate_group"]) == {"d"}
    assert set(table["origin"]) == {"atlas"}
    assert table.attrs["left_out"] == {"a duplicate has the opposite skin type": 1}

    pd.DataFrame(columns).drop(columns="source").to_csv(folder / "index.csv", index=False)
    with pytest.raises(InputError, match=r"index\.csv: no column source"):
        index("fitzpatrick17k", root)


def test_passion_joins_subjects_and_leaves_out_other_skin_types(passion):
    table = index("passion", passion)
    check(table, "passion")
    assert list(table["image_id"]) == ["AA001_1", "AA001_2", "BB02"]
    assert list(table["group"]) == ["AA001", "AA001", "BB02"]
    assert list(table["fitzpatrick"]) == [4, 4, 6]


def test_full_pad_ufes_20_layout(tmp_path):
    folder = tmp_path / "pad_ufes_20" / "as unpacked"
    (folder / "images" / "imgs_part_1").mkdir(parents=True)
    (folder / "images" / "imgs_part_1" / "PAT_1_2_3.png").write_bytes(jpeg("white"))
    (folder / "images" / "imgs_part_1" / "._PAT_1_2_3.png").write_bytes(b"of a Mac")
    pd.DataFrame(
        {
            "patient_id": ["PAT_1", "PAT_9"],
            "fitspatrick": [3.0, None],
            "img_id": ["PAT_1_2_3.png", "PAT_9_9_9.png"],
        }
    ).to_csv(folder / "metadata.csv", index=False)
    table = index("pad_ufes_20", tmp_path)
    check(table, "pad_ufes_20")
    assert list(table["file"]) == ["pad_ufes_20/as unpacked/images/imgs_part_1/PAT_1_2_3.png"]


def test_full_isic2017_layout_without_superpixels_and_half_unpacked_archives(tmp_path):
    folder = tmp_path / "isic2017" / "ISIC-2017_Training_Data"
    (folder / ".unpacking-a.zip").mkdir(parents=True)
    for name in ["ISIC_1.jpg", "ISIC_1_superpixels.png", ".unpacking-a.zip/ISIC_2.jpg"]:
        (folder / name).write_bytes(jpeg("white"))
    assert list(index("isic2017", tmp_path)["image_id"]) == ["ISIC_1"]


def place(folder, *files):
    for file in files:
        path = folder / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(jpeg("white"))


def test_scin_lists_the_images_of_each_case(tmp_path):
    place(tmp_path / "scin" / "dataset" / "images", "-11.png", "12.png", "-21.png")
    pd.DataFrame(
        {
            "case_id": ["c1", "c2", "c3"],
            "image_1_path": [f"dataset/images/{n}.png" for n in (-11, -21, -31)],
            "image_2_path": ["dataset/images/12.png", None, None],
            "image_3_path": [None, None, None],
            "fitzpatrick_skin_type": ["FST2", "NONE_IDENTIFIED", "FST5"],
        }
    ).to_csv(tmp_path / "scin" / "dataset" / "scin_cases.csv", index=False)
    table = index("scin", tmp_path)
    check(table, "scin")
    assert list(table["image_id"]) == ["-11", "-21", "12"]
    assert list(table["group"]) == ["c1", "c2", "c1"]
    assert table["fitzpatrick"].astype(object).tolist() == [2, pd.NA, 2]


def test_ddi_gives_the_lower_type_of_each_pair(tmp_path):
    place(tmp_path / "ddi", "000001.png", "000002.png", "000003.png")
    pd.DataFrame(
        {"DDI_file": [f"00000{k}.png" for k in (1, 2, 3)], "skin_tone": [12, 56, 34]}
    ).to_csv(tmp_path / "ddi" / "ddi_metadata.csv", index=False)
    table = index("ddi", tmp_path)
    check(table, "ddi")
    assert list(table["fitzpatrick"]) == [1, 5, 3]
    assert not table["may_show"].any()


def test_fitzpatrick17k_c_takes_images_by_md5_or_by_its_own_names(fitzpatrick):
    root, names = fitzpatrick
    place(root / "fitzpatrick17k_c" / "archive" / "acne", "acne_7.jpg")
    pd.DataFrame(
        {
            "filename": ["eczema_1.jpg", "acne_7.jpg", "lupus_2.jpg"],
            "fst": [1, -1, 4],
            "md5hash": [names[0], "f" * 32, "e" * 32],
        }
    ).to_csv(root / "fitzpatrick17k_c" / "Fitzpatrick17k-C.csv", index=False)
    table = index("fitzpatrick17k_c", root).set_index("image_id")
    assert set(table.index) == {names[0], "f" * 32}
    assert table.loc[names[0], "file"] == f"fitzpatrick17k/images/{names[0]}.jpg"
    assert table.loc["f" * 32, "file"] == "fitzpatrick17k_c/archive/acne/acne_7.jpg"
    assert table.loc["f" * 32, "fitzpatrick"] is pd.NA


def test_isic2018_takes_one_tag_for_each_annotated_image(tmp_path):
    folder = tmp_path / "isic2018"
    images = ["ISIC_1", "ISIC_2", "ISIC_3", "ISIC_4"]
    place(folder / "ISIC2018_Task1-2_Training_Input", *[f"{image}.jpg" for image in images])
    columns = ["dark_corner", "hair", "gel_border", "gel_bubble", "ruler", "ink", "patches"]
    tags = pd.DataFrame(0, index=range(3), columns=columns).assign(image=images[:3])
    tags.loc[0, ["ruler", "ink"]] = 1
    tags.loc[1, "gel_border"] = 1
    tags.to_csv(folder / "isic_bias.csv", sep=";", index=False)
    table = index("isic2018", tmp_path)
    check(table, "isic2018")
    assert list(table["object"]) == ["ink", "gel", "none", ""]
    (folder / "isic_bias.csv").unlink()
    assert (index("isic2018", tmp_path)["object"] == "").all()


def test_isic2018_keeps_the_images_of_one_lesion_together(tmp_path):
    folder = tmp_path / "isic2018"
    place(folder / "ISIC2018_Task3_Training_Input", "ISIC_1.jpg", "ISIC_2.jpg", "ISIC_3.jpg")
    with pytest.raises(InputError, match=r"LesionGroupings\.csv is missing"):
        index("isic2018", tmp_path)
    rows = {"image": ["ISIC_1", "ISIC_2"], "lesion_id": ["HAM_7", "HAM_7"]}
    sheet = folder / "ISIC2018_Task3_Training_LesionGroupings.csv"
    pd.DataFrame(rows).to_csv(sheet, index=False)
    assert list(index("isic2018", tmp_path)["group"]) == ["HAM_7", "HAM_7", "ISIC_3"]


def test_isic2019_keeps_the_images_of_one_lesion_together(tmp_path):
    folder = tmp_path / "isic2019"
    place(folder / "as unpacked", "ISIC_1.jpg", "ISIC_2.jpg", "ISIC_3.jpg", "ISIC_4.jpg")
    with pytest.raises(InputError, match=r"ISIC_2019_Training_Metadata\.csv is missing"):
        index("isic2019", tmp_path)
    lesions = ["BCN_1", None, "BCN_1", None]
    rows = {"image": [f"ISIC_{k}" for k in range(1, 5)], "lesion_id": lesions}
    pd.DataFrame(rows).to_csv(folder / "ISIC_2019_Training_Metadata.csv", index=False)
    table = index("isic2019", tmp_path)
    check(table, "isic2019")
    assert list(table["group"]) == ["BCN_1", "ISIC_2", "BCN_1", "ISIC_4"]


def test_isic2020_keeps_patients_and_listed_duplicates_together(tmp_path):
    folder = tmp_path / "isic2020"
    place(folder / "train", *[f"ISIC_{k}.jpg" for k in range(1, 6)])
    images = [f"ISIC_{k}" for k in range(1, 5)]
    rows = {"image_name": images, "patient_id": ["IP_1", "IP_1", "IP_2", None]}
    pd.DataFrame(rows).to_csv(folder / "ISIC_2020_Training_GroundTruth_v2.csv", index=False)
    with pytest.raises(InputError, match=r"ISIC_2020_Training_Duplicates\.csv is missing"):
        index("isic2020", tmp_path)
    listed = {"image_name_1": ["ISIC_4", "ISIC_9"], "image_name_2": ["ISIC_3", "ISIC_8"]}
    pd.DataFrame(listed).to_csv(folder / "ISIC_2020_Training_Duplicates.csv", index=False)
    table = index("isic2020", tmp_path).set_index("image_id")
    assert table.loc["ISIC_1", "group"] == table.loc["ISIC_2", "group"] == "IP_1"
    # The patient of image 4 is not known, but it is a duplicate of image 3.
    assert table.loc["ISIC_3", "group"] == table.loc["ISIC_4", "group"]
    assert table["group"].nunique() == 3


def test_milk10k_keeps_the_two_images_of_a_lesion_together(tmp_path):
    place(tmp_path / "milk10k" / "IL_1", "ISIC_1.jpg", "ISIC_2.jpg")
    pd.DataFrame({"isic_id": ["ISIC_1", "ISIC_2"], "lesion_id": ["IL_1", "IL_1"]}).to_csv(
        tmp_path / "milk10k" / "MILK10k_Training_Metadata.csv", index=False
    )
    table = index("milk10k", tmp_path)
    check(table, "milk10k")
    assert list(table["group"]) == ["IL_1", "IL_1"]


@pytest.mark.parametrize("name", [name for name in list_manifests() if has_reader(name)])
def test_absent_folder_names_what_is_expected(tmp_path, name):
    with pytest.raises(InputError, match=f"no folder .*slugkit data show {name}"):
        index(name, tmp_path)


def test_absent_root(tmp_path):
    with pytest.raises(InputError, match=r"data root .*nowhere is not a folder"):
        index("isic2017", tmp_path / "nowhere")


def test_empty_folder(tmp_path):
    (tmp_path / "isic2017_256").mkdir()
    with pytest.raises(InputError, match=r"no images in .*slugkit data show isic2017"):
        index("isic2017", tmp_path)


def test_unknown_name(tmp_path):
    with pytest.raises(InputError, match="no data set is called 'isic'"):
        index("isic", tmp_path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "not a readable table"),
        ("<html>gone</html>\n", "no column md5hash"),
        ("md5hash,fitzpatrick_scale\nabc,9\n", r"row 2 has '9' in column 'fitzpatrick_scale'"),
    ],
)
def test_bad_label_file(tmp_path, content, message):
    path = tmp_path / "fitzpatrick17k.csv"
    path.write_text(content)
    with pytest.raises(InputError, match=message):
        fitzpatrick17k_labels(path)


def test_rows_without_a_file_are_not_loaded(tmp_path):
    table = pd.DataFrame({"file": [""]})
    with pytest.raises(InputError, match="without a file"):
        load(table, tmp_path, 16)


def test_load_keeps_the_order_of_the_table(fitzpatrick):
    root, _ = fitzpatrick
    table = index("fitzpatrick17k", root).iloc[::-1]
    images = load(table, root, 16)
    for image, file in zip(images, table["file"], strict=True):
        np.testing.assert_array_equal(image, read_image(root / file, 16))


def counts(table):
    return table["fitzpatrick"].value_counts(dropna=False).to_dict()


def test_real_fitzpatrick17k_label_table(data_root):
    csv = data_root / "fitzpatrick17k_labels" / "fitzpatrick17k.csv"
    table = fitzpatrick17k_labels(csv)
    check(table, "fitzpatrick17k")
    assert len(table) == 16_577
    assert counts(table) == {pd.NA: 565, 1: 2947, 2: 4808, 3: 3308, 4: 2781, 5: 1533, 6: 635}
    centaur = fitzpatrick17k_labels(csv, fitzpatrick_column="fitzpatrick_centaur")
    assert counts(centaur) == {pd.NA: 1073, 1: 5561, 2: 3180, 3: 2934, 4: 1974, 5: 1293, 6: 562}


def test_real_fitzpatrick17k_copies(data_root):
    table = index("fitzpatrick17k", data_root)
    check(table, "fitzpatrick17k")
    assert len(table) == 1837 - 31 - 4
    assert table.attrs["left_out"] == {
        "a duplicate has the opposite skin type": 31,
        "wrongly labelled, by the column qc": 4,
    }
    assert table.groupby("duplicate_group")["group"].agg(set).map(len).max() == 1
    # The index agrees with the addresses.
    csv = data_root / "fitzpatrick17k" / "fitzpatrick17k.csv"
    by_address = fitzpatrick17k_labels(csv).set_index("image_id")["origin"]
    assert (by_address[table["image_id"]].to_numpy() == table["origin"]).all()
    assert by_address.value_counts().to_dict() == {"dermaamin": 12_672, "atlas": 3_905}


def test_real_isic2017(data_root):
    table = index("isic2017", data_root)
    check(table, "isic2017")
    assert len(table) == 2750
    assert table["object"].value_counts().to_dict() == {
        "": 2421,
        "patch": 145,
        "none": 84,
        "ruler": 60,
        "ink": 40,
    }
    tagged = table[table["object"] == "patch"].iloc[:4]
    images = load(tagged, data_root, 32)
    assert images.shape == (4, 32, 32, 3)
    assert images.std() > 0.05


def test_real_ham10000(data_root):
    table = index("ham10000", data_root)
    check(table, "ham10000")
    assert len(table) == 1000
    assert table["group"].nunique() == 1000


def test_real_pad_ufes_20(data_root):
    table = index("pad_ufes_20", data_root)
    check(table, "pad_ufes_20")
    assert counts(table) == {pd.NA: 277, 1: 50, 2: 256, 3: 132, 4: 27, 5: 3, 6: 1}
    assert load(table.iloc[:3], data_root, 64).shape == (3, 64, 64, 3)


def test_a_data_set_without_a_reader_says_what_is_missing(tmp_path):
    with pytest.raises(InputError, match=r"'vgg19' cannot be read yet.*`columns` or a `reader`"):
        index("vgg19", tmp_path)


def test_a_new_data_set_takes_one_manifest(tmp_path, monkeypatch):
    manifests_folder, folder = tmp_path / "manifests", tmp_path / "my_clinic"
    shutil.copytree(manifests.FOLDER, manifests_folder)
    mine = yaml.safe_load((manifests_folder / "pad_ufes_20.yml").read_text())
    mine |= {
        "name": "my_clinic",
        "layouts": [{"folder": "my_clinic", "contents": [{"pattern": "*.jpg", "count": 2}]}],
        "columns": {
            "tables": ["skin.csv"],
            "image_id": "photo",
            "group": "person",
            "fitzpatrick": "type",
        },
    }
    (manifests_folder / "my_clinic.yml").write_text(yaml.safe_dump(mine))
    monkeypatch.setattr(manifests, "FOLDER", manifests_folder)
    place(folder, "a.jpg", "b.jpg")
    rows = {"photo": ["a.jpg", "b.jpg"], "person": ["p1", "p2"], "type": [2, None]}
    pd.DataFrame(rows).to_csv(folder / "skin.csv", index=False)
    table = index("my_clinic", tmp_path)
    assert list(table["image_id"]) == ["a", "b"]
    assert list(table["group"]) == ["p1", "p2"]
    assert table["fitzpatrick"].isna().tolist() == [False, True]


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("IV", 4),
        ("iii", 3),
        ("FST 3", 3),
        ("FST3", 3),
        ("type II", 2),
        (5.0, 5),
        ("Skin type: V", 5),
    ],
)
def test_clear_skin_types_are_read(tmp_path, written, read):
    place(tmp_path / "passion" / "images", "AA001_1.jpg", "aa002_1.jpg")
    rows = {"subject_id": ["AA001", "AA002"], "fitzpatrick": [written, "unknown"]}
    pd.DataFrame(rows).to_csv(tmp_path / "passion" / "label.csv", index=False)
    if read < 3:  # which PASSION does not have
        with pytest.raises(InputError, match="no images"):
            index("passion", tmp_path)
        return
    table = index("passion", tmp_path)
    assert list(table["image_id"]) == ["AA001_1"]
    assert list(table["fitzpatrick"]) == [read]


@pytest.mark.parametrize("written", ["3-4", "2.5", "VII", "0", "7", "dark", "III/IV"])
def test_what_is_no_skin_type_is_refused_with_its_place(tmp_path, written):
    place(tmp_path / "pad_ufes_20" / "images", "PAT_1.jpg", "PAT_2.jpg")
    rows = {
        "img_id": ["PAT_1.png", "PAT_2.png"],
        "fitspatrick": ["2", written],
        "patient_id": ["PAT_1", "PAT_2"],
    }
    pd.DataFrame(rows).to_csv(tmp_path / "pad_ufes_20" / "metadata.csv", index=False)
    place_of = rf"metadata\.csv: row 3 has '{re.escape(written)}' in column 'fitspatrick'"
    with pytest.raises(InputError, match=place_of):
        index("pad_ufes_20", tmp_path)


def test_an_image_without_a_patient_is_a_group_of_its_own_and_its_duplicates_join_it(tmp_path):
    place(tmp_path / "pad_ufes_20" / "images", "PAT_1.jpg", "PAT_2.jpg", "PAT_3.jpg")
    rows = {
        "img_id": ["PAT_1.png", "PAT_2.png", "PAT_3.png", "PAT_9.png"],
        "fitspatrick": 2,
        "patient_id": [None, "P2", " ", "P9"],
    }
    pd.DataFrame(rows).to_csv(tmp_path / "pad_ufes_20" / "metadata.csv", index=False)
    table = index("pad_ufes_20", tmp_path)
    assert list(table["group"]) == ["PAT_1", "P2", "PAT_3"]
    assert table.attrs["absent"] == 1
    merged = merge_groups(table, pd.DataFrame({"first": [0], "second": [1]}))
    assert merged["group"].nunique() == 2


def test_contradicting_rows_of_one_image_are_refused_and_equal_ones_read_once(tmp_path):
    place(tmp_path / "pad_ufes_20" / "images", "PAT_1.jpg")
    sheet = tmp_path / "pad_ufes_20" / "metadata.csv"
    rows = {"img_id": ["PAT_1.png"] * 2, "fitspatrick": [2, 2], "patient_id": "P1"}
    pd.DataFrame(rows).to_csv(sheet, index=False)
    assert len(index("pad_ufes_20", tmp_path)) == 1
    pd.DataFrame(rows | {"fitspatrick": [2, 5]}).to_csv(sheet, index=False)
    with pytest.raises(InputError, match=r"several rows for image 'PAT_1', which disagree"):
        index("pad_ufes_20", tmp_path)


def test_an_image_with_two_tags_is_refused(tmp_path):
    folder = tmp_path / "isic2017_256"
    place(folder, "ISIC_1.jpg")
    tags = {"image_id": ["ISIC_1"] * 2, "artefact": ["ruler", "ink"]}
    pd.DataFrame(tags).to_csv(folder / "artefacts_seen.csv", index=False)
    with pytest.raises(InputError, match=r"image 'ISIC_1' is listed 2 times, as ruler, ink"):
        index("isic2017", tmp_path)


def test_names_in_another_case_are_the_same_images(tmp_path):
    content = jpeg("red")
    name = hashlib.md5(content).hexdigest()
    (tmp_path / "fitzpatrick17k").mkdir()
    (tmp_path / "fitzpatrick17k" / f"{name.upper()}.JPG").write_bytes(content)
    rows = {"md5hash": [name], "fitzpatrick_scale": [3], "fitzpatrick_centaur": [3]}
    pd.DataFrame(rows).to_csv(tmp_path / "fitzpatrick17k" / "fitzpatrick17k.csv", index=False)
    assert list(index("fitzpatrick17k", tmp_path)["image_id"]) == [name]
