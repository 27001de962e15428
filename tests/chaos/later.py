# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A server that projects are declared on before it is there: the service refuses, and stores that it did."""

from __future__ import annotations

from ansible_collections.oecsh.cloud.tests.emulator import Emulator

LATER = {
    "id": "f00dfeed-0000-4000-8000-000000000002",
    "name": "ordered-today",
    "provider": "hetzner",
    "region": "hel1",
    "cpu_cores": 4,
    "ram_mb": 8192,
    "disk_gb": 80,
}


def add_server(emulator: Emulator) -> None:
    state = emulator.dump()
    state["servers"]["acme"].append(LATER)
    emulator.load(state)
