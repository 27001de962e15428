# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

PYTHON ?= python3
VENV := .venv
STAMP := $(VENV)/.requirements
REQUIREMENTS := tests/constraints.txt tests/requirements.txt tests/unit/requirements.txt
SESSIONS = $(VENV)/bin/python -B -m scripts.run_sessions
# The part of the matrix that `make test-all` runs, such as `2.16 2.19-py3.13`.
MATRIX ?= 2.

.DEFAULT_GOAL := help
.PHONY: help demo test test-all check chaos bench docs schemas release sanity units integration lint format clean

help: ## List the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' Makefile

$(STAMP): $(REQUIREMENTS)
	@echo "Installing nox, ansible-core and the emulator into $(VENV)."
	rm -rf $(VENV)
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/python -m pip install --quiet --quiet --disable-pip-version-check --requirement tests/requirements.txt
	@touch $@

.venv: $(STAMP)

demo: $(STAMP) ## Run the demo on this machine, without an account
	@PATH="$(CURDIR)/$(VENV)/bin:$$PATH" examples/demo

test: $(STAMP) ## Run the tests and checks that a change must pass, in some minutes
	@$(SESSIONS) docs units sanity integration contract typing ansible-lint codeqa formatters shellcheck

test-all: $(STAMP) ## Run the longer tests: faults, release, browser, AWX kit, and every supported ansible-core
	@$(SESSIONS) chaos awx browser release --matrix $(MATRIX)

check: $(STAMP) ## Run the checks of Galaxy, Automation Hub and the community package
	@$(SESSIONS) yamllint antsibull-nox-config docs-check license-check extra-checks build-import-check

chaos: $(STAMP) ## Test faults, crowds and kills for a quarter of an hour
	@$(SESSIONS) contract
	@$(SESSIONS) chaos -- --long --page "$(CURDIR)/docs/reliability.md"

bench: $(STAMP) ## Measure the time and the requests that an unchanged estate takes
	@$(VENV)/bin/python -B -m tests.bench

docs: $(STAMP) ## Build the documentation site into .cache/docs/html
	@$(VENV)/bin/nox --session docs-site

schemas: $(STAMP) ## Write docs/schemas anew, from the options of the modules and roles
	@$(VENV)/bin/nox --session schemas

release: $(STAMP) ## Build the artifact for Galaxy from a clean tree, reproducibly
	@$(VENV)/bin/python -B -m scripts.build_release

sanity: $(STAMP) ## Run ansible-test sanity
	@$(SESSIONS) sanity

units: $(STAMP) ## Run the unit tests, and measure their coverage
	@$(SESSIONS) units

integration: $(STAMP) ## Run the integration tests against the emulator
	@$(SESSIONS) integration

lint: $(STAMP) ## Run the linters and the type checker
	@$(SESSIONS) typing ansible-lint codeqa formatters yamllint shellcheck

format: $(STAMP) ## Format the Python files, and fix what ruff can fix
	@$(VENV)/bin/ruff check --no-cache --fix-only --quiet .
	@$(VENV)/bin/ruff format --no-cache .

clean: ## Remove everything that make created
	rm -rf $(VENV) .cache .nox tests/output
