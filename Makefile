# `make help` lists the targets. All that they make lies in this folder, git-ignored.

PYTHON ?= python3
ARGS ?=

BIN := .venv/bin
NODE_BIN := node_modules/.bin

export npm_config_cache ?= $(CURDIR)/.cache/npm
export UV_CACHE_DIR ?= $(CURDIR)/.cache/uv

CONTRACTS := $(shell find contracts -name '*.sol')
WEB_CONFIG := $(wildcard app/web/vite.config.*)

# A stamp is as old as the last success of what it stands for.
VENV_STAMP := .venv/.stamp
NODE_STAMP := node_modules/.package-lock.json
SOLC_STAMP := .solc/.stamp
BUILD_STAMP := build/.stamp
WEB_STAMP := $(if $(WEB_CONFIG),app/web/dist/.stamp)

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help setup web demo test check check-python check-types check-contracts check-format \
  format bench lock clean

help: ## List the targets
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' Makefile | expand -t 10

setup: $(VENV_STAMP) $(NODE_STAMP) $(SOLC_STAMP) $(BUILD_STAMP) web ## Install everything and build the contracts and the page

web: $(WEB_STAMP) ## Build the page

demo: setup ## Let a street trade at http://127.0.0.1:8000 until Ctrl-C (ARGS="--speed 720")
	@exec $(BIN)/peerwatt up $(ARGS)

test: setup ## Run every test
	@PEERWATT_BROWSER=$$(tools/browser) && export PEERWATT_BROWSER && exec tools/run-tests

check: check-python check-types check-contracts check-format ## Run the linters, type checker and format checkers

check-python: $(VENV_STAMP)
	$(BIN)/ruff check
	$(BIN)/ruff format --check

check-types: $(VENV_STAMP)
	$(BIN)/mypy

check-contracts: $(NODE_STAMP)
	$(NODE_BIN)/solhint --disc --noPoster --max-warnings 0 'contracts/**/*.sol'

check-format: $(NODE_STAMP)
	$(NODE_BIN)/prettier --check --log-level warn .

format: $(VENV_STAMP) $(NODE_STAMP) ## Format every file
	$(BIN)/ruff check --fix-only
	$(BIN)/ruff format
	$(NODE_BIN)/prettier --write --log-level warn .

bench: setup ## Measure gas and wall time
	@exec $(BIN)/python -m benchmarks $(ARGS)

lock: $(VENV_STAMP) ## Resolve the Python packages anew (ARGS=--upgrade: to the newest)
	$(BIN)/uv pip compile --universal --python-version 3.11 --group dev --extra postgres pyproject.toml \
	  --generate-hashes --no-emit-index-url --no-annotate --quiet $(ARGS) -o requirements.lock

clean: ## Remove all that was installed or built
	rm -rf .cache .mypy_cache .pytest_cache .ruff_cache .solc .venv app/web/dist build node_modules reports

# uv itself comes from the lock, by pip; then uv makes the environment what the lock says.
$(VENV_STAMP): requirements.lock pyproject.toml
	@tools/require python $(PYTHON)
	@$(BIN)/python -c '' 2>/dev/null || $(PYTHON) -m venv --clear .venv
	@sed -n '/^uv==/,/[^\\]$$/p' requirements.lock > .venv/uv.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-cache-dir --no-deps --require-hashes -r .venv/uv.lock
	$(BIN)/uv pip sync --quiet --require-hashes requirements.lock
	$(BIN)/uv pip install --quiet --offline --no-deps --no-build-isolation -e .
	@touch $@

$(NODE_STAMP): package.json package-lock.json .npmrc
	@tools/require node
	npm ci --no-progress

$(SOLC_STAMP): tools/solc/install tools/solc/solc.mjs $(NODE_STAMP)
	tools/solc/install
	@touch $@

# brownie sees for itself which contracts have changed, but not its settings and what they import.
# Brownie removes artifacts that nothing needs when it loads them next, which must not be in the midst
# of others who load them: hence twice.
$(BUILD_STAMP): $(CONTRACTS) brownie-config.yaml $(SOLC_STAMP) | $(VENV_STAMP)
	$(BIN)/brownie compile $(if $(filter brownie-config.yaml $(SOLC_STAMP),$?),--all)
	@$(BIN)/brownie compile > /dev/null
	@touch $@

app/web/dist/.stamp: $(WEB_CONFIG) $(NODE_STAMP) $(shell find app/web -path app/web/dist -prune -o -type f -print 2>/dev/null)
	$(NODE_BIN)/vite build app/web
	@touch $@
