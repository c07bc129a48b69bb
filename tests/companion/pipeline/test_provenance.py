import json
import resource
import subprocess
import sys

import pytest

from companion.pipeline.provenance import processor_seconds, recorded
from companion.profiles import load_profile
from slugkit.files import sha256


def test_the_record_tells_what_made_the_result(tmp_path):
    source, result = tmp_path / "in.txt", tmp_path / "out.txt"
    source.write_text("in")
    with recorded(
        tmp_path / "step.json",
        load_profile("quick"),
        step="test",
        inputs=[source],
        outputs=[result],
        seed=3,
    ) as facts:
        result.write_text("out")
        facts["count"] = 7
    record = json.loads((tmp_path / "step.json").read_text())
    assert record["seed"] == 3
    assert record["count"] == 7
    assert record["profile_digest"] == load_profile("quick").digest()
    assert list(record["inputs"].values()) == [sha256(source)]
    assert list(record["outputs"].values()) == [sha256(result)]
    assert record["duration_seconds"] >= 0
    assert {"jax", "numpy"} <= set(record["packages"])
    assert record["hardware"]["cores"] >= 1


def test_processor_time_counts_processes_that_ended_and_each_second_once(tmp_path):
    def recorded_work(name):
        with recorded(tmp_path / name, load_profile("quick"), step="test"):
            subprocess.run([sys.executable, "-c", "sum(range(10**7))"], check=True)
        return json.loads((tmp_path / name).read_text())["processor_seconds"]

    def of_children():
        return resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime

    before = processor_seconds()
    recorded_work("first.json")  # with all that this process has done so far
    children = of_children()
    second = recorded_work("second.json")
    rounding = 0.001
    assert 0 < of_children() - children <= second + rounding
    assert second <= processor_seconds() - before


def test_a_step_that_fails_leaves_no_record(tmp_path):
    with (
        pytest.raises(RuntimeError),
        recorded(tmp_path / "step.json", load_profile("quick"), step="test"),
    ):
        raise RuntimeError
    assert not list(tmp_path.iterdir())
