# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: this file may change at any time. Do not import it from elsewhere.

"""An estate: the projects that a list declares, each with its environments, and what is to be done about them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from ansible_collections.oecsh.cloud.plugins.module_utils._api.kind import Spec
from ansible_collections.oecsh.cloud.plugins.module_utils._base.errors import (
    Failure,
    OecError,
    of_each,
    of_item,
    reject_all,
)
from ansible_collections.oecsh.cloud.plugins.module_utils._base.result import Options
from ansible_collections.oecsh.cloud.plugins.module_utils._base.validation import matches_any, nearest
from ansible_collections.oecsh.cloud.plugins.module_utils._engine.action import Action
from ansible_collections.oecsh.cloud.plugins.module_utils._engine.desired import Desired
from ansible_collections.oecsh.cloud.plugins.module_utils._engine.ensure import read_references, with_names
from ansible_collections.oecsh.cloud.plugins.module_utils._engine.plan import Plan, digest, plan
from ansible_collections.oecsh.cloud.plugins.module_utils._resources.environment import ENVIRONMENT
from ansible_collections.oecsh.cloud.plugins.module_utils._resources.environment_plan import Planner
from ansible_collections.oecsh.cloud.plugins.module_utils._resources.estate_environments import (
    ENVIRONMENT_COMMON_OPTIONS,
    ENVIRONMENT_ITEM_OPTIONS,
    Branch,
    Declared,
)
from ansible_collections.oecsh.cloud.plugins.module_utils._resources.options import BACKUP_AGE_ITEM, age, with_common
from ansible_collections.oecsh.cloud.plugins.module_utils._resources.project import PROJECT
from ansible_collections.oecsh.cloud.plugins.module_utils._resources.project_ensure import (
    PROJECT_ITEM_OPTIONS,
    check_backups,
)

ESTATE_OPTIONS: Spec = {
    "projects": {
        "type": "list",
        "elements": "dict",
        "required": True,
        "options": {
            **PROJECT_ITEM_OPTIONS,
            "environments": {"type": "list", "elements": "dict", "options": ENVIRONMENT_ITEM_OPTIONS},
        },
    },
    "defaults": {"type": "dict", "options": {**PROJECT.common_options(), **BACKUP_AGE_ITEM}},
    "environment_defaults": {"type": "dict", "options": ENVIRONMENT_COMMON_OPTIONS},
    "only": {"type": "list", "elements": "str"},
    "skip_rejected": {"type": "bool", "default": False},
    "prune": {"type": "bool", "default": False},
    "prune_limit": {"type": "int", "default": 10},
    "plan_digest": {"type": "str"},
}


@dataclass(frozen=True)
class Item:
    """A project as it is declared, with its environments. `number`: its place in the list."""

    number: int
    desired: Desired
    backup_max_age: timedelta | None
    branch: Branch


@dataclass(frozen=True)
class Estate:
    """`projects`: the plan of the items, in order, and then of what is pruned."""

    items: Sequence[Item]
    projects: Plan

    @property
    def declared(self) -> Sequence[Action]:
        return self.projects.actions[: len(self.items)]

    @property
    def pruned(self) -> Sequence[Action]:
        return self.projects.actions[len(self.items) :]

    @property
    def environments(self) -> Plan:
        return Plan(ENVIRONMENT, [run.action for item in self.items for run in item.branch.runs])

    @property
    def actions(self) -> Iterator[Action]:
        """Yield the action of each project, followed by those of its environments."""
        for item, action in zip(self.items, self.declared, strict=True):
            yield action
            yield from (run.action for run in item.branch.runs)
        yield from self.pruned

    @property
    def digest(self) -> str:
        return digest(self.actions)

    @property
    def drift(self) -> list[dict[str, Any]]:
        """Return a row for each field that differs, and for each object that cannot be planned, with the code."""
        return [row for action in self.actions for row in _drift(action)]

    def rejection(self, *, skip_rejected: bool) -> Failure | None:
        plans = (self.projects, self.environments)
        failures = [failure for each in plans for failure in each.failures(skip_rejected=skip_rejected)]
        return reject_all(failures) if failures else None


def plan_estate(options: Options, planner: Planner) -> Estate | Failure:
    """Read the options of oec_projects and what exists, and plan it; or else return all that is wrong with the items.

    Raise OecError for what is wrong with the list as a whole.
    """
    _check(options)
    client = planner.client
    only = [pattern for pattern in options["only"] or [] if pattern.strip()]
    items = _items(_selected(options["projects"], only), options, planner)
    if isinstance(items, Failure):
        return items
    for item in items:
        client.hide(item.desired.credentials)
    declarations = [item.desired for item in items]
    planned = plan(
        PROJECT,
        declarations,
        client.of(PROJECT).known.objects,
        read_references(declarations, client),
        prune=options["prune"] and not only,
        prune_limit=options["prune_limit"],
    )

    def plan_item(pair: tuple[Item, Action]) -> Action:
        item, action = pair[0], check_backups(pair[1], client, pair[0].backup_max_age)
        if action.after and not action.rejection:
            item.branch.plan(action.after, client)
        return action

    pairs = [(pair[0].number, pair) for pair in zip(items, planned.actions, strict=False)]
    actions = of_each(pairs, plan_item, PROJECT.name, lambda pair: pair[1].name)
    if isinstance(actions, Failure):
        return actions
    max_age = age(with_common({}, options["defaults"]), "absent_backup_max_age")
    pruned = planned.actions[len(items) :]
    if not planned.problems:
        # Else they are too many, and none is deleted.
        pruned = [check_backups(action, client, max_age) for action in pruned]
    planned = replace(planned, actions=[*actions, *pruned])
    is_displayed = planner.mode.check or planner.mode.diff
    return Estate(items, with_names(planned, client) if is_displayed else planned)


def _check(options: Options) -> None:
    """Raise `invalid_input` for what is wrong in the options of the list as a whole."""
    if options["prune_limit"] < 0:
        raise OecError("invalid_input", "prune_limit is below 0", "It is the number of projects that may be pruned.")
    if options["prune"] and not options["projects"]:
        message = "prune with an empty list of projects would delete every project"
        raise OecError("invalid_input", message, "Declare those to keep.")
    digest = options["plan_digest"]
    if digest and not re.fullmatch("[0-9a-f]{64}", digest.strip()):
        hint = "Use the plan_digest that check mode returned."
        raise OecError("invalid_input", "plan_digest is not made up of 64 hexadecimal digits", hint)


def _selected(items: Sequence[Mapping[str, Any]], only: Sequence[str]) -> list[tuple[int, Mapping[str, Any]]]:
    """Return the items that `only` selects by name or id, with their numbers."""
    numbered = list(enumerate(items, 1))
    labels = {number: [str(item.get(each) or "") for each in ("name", "project_id")] for number, item in numbered}
    names = [label for pair in labels.values() for label in pair if label]
    for pattern in only:
        if not matches_any([pattern], *names):
            close = nearest(pattern, names)
            hint = f"Did you mean {close!r}?" if close else "It takes names of projects in the list, or shell patterns."
            raise OecError("invalid_input", f"only: no project in the list matches {pattern!r}", hint)
    return [(number, item) for number, item in numbered if matches_any(only, *labels[number])]


def _items(numbered: Sequence[tuple[int, Options]], options: Options, planner: Planner) -> list[Item] | Failure:
    """Return what every item declares, or else all that is wrong in any of them."""
    parts = [
        (number, (item, environment))
        for number, item in numbered
        for environment in [None, *enumerate(item.get("environments") or [], 1)]
    ]

    def parse(part: tuple[Options, tuple[int, Options] | None]) -> Item | Declared:
        item, environment = part
        if environment is None:
            return _item(with_common(item, options["defaults"]))
        place, own = environment
        try:
            return Declared.parse(with_common(own, options["environment_defaults"]), _label(item) or "", planner)
        except OecError as error:
            name = own.get("name") or own.get("environment_id")
            raise of_item(error.failure, place, ENVIRONMENT.name, name).as_exception() from None

    parsed = of_each(parts, parse, PROJECT.name, lambda part: _label(part[0]))
    if isinstance(parsed, Failure):
        return parsed
    items: list[Item] = []
    for (number, _part), each in zip(parts, parsed, strict=True):
        if isinstance(each, Item):
            items.append(replace(each, number=number))
        else:
            items[-1].branch.environments.append(each)
    return items


def _item(options: Options) -> Item:
    desired = Desired.parse(PROJECT, options)
    if desired.state == "absent" and options.get("environments"):
        message = "it is declared absent, and so cannot have environments"
        raise OecError("invalid_input", message, "Remove environments: what the project contains is deleted with it.")
    return Item(0, desired, age(options, "absent_backup_max_age"), Branch())


def _label(item: Options) -> str | None:
    return item.get("name") or item.get("project_id")


def _drift(action: Action) -> Iterator[dict[str, Any]]:
    code = action.rejection and action.rejection.code
    is_project = action.kind is PROJECT
    names = {"project": action.name if is_project else action.owner, "environment": None if is_project else action.name}
    fields = dict.fromkeys(("field", "current", "desired"))
    for each in [vars(each) for each in action.differences] or ([{}] if code else []):
        yield {**names, **fields, **each, "code": code}
