# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: this file may change at any time. Do not import it from elsewhere.

"""Backups of environments. Beyond the reference: tests/contract/platform.yaml has the sources."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from functools import cached_property
from typing import Any

from ansible_collections.oecsh.cloud.plugins.module_utils._api.client import Client
from ansible_collections.oecsh.cloud.plugins.module_utils._api.kind import Field, Kind, Object, Spec
from ansible_collections.oecsh.cloud.plugins.module_utils._api.pages import NUMBERED
from ansible_collections.oecsh.cloud.plugins.module_utils._base.errors import OecError, RejectedError
from ansible_collections.oecsh.cloud.plugins.module_utils._base.redact import Redaction
from ansible_collections.oecsh.cloud.plugins.module_utils._base.result import Mode, Options, Result
from ansible_collections.oecsh.cloud.plugins.module_utils._base.validation import duration_text, parse_timestamp
from ansible_collections.oecsh.cloud.plugins.module_utils._resources.environment import find_environment
from ansible_collections.oecsh.cloud.plugins.module_utils._resources.options import TARGET, age, check_uuid
from ansible_collections.oecsh.cloud.plugins.module_utils._resources.project import PROJECT

BACKUP = Kind(
    "backup",
    "/backups",
    (
        Field("environment_id"),
        Field("task_id"),
        Field("status"),
        Field("backup_type"),
        Field("database_size", "int"),
        Field("filestore_size", "int"),
        Field("total_size", "int"),
        Field("compressed_size", "int"),
        Field("started_at"),
        Field("completed_at"),
        Field("duration_seconds", "int"),
        Field("retention_type", choices=("daily", "weekly", "monthly", "yearly", "permanent")),
        Field("expires_at"),
        Field("is_verified", "bool"),
        Field("verified_at"),
        Field("error_message"),
        Field("notes", max_length=500),
        Field("created_at"),
        Field("include_filestore", "bool", is_readable=False, always=True),
        Field("storage_config_id", is_readable=False),
    ),
    key="id",
    collection="/environments/{parent}/backups",
    pages=NUMBERED,
    action_headers={"X-Confirm-Restore": "true"},
)
BACKUP_REDACTION = PROJECT.redaction | Redaction(names=frozenset({"project", "environment"}))
BACKUP_FILTERS: Spec = {
    **TARGET,
    "backup_id": {"type": "str"},
    "status": {"type": "str"},
    "backup_type": {"type": "str"},
    "newer_than": {"type": "str"},
}
BACKUP_FILTER_CHECKS: dict[str, Any] = {
    "required_one_of": [("backup_id", "environment", "environment_id")],
    "mutually_exclusive": [("backup_id", name) for name in ("project", "environment", "environment_id")],
}

COMPLETED = "completed"
FINAL = frozenset({COMPLETED, "failed", "cancelled", "expired"})
# Two words for one status: of the documentation, and of the official client.
_SAME_STATUS = {"in_progress": "running"}
# A page of the list. They are in it newest first, and older ones do not matter.
_NEWEST = 100
# The clocks of the service may differ a little.
CLOCK_SKEW = timedelta(minutes=5)
# One that is still uploaded then is not going to be completed.
_LOST_AFTER = timedelta(hours=24)
_SIZES = ("total_size", "compressed_size", "database_size")


def status_of(backup: Object) -> str:
    status = str(backup.get("status")).lower()
    return _SAME_STATUS.get(status, status)


def completion(backup: Object, now: datetime) -> datetime | None:
    """Return when a good backup was completed. One that has expired, or is of the future, is none."""
    completed = parse_timestamp(backup.get("completed_at")) if status_of(backup) == COMPLETED else None
    is_kept = (parse_timestamp(backup.get("expires_at")) or now) >= now
    return completed if completed and is_kept and completed <= now + CLOCK_SKEW else None


def description(backup: Object, now: datetime) -> str:
    """Return when a backup was completed in words, and how long ago."""
    moment = parse_timestamp(backup.get("completed_at"))
    if not moment:
        return "an unknown time"
    return f"{moment.astimezone(timezone.utc):%Y-%m-%d %H:%M} UTC ({duration_text((now - moment).total_seconds())} ago)"


@dataclass(frozen=True)
class Backups:
    """The newest backups of an environment, in the order of the API, and the server's time when they were read."""

    objects: Sequence[Object]
    now: datetime

    @cached_property
    def newest(self) -> Object | None:
        """The newest good one."""
        return _latest((completion(each, self.now), each) for each in self.objects)

    @property
    def completed(self) -> datetime | None:
        """When the newest good one was completed."""
        return completion(self.newest, self.now) if self.newest else None

    def fresh(self, max_age: timedelta) -> Object | None:
        """Return the newest good one, if it was completed at most so long ago."""
        return self.newest if self.completed and self.completed >= self.now - max_age else None

    @property
    def running(self) -> Object | None:
        """The newest one that is still being taken."""
        return next((each for each in self.objects if status_of(each) not in FINAL and not self._is_lost(each)), None)

    @property
    def lost(self) -> Object | None:
        """One that was begun after the newest good one, and so long ago that it will not be completed."""
        since = self.completed
        lost = (each for each in self.objects if self._is_lost(each))
        return next((each for each in lost if not since or (beginning(each) or since) > since), None)

    def _is_lost(self, backup: Object) -> bool:
        begun = beginning(backup)
        return status_of(backup) not in FINAL and begun is not None and begun < self.now - _LOST_AFTER

    def before(self, backup: Object) -> Object | None:
        """Return the completed one before a backup, even if it has expired since."""
        end = parse_timestamp(backup.get("completed_at")) or self.now
        others = [each for each in self.objects if each["id"] != backup["id"]]
        completed = [each for each in others if status_of(each) in (COMPLETED, "expired")]
        moments = [(parse_timestamp(each.get("completed_at")), each) for each in completed]
        return _latest((moment, each) for moment, each in moments if moment and moment <= end)


