# The graph: prepare -> train -> curvature -> scores for each data set and seed, then one notebook
# for each figure, then the book. `slugkit make` (and the Makefile) call it with --config profile=.
import os
from pathlib import Path

from companion.experiments import DATASET, EXPERIMENTS, IN_THE_LABORATORY
from companion.pipeline.graph import DECIDING, NOTEBOOKS
from companion.pipeline.code_digest import source_files
from companion.paths import DATASETS
from companion.config import load_profile

if "profile" not in config:
    config["profile"] = "quick"
PROFILE = load_profile(config["profile"])
NAME = PROFILE.name
SEEDS = PROFILE.seeds
RUN = f"runs/{NAME}"
FIRST = f"{RUN}/seed{SEEDS[0]}"
MODELS = expand(RUN + "/seed{seed}/{dataset}", seed=SEEDS, dataset=DATASETS)
PREPARED = ["train_A.npy", "train_B.npy", "train_C.npy", "train.csv", "test.npy", "test.csv", "masks.npy"]

# The ablation has a setting and seeds of its own, and a folder for them inside the run's.
ABLATION = PROFILE.experiments.ablation
LABORATORY_SEEDS = ABLATION.seeds if ABLATION else ()
LABORATORY_DATA = f"{RUN}/ablation/seed{{seed}}/data/"
LABORATORY = f"{RUN}/ablation/seed{{seed}}/{DATASET}"

RECORDED = sorted(str(path) for path in Path("results").rglob("*") if path.is_file())

EVERY_RECORD = [
    *expand(RUN + "/seed{seed}/data/prepare.json", seed=SEEDS),
    *expand("{model}/{step}.json", model=MODELS, step=["train", "curvature", "scores"]),
    *expand(f"{FIRST}/{DATASET}/{{experiment}}.json", experiment=EXPERIMENTS),
    *expand(f"{RUN}/seed{{seed}}/{DATASET}/{{step}}.json", seed=SEEDS, step=["comparisons", "objects"]),
    *expand(LABORATORY + "/{step}.json", seed=LABORATORY_SEEDS, step=["curvature", *IN_THE_LABORATORY]),
]


def decoded(source, size=PROFILE.data.image_size):
    """The record of a real data set that was decoded at some size."""
    return f"runs/images/{source}-{size}/prepared.json"


def code(module):
    """The files whose edit makes a step run again."""
    return [os.path.relpath(path) for path in source_files(Path("slugkit", *module.split(".")).with_suffix(".py"))]


# Once no job that figure 4 waits for can begin, the longest do: begun last, they would keep one core
# busy alone.
LONG, LONG_IN_THE_LABORATORY = 2, 1


wildcard_constraints:
    seed=r"\d+",
    size=r"\d+",
    dataset="|".join(DATASETS),
    notebook="|".join(NOTEBOOKS),
    experiment="|".join(EXPERIMENTS),
    measurement="|".join(IN_THE_LABORATORY),


rule book:
    input:
        expand(RUN + "/notebooks/{notebook}.{ending}", notebook=NOTEBOOKS, ending=["ipynb", "svg"]),
        prose=sorted(str(path) for path in Path("book").rglob("*") if path.is_file() and "notebooks" not in path.parts),
        docstrings=sorted(str(path) for path in Path("slugkit").glob("**/*.py") if "companion" not in path.parts),
        config="_config.yml",
        code=code("companion.book"),
    output:
        "_build/html/index.html",
    shell:
        "slugkit pages --profile {NAME}"


rule notebooks:
    input:
        expand(RUN + "/notebooks/{notebook}.ipynb", notebook=NOTEBOOKS),


rule prepare_all:
    input:
        expand(RUN + "/seed{seed}/data/prepare.json", seed=SEEDS),


rule train_all:
    input:
        expand("{model}/train.json", model=MODELS),


rule curvature_all:
    input:
        expand("{model}/curvature.json", model=MODELS),


rule scores_all:
    input:
        expand("{model}/scores.json", model=MODELS),


rule claims_all:
    input:
        expand(RUN + "/notebooks/{name}.json", name=DECIDING),
        RECORDED,


rule recorded_all:
    input:
        RECORDED,


rule status_all:
    input:
        EVERY_RECORD,
        RECORDED,


