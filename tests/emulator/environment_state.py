# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The part of the state that moves with the clock: environments, their tasks and branches."""

from __future__ import annotations

import copy
import hashlib
import re
import unicodedata
import uuid
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from html import escape
from typing import TYPE_CHECKING, Any

from .clock import iso
from .tasks import CODE_STEP, OUTCOMES, STEPS, Plan, Task, most_at_once

if TYPE_CHECKING:
    from .state import State

# Accepted at creation, and never returned.
CREATE_ONLY = (
    "environment_type",
    "postgres_version",
    "enable_pgtune",
    "enable_pgbouncer",
    "enable_read_replica",
    "with_demo_data",
)
# The status while a task of the type is in progress, and after it has completed.
MOVING = {"deploy": "deploying", "destroy": "destroying"}
AFTER = dict.fromkeys(("deploy", "restart", "start", "quick_update", "restore"), "running") | {"stop": "stopped"}
HIDDEN = ("stopped", "paused", "error", "failed")
# Everything that blocks the deletion of the project, besides `pending`, which has a switch.
BUSY = ("running", "deploying", "cloning", "destroying")


@dataclass
class Environment:
    fields: dict[str, Any]  # what the API returns, except that the url is below the emulator's own address
    create_only: dict[str, Any] = field(default_factory=dict)
    live_branch: str | None = None  # of the code that is deployed
    restored_from: str | None = None  # the backup, if any
    deleted: bool = False
    tasks: list[Task] = field(default_factory=list)


