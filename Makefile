# make book   the book, from synthetic images (PROFILE=quick) or from real ones
#             (PROFILE=reduced DATA=folder); an interrupted run goes on where it was
#             CLUSTER=profiles/slurm submits its jobs to Slurm
# make test   ruff, mypy and the fast tests
# make slow   the slow tests; those of the pages want a built book
# make check  both
# make plan PROFILE=paper  say how long a profile will take on this machine
# make record PROFILE=reduced  keep the tables of a finished run in results/
# make picture  take the README's picture from a finished quick run
# make lock   resolve the dependencies again
# make clean  forget all results
PROFILE ?= quick
DATA ?=
CLUSTER ?=
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
# A worker for each core, up to four, and as in the graph one thread for each.
PYTEST := NPROC=1 OMP_NUM_THREADS=1 $(BIN)/python -m pytest --numprocesses logical --maxprocesses 4
COMPILE := uv pip compile --universal --python-version 3.11 --generate-hashes --no-header pyproject.toml

.PHONY: help book test slow check plan record picture lint setup lock clean
.DEFAULT_GOAL := help

help:
	@sed -n 's/^# //p' Makefile

setup: $(VENV)/.installed

# The marker is written last, so an interrupted installation starts over.
$(VENV)/.installed: requirements.lock pyproject.toml
	@echo "Setting up $(VENV) from requirements.lock (two to five minutes, about 2 GB)."
	@command -v $(PYTHON) >/dev/null || { echo "slugkit: $(PYTHON) is not installed; install it, or name another with PYTHON="; exit 2; }
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --require-hashes --requirement requirements.lock
	@$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

book: setup
	@$(BIN)/python -m companion book --profile $(PROFILE) $(if $(DATA),--data $(abspath $(DATA))) $(if $(CLUSTER),--cluster $(CLUSTER))

plan: setup
	@$(BIN)/python -m companion plan --profile $(PROFILE) $(if $(DATA),--data $(abspath $(DATA)))

record: setup
	@$(BIN)/python -m companion record --profile $(PROFILE)

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# The tests of a file share what they compile, and little of that runs long enough to be optimised.
# Slow tests are handed out one by one and compile as users do; so do some of these there once more.
test: lint
	JAX_DISABLE_MOST_OPTIMIZATIONS=1 $(PYTEST) --dist loadfile

slow: setup
	$(PYTEST) --dist load --maxschedchunk 1 -m slow

check: test slow

picture:
	cp runs/quick/notebooks/at_a_glance.svg book/_static/

lock:
	$(COMPILE) --extra test -o requirements.lock
	$(COMPILE) --extra torch --group torch-models --constraint requirements.lock -o requirements-torch.lock

clean:
	rm -rf runs _build book/notebooks .snakemake
