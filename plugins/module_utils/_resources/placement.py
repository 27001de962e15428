# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: this file may change at any time. Do not import it from elsewhere.

"""Everything that exists, each with what it belongs to and runs on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ansible_collections.oecsh.cloud.plugins.module_utils._api.client import Client
from ansible_collections.oecsh.cloud.plugins.module_utils._api.kind import Object
from ansible_collections.oecsh.cloud.plugins.module_utils._resources.environment import environments_of
from ansible_collections.oecsh.cloud.plugins.module_utils._resources.project import PROJECT
from ansible_collections.oecsh.cloud.plugins.module_utils._resources.server import SERVER


@dataclass(frozen=True)
class Placed:
    """A project, or one of its environments, and the server of the project: empty if it has none that is known."""

    project: Object
    server: Object
    environment: Object | None = None


def placed_projects(client: Client) -> Iterator[Placed]:
    projects = client.of(PROJECT).known.objects
    has_servers = any(project.get("server_id") for project in projects)
    servers = {item["id"].lower(): item for item in (client.of(SERVER).known.objects if has_servers else ())}
    for project in projects:
        yield Placed(project, servers.get((project.get("server_id") or "").lower(), {}))


def placed_environments(client: Client) -> Iterator[Placed]:
    """Yield every environment. Takes one request for each project."""
    for placed in placed_projects(client):
        for environment in environments_of(client, placed.project["id"]):
            yield Placed(placed.project, placed.server, environment)
