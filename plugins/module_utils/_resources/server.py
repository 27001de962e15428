# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: this file may change at any time. Do not import it from elsewhere.

"""Servers (reference: List Servers)."""

from __future__ import annotations

from ansible_collections.oecsh.cloud.plugins.module_utils._api.client import Client
from ansible_collections.oecsh.cloud.plugins.module_utils._api.kind import Field, Kind
from ansible_collections.oecsh.cloud.plugins.module_utils._base.result import Mode, Options, Result
from ansible_collections.oecsh.cloud.plugins.module_utils._engine.ensure import list_matching

SERVER = Kind(
    "server",
    "/servers",
    (
        Field("name"),
        Field("provider"),
        Field("region"),
        Field("cpu_cores", "int"),
        Field("ram_mb", "int"),
        Field("disk_gb", "int"),
        Field("environment_count", "int"),
    ),
    filters=("name", "provider", "region"),
    has_get=False,
)


def list_servers(options: Options, client: Client, _mode: Mode) -> Result:
    """oec_server_info."""
    return list_matching(SERVER, options, client)
