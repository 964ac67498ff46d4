# Two commands do everything: `make demo` shows the gate at work, `make test` runs every check.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
TOOLS := .tools/bin
# How many processes run the Python tests. Each starts its own servers, so more than four gain little.
WORKERS ?= 2
export PATH := $(CURDIR)/$(TOOLS):$(PATH)

.DEFAULT_GOAL := help
.PHONY: help demo test lint unit policies tools bench build docs clean

help: ## list the targets
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 12

$(VENV)/.core: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --editable '.[mlflow]'
	@touch $@

$(VENV)/.dev: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --editable '.[dev]'
	@touch $@ $(VENV)/.core

demo: $(VENV)/.core ## promote a model on a real MLflow server: refused, mended, allowed
	$(BIN)/qaqpa demo $(if $(KEEP),--keep)

tools: ## get OPA and Regal into .tools, unless they are there
	tools/get-tools

# Two things at once, where that takes less time; the Python tests use both cores themselves.
test: ## run every check
	$(MAKE) --jobs=2 $(VENV)/.dev tools lint policies
	$(MAKE) unit

lint: $(VENV)/.dev ## style and types of the Python code
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

policies: tools ## style, types, tests and coverage of the policies
	tools/check-policies

unit: $(VENV)/.dev tools ## Python tests, real servers included
	$(BIN)/pytest --numprocesses=$(WORKERS) --dist=worksteal

bench: $(VENV)/.dev tools ## timings, side by side, as ratios
	$(BIN)/pytest tests/benchmarks -s

build: $(VENV)/.dev tools ## compile the policies again, and generate what is made of them
	$(BIN)/python -m qaqpa.policy.compile
	$(BIN)/python -m qaqpa.docs docs

docs: $(VENV)/.dev ## generate docs/controls, docs/coverage*.md and docs/profiles*.md from the policies
	$(BIN)/python -m qaqpa.docs docs

clean: ## remove what the other targets made
	rm -rf $(VENV) .tools dist
