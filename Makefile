# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

PYTHON ?= python3
VENV := .venv
STAMP := $(VENV)/.requirements
REQUIREMENTS := $(wildcard tests/requirements.txt tests/*/requirements.txt)
RUN = $(VENV)/bin/python -B -m tests.run

.DEFAULT_GOAL := help
.PHONY: help demo test sanity units integration lint format clean

help: ## List the commands
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' Makefile

$(STAMP): $(REQUIREMENTS)
	rm -rf $(VENV)
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check --requirement tests/requirements.txt
	@touch $@

.venv: $(STAMP)

demo: $(STAMP) ## Try it all on this machine, without an account
	@PATH="$(CURDIR)/$(VENV)/bin:$$PATH" examples/demo

test: $(STAMP) ## Run every test and check
	@$(RUN)

sanity: $(STAMP) ## Run ansible-test sanity
	@$(RUN) sanity

units: $(STAMP) ## Run the unit tests, and measure what they cover
	@$(RUN) units

integration: $(STAMP) ## Run the integration tests against the emulator
	@$(RUN) integration

lint: $(STAMP) ## Run the linters and the type checker
	@$(RUN) lint

format: $(STAMP) ## Format the Python files, and mend what ruff can mend
	@$(VENV)/bin/ruff check --no-cache --fix-only --quiet .
	@$(VENV)/bin/ruff format --no-cache .

clean: ## Remove everything that make has made
	rm -rf $(VENV) .cache tests/output
