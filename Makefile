# Everything happens in a virtual environment of its own; a stamp says what is installed in it.
PYTHON ?= python3
VENV ?= .venv
WORKERS ?= auto

bin := $(VENV)/bin
installed := $(VENV)/.installed
test_tools := $(VENV)/.test-tools
lint_tools := $(VENV)/.lint-tools

.PHONY: help plan test real-build wheel lint format bench clean

help:
	@echo "make plan    plan vllm on the embedded default, in a virtual environment"
	@echo "make test    run the tests"
	@echo "make real-build  build an application on a small distribution, as root"
	@echo "make wheel   build the wheel and plan with it, installed outside the checkout"
	@echo "make lint    ruff, mypy and import-linter"
	@echo "make format  format the sources"
	@echo "make bench   run the benchmarks"
	@echo "make clean   remove the virtual environment and what tools leave behind"

plan: $(installed)
	$(bin)/streamsolve plan vllm

test: $(test_tools)
	$(bin)/python -m pytest -n $(WORKERS) -m "not realbuild" $(PYTEST_OPTIONS)

# One after the other: its builds are parallel themselves.
real-build: $(test_tools)
	$(bin)/python -m pytest -m realbuild --durations=5 $(PYTEST_OPTIONS)

# What is installed must bring its profiles: nothing of the checkout is in reach.
wheel: $(bin)/python
	@set -e; outside=$$(mktemp -d); trap 'rm -rf "$$outside"' EXIT; \
	$(bin)/python -m pip wheel --quiet --disable-pip-version-check --no-deps \
	    --wheel-dir "$$outside" .; \
	$(PYTHON) -m venv "$$outside/ve"; \
	"$$outside/ve/bin/python" -m pip install --quiet --disable-pip-version-check \
	    "$$outside"/*.whl; \
	cd "$$outside"; env -u PYTHONPATH STREAMSOLVE_CACHE="$$outside/cache" \
	    ve/bin/streamsolve plan vllm --offline --json > plan.json; \
	head -n 6 plan.json; \
	ve/bin/python -c 'import json; print(json.load(open("plan.json"))["summary"])'

lint: $(lint_tools)
	$(bin)/ruff check .
	$(bin)/ruff format --check .
	$(bin)/mypy
	$(bin)/lint-imports

format: $(lint_tools)
	$(bin)/ruff check --fix-only .
	$(bin)/ruff format .

bench: $(installed)
	@for bench in benchmarks/bench_*.py; do \
	    echo "== $$bench"; $(bin)/python $$bench || echo "$$bench did not run to its end"; \
	done

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

# Dependency groups need pip 25.1; a new virtual environment has the pip of its Python.
$(bin)/python:
	$(PYTHON) -m venv $(VENV)
	$(bin)/python -m pip install --quiet --disable-pip-version-check --upgrade 'pip>=25.1'

$(installed): $(bin)/python pyproject.toml
	$(bin)/python -m pip install --quiet --disable-pip-version-check --editable .
	@touch $@

$(test_tools): $(installed)
	$(bin)/python -m pip install --quiet --disable-pip-version-check --editable '.[rpm]' --group test
	@touch $@

$(lint_tools): $(installed)
	$(bin)/python -m pip install --quiet --disable-pip-version-check --group lint --group test
	@touch $@