rule comparisons_all:
    input:
        expand(f"{RUN}/seed{{seed}}/{DATASET}/comparisons.json", seed=SEEDS),
        expand("{model}/scores.json", model=MODELS),


rule estimators_all:
    input:
        f"{FIRST}/{DATASET}/estimators.json",


rule sketch_all:
    input:
        f"{FIRST}/{DATASET}/sketch.json",


rule objects_all:
    input:
        expand(RUN + "/seed{seed}/{dataset}/objects.json", seed=SEEDS, dataset=DATASET),


rule ablation_all:
    input:
        expand(LABORATORY + "/ablation.json", seed=LABORATORY_SEEDS),


rule score_versions_all:
    input:
        expand(LABORATORY + "/score_versions.json", seed=LABORATORY_SEEDS),


rule decode:
    input:
        code=code("companion.steps.decode"),
    params:
        root=os.environ.get("SLUGKIT_DATA", "data"),
    output:
        "runs/images/{source}-{size}/prepared.json",
    shell:
        "slugkit decode {wildcards.source} --size {wildcards.size}"


rule prepare:
    input:
        [decoded(source) for source in PROFILE.data.real_sources()],
        code=code("companion.steps.prepare"),
    params:
        settings=PROFILE.digest("data"),
    output:
        *[RUN + "/seed{seed}/data/" + name for name in PREPARED],
        record=RUN + "/seed{seed}/data/prepare.json",
    shell:
        "slugkit prepare --profile {NAME} --seed {wildcards.seed}"


rule train:
    input:
        RUN + "/seed{seed}/data/train_{dataset}.npy",
        code=code("companion.steps.train"),
    params:
        settings=PROFILE.digest("model", "training"),
    output:
        *[RUN + "/seed{seed}/{dataset}/" + name for name in ["model.msgpack", "losses.csv"]],
        record=RUN + "/seed{seed}/{dataset}/train.json",
    shell:
        "slugkit train --profile {NAME} --dataset {wildcards.dataset} --seed {wildcards.seed}"


rule curvature:
    input:
        RUN + "/seed{seed}/data/train_{dataset}.npy",
        RUN + "/seed{seed}/{dataset}/model.msgpack",
        code=code("companion.steps.curvature"),
    params:
        settings=PROFILE.digest("model", "curvature"),
    output:
        *[RUN + "/seed{seed}/{dataset}/" + name for name in ["posterior.npz", "eigenpairs.csv", "trace.csv"]],
        record=RUN + "/seed{seed}/{dataset}/curvature.json",
    shell:
        "slugkit fit --profile {NAME} --dataset {wildcards.dataset} --seed {wildcards.seed}"


rule scores:
    input:
        *[RUN + "/seed{seed}/data/" + name for name in ["test.npy", "test.csv"]],
        *[RUN + "/seed{seed}/{dataset}/" + name for name in ["model.msgpack", "posterior.npz"]],
        code=code("companion.steps.scores"),
    params:
        settings=PROFILE.digest("model", "scores"),
    output:
        RUN + "/seed{seed}/{dataset}/scores.csv",
        record=RUN + "/seed{seed}/{dataset}/scores.json",
    shell:
        "slugkit score --profile {NAME} --dataset {wildcards.dataset} --seed {wildcards.seed}"


def images_of_experiment(wildcards):
    """The skin images at further sizes, where they are real."""
    sizes = PROFILE.experiments.estimators.most_products if wildcards.experiment == "estimators" else {}
    source = PROFILE.data.skin.source
    return [decoded(source, size) for size in sizes if source != "synthetic"]


rule experiment:
    input:
        images_of_experiment,
        *[FIRST + "/data/" + name for name in [f"train_{DATASET}.npy", "test.npy", "test.csv"]],
        *[f"{FIRST}/{DATASET}/{name}" for name in ["model.msgpack", "posterior.npz"]],
        code=code("companion.steps.experiment"),
    params:
        settings=PROFILE.digest("model", "curvature", "experiments"),
    output:
        f"{FIRST}/{DATASET}/{{experiment}}.csv",
        record=f"{FIRST}/{DATASET}/{{experiment}}.json",
    priority: LONG
    shell:
        "slugkit experiment {wildcards.experiment} --profile {NAME}"


