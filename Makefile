# `make` says what there is. Nothing needs an activated environment: everything runs from .venv.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
LOCK := requirements-dev.lock
# Installed again when the lock or the project file changes, and not otherwise.
STAMP = $(VENV)/.installed-$(shell cat $(LOCK) pyproject.toml | cksum | cut -d' ' -f1)

.DEFAULT_GOAL := help
.PHONY: help setup run test check bench lock clean
.NOTPARALLEL:

help: ## what there is
	@sed -n 's/^\([a-z]*\):[^#]*## \(.*\)/  make \1\t\2/p' $(firstword $(MAKEFILE_LIST)) | expand -t 16
	@echo
	@echo "  Settings are environment variables, for example TRAFFICFEED_API_PORT=8010 make run;"
	@echo "  trafficfeed/settings.py lists them. Another interpreter: PYTHON=python3.12 make setup."

setup: $(STAMP) ## install everything into .venv, from the hashed lock

run: $(STAMP) ## the demo city, Airflow and the API, with the demo orders validated; Ctrl-C stops all of it
	@exec $(BIN)/trafficfeed up

test: $(STAMP) ## the tests
	@$(BIN)/pytest

check: $(STAMP) ## lint, strict types, import contracts, tests
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/pytest

bench: $(STAMP) ## what the performance claims are measured with, as ratios in one run
	@$(BIN)/python -m benchmarks

lock: $(STAMP) ## compile the lock anew (needs uv)
	uv pip compile pyproject.toml --extra dev --universal --generate-hashes --no-emit-index-url --no-annotate --no-header \
	  -o $(LOCK)

clean: ## remove .venv, .state and what was built; orders and city.toml stay
	rm -rf $(VENV) .state .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	rm -rf $(foreach part,network demand graph,$(wildcard sumo_scenarios/*/$(part)))

$(STAMP):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "Python 3.11 or later is needed, and '$(PYTHON)' is $$($(PYTHON) --version 2>&1 || echo not there)."; \
	  echo "Name another one: PYTHON=/path/to/python3.11 make $(or $(MAKECMDGOALS),setup)"; exit 1; }
	@echo "Making $(VENV) with $$($(PYTHON) --version) …"
	@$(PYTHON) -m venv $(VENV) || { \
	  echo "The module venv does not work: on Debian and Ubuntu, apt-get install python3-venv."; exit 1; }
	@echo "Installing $$(grep -c '^[a-z0-9]' $(LOCK)) packages from $(LOCK) (a minute or two) …"
	@$(BIN)/python -m pip install --disable-pip-version-check --quiet --no-deps --use-pep517 --require-hashes -r $(LOCK)
	@$(BIN)/python -m pip install --disable-pip-version-check --quiet --no-deps --no-build-isolation -e .
	@touch $@
	@echo "Installed."
