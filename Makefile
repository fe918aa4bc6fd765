# One command per intent, the same on a desk and in CI. `make` alone lists them; ARGS are passed on.

PYTHON := .venv/bin/python
# What needs the settings but no server: these addresses lead nowhere.
OFFLINE := env REVIEWQUEUE_PROFILE=local SECRET_KEY=offline DATABASE_URL=postgresql:///none?host=/nonexistent REDIS_URL=unix:///nonexistent
COMPILE := uv pip compile pyproject.toml --quiet --universal --generate-hashes --no-header --python-version 3.12

.DEFAULT_GOAL := help
# Compiled code is kept even where the machine says otherwise: each of the tests' processes would compile it anew.
test quick: export PYTHONDONTWRITEBYTECODE :=
.PHONY: help up test quick lint format types layers migrations bench screenshots lock clean installed installed-dev browser

help: ## Show this list
	@sed -n 's/^\([a-z]*\):.*## /\1|/p' Makefile | while IFS='|' read -r name text; do printf 'make %-12s %s\n' "$$name" "$$text"; done

up: installed ## Run the whole product here (ARGS="--port 8080 --no-demo"); Ctrl-C ends it
	@exec $(PYTHON) manage.py up $(ARGS)

test: installed-dev browser ## Run the tests (ARGS="tests/embedded -k port")
	@exec $(PYTHON) -m pytest --numprocesses auto --dist worksteal $(ARGS)

quick: installed-dev ## Run the tests that need neither browser nor kills nor thousands of items
	@exec $(PYTHON) -m pytest --numprocesses auto --dist worksteal -m "not browser and not fault and not scale" $(ARGS)

lint: installed-dev ## Check the manner of the code
	$(PYTHON) -m ruff check $(ARGS)
	$(PYTHON) -m ruff format --check $(ARGS)

format: installed-dev ## Put the code into that manner
	$(PYTHON) -m ruff check --fix $(ARGS)
	$(PYTHON) -m ruff format $(ARGS)

types: installed-dev ## Check the types
	$(OFFLINE) $(PYTHON) -m mypy $(ARGS)

layers: installed-dev ## Check that imports point the right way
	.venv/bin/lint-imports

migrations: installed-dev ## Check that the migrations say what the models say
	@$(OFFLINE) $(PYTHON) -W ignore::RuntimeWarning manage.py makemigrations --check --dry-run

bench: installed-dev ## Measure the hot paths
	@exec $(PYTHON) -m benchmarks $(ARGS)

screenshots: installed-dev browser ## Take the pictures of docs/desk.md (ARGS="-k structured")
	@exec $(PYTHON) -m pytest tests/browser/screenshots.py $(ARGS)

lock: ## Choose the libraries' versions anew (needs uv; ARGS=--upgrade)
	$(COMPILE) -o requirements.lock $(ARGS)
	$(COMPILE) --only-group embedded -o requirements-embedded.lock $(ARGS)
	$(COMPILE) --group dev -c requirements.lock -o requirements-dev.lock $(ARGS)

clean: ## Remove what was installed and cached; the data in var/ stays
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis static-root
	find . -name __pycache__ -not -path './var/*' -type d -prune -exec rm -rf {} +

installed:
	@bin/bootstrap

installed-dev:
	@bin/bootstrap --dev

browser:
	@bin/browser
