# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: this file may change at any time. Do not import it from elsewhere.

"""Create, update and delete projects. What they contain is not destroyed without a backup."""

from __future__ import annotations

from datetime import timedelta

from ansible_collections.oecsh.cloud.plugins.module_utils._api.client import Client
from ansible_collections.oecsh.cloud.plugins.module_utils._api.kind import Spec
from ansible_collections.oecsh.cloud.plugins.module_utils._base.errors import ApiCode, RejectedError
from ansible_collections.oecsh.cloud.plugins.module_utils._base.result import Mode, Options, Result
from ansible_collections.oecsh.cloud.plugins.module_utils._engine.action import DELETED, Action
from ansible_collections.oecsh.cloud.plugins.module_utils._engine.decide import reject
from ansible_collections.oecsh.cloud.plugins.module_utils._engine.desired import join_limited
from ansible_collections.oecsh.cloud.plugins.module_utils._engine.ensure import ensure_one
from ansible_collections.oecsh.cloud.plugins.module_utils._resources.backup import why_not_fresh
from ansible_collections.oecsh.cloud.plugins.module_utils._resources.environment import (
    DEPLOYING,
    ENVIRONMENT,
    FAILED_STATUSES,
    PAUSED,
    PENDING,
    RUNNING,
    STOPPED,
    status_of,
)
from ansible_collections.oecsh.cloud.plugins.module_utils._resources.options import BACKUP_AGE, BACKUP_AGE_ITEM, age
from ansible_collections.oecsh.cloud.plugins.module_utils._resources.project import PROJECT

PROJECT_OPTIONS: Spec = {**PROJECT.options(), **BACKUP_AGE}
PROJECT_ITEM_OPTIONS: Spec = {**PROJECT.item_options(), **BACKUP_AGE_ITEM}

_BLOCKING = frozenset({RUNNING}) | DEPLOYING
# An environment that does not run is deleted with its project.
_DELETED_WITH_IT = frozenset({STOPPED, PAUSED, PENDING}) | FAILED_STATUSES
_STOP_HINT = "Stop them first, then run this again."
_HINT = (
    "Delete its environments first with oec_environment, which looks for a backup of each. "
    "Or raise absent_backup_max_age; 0 deletes them without looking for one."
)


def ensure_project(options: Options, client: Client, mode: Mode) -> Result:
    """oec_project."""
    max_age = age(options, "absent_backup_max_age")
    return ensure_one(PROJECT, options, client, mode, lambda action: check_backups(action, client, max_age))


def check_backups(action: Action, client: Client, max_age: timedelta | None) -> Action:
    """Reject a deletion that would destroy environments without a backup that is fresh enough; None: do not look.

    One that the API rejects while an environment runs (reference: Delete Project) is rejected as it would be there.
    The `environment_count` of a project may leave out those that are stopped.
    """
    project = action.before
    if action.type != DELETED or not project:
        return action
    try:
        environments = client.of(ENVIRONMENT, project["id"]).known.objects
    except RejectedError as error:
        if not (error.is_not_found or error.failure.code == "unsupported"):
            raise
        # The reference has no environments: there is nothing to look at then.
        return action
    if running := [repr(ENVIRONMENT.label(each)) for each in environments if status_of(each) in _BLOCKING]:
        message = f"it has environments that run or are deployed: {join_limited(running, ', ')}"
        return reject(action, ApiCode("environments_running"), message, _STOP_HINT)
    if not max_age or any(status_of(each) not in _DELETED_WITH_IT for each in environments):
        return action
    reasons = [(ENVIRONMENT.label(each), why_not_fresh(client, each["id"], max_age)) for each in environments]
    lacking = [f"{name!r}: {reason}" for name, reason in reasons if reason]
    if (hidden := (project.get("environment_count") or 0) - len(environments)) > 0:
        lacking.append(f"{hidden} that this version of the API hides")
    if not lacking:
        return action
    message = f"deleting it destroys its environments, and not all have a fresh backup: {join_limited(lacking, '; ')}"
    return reject(action, "backup_required", message, _HINT)