def beginning(backup: Object) -> datetime | None:
    return parse_timestamp(backup.get("started_at")) or parse_timestamp(backup.get("created_at"))


def _latest(pairs: Iterable[tuple[datetime | None, Object]]) -> Object | None:
    moments = [(moment, each) for moment, each in pairs if moment]
    return max(moments, key=lambda pair: pair[0])[1] if moments else None


def size_ratio(backup: Object, previous: Object | None, *, with_filestore: bool) -> float | None:
    """Return the size relative to that of the one before it; 0 for an empty one, None where nothing says so."""
    if 0 in (_size(backup, "database_size"), _size(backup, "total_size")):
        return 0.0
    for name in _SIZES if with_filestore else ("database_size",):
        size, before = _size(backup, name), _size(previous or {}, name)
        if size and before:
            return round(size / before, 3)
    return None


def _size(backup: Object, name: str) -> float | None:
    value = backup.get(name)
    return value if isinstance(value, (int, float)) and value >= 0 else None


def without_links(backup: Object) -> Object:
    """Return the fields of a backup that are known: others may let anyone download it."""
    return {name: value for name, value in backup.items() if name in ("id", "environment_snapshot", *BACKUP.readable)}


def read_backups(client: Client, environment_id: str, *, limit: int | None = _NEWEST) -> Backups:
    """Read the backups of an environment. Raise OecError `unsupported` where the API has no such list."""
    try:
        listing = client.of(BACKUP, environment_id).list(limit)
    except RejectedError as error:
        raise unsupported_or(error) from None
    return Backups([without_links(each) for each in listing.objects], listing.date or client.server_time())


def unsupported_or(error: RejectedError) -> OecError:
    """Return `unsupported` for the 404 that an unknown path gets. One about an object has a code of the API."""
    failure = error.failure
    if not error.is_not_found or failure.code != "rejected":
        return error
    hint = "This version of the API does not have that yet, or the environment does not exist any more."
    return OecError("unsupported", failure.message, hint, status=failure.status)


def why_not_fresh(client: Client, environment_id: str, max_age: timedelta) -> str:
    """Return why an environment has no good backup of that age, or nothing if it has one."""
    try:
        backups = read_backups(client, environment_id)
    except OecError as error:
        if error.failure.code not in ("not_found", "unsupported"):
            raise
        return "this version of the API does not list backups"
    if not backups.newest:
        return "there is none"
    found = f"the newest one was completed at {description(backups.newest, backups.now)}"
    return "" if backups.fresh(max_age) else found


def list_backups(options: Options, client: Client, _mode: Mode) -> Result:
    """oec_backup_info."""
    newer_than = age(options, "newer_than")
    backup_id, environment_id = options["backup_id"], options["environment_id"]
    check_uuid(options, "backup_id", "environment_id")
    if backup_id:
        found = client.of(BACKUP).get(backup_id.lower())
        backups = Backups([without_links(found)] if found else [], client.server_time())
    else:
        if options["project"] or options["environment"] or not environment_id:
            environment_id = find_environment(client, options["project"], options["environment"], environment_id)["id"]
        # With its id alone without reading it: the backups of one that was deleted can be listed.
        backups = read_backups(client, environment_id.lower(), limit=None)
    status, kind = (str(options[name] or "").lower() for name in ("status", "backup_type"))
    matches = [
        each
        for each in backups.objects
        if not status or _SAME_STATUS.get(status, status) == status_of(each)
        if kind in ("", str(each.get("backup_type")).lower())
        if not newer_than or _is_newer(each, backups.now - newer_than)
    ]
    return Result({"changed": False, "backups": matches})


def _is_newer(backup: Object, moment: datetime) -> bool:
    completed = parse_timestamp(backup.get("completed_at"))
    return completed is not None and completed >= moment
