# Each target works on a fresh machine: the first makes .venv from pyproject.toml with constraints.txt.
PYTHON ?= python3
BIN := .venv/bin

.DEFAULT_GOAL := help
.PHONY: help train test test-all check bench dashboard clean

help:  ## Show these lines
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 14

train: .venv/installed  ## Train a logistic regression on the breast-cancer data
	$(BIN)/python train.py

dashboard: .venv/installed  ## TensorBoard on logs/, for this machine alone
	$(BIN)/perceptron dashboard

test: .venv/installed-dev  ## Run the fast tests, on all cores
	$(BIN)/python -m pytest -n auto --dist loadfile

test-all: .venv/installed-dev  ## Run all tests
	$(BIN)/python -m pytest -m ""

# All parts, or PARTS="step process"; `python benchmarks --help` names them.
bench: .venv/installed-bench  ## Measure against what else there is, on a quiet machine, 50 minutes; PARTS="step"
	$(BIN)/python benchmarks $(PARTS)

check: .venv/installed-dev  ## Lint, types and the fast tests
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m pytest -n auto --dist loadfile

.venv/installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable .
	touch $@

.venv/installed-dev: .venv/installed
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[dev]'
	touch $@

.venv/installed-bench: .venv/installed-dev benchmarks/requirements.txt
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --requirement benchmarks/requirements.txt
	touch $@

clean:  ## Remove the environment and what tools have left
	rm -rf .venv .pytest_cache .ruff_cache .mypy_cache mutants
