"""The whole graph, killed, edited and starved: slow, but real."""

import base64
import contextlib
import hashlib
import io
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from tiny_graph import (
    COMMAND,
    MAKE_FIGURE_4,
    TINY,
    copy_checkout,
    copy_compiled,
    digests,
    environment,
    make,
    make_until,
    numbers_of_figure_4,
)

from slugkit.data.synthesis.synthetic import generate

pytestmark = pytest.mark.slow


def test_the_book_is_there_and_says_what_it_is(checkout):
    page = (checkout / "_build" / "html" / "index.html").read_text()
    assert "Synthetic images." in page
    assert len(digests(checkout)) > 15


def test_figure_4_and_what_it_waits_for_come_first_then_what_takes_long(tmp_path):
    folder = tmp_path / "slugkit"
    copy_checkout(folder)
    plan = (
        "import json; from companion.pipeline import graph; "
        "print(json.dumps(graph.make('tiny', 'book', dry_run=True).jobs))"
    )
    jobs = json.loads(make(folder, sys.executable, "-c", plan).stdout.splitlines()[-1])
    first = [job["rule"] for job in jobs if job["priority"] == "highest"]
    assert set(first) == {"prepare", "train", "curvature", "scores", "object_maps", "page_fig4"}
    assert len(first) == 1 + 3 + 3 + 3 + 1 + 1
    long = {job["rule"] for job in jobs if str(job["priority"]).isdigit() and job["priority"]}
    assert {"estimators", "sketch", "comparisons", "ablation"} <= long


def test_another_target_makes_no_more_than_it_waits_for(tmp_path):
    folder = tmp_path / "slugkit"
    copy_checkout(folder)
    plan = (
        "import json; from companion.pipeline import graph; "
        "print(json.dumps(graph.make('tiny', 'train_all', dry_run=True).planned))"
    )
    planned = json.loads(make(folder, sys.executable, "-c", plan).stdout.splitlines()[-1])
    assert set(planned) == {"prepare", "train", "train_all"}


def test_a_second_run_has_nothing_to_do_and_says_so(copied):
    done = make(copied)
    assert "Nothing has changed" in done.stdout
    assert "jobs done" not in done.stdout


def test_nothing_wakes_the_scheduler_while_jobs_run(copied):
    for page in ("data", "recorded"):
        (copied / f"runs/tiny/notebooks/{page}.ipynb").unlink()
    code = (
        "from snakemake.scheduling.job_scheduler import JobScheduler; "
        "JobScheduler._schedule_reevalutation = None; "
        "from companion.pipeline import graph; graph.make('tiny', 'notebooks', cores=1)"
    )
    make(copied, sys.executable, "-c", code)


def test_an_edited_notebook_runs_again_alone_and_the_reason_is_shown(copied):
    before = (copied / "runs/tiny/notebooks/fig2.ipynb").stat().st_mtime_ns
    text = copied / "notebooks" / "fig1.py"
    text.write_text(text.read_text() + "\n# %% [markdown]\n# A remark.\n")
    done = make(copied)
    assert done.returncode == 0, done.stdout
    # The page of the claims follows from what the notebook writes.
    assert "To do on 2 cores: 1 x page_fig1, 1 x page_claims, 1 x book." in done.stdout
    assert "page_fig1: Updated input files: notebooks/fig1.ipynb" in done.stdout
    assert "A remark." in text.with_suffix(".ipynb").read_text()
    assert re.search(r"Done in .* \(processor time .*\)\.", done.stdout)
    assert (copied / "runs/tiny/notebooks/fig2.ipynb").stat().st_mtime_ns == before
    assert "A remark." in (copied / "_build/html/notebooks/fig1.html").read_text()


TOY = {
    "companion/experiments/toy/__init__.py": """
from companion.experiments.toy.settings import Toy
from companion.pipeline.steps import Page, Scope, Step

SETTINGS = (Toy,)
STEPS = (
    Step(
        "toy",
        Scope.MIXED,
        "companion.experiments.toy.step:run",
        inputs=("scores.csv",),
        outputs=("toy.csv",),
        settings=("toy",),
    ),
)
PAGES = (Page("toy", shows=("toy",)),)
""",
    "companion/experiments/toy/settings.py": """
from typing import ClassVar

from companion.config import Experiment


class Toy(Experiment):
    name: ClassVar[str] = "toy"
    factor: float = 2
""",
    "companion/experiments/toy/step.py": """
from companion.experiments.toy.settings import Toy


def run(job, facts):
    scores = job.read_table("scores.csv")
    doubled = scores["slug"] * job.profile.experiment(Toy).factor
    job.save_table("toy.csv", scores[["image_id"]].assign(doubled=doubled))
""",
    "notebooks/toy.py": """# %% [markdown]
# # A toy

# %% tags=["parameters", "remove-cell"]
profile = "quick"

# %%
from matplotlib import pyplot as plt

from companion import notebook

run = notebook.open_run("toy", profile)
figure, axis = plt.subplots()
axis.plot(run.table("toy")["doubled"])
run.finish(figure, {"largest": float(run.table("toy")["doubled"].max())})
""",
}


