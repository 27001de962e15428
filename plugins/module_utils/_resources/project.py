# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: this file may change at any time. Do not import it from elsewhere.

"""Projects (reference: Project Object Fields)."""

from __future__ import annotations

from ansible_collections.oecsh.cloud.plugins.module_utils._api.client import Client
from ansible_collections.oecsh.cloud.plugins.module_utils._api.kind import Field, Kind
from ansible_collections.oecsh.cloud.plugins.module_utils._base.result import Mode, Options, Result
from ansible_collections.oecsh.cloud.plugins.module_utils._engine.ensure import list_matching
from ansible_collections.oecsh.cloud.plugins.module_utils._resources.server import SERVER

PROJECT = Kind(
    "project",
    "/projects",
    (
        Field("name", max_length=255),
        Field(
            "server_id",
            option="server",
            create_only=True,
            required="missing_server",
            reference=SERVER,
            unknown="unknown_server",
        ),
        Field("git_repo_url", is_url=True),
        Field("default_branch", max_length=255, default="main"),
        Field("odoo_version", create_only=True, like="17.0"),
        Field("environment_count", "int", assigned=True, default=0),
        Field("created_at", assigned=True),
    ),
    is_renamed=True,
    takes_key=True,
    filters=("name", "server_id", "odoo_version"),
    delete_headers={"X-Confirm-Delete": "true"},
)


def list_projects(options: Options, client: Client, _mode: Mode) -> Result:
    """oec_project_info."""
    return list_matching(PROJECT, options, client)
