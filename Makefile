# `make demo` answers a question in about a minute; `make test` checks everything.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check -qq
# One thread a process: two that share a core spin in each other's way.
ONE_THREAD := OMP_NUM_THREADS=1 MKL_NUM_THREADS=1

.DEFAULT_GOAL := help
.PHONY: help demo test test-long test-all test-cluster bench calibration docs clean

help:  ## what can be made
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

demo: $(VENV)/run.stamp  ## sweep a first study, report it, say where to look
	$(BIN)/ablate sweep study=quickstart
	@echo
	@echo "read    reports/quickstart/index.html   (or README.md in the same folder)"
	@echo "browse  $(BIN)/ablate ui quickstart"
	@echo "next    $(BIN)/ablate studies"

test: $(VENV)/dev.stamp  ## linters, types, contracts of imports and all tests
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(ONE_THREAD) $(BIN)/python -m pytest -n 2 --dist worksteal -m "not slow and not long and not cluster"

test-long: $(VENV)/dev.stamp  ## killed sweeps, wheels, DVC, shipped studies and reports (CI has them too)
	$(ONE_THREAD) $(BIN)/python -m pytest -n 2 --dist worksteal -m "long and not slow"

test-all: test test-long test-cluster  ## and what takes long: 50 random kills, 1,000 runs, the whole calibration, engines
	$(ONE_THREAD) $(BIN)/python -m pytest -n 2 --dist worksteal -m slow

test-cluster: $(VENV)/cluster.stamp  ## PostgreSQL, SLURM, Ray and Dask under fire; what is not installed is skipped (a quarter of an hour)
	$(ONE_THREAD) $(BIN)/python -m pytest -m cluster tests/cluster

bench: $(VENV)/bench.stamp  ## measure, side by side, into bench/README.md (ARGS=--quick, --full, --gpu)
	$(ONE_THREAD) $(BIN)/python -m bench.run $(ARGS)

calibration: $(VENV)/dev.stamp  ## simulate how often verdicts err, into docs/statistics.md (a quarter of an hour)
	$(ONE_THREAD) $(BIN)/python -m bench.calibration
	$(ONE_THREAD) $(BIN)/python -m bench.tuning

docs: $(VENV)/dev.stamp  ## write docs/study-file.md, the schema and docs/coverage.md
	$(BIN)/python docs/generate.py
	$(BIN)/python docs/coverage.py

clean:  ## remove the environment and caches; runs and reports stay
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

# Versions come from constraints.txt; torch goes first, so that nothing else picks a build of it.
$(VENV)/run.stamp: constraints.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and \
	  f"ablate needs Python 3.11 or newer, this is {sys.version.split()[0]}; try make PYTHON=python3.12")'
	@echo "setting up $(VENV) (some minutes the first time)"
	@$(PYTHON) -m venv $(VENV)
	@$(PIP) install -c constraints.txt torch
	@$(PIP) install -c constraints.txt -e .
	@touch $@

$(VENV)/dev.stamp: $(VENV)/run.stamp
	@$(PIP) install -c constraints.txt -e '.[dev,dvc]'
	@touch $@

$(VENV)/cluster.stamp: $(VENV)/dev.stamp
	@$(PIP) install -c constraints.txt -e '.[dev,postgres,ray,dask]'
	@touch $@

$(VENV)/bench.stamp: $(VENV)/run.stamp
	@$(PIP) install -c constraints.txt -e '.[bench]'
	@touch $@
