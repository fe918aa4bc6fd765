# One command per task, the same locally and in CI. `make` alone lists them; ARGS are passed on.

PYTHON := .venv/bin/python
# For commands that need the settings but no server: these addresses lead nowhere.
OFFLINE := env REVIEWQUEUE_PROFILE=local SECRET_KEY=offline DATABASE_URL=postgresql:///none?host=/nonexistent REDIS_URL=unix:///nonexistent
QUICK := not browser and not fault and not scale
# None of their tests is quick, and Playwright and scikit-learn take seconds to import, in each of the processes.
SLOW_TO_IMPORT := --ignore=tests/browser --ignore=tests/faults --ignore=tests/escalation/statistics/test_oracles.py
COMPILE := uv pip compile --quiet --universal --generate-hashes --no-header --python-version 3.12

# Browser and fault tests mostly wait, so one worker more than there are cores keeps the cores busy.
WORKERS = $(shell expr $$(getconf _NPROCESSORS_ONLN) + 1)

.DEFAULT_GOAL := help
# Keep compiled bytecode even if the machine disables it: otherwise each test process would compile everything again.
test quick: export PYTHONDONTWRITEBYTECODE :=
.PHONY: help up test quick lint format types layers migrations contract bench load faults screenshots lock clean installed installed-dev browser

help: ## Show this help
	@sed -n 's/^\([a-z]*\):.*## /\1|/p' Makefile | while IFS='|' read -r name text; do printf 'make %-12s %s\n' "$$name" "$$text"; done

up: installed ## Run the whole product locally (ARGS="--port 8080 --no-demo"); Ctrl-C stops it
	@exec $(PYTHON) manage.py up $(ARGS)

test: installed-dev browser ## Run all tests (ARGS="tests/embedded -k port")
	@exec $(PYTHON) -m pytest --numprocesses $(WORKERS) --dist worksteal $(ARGS)

quick: installed-dev ## Run the fast tests: no browser, no fault injection, no large data
	@exec $(PYTHON) -m pytest --numprocesses auto --dist worksteal -m "$(QUICK)" $(SLOW_TO_IMPORT) $(ARGS)

lint: installed-dev ## Check code style and formatting
	$(PYTHON) -m ruff check $(ARGS)
	$(PYTHON) -m ruff format --check $(ARGS)

format: installed-dev ## Fix code style and formatting
	$(PYTHON) -m ruff check --fix $(ARGS)
	$(PYTHON) -m ruff format $(ARGS)

types: installed-dev ## Check types
	$(OFFLINE) $(PYTHON) -m mypy $(ARGS)

layers: installed-dev ## Check the import layers
	.venv/bin/lint-imports

migrations: installed-dev ## Check that the migrations match the models
	@$(OFFLINE) $(PYTHON) -W ignore::RuntimeWarning manage.py makemigrations --check --dry-run

contract: export CONTRACT_EXAMPLES ?= 3000
contract: installed-dev ## Compare the API with its document for ten minutes (CONTRACT_EXAMPLES=100)
	@exec $(PYTHON) -m pytest tests/contract $(ARGS)

bench: installed-dev ## Benchmark the hot paths
	@exec $(PYTHON) -m benchmarks $(ARGS)

load: installed-dev ## Post and review for ten minutes, and show how late each sweep gets (ARGS="--minutes 2 --saturated", or --faults)
	@exec $(PYTHON) -m benchmarks load $(ARGS)

faults: installed-dev ## Hold each fault of servers and processes for a minute under load (CI: for seconds)
	@FAULT_SECONDS=60 exec $(PYTHON) -m pytest tests/faults $(ARGS)

screenshots: installed-dev browser ## Take the screenshots for docs/desk.md (ARGS="-k structured")
	@exec $(PYTHON) -m pytest tests/browser/screenshots.py $(ARGS)

lock: ## Update the lock files (needs uv; ARGS=--upgrade)
	$(COMPILE) pyproject.toml -o requirements.lock $(ARGS)
	$(COMPILE) --group pyproject.toml:embedded -o requirements-embedded.lock $(ARGS)
	$(COMPILE) pyproject.toml --group dev -c requirements.lock -o requirements-dev.lock $(ARGS)

clean: ## Remove installed packages and caches; data in var/ stays
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis static-root
	find . -name __pycache__ -not -path './var/*' -type d -prune -exec rm -rf {} +

installed:
	@bin/bootstrap

installed-dev:
	@bin/bootstrap --dev

browser:
	@bin/browser
