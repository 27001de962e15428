# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: this file may change at any time. Do not import it from elsewhere.

"""What inventory hosts are called, and which variables they have."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ansible_collections.oecsh.cloud.plugins.module_utils._api.kind import Kind, Object
from ansible_collections.oecsh.cloud.plugins.module_utils._resources.environment import ENVIRONMENT
from ansible_collections.oecsh.cloud.plugins.module_utils._resources.placement import Placed
from ansible_collections.oecsh.cloud.plugins.module_utils._resources.project import PROJECT
from ansible_collections.oecsh.cloud.plugins.module_utils._resources.server import SERVER

# By kind of host: its group, the variable that identifies it, and the expression of its name.
GROUPS = {"projects": "oec_projects", "environments": "oec_environments"}
IDENTS = {"projects": "oec_id", "environments": "oec_environment_id"}
HOSTNAMES = {"projects": "oec_name", "environments": "oec_name ~ '-' ~ (oec_environment_name or oec_environment_id)"}
_PREFIXES = {PROJECT.name: "oec_", SERVER.name: "oec_server_", ENVIRONMENT.name: "oec_environment_"}

_INVALID_HOSTNAME_CHARS = re.compile(r"[^\w.-]+")
_ID_PREFIX_LENGTH = 8


def host_variables(placed: Placed, secrets: Sequence[str]) -> dict[str, Any]:
    """Return the variables of the host that is this project or environment, redacted, and without these secrets."""
    server = {name: placed.server.get(name) for name in ("name", "provider")}
    objects = [(PROJECT, _whole(PROJECT, placed.project)), (SERVER, server)]
    if placed.environment is not None:
        objects.append((ENVIRONMENT, _whole(ENVIRONMENT, placed.environment)))
    return {
        f"{_PREFIXES[kind.name]}{name}": value
        for kind, item in objects
        for name, value in kind.redaction.hiding(secrets)(item).items()
        # Ansible rejects variables that are not identifiers.
        if name.isidentifier()
    }


def _whole(kind: Kind, item: Object) -> Object:
    """Return the object with null for each field that an older version of the API leaves out."""
    return {**dict.fromkeys(kind.readable), **item}


def host_name(name: Any, *, fallback: str) -> str:
    """Return the name with everything replaced that has a meaning in `--limit` and `hosts`."""
    return _INVALID_HOSTNAME_CHARS.sub("_", "" if name is None else str(name)).strip("._-") or fallback


def unique_host_names(names: Mapping[str, str], is_taken: Callable[[str, str], bool]) -> dict[str, str]:
    """Return the names by id, all different, whatever their order.

    `is_taken(name, id)`: whether the name is in use for something else.
    """
    unique = dict(names)

    def clashing() -> list[str]:
        times = Counter(unique.values())
        return [ident for ident, name in unique.items() if times[name] > 1 or is_taken(name, ident)]

    length: int | None = _ID_PREFIX_LENGTH
    while clashes := clashing():
        unique.update({ident: f"{unique[ident]}-{ident[:length]}" for ident in clashes})
        length = None
    return unique
