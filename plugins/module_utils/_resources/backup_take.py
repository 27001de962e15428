# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: this file may change at any time. Do not import it from elsewhere.

"""Take backups of environments, many at once: oec_backup. Beyond the reference: tests/contract/platform.yaml."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from http import HTTPStatus
from typing import Any

from ansible_collections.oecsh.cloud.plugins.module_utils._api.client import Client
from ansible_collections.oecsh.cloud.plugins.module_utils._api.kind import Object, Spec
from ansible_collections.oecsh.cloud.plugins.module_utils._base.errors import (
    Failure,
    NoResponseError,
    OecError,
    RejectedError,
)
from ansible_collections.oecsh.cloud.plugins.module_utils._base.result import Mode, Options, Result
from ansible_collections.oecsh.cloud.plugins.module_utils._base.validation import is_uuid
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
    LOCK_PAUSE,
    Tasks,
    is_busy,
    task_failure,
)
from ansible_collections.oecsh.cloud.plugins.module_utils._engine.waiting import Job, Poller, Steps, Wait, WaitOptions
from ansible_collections.oecsh.cloud.plugins.module_utils._resources.backup import (
    BACKUP,
    CLOCK_SKEW,
    FINAL,
    Backups,
    beginning,
    description,
    read_backups,
    size_ratio,
    status_of,
    unsupported_or,
    without_links,
)
from ansible_collections.oecsh.cloud.plugins.module_utils._resources.environment import ENVIRONMENT
from ansible_collections.oecsh.cloud.plugins.module_utils._resources.environment_selection import (
    SELECTION_ITEM,
    Selected,
    select_all,
    selection_options,
)
from ansible_collections.oecsh.cloud.plugins.module_utils._resources.options import age, check_least, check_uuid

BACKUP_OPTIONS: Spec = {
    **selection_options(SELECTION_ITEM),
    "max_age": {"type": "str"},
    **{name: BACKUP.field(name).argument() for name in ("include_filestore", "storage_config_id", "notes")},
    "retention_type": {**BACKUP.field("retention_type").argument(), "default": "monthly"},
    "min_size_ratio": {"type": "float", "default": 0.5},
    "parallel": {"type": "int", "default": 4},
}
_LOOK_PAUSE, _LOOKS = 3.0, 4
_HOW_TO_WAIT = "It goes on. Run this again with max_age: it waits for this backup, and takes no second one."


@dataclass(frozen=True)
class Terms:
    """What kind of backup is asked for. `body`: of the request that takes one."""

    body: Mapping[str, Any]
    max_age: timedelta | None
    min_size_ratio: float

    @classmethod
    def parse(cls, options: Options) -> Terms:
        """Read the options of a task. Raise OecError `invalid_input`."""
        check_least(options, parallel=1)
        check_uuid(options, "storage_config_id")
        if not 0 <= options["min_size_ratio"] <= 1:
            raise OecError("invalid_input", f"min_size_ratio is {options['min_size_ratio']}, and must be 0 to 1")
        if options["notes"] and (problem := BACKUP.field("notes").problem(options["notes"])):
            raise OecError("invalid_input", problem)
        names = ("include_filestore", "retention_type", "storage_config_id", "notes")
        given = {name: options[name] for name in names if options[name] is not None}
        return cls({"backup_type": "manual", **given}, age(options, "max_age"), options["min_size_ratio"])


def take_backups(options: Options, client: Client, mode: Mode) -> Result:
    """oec_backup."""
    waits, terms = WaitOptions.parse(options), Terms.parse(options)
    selection = select_all(options, client)
    if isinstance(selection, Failure):
        return Result({}, selection)
    batch = Batch(client, Tasks(client, ENVIRONMENT, waits.timeout), waits.wait, mode)
    items = [_Backup(batch, each.subject, each.place, selected=each, terms=terms) for each in selection]
    parallel = options["parallel"]
    Poller(client, waits.interval).run_all([Job(each.steps()) for each in items], parallel=parallel, per_group=parallel)
    return batch_result(batch, items, "backups")


@dataclass(kw_only=True)
class _Backup(BatchItem):
    """The backup of one environment on its way."""

    selected: Selected
    terms: Terms
    backup: Object | None = None
    size_ratio: float | None = None
    newest_completed_at: str | None = None

    @property
    def facts(self) -> Mapping[str, Any]:
        judgement = {"size_ratio": self.size_ratio, "is_shrunken": self._is_shrunken}
        return {"backup": self.backup, **judgement, "newest_completed_at": self.newest_completed_at}

    @property
    def _is_shrunken(self) -> bool:
        return self.size_ratio is not None and (self.size_ratio < self.terms.min_size_ratio or not self.size_ratio)

    @property
    def is_going_on(self) -> bool:
        return self.backup is not None and status_of(self.backup) not in FINAL

    def advance(self) -> Steps[bool]:
        batch, terms = self.batch, self.terms
        known = read_backups(batch.client, self.selected.id)
        self.newest_completed_at = known.newest.get("completed_at") if known.newest else None
        if terms.max_age and (fresh := known.fresh(terms.max_age)):
            self.outcome, self.backup = NOT_NEEDED, fresh
            self._judge(fresh, known)
            return True
        self.diff = self._diff(known)
        if not known.running and (lost := known.lost):
            self.warn(f"the backup {lost['id']} is {status_of(lost)!r} for more than a day: it is taken for lost")
        if batch.mode.check:
            self.backup = known.running or self._predicted()
        else:
            self.backup = known.running or (yield from self._take(known))
        if not self.backup:
            return False
        self.changed = True
        self.outcome = ADOPTED if known.running else COMPLETED if batch.is_waiting else STARTED
        if is_uuid(str(self.backup.get("task_id"))):
            self.task = {"id": self.backup["task_id"], "status": None}
        if batch.is_waiting and not batch.mode.check:
            yield from self._finish(self.backup, known)
        return True

    def _take(self, known: Backups) -> Steps[Object | None]:
        """Start a backup, and return it; None where something else was running, and it has to be decided anew."""
        self.batch.client.require_full_access()
        api = self.batch.client.of(BACKUP, self.selected.id)
        try:
            return without_links(api.create(self.terms.body, stop_retrying=lambda: self._has_new(known)))
        except RejectedError as error:
            if error.failure.status != HTTPStatus.CONFLICT:
                raise unsupported_or(error) from None
            yield from self._wait_until_free(error)
            return None
        except OecError as error:
            if not isinstance(error, NoResponseError) or error.may_be_done:
                return (yield from self._find_created(known, error))
            if self._has_new(known):
                return None
            raise

    def _wait_until_free(self, error: RejectedError) -> Steps[None]:
        """Wait for what a rejection speaks of, but for another backup, which is adopted then."""
        tasks, ident = self.batch.tasks, self.selected.id
        if error.failure.code == "concurrent_action":
            yield Wait(LOCK_PAUSE)
        elif not read_backups(self.batch.client, ident).running:
            if busy := tasks.busy(ident, error):
                yield from self.wait_for(busy)
            elif not is_busy(error) or not self.batch.is_waiting:
                raise error
            else:
                yield Wait(LOCK_PAUSE)

    def _find_created(self, known: Backups, error: OecError) -> Steps[Object]:
        """Return the backup that a request without a usable response has started. Raise the error if none is found.

        The API knows no idempotency key for it: the request is never sent again, but the backup is looked for.
        """
        self.changed = True
        hint = "No new backup was found, but it may still begin"
        for look in range(_LOOKS):
            if look:
                yield Wait(_LOOK_PAUSE)
            try:
                found = next((each for each in self._new(known) if _is_manual(each)), None)
            except OecError as unread:
                if unread.failure.is_fatal:
                    raise
                hint = f"The list of backups could not be read ({unread.failure.message})"
                break
            if found:
                return found
        hint = f"{hint}. Run this again with max_age, which finds it."
        failure = error.failure
        raise OecError(failure.code, failure.message, hint, status=failure.status, details=failure.details)

    def _new(self, known: Backups) -> list[Object]:
        """Return the backups that were begun since the others were read."""
        before = {each["id"] for each in known.objects}
        found = read_backups(self.batch.client, self.selected.id).objects
        # An older one may have moved up into the page.
        since = known.now - CLOCK_SKEW
        return [each for each in found if each["id"] not in before and (beginning(each) or known.now) >= since]

    def _has_new(self, known: Backups) -> bool:
        try:
            return bool(self._new(known))
        except OecError:
            # What matters is what becomes of the backup itself.
            return False

    def _finish(self, backup: Object, known: Backups) -> Steps[None]:
        """Wait for the task, then until the backup is stored, and judge it."""
        batch, clock = self.batch, self.batch.client.clock
        deadline = clock.monotonic() + batch.tasks.timeout
        if self.task:
            yield from self._follow(self.task, backup)
        found = yield from self._final_state(backup, deadline)
        if failure := _failure(found, batch.tasks.timeout):
            raise failure.as_exception()
        self._judge(found, known)

    def _follow(self, task: Object, backup: Object) -> Steps[None]:
        """Wait for the task of a backup. One that cannot be read is none: the backup itself says how it ends."""
        tasks = self.batch.tasks
        try:
            self.task = yield from tasks.wait(task)
        except OecError as error:
            if error.failure.code != "not_found":
                raise
            return
        failure = task_failure(self.task, tasks.timeout, f"the backup {backup['id']}")
        if not failure:
            return
        self.log = tasks.final_log(self.task)
        try:
            self._read(backup)
        except OecError:
            # What matters is the failure of the task.
            self.backup = backup
        log = f"Look at its log with oec_log_info (task_id: {task['id']}), fix the cause, then run this again."
        hints = {"wait_timeout": _HOW_TO_WAIT, "task_failed": log}
        raise replace(failure, hint=hints.get(failure.code, failure.hint)).as_exception()

    def _read(self, backup: Object) -> Object:
        found = self.batch.client.of(BACKUP).get(backup["id"])
        self.backup = found and without_links(found)
        if not self.backup:
            raise OecError("not_found", f"the backup {backup['id']} does not exist any more", "Run this again.")
        return self.backup

    def _final_state(self, backup: Object, deadline: float) -> Steps[Object]:
        """Return a backup once it has ended, or as it was last seen when the time was over."""
        remaining = max(0.0, deadline - self.batch.client.clock.monotonic())
        try:
            if status_of(self._read(backup)) not in FINAL:
                yield Wait(remaining, lambda: status_of(self._read(backup)) in FINAL or None)
        except OecError as error:
            if not self.backup:
                raise
            message = f"the backup {backup['id']} can no longer be watched: {error.failure.message}"
            hint = "It may go on. Run this again with max_age, which finds it."
            raise replace(error.failure, message=message, hint=hint).as_exception() from None
        return self.backup or backup

    def _judge(self, backup: Object, known: Backups) -> None:
        """Note when it was completed, and compare its size: one with much less may be worth nothing."""
        self.newest_completed_at = backup.get("completed_at")
        previous = known.before(backup)
        self.size_ratio = size_ratio(backup, previous, with_filestore=self.terms.body["include_filestore"])
        if self._is_shrunken:
            before = f"the one before it, of {description(previous, known.now)}" if previous else "none before it"
            self.warn(f"the backup {backup['id']} has {(self.size_ratio or 0) * 100:.0f} % of the size of {before}")

    def _predicted(self) -> Object:
        status = COMPLETED if self.batch.is_waiting else "pending"
        body = {name: value for name, value in self.terms.body.items() if name in BACKUP.readable}
        predicted = {**body, "environment_id": self.selected.id, "status": status}
        return {"id": None, **dict.fromkeys(BACKUP.readable), **predicted}

    def _diff(self, known: Backups) -> dict[str, str]:
        before = {"newest_backup": known.newest.get("completed_at") if known.newest else None}
        after = {"newest_backup": "(running)"} if known.running else {"newest_backup": "(new)", **self.terms.body}
        return diff_of(self.selected.header, before, after)


def _failure(backup: Object, timeout: float) -> Failure | None:
    """Return the failure of a backup that is not completed, within `timeout` seconds where it goes on."""
    status, what = status_of(backup), f"the backup {backup['id']}"
    if status == COMPLETED:
        return None
    if status == "cancelled":
        return Failure("task_cancelled", f"{what} was cancelled", "Run this again to take another one.")
    if status in FINAL:
        reason = f": {backup['error_message']}" if backup.get("error_message") else ""
        return Failure("task_failed", f"{what} is {status!r}{reason}", "Fix the cause, then run this again.")
    return Failure("wait_timeout", f"{what} is still {status!r} after {timeout:.0f} s", _HOW_TO_WAIT)


def _is_manual(backup: Object) -> bool:
    return str(backup.get("backup_type")).lower() in ("manual", "none")
