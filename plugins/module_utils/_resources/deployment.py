# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: this file may change at any time. Do not import it from elsewhere.

"""Deployments of environments, many at once: oec_deployment. Beyond the reference: tests/contract/platform.yaml."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ansible_collections.oecsh.cloud.plugins.module_utils._api.client import Client
from ansible_collections.oecsh.cloud.plugins.module_utils._api.kind import Object
from ansible_collections.oecsh.cloud.plugins.module_utils._base.errors import (
    Failure,
    NoResponseError,
    OecError,
    RejectedError,
)
from ansible_collections.oecsh.cloud.plugins.module_utils._base.redact import Redaction
from ansible_collections.oecsh.cloud.plugins.module_utils._base.result import Mode, Options, Result
from ansible_collections.oecsh.cloud.plugins.module_utils._engine.action import diff_of
from ansible_collections.oecsh.cloud.plugins.module_utils._engine.batch import (
    ADOPTED,
    NOT_NEEDED,
    STARTED,
    Batch,
    BatchItem,
    batch_result,
)
from ansible_collections.oecsh.cloud.plugins.module_utils._engine.tasks import (
    COMPLETED,
    Tasks,
    ending,
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

DEPLOYMENT_REDACTION = ENVIRONMENT.redaction | Redaction(names=frozenset({"project", "environment", "commit"}))


def deploy_environments(options: Options, client: Client, mode: Mode) -> Result:
    """oec_deployment."""
    waits = WaitOptions.parse(options)
    check_options(options)
    orders = read_orders(options, client)
    if isinstance(orders, Failure):
        return Result({}, orders)
    tasks = Tasks(client, ENVIRONMENT, waits.timeout, options["log_lines"])
    batch = Batch(client, tasks, waits.wait, mode, options["stop_after"])
    deployments = [_Deployment(batch, order.subject, order.place, order=order) for order in orders]
    jobs = [Job(each.steps(), str(each.order.environment.get("server_id"))) for each in deployments]
    poller = Poller(client, waits.interval)
    poller.run_all(jobs, parallel=options["parallel"], per_group=options["parallel_per_server"])
    return batch_result(batch, deployments, "deployments")


@dataclass(kw_only=True)
class _Deployment(BatchItem):
    """One order on its way. `saved`: when this run saved its branch, and `outdated`: the newest deployment then."""

    order: Order
    commit_before: str | None = None
    commit: str | None = None
    saved: datetime | None = None
    outdated: str | None = None

    @property
    def facts(self) -> Mapping[str, Any]:
        return {"commit_before": self.commit_before, "commit": self.commit}

    def advance(self) -> Steps[bool]:
        order, batch = self.order, self.batch
        environment = self._read()
        newest = batch.tasks.newest_deployment(environment["id"])
        decision = order.decide(environment, newest, batch.client.started, self.saved)
        if decision == ADOPT and newest and newest["id"] == self.outdated:
            decision = WAIT
        # Decided anew, it may be less: the branch is saved then, or another deployment was waited for.
        self.diff = self.diff or self._diff(environment)
        if decision == WAIT and not (batch.mode.check and batch.is_waiting):
            yield from self._wait_until_free(environment, newest)
            return False
        return (yield from self._carry_out(decision, environment, newest))

    def _read(self) -> Object:
        found = self.batch.client.of(ENVIRONMENT).get(self.order.environment["id"])
        if not found:
            raise OecError("not_found", "it does not exist any more")
        if self.commit_before is None:
            self.commit_before = found.get("last_commit")
        self.commit = found.get("last_commit")
        return found

    def _wait_until_free(self, environment: Object, newest: Object | None) -> Steps[None]:
        """Wait for what changes the environment now: then everything is decided anew."""
        tasks = self.batch.tasks
        busy = newest if newest and not ending(newest) else tasks.running(environment["id"])
        if busy:
            yield from self.wait_for(busy)
        elif not self.batch.is_waiting:
            raise OecError("wrong_state", "it is changing, and wait is off", "Set wait: true.")
        else:
            yield from reach(
                self.batch.client, environment["id"], lambda seen: status_of(seen) in SETTLED, tasks.timeout
            )

    def _carry_out(self, decision: str, environment: Object, newest: Object | None) -> Steps[bool]:
        """Do what was decided; return False where it has to be decided anew."""
        batch = self.batch
        if decision == NOTHING:
            self.outcome, self.task = NOT_NEEDED, newest
            if status_of(environment) != RUNNING:
                self.warn(f"it is deployed, and yet it is {status_of(environment)!r}")
            return True
        self.changed = self.changed or batch.mode.check or decision == ADOPT
        self.outcome = ADOPTED if decision == ADOPT else COMPLETED if batch.is_waiting else STARTED
        if decision == ADOPT and newest:
            self.task = newest
            if self.order.modules:
                modules = ", ".join(self.order.modules)
                self.warn(f"whether the running deployment {newest['id']} updates {modules} is not known")
        if batch.mode.check:
            self.commit = self.commit_before if self.order.method == RESTART else self.order.commit
            return True
        if decision != ADOPT:
            try:
                self.task = yield from self._start(environment, newest)
            except RejectedError as error:
                if not is_busy(error) or not batch.is_waiting:
                    raise
                seen = batch.tasks.newest_deployment(environment["id"])
                if not seen or ending(seen):
                    yield from batch.tasks.wait_until_free(environment["id"], error)
                return False
        if self.task and batch.is_waiting:
            yield from self._finish(self.task)
        return self.task is not None

    def _start(self, environment: Object, newest: Object | None) -> Steps[Object | None]:
        batch, ident = self.batch, environment["id"]
        batch.client.require_full_access()
        if not self.order.is_saved(environment):
            stored = yield from self._save_branch(ident)
            if not self.order.is_saved(stored):
                message = f"the API kept the branch {stored.get('branch')!r}, and {self.order.branch!r} was sent"
                raise OecError("wrong_state", message, "Nothing was deployed. Correct the branch in the dashboard.")
            # A deployment that began before that has the old branch.
            newest = batch.tasks.newest_deployment(ident)
            self.outdated = newest["id"] if newest else None
        is_deploy = self.order.method == DEPLOY
        find = batch.tasks.newest_deployment if is_deploy else batch.tasks.latest
        known = newest if is_deploy else batch.tasks.latest(ident)
        action, body = self.order.action
        task = yield from batch.tasks.start(ident, action, body, find, known)
        self.changed = self.changed or task is not None
        return task

    def _save_branch(self, ident: str) -> Steps[Object]:
        """Set the branch: what was deployed before that does not count any more."""
        batch, body = self.batch, {"branch": self.order.branch}
        try:
            stored = yield from batch.tasks.unlocked(lambda: batch.client.of(ENVIRONMENT).update(ident, body))
        except NoResponseError:
            self.changed = True
            raise
        self.changed, self.saved = True, batch.client.server_time().replace(microsecond=0)
        return stored

    def _finish(self, task: Object) -> Steps[None]:
        """Wait for the task, and look at what it led to."""
        tasks, order = self.batch.tasks, self.order
        self.task = yield from tasks.wait(task)
        if failure := task_failure(self.task, tasks.timeout):
            self.log = tasks.final_log(self.task)
            raise failure.as_exception()
        api, lag = self.batch.client.of(ENVIRONMENT), min(STATUS_LAG, tasks.timeout)

        def is_reached(found: Object | None) -> bool:
            return found is not None and status_of(found) == RUNNING and (not order.commit or order.is_at_commit(found))

        try:
            found = yield from reach(self.batch.client, order.environment["id"], is_reached, lag)
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
        kept = {name: value for name, value in after.items() if value != []}
        return diff_of(order.header, before, kept)
