"""Classes that are found by name in the modules of a package."""

import sys
import textwrap

import pytest

from slugkit.discovery import discover, resolve
from slugkit.errors import InputError


@pytest.fixture
def package(tmp_path, monkeypatch):
    folder = tmp_path / "zoo"
    folder.mkdir()
    files = {
        "__init__": "",
        "animal": """
            from abc import ABC, abstractmethod

            class Animal(ABC):
                @abstractmethod
                def sound(self): ...
        """,
        "cats": """
            from zoo.animal import Animal

            class Cat(Animal):
                name = "cat"
                def sound(self): return "miaow"

            class Lion(Cat):
                name = "lion"
                def sound(self): return "roar"
        """,
        "birds": """
            from zoo.animal import Animal
            from zoo.cats import Cat

            class Owl(Animal):
                name = "owl"
                def sound(self): return "hoot"
        """,
    }
    for name, text in files.items():
        (folder / f"{name}.py").write_text(textwrap.dedent(text))
    monkeypatch.syspath_prepend(tmp_path)
    yield "zoo"
    for name in [name for name in sys.modules if name.split(".")[0] == "zoo"]:
        del sys.modules[name]


def test_concrete_classes_are_found_once_in_the_order_of_their_modules(package):
    from zoo.animal import Animal

    assert list(discover(package, Animal)) == ["owl", "cat", "lion"]


def test_names_and_objects_stand_for_themselves(package):
    from zoo.animal import Animal
    from zoo.cats import Cat

    found = discover(package, Animal)
    assert resolve("owl", Animal, found, "animal").sound() == "hoot"
    cat = Cat()
    assert resolve(cat, Animal, found, "animal") is cat
    with pytest.raises(InputError, match="animal is 'cow'; choose one of owl, cat, lion"):
        resolve("cow", Animal, found, "animal")
