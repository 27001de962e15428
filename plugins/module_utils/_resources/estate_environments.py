# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: this file may change at any time. Do not import it from elsewhere.

"""The environments of an estate: planned with their projects, written after them, and waited for together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ansible_collections.oecsh.cloud.plugins.module_utils._api.client import Client
from ansible_collections.oecsh.cloud.plugins.module_utils._api.kind import Object, Spec
from ansible_collections.oecsh.cloud.plugins.module_utils._base.errors import Failure, OecError, Subject
from ansible_collections.oecsh.cloud.plugins.module_utils._base.result import Mode, Options
from ansible_collections.oecsh.cloud.plugins.module_utils._engine.action import CREATED, FAILED
from ansible_collections.oecsh.cloud.plugins.module_utils._engine.apply import Outcome, skipped
from ansible_collections.oecsh.cloud.plugins.module_utils._engine.batch import Batch
from ansible_collections.oecsh.cloud.plugins.module_utils._engine.desired import Desired
from ansible_collections.oecsh.cloud.plugins.module_utils._engine.ensure import Reading, read_references, with_names
from ansible_collections.oecsh.cloud.plugins.module_utils._engine.plan import Plan
from ansible_collections.oecsh.cloud.plugins.module_utils._engine.tasks import Tasks
from ansible_collections.oecsh.cloud.plugins.module_utils._engine.waiting import Job, Poller, Steps, WaitOptions
from ansible_collections.oecsh.cloud.plugins.module_utils._resources.environment import ENVIRONMENT
from ansible_collections.oecsh.cloud.plugins.module_utils._resources.environment_ensure import EnvironmentRun
from ansible_collections.oecsh.cloud.plugins.module_utils._resources.environment_plan import Planner
from ansible_collections.oecsh.cloud.plugins.module_utils._resources.options import BACKUP_AGE_ITEM, age
from ansible_collections.oecsh.cloud.plugins.module_utils._resources.project import PROJECT

ENVIRONMENT_ITEM_OPTIONS: Spec = {**ENVIRONMENT.item_options(), **BACKUP_AGE_ITEM}
ENVIRONMENT_COMMON_OPTIONS: Spec = {**ENVIRONMENT.common_options(), **BACKUP_AGE_ITEM}


@dataclass
class Declared:
    """An environment that an item declares. `run` exists once it is planned, `failure` where it is not carried out."""

    desired: Desired
    planner: Planner
    run: EnvironmentRun | None = None
    failure: Failure | None = None

    @classmethod
    def parse(cls, options: Options, owner: str, planner: Planner) -> Declared:
        """Read the options of one environment of the project `owner`. Raise OecError `invalid_input`."""
        desired = Desired.parse(ENVIRONMENT, options, owner)
        return cls(desired, replace(planner, backup_max_age=age(options, "absent_backup_max_age")))

    @property
    def subject(self) -> Subject:
        return self.run.action.subject if self.run else self.desired.subject

    @property
    def changed(self) -> bool:
        return self.run is not None and self.run.changed

    @property
    def entry(self) -> dict[str, Any]:
        """Return one entry of `environments`."""
        run = self.run
        facts = run.facts if run else {"environment": None, "pending": [], "task": None, "log": []}
        before = run.action.before if run else None
        if self.failure and not self.changed:
            facts["environment"] = before
        return {
            "name": run.action.name if run else self.desired.label,
            "environment_id": (facts["environment"] or before or {}).get("id"),
            "action": FAILED if self.failure or not run else run.action.type,
            "changed": self.changed,
            **facts,
            "error": self.failure.as_error() if self.failure else None,
        }

    def fail(self, failure: Failure) -> None:
        self.failure = failure.about(self.subject)


@dataclass
class Branch:
    """What one item declares of its project's environments."""

    environments: list[Declared] = field(default_factory=list)

    @property
    def runs(self) -> list[EnvironmentRun]:
        return [each.run for each in self.environments if each.run]

    def plan(self, project: Object, client: Client) -> None:
        """Plan the environments of a project as it is going to be; without an id, it is yet to be created."""
        if not self.environments:
            return
        existing = list(client.of(ENVIRONMENT, project["id"]).known.objects) if project["id"] else []
        for each in self.environments:
            each.desired = _of_project(each.desired, project)
            ident = (each.desired.id or "").lower()
            if ident and ident not in [item["id"] for item in existing]:
                # It may belong to another project.
                elsewhere = client.of(ENVIRONMENT).get(ident)
                existing += [elsewhere] if elsewhere else []
        desired = [each.desired for each in self.environments]
        reading = Reading(existing, {**read_references(desired, client), PROJECT.name: [project]})
        planner = self.environments[0].planner
        planned = planner.plan_all(desired, reading)
        actions = Plan(ENVIRONMENT, [each.action for each in planned])
        if planner.mode.check or planner.mode.diff:
            actions = with_names(actions, client)
        for declared, found, action in zip(self.environments, planned, actions.actions, strict=True):
            checked = replace(found, action=declared.planner.check_backup(action))
            declared.run = EnvironmentRun(declared.desired, declared.planner, checked)


def planner_of(client: Client, waits: WaitOptions, mode: Mode) -> Planner:
    tasks = Tasks(client, ENVIRONMENT, waits.timeout)
    return Planner(client, tasks, mode, waits.wait, backup_max_age=None, looks_at_tasks=False)


def apply_environments(
    branches: Sequence[tuple[Outcome, Branch]], client: Client, mode: Mode, waits: WaitOptions
) -> None:
    """Carry out what is planned, unless in check mode, where their projects are there; then wait for all."""
    batch = Batch(client, Tasks(client, ENVIRONMENT, waits.timeout), waits.wait, mode)
    jobs: list[Job[None]] = []
    for outcome, branch in branches:
        _follow_project(outcome, branch, client, mode, batch)
        for each in branch.environments:
            if each.failure or not each.run:
                continue
            if each.run.action.rejection:
                each.failure = each.run.action.rejection
            elif mode.check:
                each.run.predict()
            else:
                jobs.append(Job(_steps(each, each.run, batch)))
    Poller(client, waits.interval).run_all(jobs, parallel=len(jobs) + 1, per_group=len(jobs) + 1)


def _follow_project(outcome: Outcome, branch: Branch, client: Client, mode: Mode, batch: Batch) -> None:
    """Plan the environments of a new project anew, as another job may have created them; skip those of a failed one."""
    failure = outcome.failure
    if outcome.action.changed and not (failure and failure.code == "skipped"):
        batch.record(failure)
    reason = skipped(failure, mode) if failure else None
    if outcome.action.type == CREATED and outcome.after and not mode.check:
        try:
            branch.plan(outcome.after, client)
        except OecError as error:
            reason = error.failure
    if reason:
        for each in branch.environments:
            each.fail(reason)


def _steps(declared: Declared, run: EnvironmentRun, batch: Batch) -> Steps[None]:
    if run.action.changed:
        try:
            batch.check_begin()
        except OecError as error:
            declared.fail(error.failure)
            return
    yield from run.steps()
    declared.failure = run.failure
    batch.record(run.failure)


def _of_project(desired: Desired, project: Object) -> Desired:
    """Return the declaration with its project; the id of one that is yet to be created is not known."""
    place = {"project_id": project["id"]} if project["id"] else {}
    return replace(desired, values={**desired.values, **place}, owner=PROJECT.label(project))
