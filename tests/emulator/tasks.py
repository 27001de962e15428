# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A task: when it begins and ends, and as what, is known at its creation. The rest follows from the time."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from itertools import accumulate
from typing import Any

from .clock import from_iso, iso

STEPS = {
    "deploy": (
        "validate",
        "check_server",
        "allocate_resources",
        "create_network",
        "start_postgres",
        "clone_repos",
        "build_image",
        "start_odoo",
        "update_modules",
        "configure_proxy",
        "health_check",
    ),
    "restart": ("stop_odoo", "start_odoo", "health_check"),
    "start": ("start_postgres", "start_odoo", "health_check"),
    "stop": ("stop_odoo", "stop_postgres"),
    "quick_update": ("pull_code", "update_modules", "restart_odoo", "health_check"),
    "destroy": ("stop_odoo", "drop_database", "remove_files"),
    "backup": ("dump_database", "archive_filestore", "upload"),
    "restore": ("safety_backup", "stop_odoo", "restore_database", "restore_filestore", "start_odoo", "health_check"),
}
# The step that needs the branch, for the tasks that have one.
CODE_STEP = {"deploy": "clone_repos", "quick_update": "pull_code"}
# Each with the task's status in the end.
OUTCOMES = {
    "completed": "completed",
    "failed": "failed",
    "cancelled": "cancelled",
    "never_started": "failed",
    "hangs": "running",
    # Of a backup only: its task completes, the upload that follows does not.
    "upload_fails": "completed",
    "upload_hangs": "completed",
}


@dataclass
class Plan:
    """What becomes of the next tasks of a type and an environment; None is any. README.md describes the outcomes."""

    type: str | None = None
    environment_id: str | None = None
    outcome: str = "completed"
    seconds: float | None = None
    step: str | None = None
    error: str | None = None
    log: str | None = None
    times: int | None = 1
    size_ratio: float = 1  # of a backup, to the one before it

    def __post_init__(self) -> None:
        if self.type not in (None, *STEPS):
            raise ValueError(f"there is no task of type {self.type!r}")
        if self.outcome not in OUTCOMES:
            raise ValueError(f"outcome is one of {', '.join(OUTCOMES)}, not {self.outcome!r}")
        if self.outcome.startswith("upload") and self.type != "backup":
            raise ValueError(f"{self.outcome} is for tasks of type backup")
        known = STEPS[self.type] if self.type else {step for steps in STEPS.values() for step in steps}
        if self.step is not None and self.step not in known:
            raise ValueError(f"there is no step {self.step!r}")
        if self.times is not None and self.times < 1:
            raise ValueError("times is at least 1, or None for always")


@dataclass
class Task:
    id: str
    type: str
    environment_id: str
    project_id: str
    server_id: str | None
    created_at: datetime
    starts_at: datetime | None  # None: it fails in the queue
    ends_at: datetime | None  # None: it hangs
    outcome: str
    step: str  # the last one that it begins
    error: str | None = None
    log: str | None = None
    branch: str | None = None  # of the code that it brings, if any
    commit: str | None = None
    size_ratio: float = 1
    upload_seconds: float = 0
    backup_id: str | None = None  # what is restored
    is_applied: bool = False  # the environment is as the task left it

    def is_over(self, now: datetime) -> bool:
        return self.ends_at is not None and now >= self.ends_at

    def is_running(self, now: datetime) -> bool:
        return self.starts_at is not None and now >= self.starts_at and not self.is_over(now)

    def status(self, now: datetime) -> str:
        if self.is_over(now):
            return OUTCOMES[self.outcome]
        return "running" if self.is_running(now) else "queued"

    def view(self, now: datetime) -> dict[str, Any]:
        """Return what the API says about it."""
        steps, status, count = STEPS[self.type], self.status(now), self._steps_completed(now)
        started = self.starts_at if self.starts_at and now >= self.starts_at else None
        completed = self.ends_at if self.is_over(now) else None
        return {
            "id": self.id,
            "type": self.type,
            "status": status,
            "environment_id": self.environment_id,
            "progress_percent": count * 100 // len(steps),
            "current_step": steps[min(count, len(steps) - 1)] if started else None,
            "steps_completed": count,
            "total_steps": len(steps),
            "started_at": iso(started) if started else None,
            "completed_at": iso(completed) if completed else None,
            "duration_seconds": round((completed - started).total_seconds()) if completed and started else None,
            "error_message": self.error_message() if status == "failed" else None,
        }

    def log_lines(self, now: datetime) -> list[str]:
        steps, status, count = STEPS[self.type], self.status(now), self._steps_completed(now)
        lines = [f"{self.type}: queued"]
        if self.starts_at and now >= self.starts_at:
            for number, step in enumerate(steps[: count + 1], 1):
                lines.append(f"[{number}/{len(steps)}] {step}")
                if step == CODE_STEP.get(self.type):
                    lines.append(f"Branch {self.branch}, commit {self.commit or 'unknown'}")
            if steps[min(count, len(steps) - 1)] == self.step:
                lines += (self.log or "").splitlines()
        if self.is_over(now):
            lines.append(f"ERROR: {self.error_message()}" if status == "failed" else f"{self.type}: {status}")
        return lines

    def backup_ends(self) -> tuple[datetime | None, str]:
        """Return when the dump of its backup ends, and with which outcome: of a restore, the first step's."""
        last = STEPS[self.type].index(self.step)
        if self.type == "backup" or last == 0 or not self.starts_at:
            return self.ends_at, self.outcome
        length = (self.ends_at - self.starts_at) / (last + 1) if self.ends_at else timedelta(0)
        return self.starts_at + length, "completed"

    def _steps_completed(self, now: datetime) -> int:
        if not self.starts_at or now < self.starts_at:
            return 0
        steps = STEPS[self.type]
        last = steps.index(self.step)
        if self.is_over(now):
            return len(steps) if OUTCOMES[self.outcome] == "completed" else last
        if self.ends_at is None:
            return last
        return min(last, int((now - self.starts_at) / (self.ends_at - self.starts_at) * (last + 1)))

    def error_message(self) -> str:
        never = "It was never started: another deployment is running."
        return self.error or (f"The step {self.step} failed." if self.starts_at else never)

    def dump(self) -> dict[str, Any]:
        return {name: iso(value) if isinstance(value, datetime) else value for name, value in asdict(self).items()}

    @classmethod
    def load(cls, entry: dict[str, Any]) -> Task:
        times = {name: from_iso(entry[name]) for name in ("created_at", "starts_at", "ends_at") if entry[name]}
        return cls(**{**entry, **times})


def most_at_once(tasks: Iterable[Task]) -> int:
    """Return how many tasks were accepted and not yet over at the same time, at most."""
    changes = []
    for task in tasks:
        changes.append((task.created_at, 1))
        if task.ends_at:
            changes.append((task.ends_at, -1))
    # At the same instant one that ends comes before one that begins.
    return max(accumulate(change for _time, change in sorted(changes)), default=0)
