# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: this file may change at any time. Do not import it from elsewhere.

"""Backups of environments. Beyond the reference: tests/contract/platform.yaml has the sources."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from ansible_collections.oecsh.cloud.plugins.module_utils._api.client import Client
from ansible_collections.oecsh.cloud.plugins.module_utils._api.kind import Field, Kind, Object
from ansible_collections.oecsh.cloud.plugins.module_utils._api.pages import NUMBERED
from ansible_collections.oecsh.cloud.plugins.module_utils._base.errors import RejectedError
from ansible_collections.oecsh.cloud.plugins.module_utils._base.validation import parse_timestamp

BACKUP = Kind(
    "backup",
    "/backups",
    (Field("status"), Field("completed_at"), Field("expires_at")),
    key="id",
    collection="/environments/{parent}/backups",
    pages=NUMBERED,
)


# The clocks of the service may differ a little.
_CLOCK_SKEW = timedelta(minutes=5)


def why_not_fresh(client: Client, environment_id: str, max_age: timedelta) -> str:
    """Return why an environment has no completed backup of that age, or nothing if it has one."""
    now = client.server_time()
    try:
        newest = newest_completed(client.of(BACKUP, environment_id).list().objects, now)
    except RejectedError as error:
        if not error.is_not_found:
            raise
        return "this version of the API does not list backups"
    if newest is None:
        return "there is none"
    return "" if newest >= now - max_age else f"the newest one was completed at {newest:%Y-%m-%d %H:%M} UTC"


def newest_completed(backups: Iterable[Object], now: datetime) -> datetime | None:
    """Return when the newest good backup was completed, if there is one. One of the future is none."""
    good = (backup for backup in backups if str(backup.get("status")).lower() == "completed")
    kept = (backup for backup in good if (parse_timestamp(backup.get("expires_at")) or now) >= now)
    moments = filter(None, (parse_timestamp(backup.get("completed_at")) for backup in kept))
    return max((moment for moment in moments if moment <= now + _CLOCK_SKEW), default=None)
