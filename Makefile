# Each target works on a fresh machine: the first makes .venv from pyproject.toml with constraints.txt.
PYTHON ?= python3
BIN := .venv/bin

.DEFAULT_GOAL := help
.PHONY: help train test test-all test-without-posix coverage check lint docs pins bench dashboard clean

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

# What a Windows lacks is taken away: fcntl, fork, most signals, UTF-8 as the default of text files, and more.
test-without-posix: .venv/installed-dev  ## Run the fast tests of PATHS as on Windows; PATHS="tests/runs"
	PYTHONPATH=$(CURDIR)/tests/without_posix $(BIN)/python -m pytest -n auto --dist loadfile $(PATHS)

coverage: .venv/installed-dev  ## Branch coverage of the fast tests; MARKERS="slow or not slow" also of the slow ones
	$(BIN)/python -m pytest -n auto --dist loadfile --cov --cov-report=term:skip-covered -m "$(or $(MARKERS),not slow and not browser)"

# All parts, or PARTS="step process"; `python benchmarks --help` names them.
bench: .venv/installed-bench  ## Measure against what else there is, on a quiet machine, 90 minutes; PARTS="step"
	$(BIN)/python benchmarks $(PARTS)

check: lint  ## Lint, types and the fast tests
	$(BIN)/python -m pytest -n auto --dist loadfile

lint: .venv/installed-dev  ## Lint of code and workflows, and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/zizmor --offline --quiet .github
	$(BIN)/mypy

docs: .venv/installed-docs  ## The documentation as a site, in site/
	rm -rf build/docs
	mkdir -p build/docs
	cp -R README.md CONTRIBUTING.md CHANGELOG.md LICENSE docs benchmarks build/docs
	$(BIN)/mkdocs build --quiet

pins: .venv/installed-dev .venv/installed-docs  ## Write the versions in .venv to constraints.txt and pyproject.toml
	$(BIN)/python .ci/write_pins.py

.venv/installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable .
	touch $@

.venv/installed-dev: .venv/installed
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[dev]'
	touch $@

.venv/installed-docs: .venv/installed
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[docs]'
	touch $@

.venv/installed-bench: .venv/installed-dev benchmarks/requirements.txt
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --requirement benchmarks/requirements.txt
	touch $@

clean:  ## Remove the environment and what tools have left
	rm -rf .venv .pytest_cache .ruff_cache .mypy_cache mutants build site