def test_a_new_experiment_takes_a_folder_a_notebook_and_a_line_and_reruns_nothing(copied):
    folder = copied
    for name, content in TOY.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(content)
    contents, line = folder / "book" / "_toc.yml", "      - file: notebooks/ablation\n"
    contents.write_text(contents.read_text().replace(line, f"{line}      - file: notebooks/toy\n"))
    done = make(folder)
    assert done.returncode == 0, done.stdout
    rules = set(re.findall(r"\d+ x (\w+)", done.stdout.partition("To do on")[2].splitlines()[0]))
    # The page of the verdicts names the whole profile, that of the status each step.
    assert rules == {"toy", "page_toy", "page_claims", "page_status", "book"}
    assert "A toy" in (folder / "_build/html/notebooks/toy.html").read_text()
    numbers = json.loads((folder / "runs/tiny/notebooks/toy.json").read_text())["numbers"]
    scores = pd.read_csv(folder / "runs/tiny/seed0/B/scores.csv")
    assert numbers["largest"] == pytest.approx(2 * scores["slug"].max())


def test_a_notebook_runs_by_itself_with_papermill(copied, tmp_path):
    papermill = str(Path(sys.executable).parent / "papermill")
    output = tmp_path / "out.ipynb"
    done = make(copied, papermill, "notebooks/fig4.ipynb", str(output), "-p", "profile", "tiny")
    assert done.returncode == 0, done.stdout
    assert "profile-banner" in output.read_text()


def test_killed_in_any_job_it_resumes_to_the_same_results(checkout, tmp_path):
    folder = tmp_path / "slugkit"
    copy_checkout(folder)
    copy_compiled(checkout, folder)
    for sign in ("prepare (seed 0)", "train B, seed 0: epoch: 1/", "product: 1/8", "page_fig4: "):
        make_until(folder, sign, *MAKE_FIGURE_4)
    done = make(folder, *MAKE_FIGURE_4)
    assert done.returncode == 0, done.stdout
    made, whole = digests(folder), digests(checkout)
    assert "runs/tiny/seed0/C/scores.csv" in made
    assert made == {name: whole[name] for name in made}
    assert numbers_of_figure_4(folder) == numbers_of_figure_4(checkout)
    assert not list((folder / "runs").rglob(".*.partial*"))


def test_killed_while_it_builds_the_book_it_resumes_to_the_same_pages(checkout, copied):
    def pages(folder):
        built = folder / "_build" / "html"
        return {str(page.relative_to(built)) for page in built.rglob("*.html")}

    shutil.rmtree(copied / "_build")
    make_until(copied, "book: ")
    assert pages(copied) != pages(checkout)
    done = make(copied)
    assert done.returncode == 0, done.stdout
    assert pages(copied) == pages(checkout)
    assert digests(copied) == digests(checkout)


def test_a_full_disk_is_named_and_the_run_goes_on_when_there_is_room(checkout, tmp_path):
    folder = tmp_path / "slugkit"
    with disk(folder) as resize:
        copy_checkout(folder)
        resize(shutil.disk_usage(folder).used + 400_000)
        done = make(folder)
        assert done.returncode == 2, done.stdout
        assert re.search(
            r"slugkit: a step of the graph failed: \S+/runs/tiny/\S+: No space left on device; "
            "make room, then run the same command again",
            done.stdout,
        )
        assert "Traceback" not in done.stdout
        assert not list((folder / "runs").rglob("*.partial*"))
        resize(100_000_000)
        trainings = "from companion.pipeline import graph; graph.make('tiny', 'train_all')"
        done = make(folder, sys.executable, "-c", trainings)
        assert done.returncode == 0, done.stdout
        made, whole = digests(folder), digests(checkout)
        assert len(made) > 6
        assert made == {name: whole[name] for name in made}


