# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: this file may change at any time. Do not import it from elsewhere.

"""What to do with an environment that is to be deployed. Deciding is pure: nothing of it writes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from ansible_collections.oecsh.cloud.plugins.module_utils._api.client import Client
from ansible_collections.oecsh.cloud.plugins.module_utils._api.kind import Object, Spec
from ansible_collections.oecsh.cloud.plugins.module_utils._base.errors import Failure, OecError
from ansible_collections.oecsh.cloud.plugins.module_utils._base.result import Options
from ansible_collections.oecsh.cloud.plugins.module_utils._base.validation import parse_timestamp
from ansible_collections.oecsh.cloud.plugins.module_utils._engine.tasks import COMPLETED, ending
from ansible_collections.oecsh.cloud.plugins.module_utils._resources.environment import (
    DESTROYING,
    ENVIRONMENT,
    PAUSED,
    RUNNING,
    SETTLED,
    check_target,
    status_of,
)
from ansible_collections.oecsh.cloud.plugins.module_utils._resources.environment_selection import (
    SELECTION_ITEM,
    Selected,
    of_each_item,
    select_all,
    selection_options,
)
from ansible_collections.oecsh.cloud.plugins.module_utils._resources.options import check_least
from ansible_collections.oecsh.cloud.plugins.module_utils._resources.task import check_lines

DEPLOY, QUICK_UPDATE, RESTART = "deploy", "quick_update", "restart"

DEPLOYMENT_OPTIONS: Spec = {
    **selection_options(
        {
            **SELECTION_ITEM,
            "branch": {"type": "str"},
            "commit": {"type": "str"},
            "update_modules": {"type": "list", "elements": "str"},
        }
    ),
    "method": {"type": "str", "choices": [DEPLOY, QUICK_UPDATE, RESTART], "default": DEPLOY},
    "since": {"type": "str"},
    "parallel": {"type": "int", "default": 4},
    "parallel_per_server": {"type": "int", "default": 2},
    "stop_after": {"type": "int", "default": 0},
    "log_lines": {"type": "int", "default": 20},
}
# What has to be done with an environment, in the order in which it is decided.
ADOPT, WAIT, NOTHING, START = "adopt", "wait", "nothing", "start"

_COMMIT = re.compile(r"[0-9a-f]{7,64}", re.IGNORECASE)
_MODULE = re.compile(r"[a-z0-9_]{1,64}")
_ALL = "all"
_MAX_MODULES = 50


@dataclass(frozen=True)
class Order(Selected):
    """What to do with one environment. `modules`: those to update."""

    method: str = DEPLOY
    branch: str | None = None
    commit: str | None = None
    modules: tuple[str, ...] = ()
    since: datetime | None = None

    @property
    def action(self) -> tuple[str, dict[str, Any] | None]:
        """The action of the API, and the body of its request."""
        modules = list(self.modules)
        if self.method == QUICK_UPDATE:
            mode = "update_all" if modules == [_ALL] else "update_specific" if modules else "pull_restart"
            return "quick-update", {"mode": mode, **({"modules": modules} if mode == "update_specific" else {})}
        return self.method, {"update_modules": modules} if modules else None

    def is_saved(self, environment: Object) -> bool:
        """Return whether the environment has the desired branch, deployed or not."""
        return self.branch in (None, environment.get("branch"))

    def is_at_commit(self, environment: Object) -> bool:
        """Return whether the environment is at the desired commit: the shorter a prefix of the longer, in any case."""
        ours, theirs = (self.commit or "").lower(), str(environment.get("last_commit") or "").lower()
        return len(theirs) >= 7 and (theirs.startswith(ours) or ours.startswith(theirs))

    def decide(
        self, environment: Object, newest: Object | None, started: datetime, saved: datetime | None = None
    ) -> str:
        """Return ADOPT, WAIT, NOTHING or START. `newest`: the newest deployment.

        It counts from `since` on, or else from when this run `started`, and not before this run `saved` the branch.

        Raise `wrong_state` where nothing leads there. Pure.
        """
        not_before = max(self.since or started, saved or self.since or started)
        status = status_of(environment)
        if status in (DESTROYING, PAUSED):
            raise OecError("wrong_state", f"it is {status!r}, and cannot be deployed", _STATE_HINT)
        if newest and not ending(newest):
            is_ours = self.method == DEPLOY and self.is_saved(environment)
            return ADOPT if is_ours and _is_since(newest, not_before) else WAIT
        if status not in SETTLED:
            return WAIT
        if self._is_done(environment, newest, not_before):
            return NOTHING
        if self.method != DEPLOY and status != RUNNING:
            hint = "Start it with oec_environment (state: started), or use method: deploy."
            raise OecError("wrong_state", f"it is {status!r}, and {self.method} needs it running", hint)
        return START

    def _is_done(self, environment: Object, newest: Object | None, not_before: datetime) -> bool:
        if not self.since and not self.commit:
            return False
        if self.commit and not (self.is_at_commit(environment) and status_of(environment) == RUNNING):
            return False
        is_deployed = newest is not None and ending(newest) == COMPLETED and _is_since(newest, not_before)
        return self.is_saved(environment) and (is_deployed or not self.since)


_STATE_HINT = "Look at it in the dashboard of oec.sh, then run this again."


def _is_since(task: Object, moment: datetime) -> bool:
    """Return whether a task started at or after a moment; one that has yet to start will do so."""
    started = parse_timestamp(task.get("started_at")) or parse_timestamp(task.get("completed_at"))
    return started >= moment if started else not ending(task)


def check_options(options: Options) -> None:
    """Raise `invalid_input` for what is wrong in the options of the task as a whole."""
    check_lines("log_lines", options["log_lines"], least=0)
    check_least(options, parallel=1, parallel_per_server=1, stop_after=0)
    if options["since"] and options["method"] != DEPLOY:
        raise OecError("invalid_input", "since is for method=deploy: the API lists no other tasks")
    if options["since"] and not parse_timestamp(options["since"]):
        hint = "Write it in ISO 8601, such as 2026-11-28T20:00:00Z."
        raise OecError("invalid_input", f"since {options['since']!r} is not a time", hint)


def read_orders(options: Options, client: Client) -> list[Order] | Failure:
    """Return what to do with each environment, or else all that is wrong with any of them."""
    drafts = of_each_item(options, lambda item: _draft(item, options))
    if isinstance(drafts, Failure):
        return drafts
    found = select_all(options, client)
    if isinstance(found, Failure):
        return found
    pairs = zip(drafts, found, strict=True)
    orders = [replace(draft, environment=each.environment, project=each.project) for draft, each in pairs]
    now = client.server_time()
    if orders and orders[0].since and orders[0].since > now:
        message = f"since {options['since']!r} is in the future: it is {now:%Y-%m-%dT%H:%M:%SZ}"
        return Failure("invalid_input", message, "It is the moment from which on a deployment counts.")
    return orders


def _draft(item: Options, options: Options) -> Order:
    """Return an order without its environment. Raise OecError `invalid_input`."""
    given = {name: item.get(name) or options[name] for name in ("branch", "commit", "update_modules")}
    # A survey has `sale, stock`.
    given["update_modules"] = [name.strip() for name in given["update_modules"] or []]
    check_target(item.get("project"), item.get("name"), item.get("environment_id"))
    _check_item(given, options["method"])
    # The API's own Date has whole seconds.
    since = parse_timestamp(options["since"])
    return Order(
        {},
        "",
        options["method"],
        given["branch"],
        given["commit"],
        tuple(given["update_modules"]),
        since and since.replace(microsecond=0),
    )


def _check_item(given: Mapping[str, Any], method: str) -> None:
    branch, commit, modules = given["branch"], given["commit"], given["update_modules"]
    if branch and (problem := ENVIRONMENT.field("branch").problem(branch)):
        raise OecError("invalid_input", problem)
    if commit and not _COMMIT.fullmatch(commit):
        raise OecError("invalid_input", f"commit {commit!r} is not made up of 7 to 64 hexadecimal digits")
    if method != DEPLOY and branch:
        raise OecError("invalid_input", "branch is for method=deploy: nothing else changes to another branch")
    if method == RESTART and (commit or modules):
        raise OecError("invalid_input", "a restart pulls no code: commit and update_modules are for other methods")
    if wrong := [module for module in modules if not _MODULE.fullmatch(module)]:
        raise OecError("invalid_input", f"update_modules: {wrong[0]!r} is not the name of a module")
    if len(modules) > _MAX_MODULES or (_ALL in modules and len(modules) > 1):
        raise OecError("invalid_input", f"update_modules has up to {_MAX_MODULES} names, or all alone")
