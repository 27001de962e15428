# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: this file may change at any time. Do not import it from elsewhere.

"""Webhooks of the organization and of projects. Beyond the reference: tests/contract/platform.yaml."""

from __future__ import annotations

from ansible_collections.oecsh.cloud.plugins.module_utils._api.client import Client
from ansible_collections.oecsh.cloud.plugins.module_utils._api.kind import Field, Kind
from ansible_collections.oecsh.cloud.plugins.module_utils._api.pages import OFFSET
from ansible_collections.oecsh.cloud.plugins.module_utils._base.result import Mode, Options, Result
from ansible_collections.oecsh.cloud.plugins.module_utils._base.validation import plain_url_problem
from ansible_collections.oecsh.cloud.plugins.module_utils._engine.ensure import ensure_one, list_matching
from ansible_collections.oecsh.cloud.plugins.module_utils._resources.project import PROJECT

EVENTS = (
    *(f"deploy.{event}" for event in ("started", "completed", "failed", "cancelled")),
    *(f"environment.{event}" for event in ("created", "ready", "deleted", "status_changed")),
    *(f"automation_rule.{event}" for event in ("triggered", "completed", "failed")),
    "monitoring.alert",
)
WEBHOOK = Kind(
    "webhook",
    "/webhooks",
    (
        Field("url", is_url=True, is_address=True, max_length=2048, check=plain_url_problem),
        Field("project_id", option="project", create_only=True, reference=PROJECT, is_parent=True),
        Field("events", "list", choices=EVENTS, limits=(1, len(EVENTS)), required="invalid_input"),
        Field("description", max_length=500),
        Field("format", choices=("raw", "slack", "teams", "discord"), always="raw"),
        Field("is_active", "bool", always=True),
        Field("last_triggered_at", assigned=True),
        Field("failure_count", "int", assigned=True, default=0),
        Field("created_at", assigned=True),
        Field("secret", assigned=True, is_secret=True),
    ),
    key="url",
    pages=OFFSET,
    filters=("url", "project_id"),
)


def ensure_webhook(options: Options, client: Client, mode: Mode) -> Result:
    """oec_webhook."""
    return ensure_one(WEBHOOK, options, client, mode)


def list_webhooks(options: Options, client: Client, _mode: Mode) -> Result:
    """oec_webhook_info."""
    return list_matching(WEBHOOK, options, client)