class Environments:
    def __init__(self, state: State) -> None:
        self._state = state
        self.root = ""  # the emulator's address
        self.reset()

    def reset(self) -> None:
        self.stored: dict[str, Environment] = {}  # in the order of creation, deleted ones included
        self.tasks: dict[str, Task] = {}
        self.plans: list[Plan] = []
        self.missing_branches: set[str] = set()
        self.heads: dict[tuple[str | None, str], str] = {}  # by project (None: all) and branch
        self.acted_at: dict[str, datetime] = {}  # the last action, by environment
        self._by_project: defaultdict[str, list[Environment]] = defaultdict(list)
        self._by_url: dict[str, Environment] = {}
        self._open: list[Task] = []  # those that are not applied yet

    # Environments.

    def add(self, project_id: str, name: str, status: str, **more: Any) -> Environment:
        project = self._state.projects[project_id].fields
        now = iso(self._state.clock.now())
        fields = {
            "id": str(uuid.uuid4()),
            "name": name,
            "status": status,
            "url": None,
            "odoo_version": project["odoo_version"],
            "branch": project["default_branch"],
            "last_commit": None,
            "cpu_cores": 1,
            "ram_mb": 2048,
            "disk_gb": 10,
            "project_id": project_id,
            "server_id": project["server_id"],
            "custom_domain": None,
            "custom_domain_verified": False,
            "created_at": now,
            "updated_at": now,
        }
        environment = Environment(fields)
        _change(environment, more)
        if fields["id"] in self.stored:
            raise ValueError(f"environment {fields['id']} already exists")
        if status in AFTER.values() or status == "paused":
            environment.live_branch = fields["branch"]
            fields["last_commit"] = more.get("last_commit", self.head(project_id, fields["branch"]))
        if "url" not in more:
            fields["url"] = self._free_url(f"/_erp/{_slug(project['name'])}-{_slug(name)}")
        self._by_url[fields["url"]] = environment
        self.stored[fields["id"]] = environment
        self._by_project[project_id].append(environment)
        return environment

    def find(self, ident: str) -> Environment:
        if ident not in self.stored or self.stored[ident].deleted:
            raise ValueError(f"there is no environment {ident}")
        return self.stored[ident]

    def edit(self, ident: str, changes: dict[str, Any]) -> dict[str, Any]:
        environment = self.find(ident)
        _change(environment, changes)
        return self.view(environment)

    def of_project(self, project_id: str) -> list[Environment]:
        return [environment for environment in self._by_project[project_id] if not environment.deleted]

    def count_busy(self, project_id: str) -> tuple[int, int]:
        """Return how many block the deletion of the project, and how many are pending."""
        words = [self.status(environment) for environment in self.of_project(project_id)]
        return sum(word in BUSY for word in words), words.count("pending")

    def view(self, environment: Environment) -> dict[str, Any]:
        """Return what the API says about it."""
        fields = {**environment.fields, "status": self.status(environment)}
        if str(fields["url"]).startswith("/"):
            fields["url"] = self.root + fields["url"]
        return fields

    def status(self, environment: Environment) -> str:
        task = self.task_in_progress(environment)
        if task and task.type in MOVING and self._state.clock.now() >= task.created_at + self._late():
            return MOVING[task.type]
        return str(environment.fields["status"])

    def is_hidden(self, environment: Environment) -> bool:
        return self._state.settings.hides_stopped and self.status(environment) in HIDDEN

    def is_up(self, environment: Environment) -> bool:
        """Return whether its Odoo responds. Each task but a backup interrupts it."""
        task, now = self.task_in_progress(environment), self._state.clock.now()
        interrupted = task is not None and task.type != "backup" and task.is_running(now)
        return environment.fields["status"] == "running" and not interrupted

    def erp_page(self, path: str) -> tuple[int, str]:
        """Return the status and the page of the ERP at a path."""
        environment = self._by_url.get(path)
        if environment is None or environment.deleted:
            return 404, "There is nothing here."
        name, commit = environment.fields["name"], environment.fields["last_commit"]
        if not self.is_up(environment):
            return 503, escape(f"{name} is not running")
        origin = f", restored from backup {environment.restored_from}" if environment.restored_from else ""
        return 200, escape(f"{name}: branch {environment.live_branch}, commit {commit}{origin}")

    def _free_url(self, url: str) -> str:
        number = 0
        candidate = url
        while candidate in self._by_url and not self._by_url[candidate].deleted:
            number += 1
            candidate = f"{url}-{number}"
        return candidate

    # Branches.

    def push(self, branch: str, commit: str, project_id: str | None) -> None:
        if project_id is None:
            self.heads = {slot: head for slot, head in self.heads.items() if slot[1] != branch}
        self.heads[project_id, branch] = commit

    def head(self, project_id: str, branch: str) -> str:
        repo = self._state.projects[project_id].fields["git_repo_url"] or project_id
        derived = hashlib.sha1(f"{repo}#{branch}".encode("utf-8", "replace"), usedforsecurity=False).hexdigest()
        return self.heads.get((project_id, branch), self.heads.get((None, branch), derived))

    # Tasks.

    def catch_up(self) -> None:
        """Let the environments be as the tasks that are over have left them."""
        now, remaining = self._state.clock.now(), []
        for task in self._open:
            if task.ends_at and now >= max(task.ends_at, task.created_at + self._late()):
                task.is_applied = True
                self._apply(task, iso(task.ends_at))
            else:
                remaining.append(task)
        self._open = remaining

    def _apply(self, task: Task, time: str) -> None:
        environment = self.stored[task.environment_id]
        fields = environment.fields
        fields["updated_at"] = time
        if task.type == "backup":
            return
        if task.outcome == "failed":
            fields["status"] = self._state.settings.failure_word
        elif task.outcome != "completed":
            # Only a creation has stored this word: nothing is deployed.
            fields["status"] = "pending" if fields["status"] == "deploying" else fields["status"]
        elif task.type == "destroy":
            environment.deleted = True
        else:
            if task.type != "restore" or self._state.settings.restore_starts:
                fields["status"] = AFTER[task.type]
            environment.restored_from = task.backup_id or environment.restored_from
            if task.commit:
                fields["last_commit"], environment.live_branch = task.commit, task.branch

    def task_in_progress(self, environment: Environment) -> Task | None:
        now = self._state.clock.now()
        return next((task for task in reversed(environment.tasks) if not task.is_over(now)), None)

    def begin(
        self, environment: Environment, kind: str, plan: Plan | None = None, backup_id: str | None = None
    ) -> Task:
        fields, settings, now = environment.fields, self._state.settings, self._state.clock.now()
        plan = plan or self._take_plan(kind, fields["id"])
        branch = fields["branch"] if kind in CODE_STEP else None
        if branch in self.missing_branches and plan.outcome == "completed":
            error = f"Remote branch {branch} not found in upstream origin."
            plan = replace(plan, outcome="failed", step=CODE_STEP[kind], error=plan.error or error)
        durations = {"deploy": settings.deploy_seconds, "destroy": settings.destroy_seconds}
        seconds = durations.get(kind, settings.action_seconds) if plan.seconds is None else plan.seconds
        starts = now + timedelta(seconds=settings.queue_seconds)
        ends: datetime | None = starts + timedelta(seconds=seconds)
        if plan.outcome == "never_started":
            ends = starts if plan.seconds is None else now + timedelta(seconds=seconds)
        steps = STEPS[kind]
        completes = OUTCOMES[plan.outcome] == "completed"
        default = steps[-1] if completes else steps[len(steps) * 3 // 4]
        task = Task(
            str(uuid.uuid4()),
            kind,
            fields["id"],
            fields["project_id"],
            fields["server_id"],
            now,
            None if plan.outcome == "never_started" else starts,
            None if plan.outcome == "hangs" else ends,
            plan.outcome,
            plan.step if plan.step in steps and not completes else default,
            plan.error,
            plan.log,
            branch,
            self.head(fields["project_id"], branch) if branch and branch not in self.missing_branches else None,
            plan.size_ratio,
            settings.upload_seconds if kind == "backup" else 0,
            backup_id,
        )
        self._keep(task)
        return task

    def start(self, ident: str, kind: str, plan: dict[str, Any]) -> dict[str, Any]:
        environment = self.find(ident)
        if task := self.task_in_progress(environment):
            raise ValueError(f"task {task.id} of environment {ident} is in progress")
        chosen = Plan(type=kind, **plan)
        if kind == "backup":
            task = self.tasks[self._state.backups.begin(environment, chosen)["task_id"]]
        else:
            task = self.begin(environment, kind, chosen)
        return task.view(self._state.clock.now())

    def _take_plan(self, kind: str, ident: str) -> Plan:
        for plan in self.plans:
            if plan.type in (None, kind) and plan.environment_id in (None, ident):
                if plan.times is not None:
                    plan.times -= 1
                    if not plan.times:
                        self.plans.remove(plan)
                return plan
        return Plan()

    def _keep(self, task: Task) -> None:
        self.tasks[task.id] = task
        self.stored[task.environment_id].tasks.append(task)
        if not task.is_applied:
            self._open.append(task)

    def most_at_once(self, server_id: str | None) -> int:
        return most_at_once(task for task in self.tasks.values() if server_id in (None, task.server_id))

    # All of it.

    def dump(self) -> dict[str, Any]:
        return {
            "environments": [
                {
                    **each.fields,
                    "create_only": dict(each.create_only),
                    "live_branch": each.live_branch,
                    "restored_from": each.restored_from,
                    "deleted": each.deleted,
                }
                for each in self.stored.values()
            ],
            "tasks": [task.dump() for task in self.tasks.values()],
            "plans": [vars(plan).copy() for plan in self.plans],
            "heads": [[*slot, commit] for slot, commit in self.heads.items()],
            "missing_branches": sorted(self.missing_branches),
        }

    def load(self, document: dict[str, Any]) -> None:
        def entries(name: str) -> Iterable[Any]:
            return copy.deepcopy(document.get(name, ()))

        self.plans = [Plan(**entry) for entry in entries("plans")]
        self.heads = {(project_id, branch): commit for project_id, branch, commit in entries("heads")}
        self.missing_branches = set(entries("missing_branches"))
        for entry in entries("environments"):
            names = ("create_only", "live_branch", "restored_from", "deleted")
            apart = {name: entry.pop(name) for name in names if name in entry}
            environment = self.add(**{"name": "production", "status": "running", **entry})
            for name, value in apart.items():
                setattr(environment, name, value)
        for entry in entries("tasks"):
            self._keep(Task.load(entry))

    def _late(self) -> timedelta:
        return timedelta(seconds=self._state.settings.status_moves_late)


def _change(environment: Environment, changes: dict[str, Any]) -> None:
    if unknown := set(changes) - {*environment.fields, *CREATE_ONLY}:
        raise ValueError(f"an environment has no {', '.join(sorted(unknown))}")
    for name, value in changes.items():
        (environment.create_only if name in CREATE_ONLY else environment.fields)[name] = value


def _slug(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:40] or "erp"