rule comparisons:
    input:
        *[RUN + "/seed{seed}/data/" + name for name in [f"train_{DATASET}.npy", "test.npy", "test.csv", "masks.npy"]],
        *[RUN + f"/seed{{seed}}/{DATASET}/" + name for name in ["model.msgpack", "posterior.npz"]],
        code=code("companion.steps.comparisons"),
    params:
        settings=PROFILE.digest("model", "training", "curvature", "scores", "experiments"),
    output:
        *[RUN + f"/seed{{seed}}/{DATASET}/" + name for name in ["comparisons.csv", "costs.csv"]],
        record=RUN + f"/seed{{seed}}/{DATASET}/comparisons.json",
    priority: LONG
    shell:
        "slugkit comparisons --profile {NAME} --seed {wildcards.seed}"


rule objects:
    input:
        *[RUN + "/seed{seed}/data/" + name for name in ["test.npy", "test.csv"]],
        *[RUN + f"/seed{{seed}}/{DATASET}/{name}" for name in ["model.msgpack", "posterior.npz"]],
        code=code("companion.steps.objects"),
    params:
        settings=PROFILE.digest("model", "scores", "experiments"),
    output:
        *[RUN + f"/seed{{seed}}/{DATASET}/{name}" for name in ["objects.csv", "lesions.csv"]],
        record=RUN + f"/seed{{seed}}/{DATASET}/objects.json",
    shell:
        "slugkit objects --profile {NAME} --seed {wildcards.seed}"


rule laboratory:
    input:
        [decoded(source, ABLATION.image_size) for source in PROFILE.laboratory().data.real_sources()]
        if ABLATION
        else [],
        code=code("companion.steps.laboratory"),
    params:
        settings=PROFILE.digest("data", "experiments"),
    output:
        *[LABORATORY_DATA + name for name in [f"train_{DATASET}.npy", "test.npy", "test.csv", "masks.npy"]],
        *[LABORATORY + "/" + name for name in ["model.msgpack", "posterior.npz"]],
        record=LABORATORY + "/curvature.json",
    priority: LONG_IN_THE_LABORATORY
    shell:
        "slugkit laboratory --profile {NAME} --seed {wildcards.seed}"


rule in_the_laboratory:
    input:
        rules.laboratory.output,
        code=lambda wildcards: code(f"companion.steps.{wildcards.measurement}"),
    params:
        settings=PROFILE.digest("data", "experiments", "statistics"),
    output:
        LABORATORY + "/{measurement}.csv",
        record=LABORATORY + "/{measurement}.json",
    priority: LONG_IN_THE_LABORATORY
    shell:
        "slugkit {wildcards.measurement} --profile {NAME} --seed {wildcards.seed}"


def notebook_inputs(wildcards):
    """The records of the step that a notebook shows, for all models or all seeds."""
    step = NOTEBOOKS[wildcards.notebook]
    if step == "prepare":
        return expand(RUN + "/seed{seed}/data/prepare.json", seed=SEEDS)
    if step == "claims":
        return expand(RUN + "/notebooks/{name}.json", name=DECIDING) + RECORDED
    if step == "recorded":
        return RECORDED
    if step == "status":
        return EVERY_RECORD + RECORDED
    if step in EXPERIMENTS:
        return f"{FIRST}/{DATASET}/{step}.json"
    if step == "comparisons":
        return rules.comparisons_all.input
    if step == "objects":
        return expand(RUN + "/seed{seed}/{dataset}/{step}.json", seed=SEEDS, dataset=DATASET, step=[step, "scores"]) + RECORDED
    if step in IN_THE_LABORATORY:
        return expand(LABORATORY + "/{step}.json", seed=LABORATORY_SEEDS, step=IN_THE_LABORATORY) + RECORDED
    return expand("{model}/{step}.json", model=MODELS, step=step)


rule notebook:
    input:
        notebook_inputs,
        "notebooks/{notebook}.ipynb",
        code=lambda wildcards: [os.path.relpath(path) for path in source_files(Path(f"notebooks/{wildcards.notebook}.py"))],
    params:
        settings=PROFILE.digest(),
    output:
        *[RUN + "/notebooks/{notebook}." + ending for ending in ["ipynb", "svg", "json"]],
    shell:
        "slugkit notebook {wildcards.notebook} --profile {NAME}"
