# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: this file may change at any time. Do not import it from elsewhere.

"""Deployments of environments, many at once: oec_deployment. Beyond the reference: tests/contract/platform.yaml."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from ansible_collections.oecsh.cloud.plugins.module_utils._api.client import Client
from ansible_collections.oecsh.cloud.plugins.module_utils._api.kind import Object
from ansible_collections.oecsh.cloud.plugins.module_utils._base.errors import (
    MAX_CONSECUTIVE_TIMEOUTS,
    Failure,
    NoResponseError,
    OecError,
    RejectedError,
    join_failures,
)
from ansible_collections.oecsh.cloud.plugins.module_utils._base.redact import Redaction
from ansible_collections.oecsh.cloud.plugins.module_utils._base.result import Mode, Options, Result
from ansible_collections.oecsh.cloud.plugins.module_utils._engine.action import as_yaml
from ansible_collections.oecsh.cloud.plugins.module_utils._engine.tasks import (
    CANCELLED,
    COMPLETED,
    FAILED,
    NEVER_STARTED,
    Tasks,
    ending,
    how_to_wait,
    is_busy,
    task_failure,
)
from ansible_collections.oecsh.cloud.plugins.module_utils._engine.waiting import Job, Poller, Steps, WaitOptions
from ansible_collections.oecsh.cloud.plugins.module_utils._resources.deployment_order import (
    ADOPT,
    DEPLOY,
    NOTHING,
    RESTART,
    WAIT,
    Order,
    check_options,
    read_orders,
)
from ansible_collections.oecsh.cloud.plugins.module_utils._resources.environment import (
    ENVIRONMENT,
    RUNNING,
    SETTLED,
    STATUS_LAG,
    reach,
    status_of,
)
from ansible_collections.oecsh.cloud.plugins.module_utils._resources.project import PROJECT

DEPLOYMENT_REDACTION = ENVIRONMENT.redaction | Redaction(names=frozenset({"project", "environment", "commit"}))

ADOPTED, STARTED, NOT_NEEDED, STILL_RUNNING, SKIPPED = "adopted", "started", "not_needed", "still_running", "skipped"
OUTCOMES = (COMPLETED, ADOPTED, STARTED, NOT_NEEDED, FAILED, CANCELLED, NEVER_STARTED, STILL_RUNNING, SKIPPED)
_OUTCOME_OF = {
    "task_cancelled": CANCELLED,
    "task_never_started": NEVER_STARTED,
    "wait_timeout": STILL_RUNNING,
    "skipped": SKIPPED,
}
_MAX_ROUNDS = 10


def deploy_environments(options: Options, client: Client, mode: Mode) -> Result:
    """oec_deployment."""
    waits = WaitOptions.parse(options)
    check_options(options)
    orders = read_orders(options, client)
    if isinstance(orders, Failure):
        return Result({}, orders)
    tasks = Tasks(client, ENVIRONMENT, waits.timeout, options["log_lines"])
    release = _Release(client, tasks, waits.wait, mode, options["stop_after"])
    deployments = [_Deployment(order, release) for order in orders]
    jobs = [Job(each.steps(), str(each.order.environment.get("server_id"))) for each in deployments]
    poller = Poller(client, waits.interval)
    poller.run_all(jobs, parallel=options["parallel"], per_group=options["parallel_per_server"])
    counts = Counter(each.outcome for each in deployments)
    values: dict[str, Any] = {
        "changed": any(each.changed for each in deployments),
        "deployments": [each.row for each in deployments],
        "summary": {outcome: counts[outcome] for outcome in OUTCOMES},
    }
    if mode.diff:
        values["diff"] = [each.diff for each in deployments if each.diff]
    return Result(values, _joined(deployments, mode), release.warnings)


@dataclass
class _Release:
    """What the deployments of one task have in common, and what they know of each other."""

    client: Client
    tasks: Tasks
    is_waiting: bool
    mode: Mode
    stop_after: int
    failures: list[Failure] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    timeouts: int = 0

    def record(self, failure: Failure | None) -> None:
        self.timeouts = self.timeouts + 1 if failure and failure.is_transient else 0
        self.failures += [failure] if failure else []

    def warn(self, order: Order, text: str) -> None:
        self.warnings.append(f"{order.subject}: {text}.")

    def check_begin(self) -> None:
        """Raise `skipped` where nothing new is to begin."""
        fatal = next((failure for failure in self.failures if failure.is_fatal), None)
        if self.timeouts >= MAX_CONSECUTIVE_TIMEOUTS:
            fatal = self.failures[-1]
        if fatal:
            raise OecError("skipped", f"not tried, because {fatal.subject} failed: {fatal.message}", fatal.hint)
        if self.stop_after and len(self.failures) >= self.stop_after:
            message = f"not tried, because {len(self.failures)} failed (stop_after: {self.stop_after})"
            raise OecError("skipped", message, "Fix what failed, then run this again.")


@dataclass
class _Deployment:
    """One order on its way, and what has come of it so far."""

    order: Order
    release: _Release
    outcome: str = SKIPPED
    changed: bool = False
    task: Object | None = None
    failure: Failure | None = None
    log: list[str] = field(default_factory=list)
    commit_before: str | None = None
    commit: str | None = None
    diff: dict[str, str] = field(default_factory=dict)
    saved: datetime | None = None
    outdated: str | None = None

    @property
    def row(self) -> dict[str, Any]:
        """Return one entry of `deployments`."""
        return {
            "project": self.order.project,
            "environment": self.order.environment["name"],
            "environment_id": self.order.environment["id"],
            "outcome": self.outcome,
            "changed": self.changed,
            "task": self.task,
            "error": self.failure.as_error() if self.failure else None,
            "log": self.log,
            "commit_before": self.commit_before,
            "commit": self.commit,
        }

    def steps(self) -> Steps[None]:
        """Bring the environment to where it is to be, and note what came of it."""
        order, release = self.order, self.release
        try:
            for _round in range(_MAX_ROUNDS):
                release.check_begin()
                environment = self._read()
                newest = release.tasks.newest_deployment(environment["id"])
                decision = order.decide(environment, newest, release.client.started, self.saved)
                if decision == ADOPT and newest and newest["id"] == self.outdated:
                    decision = WAIT
                # Decided anew, it may be less: the branch is saved then, or another deployment was waited for.
                self.diff = self.diff or self._diff(environment)
                if decision == WAIT and not (release.mode.check and release.is_waiting):
                    yield from self._wait_until_free(environment, newest)
                elif (yield from self._carry_out(decision, environment, newest)):
                    release.record(None)
                    return
            raise OecError("wrong_state", f"other tasks got in between {_MAX_ROUNDS} times", "Run this again.")
        except OecError as error:
            self.failure = error.failure.about(order.subject)
            is_unseen = self.changed and self.task and not ending(self.task)
            self.outcome = _OUTCOME_OF.get(self.failure.code, STILL_RUNNING if is_unseen else FAILED)
            self.diff = self.diff if self.changed else {}
            if self.outcome != SKIPPED:
                release.record(self.failure)

    def _read(self) -> Object:
        found = self.release.client.of(ENVIRONMENT).get(self.order.environment["id"])
        if not found:
            raise OecError("not_found", "it does not exist any more")
        if self.commit_before is None:
            self.commit_before = found.get("last_commit")
        self.commit = found.get("last_commit")
        return found

    def _wait_until_free(self, environment: Object, newest: Object | None) -> Steps[None]:
        """Wait for what changes the environment now: then everything is decided anew."""
        tasks = self.release.tasks
        busy = newest if newest and not ending(newest) else tasks.running(environment["id"])
        if not self.release.is_waiting:
            self.task = busy
            hint = f"{how_to_wait(busy)} Or set wait: true here." if busy else "Set wait: true."
            raise OecError("wrong_state", "another task of it is running, and wait is off", hint)
        if busy:
            ended = yield from tasks.wait(busy)
            if not ending(ended) and (failure := task_failure(ended, tasks.timeout)):
                self.task = ended
                raise failure.as_exception()
        else:
            yield from reach(
                self.release.client, environment["id"], lambda seen: status_of(seen) in SETTLED, tasks.timeout
            )

    def _carry_out(self, decision: str, environment: Object, newest: Object | None) -> Steps[bool]:
        """Do what was decided; return False where it has to be decided anew."""
        release = self.release
        if decision == NOTHING:
            self.outcome, self.task, self.diff = NOT_NEEDED, newest, self.diff if self.changed else {}
            if status_of(environment) != RUNNING:
                release.warn(self.order, f"it is deployed, and yet it is {status_of(environment)!r}")
            return True
        self.changed = self.changed or release.mode.check or decision == ADOPT
        self.outcome = ADOPTED if decision == ADOPT else COMPLETED if release.is_waiting else STARTED
        if decision == ADOPT and newest:
            self.task = newest
            if self.order.modules:
                modules = ", ".join(self.order.modules)
                release.warn(
                    self.order, f"whether the running deployment {newest['id']} updates {modules} is not known"
                )
        if release.mode.check:
            self.commit = self.commit_before if self.order.method == RESTART else self.order.commit
            return True
        if decision != ADOPT:
            try:
                self.task = yield from self._start(environment, newest)
            except RejectedError as error:
                if not is_busy(error) or not release.is_waiting:
                    raise
                seen = release.tasks.newest_deployment(environment["id"])
                if not seen or ending(seen):
                    yield from release.tasks.wait_until_free(environment["id"], error)
                return False
        if self.task and release.is_waiting:
            yield from self._finish(self.task)
        return self.task is not None

    def _start(self, environment: Object, newest: Object | None) -> Steps[Object | None]:
        release, ident = self.release, environment["id"]
        release.client.require_full_access()
        if not self.order.is_saved(environment):
            stored = yield from self._save_branch(ident)
            if not self.order.is_saved(stored):
                message = f"the API kept the branch {stored.get('branch')!r}, and {self.order.branch!r} was sent"
                raise OecError("wrong_state", message, "Nothing was deployed. Correct the branch in the dashboard.")
            # A deployment that began before that has the old branch.
            newest = release.tasks.newest_deployment(ident)
            self.outdated = newest["id"] if newest else None
        is_deploy = self.order.method == DEPLOY
        find = release.tasks.newest_deployment if is_deploy else release.tasks.latest
        known = newest if is_deploy else release.tasks.latest(ident)
        action, body = self.order.action
        task = yield from release.tasks.start(ident, action, body, find, known)
        self.changed = self.changed or task is not None
        return task

    def _save_branch(self, ident: str) -> Steps[Object]:
        """Set the branch: what was deployed before that does not count any more."""
        release, body = self.release, {"branch": self.order.branch}
        try:
            stored = yield from release.tasks.unlocked(lambda: release.client.of(ENVIRONMENT).update(ident, body))
        except NoResponseError:
            self.changed = True
            raise
        self.changed, self.saved = True, release.client.server_time().replace(microsecond=0)
        return stored

    def _finish(self, task: Object) -> Steps[None]:
        """Wait for the task, and look at what it led to."""
        tasks, order = self.release.tasks, self.order
        self.task = yield from tasks.wait(task)
        if failure := task_failure(self.task, tasks.timeout):
            if failure.code != "wait_timeout":
                self.log = tasks.log(self.task)
            raise failure.as_exception()
        api, lag = self.release.client.of(ENVIRONMENT), min(STATUS_LAG, tasks.timeout)

        def is_reached(found: Object | None) -> bool:
            return found is not None and status_of(found) == RUNNING and (not order.commit or order.is_at_commit(found))

        try:
            found = yield from reach(self.release.client, order.environment["id"], is_reached, lag)
        except OecError:
            found = api.get(order.environment["id"])
            if status_of(found) != RUNNING:
                raise
        self.commit = (found or {}).get("last_commit")
        if found and not order.is_saved(found):
            message = f"its branch is {found.get('branch')!r} by now, and {order.branch!r} was deployed or is to be"
            raise OecError(
                "wrong_state", message, "Somebody else changed it meanwhile: agree on one, then run this again."
            )
        if found and order.commit and not order.is_at_commit(found):
            message = f"it is at the commit {self.commit}, and {order.commit} was expected"
            raise OecError("commit_mismatch", message, f"Look at what was pushed to {found.get('branch')!r}.")

    def _diff(self, environment: Object) -> dict[str, str]:
        order, branch = self.order, self.order.branch or environment.get("branch")
        before = {"branch": environment.get("branch"), "commit": environment.get("last_commit")}
        commit = before["commit"] if order.method == RESTART else order.commit or f"(newest of {branch})"
        after = {"branch": branch, "commit": commit, "method": order.method, "update_modules": list(order.modules)}
        header = f"{ENVIRONMENT.subject(order.environment['name'])} of {PROJECT.subject(order.project)}"
        kept = {name: value for name, value in after.items() if value != []}
        return {"before": as_yaml(before), "after": as_yaml(kept), "before_header": header, "after_header": header}


def _joined(deployments: Sequence[_Deployment], mode: Mode) -> Failure | None:
    failures = [each.failure for each in deployments if each.failure]
    # What was skipped is not the reason.
    failures.sort(key=lambda failure: failure.code == "skipped")
    if len(deployments) < 2 or not failures:
        return failures[0] if failures else None
    counts = Counter(each.outcome for each in deployments)
    parts = ", ".join(f"{counts[outcome]} {outcome.replace('_', ' ')}" for outcome in OUTCOMES if counts[outcome])
    details = [
        {
            "project": each.order.project,
            "environment": each.order.environment["name"],
            "environment_id": each.order.environment["id"],
            "code": each.failure.code,
            "message": each.failure.sentences,
        }
        for each in deployments
        if each.failure
    ]
    would = "would be: " if mode.check else ""
    return join_failures(failures, f"of {len(deployments)} deployments, {would}{parts}", details)
