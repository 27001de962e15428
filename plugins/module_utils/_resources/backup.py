# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: this file may change at any time. Do not import it from elsewhere.

"""Backups of environments. Beyond the reference: tests/contract/platform.yaml has the sources."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from ansible_collections.oecsh.cloud.plugins.module_utils._api.kind import Field, Kind, Object
from ansible_collections.oecsh.cloud.plugins.module_utils._api.pages import NUMBERED
from ansible_collections.oecsh.cloud.plugins.module_utils._base.validation import parse_timestamp

BACKUP = Kind(
    "backup",
    "/backups",
    (Field("status"), Field("completed_at")),
    key="id",
    collection="/environments/{parent}/backups",
    pages=NUMBERED,
)


def newest_completed(backups: Iterable[Object]) -> datetime | None:
    """Return when the newest good backup was completed, if there is one."""
    good = (backup for backup in backups if str(backup.get("status")).lower() == "completed")
    return max(filter(None, (parse_timestamp(backup.get("completed_at")) for backup in good)), default=None)
