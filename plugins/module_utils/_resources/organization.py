# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: this file may change at any time. Do not import it from elsewhere.

"""The organization, what it uses, and what is left of its plan. Beyond the reference: tests/contract/platform.yaml."""

from __future__ import annotations

from typing import Any

from ansible_collections.oecsh.cloud.plugins.module_utils._api.client import Client
from ansible_collections.oecsh.cloud.plugins.module_utils._api.kind import Kind
from ansible_collections.oecsh.cloud.plugins.module_utils._api.pages import invalid_response
from ansible_collections.oecsh.cloud.plugins.module_utils._base.result import Mode, Options, Result

ORGANIZATION = Kind("organization", "/org", (), needs_key=False)

# What a plan limits: the fields of its limit, and of what is used.
LIMITS = {
    "environments": ("max_environments", "environments_running"),
    "cpu_cores": ("max_cpu_cores", "cpu_used"),
    "ram_mb": ("max_ram_mb", "ram_mb_used"),
    "disk_gb": ("max_disk_gb", "disk_gb_used"),
}


def read_organization(_options: Options, client: Client, _mode: Mode) -> Result:
    """oec_organization_info."""
    api = client.of(ORGANIZATION)
    organization, usage = ORGANIZATION.check(api.read_single(), "GET /org"), api.read_single("usage")
    if not any(used in usage for _most, used in LIMITS.values()):
        raise invalid_response("GET /org/usage returned nothing of what is used")
    remaining = {name: _remaining(organization.get(most), usage.get(used)) for name, (most, used) in LIMITS.items()}
    values: dict[str, Any] = {"organization": organization, "usage": usage, "remaining": remaining}
    return Result({"changed": False, **values})


def _remaining(limit: Any, used: Any) -> float | None:
    """Return what is left; None where there is no limit, or nothing says what is used."""
    is_known = isinstance(limit, (int, float)) and isinstance(used, (int, float))
    return round(limit - used, 3) if is_known else None
