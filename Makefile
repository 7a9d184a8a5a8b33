# Everything to run, test and measure Sayso. `make` alone says what there is.
# Each target sets up what it needs: a virtual environment in .venv, with exactly what requirements.lock names.

SHELL := /bin/bash
PY := .venv/bin/python
PORT ?= 8080
SAYSO_LOG ?= text

.DEFAULT_GOAL := help
.PHONY: help run test soak check format bench screenshots catalogs settings rules lock clean

help:  ## Say what there is
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run:  ## Run with a demo workspace on port 8080 (PORT=8090 for another); data stays in ./data
	@tools/setup
	@SAYSO_LOG=$(SAYSO_LOG) exec .venv/bin/sayso demo --port $(PORT)

test:  ## Run all checks and tests, those in a browser too
	@tools/setup
	@tools/test

soak:  ## Run the large cases, which `make test` leaves out (it has a small version of each)
	@tools/setup
	$(PY) -m pytest -q -o faulthandler_timeout=0 -m soak

check:  ## Run the linters, the formatters and the type checker
	@tools/setup
	@tools/test check

format:  ## Format the code, and fix what the linters can fix
	@tools/setup
	$(PY) -m ruff format .
	$(PY) -m ruff check --fix .
	@tools/biome
	node_modules/.bin/biome check --write

bench:  ## Measure Sayso beside its peers (QUICK=1: in two minutes; PART=flows, ledger, preferences, live, contacts, bulk, api, deliveries or bytes)
	@tools/setup
	@$(PY) -m tests.bench $(if $(QUICK),--quick) $(addprefix --part ,$(PART))

screenshots:  ## Draw the pictures in docs/images anew
	@tools/setup
	@tools/chromium
	@$(PY) -m tests.browser.screenshots

catalogs:  ## Take new sentences of the code over into bot/locales/*.po
	@tools/setup
	@$(PY) -m tools.catalogs

settings:  ## Write the settings table of the README anew
	@tools/setup
	@$(PY) -m tools.settings_table

rules:  ## Write the tables of docs/sending.md anew
	@tools/setup
	@$(PY) -m tools.rules_tables

lock:  ## Make requirements.lock anew after a change in pyproject.toml (UPGRADE=1: newest versions of all)
	@tools/setup
	@command -v uv >/dev/null || .venv/bin/python -m pip install --quiet 'uv>=0.11,<1'
	@PATH="$$PATH:$(CURDIR)/.venv/bin" uv pip compile pyproject.toml --extra embedded --group dev --universal \
		--python-version 3.11 --generate-hashes --prerelease if-necessary-or-explicit --no-emit-index-url \
		--custom-compile-command "make lock" --quiet $(if $(UPGRADE),--upgrade) -o requirements.lock
	@tools/setup

clean:  ## Remove the virtual environment and all caches; ./data stays
	rm -rf .venv node_modules build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -prune -exec rm -rf {} +
