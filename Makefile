# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

PYTHON ?= python3
VENV := .venv
STAMP := $(VENV)/.requirements
REQUIREMENTS := $(wildcard tests/requirements.txt tests/*/requirements.txt)
RUN = $(VENV)/bin/python -B -m tests.run
# After how many minutes no further ansible-core is started.
MINUTES ?= 90

.DEFAULT_GOAL := help
.PHONY: help demo test test-all check chaos bench docs release sanity units integration lint format clean

help: ## List the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' Makefile

$(STAMP): $(REQUIREMENTS)
	@echo "Installing ansible-core and what the tests need into $(VENV). This takes about a minute."
	rm -rf $(VENV)
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/python -m pip install --quiet --quiet --disable-pip-version-check --requirement tests/requirements.txt
	@touch $@

.venv: $(STAMP)

demo: $(STAMP) ## Run the demo on this machine, without an account
	@PATH="$(CURDIR)/$(VENV)/bin:$$PATH" examples/demo

test: $(STAMP) ## Run the tests and checks that a change must pass, in some minutes
	@$(RUN)

test-all: $(STAMP) ## Run the longer tests: the guides, the browser, the AWX kit, and every supported ansible-core
	@$(RUN) docs browser awx matrix --minutes $(MINUTES)

check: $(STAMP) ## Run the checks of Galaxy, Automation Hub and the community package
	@$(RUN) nox

chaos: $(STAMP) ## Test faults, crowds and kills for a quarter of an hour
	@$(RUN) contract
	@$(RUN) chaos -- --long --page "$(CURDIR)/docs/reliability.md"

bench: $(STAMP) ## Measure the time and the requests that an unchanged estate takes
	@$(VENV)/bin/python -B -m tests.bench

docs: ## Build the documentation site into .cache/docs/html
	@PYTHON=$(PYTHON) docs/site/build

release: $(STAMP) ## Build the artifact for Galaxy from a clean tree, reproducibly
	@$(VENV)/bin/python -B -m tests.run.release

sanity: $(STAMP) ## Run ansible-test sanity
	@$(RUN) sanity

units: $(STAMP) ## Run the unit tests, and measure their coverage
	@$(RUN) units

integration: $(STAMP) ## Run the integration tests against the emulator
	@$(RUN) integration

lint: $(STAMP) ## Run the linters and the type checker
	@$(RUN) lint

format: $(STAMP) ## Format the Python files, and fix what ruff can fix
	@$(VENV)/bin/ruff check --no-cache --fix-only --quiet .
	@$(VENV)/bin/ruff format --no-cache .

clean: ## Remove everything that make created
	rm -rf $(VENV) .cache tests/output
