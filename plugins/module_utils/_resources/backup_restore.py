# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: this file may change at any time. Do not import it from elsewhere.

"""Restore an environment from a backup: oec_backup_restore. Beyond the reference: tests/contract/platform.yaml."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from ansible_collections.oecsh.cloud.plugins.module_utils._api.client import Client
from ansible_collections.oecsh.cloud.plugins.module_utils._api.kind import Object, Spec
from ansible_collections.oecsh.cloud.plugins.module_utils._api.pages import invalid_response
from ansible_collections.oecsh.cloud.plugins.module_utils._base.errors import (
    Failure,
    NoResponseError,
    OecError,
    RejectedError,
)
from ansible_collections.oecsh.cloud.plugins.module_utils._base.result import Mode, Options, Result
from ansible_collections.oecsh.cloud.plugins.module_utils._base.validation import is_uuid
from ansible_collections.oecsh.cloud.plugins.module_utils._engine.action import diff_of
from ansible_collections.oecsh.cloud.plugins.module_utils._engine.tasks import (
    COMPLETED,
    Tasks,
    is_busy,
    task_failure,
    until_decided,
)
from ansible_collections.oecsh.cloud.plugins.module_utils._engine.waiting import Poller, Steps, WaitOptions
from ansible_collections.oecsh.cloud.plugins.module_utils._resources.backup import (
    BACKUP,
    description,
    status_of,
    unsupported_or,
    without_links,
)
from ansible_collections.oecsh.cloud.plugins.module_utils._resources.environment import (
    DESTROYING,
    ENVIRONMENT,
    PAUSED,
    RUNNING,
    SETTLED,
    reach,
)
from ansible_collections.oecsh.cloud.plugins.module_utils._resources.environment import status_of as state_of
from ansible_collections.oecsh.cloud.plugins.module_utils._resources.environment_selection import Selected, select
from ansible_collections.oecsh.cloud.plugins.module_utils._resources.options import check_uuid

RESTORE_OPTIONS: Spec = {
    "backup_id": {"type": "str", "required": True, "aliases": ["id"]},
    "confirm": {"type": "str"},
}


def restore_backup(options: Options, client: Client, mode: Mode) -> Result:
    """oec_backup_restore."""
    waits = WaitOptions.parse(options)
    check_uuid(options, "backup_id")
    backup = _read_backup(client, options["backup_id"].lower())
    environment = client.of(ENVIRONMENT).get(backup["environment_id"])
    if not environment:
        message = f"the environment {backup['environment_id']} of the backup {backup['id']} does not exist"
        hint = "Restore it in the dashboard. Older versions of the API hide one that is stopped: start it first."
        raise OecError("not_found", message, hint)
    tasks = Tasks(client, ENVIRONMENT, waits.timeout)
    restore = _Restore(client, tasks, waits.wait, backup, select(environment, client))
    restore.check(options["confirm"])
    if mode.check:
        restore.changed = True
    else:
        Poller(client, waits.interval).run(restore.steps())
    return restore.result(mode)


def _read_backup(client: Client, ident: str) -> Object:
    """Return a backup that can be restored. Raise OecError `not_found`, `wrong_state` or `invalid_response`."""
    found = client.of(BACKUP).get(ident)
    if not found:
        hint = "Find its id with oec_backup_info, which also says whether this version of the API has backups."
        raise OecError("not_found", f"the backup {ident} does not exist", hint)
    if not is_uuid(str(found.get("environment_id"))):
        raise invalid_response(f"the backup {ident} does not say which environment it is of")
    if status_of(found) != COMPLETED:
        message = f"the backup {ident} is {status_of(found)!r}, and only one that is 'completed' can be restored"
        raise OecError("wrong_state", message, "Choose another one with oec_backup_info.")
    return without_links(found)


@dataclass
class _Restore:
    """A restore on its way, and what has come of it so far."""

    client: Client
    tasks: Tasks
    is_waiting: bool
    backup: Object
    selected: Selected
    changed: bool = False
    task: Object | None = None
    failure: Failure | None = None
    log: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def check(self, confirm: str | None) -> None:
        """Raise OecError `wrong_state` or `confirmation_required` where nothing may be restored."""
        name, subject = ENVIRONMENT.label(self.selected.environment), self.selected.subject
        # All clients may have an environment of that name.
        if confirm not in (name, subject.name):
            why = f"confirm is {confirm!r}, which is not its name" if confirm else "confirm is not set"
            taken = description(self.backup, self.client.server_time())
            message = (
                f"nothing was restored: {why}. The backup {self.backup['id']} was completed at {taken}: "
                "what was entered into this environment since then would be lost"
            )
            hint = f"To overwrite its database and files, set confirm: {subject.name}."
            raise OecError("confirmation_required", message, hint, subject=subject)
        if (status := state_of(self.selected.environment)) in (DESTROYING, PAUSED):
            hint = "Look at it in the dashboard of oec.sh, then run this again."
            raise OecError("wrong_state", f"it is {status!r}, and cannot be restored", hint, subject=subject)

    def result(self, mode: Mode) -> Result:
        values: dict[str, Any] = {
            "changed": self.changed,
            "environment": self.selected.environment,
            "backup": self.backup,
            "task": self.task,
            "log": self.log,
        }
        if mode.diff and self.changed:
            after = {"database_and_files": f"of {self.backup.get('completed_at')}", "backup": self.backup["id"]}
            values["diff"] = diff_of(self.selected.header, {"database_and_files": "of now"}, after)
        return Result(values, self.failure, self.warnings)

    def steps(self) -> Steps[None]:
        try:
            self.client.require_full_access()
            task = self.task = yield from until_decided(self._start)
            self.changed = True
            if self.is_waiting:
                yield from self._finish(task)
        except OecError as error:
            self.failure = error.failure.about(self.selected.subject)

    def _start(self) -> Steps[Object | None]:
        """Start the restore, and return its task; None where another task was waited for.

        No task is taken for it, whatever runs: which backup it restores would not be known.
        """
        ident, tasks, key = self.selected.id, self.tasks, str(uuid4())
        api = self.client.of(BACKUP)
        try:
            accepted = yield from tasks.unlocked(lambda: api.act(self.backup["id"], "restore", None, key))
        except RejectedError as error:
            busy = tasks.busy(ident, error) if is_busy(error) else None
            if error.may_be_done:
                raise self._unknown(error, busy) from None
            if not is_busy(error):
                raise unsupported_or(error) from None
            if not self.is_waiting:
                self.task = busy
                raise
            yield from tasks.wait_until_free(ident, error)
            return None
        except OecError as error:
            if isinstance(error, NoResponseError) and not error.may_be_done:
                raise
            raise self._unknown(error, None) from None
        return {"id": accepted["task_id"], "status": accepted.get("status")}

    def _unknown(self, error: OecError, busy: Object | None) -> OecError:
        """Return the failure of a restore of which nobody knows whether it was started."""
        self.changed, self.task = True, busy
        hint = "Look with oec_task_info what runs, and at the environment, before you run this again."
        message = f"the restore may have been started: {error.failure.message}"
        return OecError("no_response", message, hint, status=error.failure.status)

    def _finish(self, task: Object) -> Steps[None]:
        """Wait for the task, and read what it led to."""
        self.task = yield from self.tasks.wait(task)
        if failure := task_failure(self.task, self.tasks.timeout):
            self.log = self.tasks.final_log(self.task)
            self._read_environment()
            raise failure.as_exception()
        ident, timeout = self.selected.id, self.tasks.timeout
        found = yield from reach(self.client, ident, lambda seen: state_of(seen) in SETTLED, timeout)
        self._keep(found)
        if (status := state_of(found)) != RUNNING:
            self.warnings.append(f"{self.selected.subject}: it is restored, and is {status!r} now.")

    def _read_environment(self) -> None:
        try:
            self._keep(self.client.of(ENVIRONMENT).get(self.selected.id))
        except OecError:
            # What matters is the failure itself.
            return

    def _keep(self, environment: Object | None) -> None:
        if environment:
            self.selected = Selected(environment, self.selected.project)
