# Every command of the project. `make help` lists them; docs/deploying.md has the settings.

PYTHON ?= python3
VENV := .venv/bin/python
SETTLE := @$(PYTHON) app/stack/bootstrap.py

.DEFAULT_GOAL := help
.PHONY: help setup demo servers test check fmt run worker beat sandbox migrate bench faults lock

help:  ## this list
	@awk -F ':.*## ' '/^[a-z ]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' Makefile

setup:  ## the environment for running and developing
	$(SETTLE) run dev

demo:  ## everything from nothing, the main job walked through, then served (ONCE=1: exit after the walk)
	$(SETTLE) run
	@$(VENV) -m app.stack.demo

servers:  ## only the embedded PostgreSQL and Redis, until Ctrl-C
	$(SETTLE) run
	@$(VENV) -m app.stack.demo --servers

test:  ## what tests need, then all tests (ARGS="-k word" narrows)
	$(SETTLE) run dev
	@$(VENV) -m pytest -n 2 $(ARGS)

check:  ## format, lint, types, import arrows
	$(SETTLE) run dev
	@$(VENV) -m ruff format --check .
	@$(VENV) -m ruff check .
	@$(VENV) -m mypy
	@.venv/bin/lint-imports

fmt:  ## format and mend what can be mended
	$(SETTLE) run dev
	@$(VENV) -m ruff check --fix .
	@$(VENV) -m ruff format .

run worker beat sandbox migrate:  ## one part, with the demo's settings or those of the environment
	$(SETTLE) run
	@$(VENV) -m app.stack.part $@

bench:  ## measure against peers side by side, write bench/results.json (ROUNDS=1 SECONDS=1: a quick look)
	$(SETTLE) run bench
	@$(VENV) -m bench $(if $(ROUNDS),--rounds $(ROUNDS)) $(if $(SECONDS),--seconds $(SECONDS)) \
		$(if $(WORKERS),--workers $(WORKERS))

faults:  ## kill and break things, then let the ledger look for losses
	$(SETTLE) run
	@$(VENV) -m app.stack.demo --faults

lock:  ## uv.lock from pyproject.toml, and the pip files from uv.lock (needs uv)
	uv lock
	uv export -q --frozen --no-header --no-emit-project --no-default-groups -o requirements.txt
	uv export -q --frozen --no-header --only-group dev -o requirements-dev.txt
	uv export -q --frozen --no-header --only-group bench -o requirements-bench.txt
