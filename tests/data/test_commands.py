import argparse

import pytest
from PIL import Image

from slugkit.data.acquire.manifests import list_manifests
from slugkit.data.parser import add_commands
from slugkit.errors import InputError


def run(*arguments):
    parser = argparse.ArgumentParser()
    add_commands(parser.add_subparsers(required=True))
    options = parser.parse_args(["data", *map(str, arguments)])
    options.run(options)


@pytest.fixture
def isic(tmp_path):
    folder = tmp_path / "isic2017_256" / "ISIC-2017_Training_Data"
    folder.mkdir(parents=True)
    for k in range(3):
        Image.new("RGB", (32, 32), (80 * k, 0, 0)).save(folder / f"ISIC_{k}.jpg")
    return tmp_path


def test_list_names_every_data_set(capsys):
    run("list")
    output = capsys.readouterr().out
    assert all(name in output for name in list_manifests())


@pytest.mark.parametrize("name", list_manifests())
def test_show(name, capsys):
    run("show", name)
    output = capsys.readouterr().out
    assert "licence" in output
    assert "Folders, under the data root" in output


def test_show_an_unknown_data_set():
    with pytest.raises(InputError, match="no data set is called 'imagenet'"):
        run("show", "imagenet")


def test_fetch_of_a_set_behind_a_form(tmp_path):
    with pytest.raises(InputError, match="cannot be fetched by a program"):
        run("fetch", "passion", "--data", tmp_path)


def test_fetch_that_fails(tmp_path, capsys):
    with pytest.raises(
        InputError, match=r"3 files of cleanpatrick could not be fetched.*failures.csv"
    ):
        run("fetch", "cleanpatrick", "--data", tmp_path)
    assert "its address is not known" in capsys.readouterr().out


def test_verify_says_what_is_missing(isic, capsys):
    with pytest.raises(InputError, match="4 of 5 checks of isic2017 failed"):
        run("verify", "isic2017", "--data", isic)
    assert "WRONG  isic2017_256/ISIC-2017_Training_Data/*.jpg: 3 of 2000" in capsys.readouterr().out


def test_prepare_then_status(isic, tmp_path, capsys):
    places = ["--data", isic, "--output", tmp_path / "out"]
    run("prepare", "isic2017", "--size", 16, *places)
    assert "3 images of 16 x 16" in capsys.readouterr().out
    run("status", *places)
    assert "isic2017-16, intact" in capsys.readouterr().out


def test_prepare_of_fitzpatrick17k_uses_the_published_list_and_names_conflicts(tmp_path, capsys):
    folder = tmp_path / "fitzpatrick17k"
    folder.mkdir()
    for name, angle in (("a", 0), ("b", 90)):
        Image.linear_gradient("L").rotate(angle).save(folder / f"{name}.jpg")
    (folder / "fitzpatrick17k.csv").write_text("md5hash,fitzpatrick_scale\na,1\nb,5\n")
    (tmp_path / "cleanpatrick").mkdir()
    (tmp_path / "cleanpatrick" / "near_duplicates.csv").write_text("md5hash_list,label\na b,1\n")
    run("prepare", "fitzpatrick17k", "--size", 32, "--data", tmp_path, "--output", tmp_path / "out")
    assert "a: a FST 1, b FST 5" in capsys.readouterr().out


def test_prepare_says_what_was_left_out(tmp_path, capsys):
    folder = tmp_path / "fitzpatrick17k"
    folder.mkdir()
    for name, angle in (("a", 0), ("b", 90)):
        Image.linear_gradient("L").rotate(angle).save(folder / f"{name}.jpg")
    (folder / "fitzpatrick17k.csv").write_text(
        "md5hash,fitzpatrick_scale,qc\na,1,\nb,5,3 Wrongly labelled\n"
    )
    run("prepare", "fitzpatrick17k", "--size", 32, "--data", tmp_path, "--output", tmp_path / "out")
    assert "1 images left out: wrongly labelled, by the column qc" in capsys.readouterr().out


def test_prepare_with_an_unreadable_image(isic, tmp_path):
    (isic / "isic2017_256" / "ISIC-2017_Training_Data" / "ISIC_1.jpg").write_bytes(b"")
    with pytest.raises(InputError, match=r"1 images of isic2017 cannot be read.*failures.csv"):
        run("prepare", "isic2017", "--size", 16, "--data", isic, "--output", tmp_path / "out")


def test_data_root_from_the_environment(isic, monkeypatch, capsys):
    monkeypatch.setenv("SLUGKIT_DATA", str(isic))
    run("status")
    assert "3 of 2000" in capsys.readouterr().out
