# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: this file may change at any time. Do not import it from elsewhere.

"""Servers (reference: List Servers)."""

from __future__ import annotations

from ansible_collections.oecsh.cloud.plugins.module_utils._api.client import Client
from ansible_collections.oecsh.cloud.plugins.module_utils._api.kind import Field, Kind, Object, Spec
from ansible_collections.oecsh.cloud.plugins.module_utils._base.errors import OecError
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

SERVER_FILTERS: Spec = {**SERVER.filter_options(), "metrics": {"type": "bool", "default": False}}
# The server does not respond, or has no figures.
_NO_FIGURES = frozenset({"server_unreachable", "metrics_unavailable", "docker_timeout", "unsupported"})


def measured(client: Client, kind: Kind, ident: str, part: str) -> Object | None:
    """Return what a server says about itself, or about an object that is on it; None where it has nothing to say."""
    try:
        return client.of(kind).find(ident, part)
    except OecError as error:
        if error.failure.code not in _NO_FIGURES:
            raise
        return None


def list_servers(options: Options, client: Client, _mode: Mode) -> Result:
    """oec_server_info."""
    found = list_matching(SERVER, options, client)
    if not options["metrics"]:
        return found
    servers = found.values[SERVER.plural]
    with_metrics = [{**each, "metrics": measured(client, SERVER, each["id"], "metrics")} for each in servers]
    return Result({**found.values, SERVER.plural: with_metrics})
