# Everything a fresh clone needs: Python 3.11 or newer, git and make. Nothing is installed outside .venv.

PYTHON ?= python3 python3.14 python3.13 python3.12 python3.11 python
VENV := .venv
BIN := $(VENV)/bin
EXPORT := uv export --frozen --quiet --no-emit-project --no-annotate --no-header --format requirements-txt
# --no-input: also without a terminal; quiet, but errors show.
PIP := $(BIN)/python -m pip -qq --no-input --disable-pip-version-check

# Stamps: what they stand for is done as long as they are newer than what it was made from.
RUN := $(VENV)/.installed-run
DEV := $(VENV)/.installed-dev
PACKAGE := $(VENV)/.installed-package

.DEFAULT_GOAL := help
.PHONY: help demo test lint types contracts kernels unit deep fix docs bench lock clean

help: ## Show what can be made.
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-10s %s\n", $$1, $$2 }' Makefile

demo: $(PACKAGE) ## Replay sample_data and show the events.
	@echo "Replaying sample_data: a session of 50 synthetic tickers, its first and last events and a summary"
	@$(BIN)/tickstock replay sample_data --table

# Checks run side by side: each needs one processor, and prints its report only if it fails.
test: $(DEV) $(PACKAGE) ## Check style, types and imports, then run all tests.
	@$(MAKE) --no-print-directory --jobs=2 kernels types contracts lint
	@$(MAKE) --no-print-directory unit

lint: $(DEV) ## Check style.
	@echo "Checking style (ruff)"
	@$(BIN)/ruff check --quiet .
	@$(BIN)/ruff format --quiet --check . || { echo "error: formatting differs; run make fix" >&2; exit 1; }

types: $(DEV) $(PACKAGE) ## Check types.
	@echo "Checking types (mypy, strict)"
	@$(BIN)/mypy --no-error-summary > $(VENV)/types.log 2>&1 || { cat $(VENV)/types.log; exit 1; }

contracts: $(DEV) $(PACKAGE) ## Check that imports point down only.
	@echo "Checking the layers of the package (import-linter)"
	@$(BIN)/lint-imports --no-cache --no-logo > $(VENV)/contracts.log 2>&1 || { cat $(VENV)/contracts.log; exit 1; }

kernels: $(DEV) $(PACKAGE)
	@echo "Compiling the kernels that have changed"
	@$(BIN)/python -m tests.all_kernels

unit: $(DEV) $(PACKAGE) ## Run the tests alone.
	@echo "Running the tests (pytest)"
	@$(BIN)/pytest -n auto --dist worksteal --quiet

deep: $(DEV) $(PACKAGE) ## Run the differential, property, contract and load tests in full. ARGS="--cases 400" for more seeds.
	@echo "Running the differential, property, contract and load tests in full (pytest)"
	@$(BIN)/pytest -n auto --dist worksteal --quiet --deep tests/differential tests/property tests/contract tests/unit/loadtest $(ARGS)

fix: $(DEV) ## Repair style where a machine can.
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

docs: $(DEV) $(PACKAGE) ## Write the generated parts of docs/ anew.
	@$(BIN)/python -m tools.reference

bench: $(DEV) $(PACKAGE) ## Measure the published figures of speed and memory. ARGS=--quick for a first look.
	@$(BIN)/tickstock perf gate --base speed $(ARGS)

lock: ## Resolve the dependencies anew; needs uv. See requirements/README.md.
	uv lock --upgrade
	$(EXPORT) --no-dev --group build --output-file requirements/run.txt
	$(EXPORT) --group dev --output-file requirements/dev.txt

clean: ## Remove .venv and every cache.
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis .benchmarks dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(BIN)/python:
	@tools/create-venv $(VENV) "$(PYTHON)"

$(RUN): requirements/run.txt | $(BIN)/python
	@echo "Installing what tickstock runs on into $(VENV): about 250 MB the first time, every hash checked"
	@$(PIP) install --require-hashes -r requirements/run.txt
	@touch $@

$(DEV): requirements/dev.txt | $(RUN)
	@echo "Installing what tickstock is tested with into $(VENV)"
	@$(PIP) install --require-hashes -r requirements/dev.txt
	@touch $@

# The package itself is installed as a link to this folder: only its metadata can get old.
$(PACKAGE): pyproject.toml tickstock_cli/__init__.py | $(RUN)
	@echo "Installing tickstock itself into $(VENV)"
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@
