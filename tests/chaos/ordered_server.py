# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A server that projects declare before it exists: the service rejects them, and stores that response."""

from __future__ import annotations

from ansible_collections.oecsh.cloud.tests.emulator import Emulator

ORDERED_SERVER = {
    "id": "f00dfeed-0000-4000-8000-000000000002",
    "name": "ordered-today",
    "provider": "hetzner",
    "region": "hel1",
    "cpu_cores": 4,
    "ram_mb": 8192,
    "disk_gb": 80,
}


def deliver(emulator: Emulator) -> None:
    state = emulator.dump()
    state["servers"]["acme"].append(ORDERED_SERVER)
    emulator.load(state)
