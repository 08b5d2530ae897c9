# Every target sets up the virtual environment it needs; a second call finds it ready.
#   make train TRAIN_FLAGS="--seed=2"      other flags for train.py
#   make test PYTEST_FLAGS="-k transform"  some of the tests
#   make train PYTHON=python3.12           the interpreter of a new environment

PYTHON ?= python3
VENV := .venv
WORKDIR := runs/quick
TRAIN_FLAGS ?=
PYTEST_FLAGS ?=

SHELL := /bin/sh
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help train test lint format clean

# TensorFlow: warnings and errors only.
export TF_CPP_MIN_LOG_LEVEL ?= 2

help:  ## Show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "make %-8s %s\n", $$1, $$2}' Makefile

train: $(VENV)/requirements.stamp  ## Train, export and evaluate a short run on the sample
	$(VENV)/bin/python train.py --model=wgan_constrained/quick --workdir=$(WORKDIR) $(TRAIN_FLAGS)
	$(VENV)/bin/python evaluate.py --workdir=$(WORKDIR) --quick

test: lint  ## Run the checks of `make lint`, then all tests
	PATH="$(CURDIR)/$(VENV)/bin:$$PATH" $(VENV)/bin/python -m pytest \
	  --numprocesses 2 --dist worksteal $(PYTEST_FLAGS)

lint: $(VENV)/requirements-dev.stamp  ## Check style, types and the direction of imports
	$(VENV)/bin/python -m ruff check .
	$(VENV)/bin/python -m ruff format --check .
	$(VENV)/bin/python -m mypy
	$(VENV)/bin/lint-imports --no-logo

format: $(VENV)/requirements-dev.stamp  ## Format the code and mend what can be mended
	$(VENV)/bin/python -m ruff check --fix .
	$(VENV)/bin/python -m ruff format .

clean:  ## Remove the environment, builds and caches; runs/ stays
	rm -rf $(VENV) build cpp/build .pytest_cache .mypy_cache .ruff_cache
	rm -rf .hypothesis .import_linter_cache
	find . -name __pycache__ -not -path './runs/*' -prune -exec rm -rf {} +

# A stamp is as new as the last complete installation of its lock, in which every
# package has a version and checksums (docs/dependencies.md).
$(VENV)/%.stamp: %.lock
	@"$(PYTHON)" -c '' 2>/dev/null || { echo >&2 \
	  "make: '$(PYTHON)' does not run: apt-get install python3, or PYTHON=..."; exit 2; }
	@"$(PYTHON)" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' \
	  || { echo >&2 "make: '$(PYTHON)' is not Python 3.11 to 3.13: give PYTHON=..."; exit 2; }
	@"$(PYTHON)" -c 'import ensurepip, venv' 2>/dev/null || { echo >&2 \
	  "make: '$(PYTHON)' has no venv module: apt-get install python3-venv"; exit 2; }
	@echo "Setting up $(VENV) from $*.lock: once, a few minutes."
	@"$(PYTHON)" -m venv $(VENV)
	@$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check \
	  --no-input --require-hashes --requirement $*.lock
	@touch $@
