# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: this file may change at any time. Do not import it from elsewhere.

"""What goes into a module's work, and what comes out of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.oecsh.cloud.plugins.module_utils._base.errors import Failure

Options = Mapping[str, Any]


@dataclass(frozen=True)
class Mode:
    """How Ansible runs the task."""

    check: bool = False
    diff: bool = False


@dataclass(frozen=True)
class Result:
    """The values to return, and the failure that the task ends with, if any. `secrets`: texts in the values."""

    values: Mapping[str, Any]
    failure: Failure | None = None
    warnings: Sequence[str] = field(default_factory=list)
    secrets: Sequence[str] = ()