@contextlib.contextmanager
def disk(folder: Path):
    """A file system of its own, and the function that sets its size in bytes."""
    if os.getuid() != 0:
        pytest.skip("only root may mount a file system")
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=100m", "tmpfs", str(folder)]
    if subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("this machine does not let a file system be mounted")
    try:
        yield lambda size: subprocess.run(
            ["mount", "-o", f"remount,size={size}", str(folder)], check=True
        )
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def test_all_absent_data_are_named_before_anything_is_computed(copied, tmp_path):
    real = TINY.replace("{source: synthetic, light", "{source: ham10000, light").replace(
        "objects: {source: synthetic", "objects: {source: isic2017"
    )
    (copied / "profiles" / "real.yml").write_text(real)
    done = subprocess.run(
        [*COMMAND[:-1], "real", "--data", str(tmp_path)],
        cwd=copied,
        env=environment(copied),
        text=True,
        capture_output=True,
    )
    assert done.returncode == 2
    message = done.stderr.splitlines()[-1]
    assert message.startswith("slugkit: ")
    assert "ham10000: no folder ham10000 or ham10000_224 under" in message
    assert "isic2017: no folder isic2017_256 or isic2017 under" in message
    assert "localrule" not in done.stdout
    assert "`slugkit data show ham10000`" in message
    assert "Traceback" not in done.stdout + done.stderr


def pictures(notebook: Path) -> list[np.ndarray]:
    """Every raster image in the outputs of an executed notebook, alone or inside an SVG."""
    found = []
    for cell in json.loads(notebook.read_text())["cells"]:
        for output in cell.get("outputs", []):
            data = output.get("data", {})
            encoded = re.findall(r"base64,\s*([^\"]+)", "".join(data.get("image/svg+xml", [])))
            encoded += ["".join(data["image/png"])] if "image/png" in data else []
            for text in encoded:
                content = io.BytesIO(base64.b64decode(text))
                found.append(np.asarray(Image.open(content).convert("RGB"), float) / 255)
    return found


def shows(notebook: Path, images: np.ndarray) -> int:
    """How many of some images appear in a notebook, at whatever size."""
    shown = [
        np.asarray(Image.fromarray((255 * one).astype(np.uint8)).resize((16, 16)), float) / 255
        for one in pictures(notebook)
    ]
    return sum(any(np.abs(one - image).mean() < 0.03 for one in shown) for image in images)


def test_no_notebook_shows_an_image_that_may_not_be_shown(copied, tmp_path):
    """A folder in the layout of Fitzpatrick17k, whose manifest forbids showing, with our images."""
    folder = tmp_path / "fitzpatrick17k"
    folder.mkdir()
    types = np.tile([1, 6], 40)
    rows = []
    for image, skin_type in zip(generate(types, 32, seed=5), types, strict=True):
        buffer = io.BytesIO()
        Image.fromarray((255 * image).astype(np.uint8)).save(buffer, "JPEG", quality=95)
        name = hashlib.md5(buffer.getvalue()).hexdigest()
        (folder / f"{name}.jpg").write_bytes(buffer.getvalue())
        rows.append((name, skin_type, skin_type))
    columns = ["md5hash", "fitzpatrick_scale", "fitzpatrick_centaur"]
    pd.DataFrame(rows, columns=columns).to_csv(folder / "fitzpatrick17k.csv", index=False)
    private = TINY.replace("{source: synthetic, light", "{source: fitzpatrick17k, light")
    (copied / "profiles" / "private.yml").write_text(private)
    script = (
        "from companion.pipeline import graph\n"
        "graph.make('private', 'runs/private/notebooks/data.ipynb')"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=copied,
        env={**environment(copied), "SLUGKIT_DATA": str(tmp_path)},
        text=True,
        capture_output=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr

    # The same search finds what is shown where it may be shown, or it would prove nothing.
    public = copied / "runs" / "tiny"
    sets = pd.read_csv(public / "seed0" / "data" / "test.csv")["set"].isin(["light", "dark"])
    skin = np.load(public / "seed0" / "data" / "test.npy")[sets.to_numpy()]
    assert shows(public / "notebooks" / "data.ipynb", skin) > 5

    private_run = copied / "runs" / "private"
    tests = pd.read_csv(private_run / "seed0" / "data" / "test.csv")
    hidden = ~tests["may_show"].to_numpy()
    assert hidden.sum() == 16
    images = np.load(private_run / "seed0" / "data" / "test.npy")
    assert shows(private_run / "notebooks" / "data.ipynb", images[hidden]) == 0
