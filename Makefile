# Everything here works from a fresh clone with git, make and Python 3.11 or newer.
SHELL := /bin/sh
PYTHON ?= python3
BIN := .venv/bin
ENTRY := $(BIN)/booking-system
GET := install --quiet --disable-pip-version-check --require-hashes -r
OURS := --editable . --editable src/booking_lab
# Four, so that two processors have work while two wait for a program that starts.
# Bytecode is kept, whatever the environment says: without it each process rewrites every assert.
TESTS := PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pytest -n 4 --dist loadgroup --no-loadscope-reorder -m "not proof"

.DEFAULT_GOAL := help
.PHONY: help run fleet test tests coverage lint types style contracts format prove lock openapi costs audit compose-env clean

help:  ## Show what can be made
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

run: .venv/installed  ## Install, then start everything on this machine
	@exec $(ENTRY) up

fleet: .venv/installed  ## Run many instances on this machine: needs HAProxy, and PgBouncer 1.21 or newer
	@exec $(ENTRY) fleet

test: .venv/installed  ## Check style, types and architecture, and run the tests beside that
	@$(MAKE) --no-print-directory -j 4 types style contracts tests

tests:
	@$(TESTS) --every-documented-error

coverage: .venv/installed  ## Run the tests and say what they leave out, which takes half as long again
	@$(TESTS) --cov --cov-report=term:skip-covered

lint: .venv/installed  ## Check style, types and architecture
	@$(MAKE) --no-print-directory -j 2 -O types style contracts

types:
	@$(BIN)/python -m mypy

style:
	@$(BIN)/python -m ruff check .
	@$(BIN)/python -m ruff format --check .

contracts:
	@$(BIN)/lint-imports

format: .venv/installed  ## Format the code
	@$(BIN)/python -m ruff format .
	@$(BIN)/python -m ruff check --fix .

prove: .venv/proofs  ## Run the long proofs: crashes, floods, races
	@$(BIN)/python -m pytest -m proof -v

openapi: .venv/installed  ## Write docs/openapi.json and docs/asyncapi.json, which tests compare
	@$(ENTRY) openapi --output docs/openapi.json
	@$(ENTRY) asyncapi --output docs/asyncapi.json

costs: .venv/installed  ## Write tests/cost/ledger.json, with which a test compares what requests cost
	@$(ENTRY) cost --json tests/cost/ledger.json

lock: .venv/installed  ## Pin the dependencies of pyproject.toml anew, with hashes
	@for set in "runtime:--extra=aws pyproject.toml" "local:--extra=aws --extra=local pyproject.toml" \
	    "dev:--extra=aws --extra=local --extra=dev pyproject.toml" \
	    "proofs:--group=proofs -c requirements/dev.txt" audit:--group=audit; do \
	  $(BIN)/uv pip compile --system-certs --universal --python-version 3.11 --generate-hashes \
	    --no-emit-index-url --no-header --upgrade --quiet $${set#*:} \
	    -o requirements/$${set%%:*}.txt || exit 1; done

audit: .venv-audit/installed  ## Known faults of dependencies, secrets in tree and history, SBOM
	@.venv-audit/bin/python -m audit

# What proofs need beside the tests' own, and what is too large to be installed for each test.
.venv/proofs: requirements/proofs.txt .venv/installed
	@$(BIN)/uv pip install --system-certs --quiet --require-hashes --python $(BIN)/python \
	    --no-progress -r requirements/proofs.txt \
	  || { $(BIN)/python -m ensurepip >/dev/null && $(BIN)/python -m pip $(GET) requirements/proofs.txt; }
	@touch $@

.venv-audit/installed: requirements/audit.txt | .venv/installed
	@echo "Installing into .venv-audit ..."
	@rm -rf .venv-audit
	@$(PYTHON) -m venv .venv-audit
	@$(BIN)/uv pip sync --system-certs --quiet --require-hashes --python .venv-audit/bin/python \
	    --no-progress requirements/audit.txt \
	  || .venv-audit/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes \
	    -r requirements/audit.txt
	@touch $@

# What is there stays as it is: the database has the passwords of its first start.
compose-env:  ## Write passwords of your own for compose.yaml into .env, where there are none
	@umask 077; touch .env; chmod 600 .env; \
	if [ -n "$$(tail -c 1 .env)" ]; then echo >> .env; fi; \
	for name in DATABASE_ADMIN DATABASE_OWNER DATABASE_API DATABASE_STANDBY VALKEY STORAGE; do \
	  grep -q "^$${name}_PASSWORD=." .env || printf '%s_PASSWORD=%s\n' \
	    "$$name" "$$(od -An -N24 -tx1 /dev/urandom | tr -d ' \n')" >> .env; \
	done

clean:  ## Remove the virtual environment and what the tools made; the data stays
	rm -rf .venv .venv-audit .pytest_cache .ruff_cache .mypy_cache .import_linter_cache .coverage .coverage.*

# The pip of that Python fills the new environment: to give it a pip of its own first takes longer.
# What is imported is compiled then and kept: to compile all that is installed takes twice as long.
# Of the product and its laboratory only the names are installed: the code stays in src/.
.venv/installed: requirements/uv.txt requirements/dev.txt pyproject.toml src/booking_lab/pyproject.toml Makefile
	@command -v $(PYTHON) >/dev/null || { echo "$(PYTHON) is not installed: try make PYTHON=python3.12"; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Python 3.11 or newer is needed: try make PYTHON=python3.12"; exit 1; }
	@echo "Installing into .venv ..."
	@rm -rf .venv
	@if $(PYTHON) -m pip --python "$$(command -v $(PYTHON))" --version >/dev/null 2>&1; then \
	  $(PYTHON) -m venv --without-pip .venv && $(PYTHON) -m pip --python $(BIN)/python $(GET) requirements/uv.txt; \
	else \
	  $(PYTHON) -m venv .venv && $(BIN)/python -m pip $(GET) requirements/uv.txt; \
	fi
	@$(BIN)/uv pip sync --system-certs --quiet --require-hashes --python $(BIN)/python \
	    --no-progress requirements/uv.txt requirements/dev.txt \
	  || { $(BIN)/python -m ensurepip >/dev/null && $(BIN)/python -m pip $(GET) requirements/dev.txt; }
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation $(OURS) \
	  || $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation $(OURS)
	@touch $@
