# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The backups that are stored, and how they move with their tasks."""

from __future__ import annotations

import copy
import uuid
from collections.abc import Iterable
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from .clock import iso
from .environment_state import Environment
from .tasks import OUTCOMES, Plan, Task

if TYPE_CHECKING:
    from .state import State

SIZES = {
    "database_size": 180_000_000,
    "filestore_size": 52_000_000,
    "total_size": 232_000_000,
    "compressed_size": 97_000_000,
}
NO_SIZES: dict[str, int | None] = dict.fromkeys(SIZES)
MOVING = ("pending", "in_progress", "uploading")
# Made up: nobody says how long the service keeps a backup.
RETENTION_DAYS = {"daily": 7, "weekly": 30, "monthly": 365, "yearly": 1825}


class Backups:
    """A backup with a task of ours is stored as it will be in the end. Any other does not move."""

    def __init__(self, state: State) -> None:
        self._state = state
        self.reset()

    def reset(self) -> None:
        self.stored: dict[str, dict[str, Any]] = {}  # in the order of creation

    def of(self, environment_id: str | None) -> list[dict[str, Any]]:
        """Return the backups of an environment, or all; the oldest first."""
        found = [each for each in self.stored.values() if environment_id in (None, each["environment_id"])]
        return sorted(found, key=lambda each: str(each["created_at"]))

    def add(self, environment_id: str, age: float, status: str, **more: Any) -> dict[str, Any]:
        """Add a backup that has ended so many seconds ago, after a minute; or is still running, or pending."""
        if environment_id not in self._state.environments.stored:
            raise ValueError(f"there is no environment {environment_id}")
        ended, is_over = self._state.clock.now() - timedelta(seconds=age), status not in MOVING
        started = iso(ended - timedelta(minutes=1))
        times = {
            "started_at": None if status == "pending" else started,
            "completed_at": iso(ended) if is_over else None,
            "duration_seconds": 60 if is_over else None,
            "error_message": "No space left on the storage." if status == "failed" else None,
            "created_at": started,
        }
        environment = self._state.environments.stored[environment_id]
        return self._add(environment, status, **{**(SIZES if is_over else NO_SIZES), **times, **more})

    def begin(
        self, environment: Environment, plan: Plan | None = None, with_filestore: bool = True, **fields: Any
    ) -> dict[str, Any]:
        return self._follow(self._state.environments.begin(environment, "backup", plan), with_filestore, **fields)

    def begin_restore(self, backup: dict[str, Any]) -> Task:
        """Start to put an environment back to a backup. The first step takes another one."""
        environments = self._state.environments
        environment = environments.stored[backup["environment_id"]]
        task = environments.begin(environment, "restore", backup_id=backup["id"])
        self._follow(task, backup_type="pre_restore")
        return task

    def view(self, backup: dict[str, Any]) -> dict[str, Any]:
        """Return what the API says about it, but for its snapshot."""
        task, now = self._state.environments.tasks.get(backup["task_id"]), self._state.timestamp()
        fields = {**backup, **(self._progress(backup, task) if task else {})}
        del fields["environment_snapshot"]
        if fields["status"] == "completed" and fields["expires_at"] and fields["expires_at"] <= now:
            fields["status"] = "expired"
        return fields

    def _progress(self, backup: dict[str, Any], task: Task) -> dict[str, Any]:
        """Return the fields that depend on the time."""
        now, (ended, outcome) = self._state.clock.now(), task.backup_ends()
        started = task.starts_at if task.starts_at and now >= task.starts_at else None
        uploads, status = ended is not None and OUTCOMES[outcome] == "completed", OUTCOMES[outcome]
        if ended is None or now < ended:
            status, ended = "in_progress" if started else "pending", None
        elif uploads:
            ended = None if outcome == "upload_hangs" else ended + timedelta(seconds=task.upload_seconds)
            if ended is None or now < ended:
                status, ended = "uploading", None
            elif outcome == "upload_fails":
                status = "failed"
        error = task.error or ("The upload failed." if uploads else task.error_message())
        days = RETENTION_DAYS.get(backup["retention_type"])
        is_completed = status == "completed"
        return {
            "status": status,
            **({} if is_completed else NO_SIZES),
            "started_at": iso(started) if started else None,
            "completed_at": iso(ended) if ended else None,
            "duration_seconds": round((ended - started).total_seconds()) if ended and started else None,
            "expires_at": iso(ended + timedelta(days=days)) if ended and days and is_completed else None,
            "error_message": error if status == "failed" else None,
        }

    def _follow(self, task: Task, with_filestore: bool = True, **fields: Any) -> dict[str, Any]:
        """Add the backup of a task. Its sizes are those of the one before it, unless planned otherwise."""
        earlier = [self.view(each) for each in reversed(self.of(task.environment_id))]
        like = [each for each in earlier if each["status"] == "completed" and each["database_size"]]
        sizes = next((each for each in like if each["filestore_size"] or not with_filestore), SIZES)
        sizes = {name: round((sizes[name] or 0) * task.size_ratio) for name in SIZES}
        if not with_filestore:
            total = sizes["database_size"]
            sizes |= {"filestore_size": 0, "total_size": total, "compressed_size": total // 2}
        environment = self._state.environments.stored[task.environment_id]
        about = {"task_id": task.id, "created_at": iso(task.created_at)}
        return self._add(environment, "completed", **{**sizes, **about, **fields})

    def _add(self, environment: Environment, status: str, **more: Any) -> dict[str, Any]:
        fields, state = environment.fields, self._state
        project = state.projects[fields["project_id"]]
        server = state.server(project.org, fields["server_id"]) if fields["server_id"] else None
        origin = {"environment": fields, "project": project.fields, "server": server}
        backup: dict[str, Any] = {
            "id": str(uuid.uuid4()),
            "environment_id": fields["id"],
            "task_id": None,
            "status": status,
            "backup_type": "manual",
            **NO_SIZES,
            "started_at": None,
            "completed_at": None,
            "duration_seconds": None,
            "retention_type": "monthly",
            "expires_at": None,
            "is_verified": False,
            "verified_at": None,
            "error_message": None,
            "notes": None,
            "created_at": state.timestamp(),
            "environment_snapshot": {
                name: {"id": of["id"], "name": of["name"]} if of else None for name, of in origin.items()
            },
        }
        if unknown := set(more) - set(backup):
            raise ValueError(f"a backup has no {', '.join(sorted(unknown))}")
        backup |= more
        self.stored[backup["id"]] = backup
        return backup

    def dump(self) -> list[dict[str, Any]]:
        return copy.deepcopy(list(self.stored.values()))

    def load(self, entries: Iterable[dict[str, Any]]) -> None:
        self.stored = {entry["id"]: {"environment_snapshot": None, **copy.deepcopy(entry)} for entry in entries}
