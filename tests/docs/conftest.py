# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The fixtures of the unit tests, which run a module against the emulator."""

from __future__ import annotations

from ansible_collections.oecsh.cloud.tests.unit.conftest import (
    clock,
    emulator,
    run_module,
    running_emulator,
    sleeps,
)

__all__ = ["clock", "emulator", "run_module", "running_emulator", "sleeps"]
