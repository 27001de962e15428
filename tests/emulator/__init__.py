# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The oec.sh API as a real HTTP server, with faults on demand: test equipment, see README.md."""

from __future__ import annotations

from .faults import Fault
from .log import LoggedRequest
from .server import Emulator
from .state import KEYS, SCOPED_PROJECT_ID

__all__ = ["KEYS", "SCOPED_PROJECT_ID", "Emulator", "Fault", "LoggedRequest"]
