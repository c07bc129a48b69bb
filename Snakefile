# The graph, from the declarations in companion/experiments: a rule for each step and each page, and
# one for the book. `python -m companion book` and the Makefile start it.
import os
from pathlib import Path

from companion.experiments import pages, sections_of, steps
from companion.pipeline.code_digest import digest_of, source_files
from companion.config import DATASETS, MIXED
from companion.pipeline.steps import Scope
from companion.profiles import load_profile

if "profile" not in config:
    config["profile"] = "quick"
PROFILE = load_profile(config["profile"])
NAME = PROFILE.name
RUN = f"runs/{NAME}"
COMPANION = "python -m companion"

RECORDED = sorted(str(path) for path in Path("results").rglob("*") if path.is_file())
PROSE = [
    str(path)
    for path in sorted(Path("book").rglob("*"))
    if path.is_file() and "notebooks" not in path.parts
]


def pattern(step, name):
    """The path of a step's file, with wildcards for what tells its jobs apart."""
    seed = PROFILE.seeds[0] if step.scope is Scope.FIRST else "{seed}"
    dataset = "{dataset}" if step.scope is Scope.NETWORK else MIXED
    folder = f"{RUN}/{step.part}/seed{seed}".replace("//", "/")
    if name.startswith("data/"):
        return f"{folder}/{name.replace('{dataset}', dataset)}"
    return f"{folder}/{dataset}/{name}"


def record(step):
    name = f"{step.name}.json"
    return pattern(step, f"data/{name}" if step.scope is Scope.SEED else name)


def records(rule):
    """The records of all jobs of a step."""
    step = steps()[rule]
    places = step.places(PROFILE.part(step.part))
    return sorted({record(step).format(seed=seed, dataset=dataset) for seed, dataset in places})


def shown(page):
    """What the notebook of a page reads."""
    files = [*page.files, *(one for rule in page.shows for one in records(rule))]
    if page.reads_records:
        files += [one for rule in steps() for one in records(rule)]
    if page.reads_verdicts:
        deciding = [one.name for one in pages().values() if one.decides_claims]
        files += [f"{RUN}/notebooks/{name}.json" for name in deciding]
    return files + (RECORDED if page.reads_recorded else [])


wildcard_constraints:
    seed=r"\d+",
    size=r"\d+",
    dataset="|".join(DATASETS),


rule book:
    input:
        expand(RUN + "/notebooks/{page}.{ending}", page=pages(), ending=["ipynb", "svg"]),
        prose=PROSE,
        docstrings=sorted(map(str, Path("slugkit").rglob("*.py"))),
        config="_config.yml",
    params:
        code=digest_of("companion.book.build", "companion.book.extension"),
    resources:
        mem_mb=8000,
    output:
        "_build/html/index.html",
    shell:
        "{COMPANION} pages --profile {NAME}"


rule notebooks:
    input:
        expand(RUN + "/notebooks/{page}.ipynb", page=pages()),


rule decode:
    params:
        root=os.environ.get("SLUGKIT_DATA", "data"),
        code=digest_of("companion.experiments.data.decode"),
    output:
        "runs/images/{source}-{size}/prepared.json",
    resources:
        runtime=240,
    shell:
        "{COMPANION} decode {wildcards.source} --size {wildcards.size}"


def job(step, wildcards):
    """What tells a job from the others of its step, for the command line."""
    seed = PROFILE.seeds[0] if step.scope is Scope.FIRST else wildcards.seed
    dataset = wildcards.dataset if step.scope is Scope.NETWORK else MIXED
    return f"--seed {seed}" + ("" if step.scope is Scope.SEED else f" --dataset {dataset}")


# Snakemake formats a shell command when the job runs, after these loops: what it says of a step or
# a page must stand in `params`.
for step in steps().values():
    own = PROFILE.part(step.part)

    rule:
        name:
            step.rule
        input:
            [pattern(step, name) for name in step.inputs],
            [f"runs/images/{source}-{size}/prepared.json" for source, size in step.images(own)],
        params:
            settings=own.digest(*step.settings),
            code=digest_of(*step.modules),
            job=lambda wildcards, step=step: job(step, wildcards),
        output:
            [pattern(step, name) for name in step.outputs],
            record=record(step),
        priority: step.priority
        resources:
            mem_mb=1000 * step.gigabytes,
            runtime=step.minutes,
        shell:
            "{COMPANION} {rule} --profile {NAME} {params.job}"

    rule:
        name:
            f"{step.rule}_all"
        input:
            records(step.rule),


for page in pages().values():

    rule:
        name:
            f"page_{page.name}"
        input:
            shown(page),
            f"notebooks/{page.name}.ipynb",
        params:
            settings=PROFILE.digest(*sections_of(page)),
            code=digest_of(f"notebooks/{page.name}.py"),
            page=page.name,
        resources:
            mem_mb=8000,
        output:
            [f"{RUN}/notebooks/{page.name}.{ending}" for ending in ["ipynb", "svg", "json"]],
        shell:
            "{COMPANION} notebook {params.page} --profile {NAME}"

    rule:
        name:
            f"for_{page.name}"
        input:
            shown(page),
