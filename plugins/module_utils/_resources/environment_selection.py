# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: this file may change at any time. Do not import it from elsewhere.

"""The environments that a task is about: one, or many."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from ansible_collections.oecsh.cloud.plugins.module_utils._api.client import Client
from ansible_collections.oecsh.cloud.plugins.module_utils._api.kind import Object, Spec
from ansible_collections.oecsh.cloud.plugins.module_utils._base.errors import (
    Failure,
    OecError,
    Subject,
    of_each,
    reject_all,
)
from ansible_collections.oecsh.cloud.plugins.module_utils._base.result import Options
from ansible_collections.oecsh.cloud.plugins.module_utils._resources.environment import (
    ENVIRONMENT,
    check_target,
    find_environment,
)
from ansible_collections.oecsh.cloud.plugins.module_utils._resources.project import PROJECT

T = TypeVar("T")

SELECTION_ITEM: Spec = {
    "project": {"type": "str", "aliases": ["project_id"]},
    "name": {"type": "str", "aliases": ["environment"]},
    "environment_id": {"type": "str", "aliases": ["id"]},
}
# The parameters that identify an environment, and the options that they come from.
_TARGET_OPTIONS = {"project": "project", "name": "name", "ident": "environment_id"}
SELECTION_CHECKS: dict[str, Any] = {
    "required_one_of": [("environments", "name", "environment_id")],
    "mutually_exclusive": [("environments", "name"), ("environments", "environment_id"), ("environments", "project")],
}


def selection_options(item: Spec) -> Spec:
    """Return the argument spec of one environment with these options, or of many."""
    return {**item, "environments": {"type": "list", "elements": "dict", "options": item}}


@dataclass(frozen=True)
class Selected:
    """An environment as it was found, and the name of its project."""

    environment: Object
    project: str

    @property
    def id(self) -> str:
        return str(self.environment["id"])

    @property
    def subject(self) -> Subject:
        return ENVIRONMENT.subject(ENVIRONMENT.label(self.environment), self.project)

    @property
    def place(self) -> Mapping[str, Any]:
        """Return {project, environment, environment_id}, as the rows of results have them."""
        return {"project": self.project, "environment": self.environment.get("name"), "environment_id": self.id}

    @property
    def header(self) -> str:
        return f"{ENVIRONMENT.subject(ENVIRONMENT.label(self.environment))} of {PROJECT.subject(self.project)}"


def select_all(options: Options, client: Client) -> list[Selected] | Failure:
    """Return the environments of the options, or else all that is wrong with any of them."""
    # All that can be known without a request comes first.
    checked = of_each_item(options, lambda item: check_target(**_target(item)))
    if isinstance(checked, Failure):
        return checked
    found = of_each_item(options, lambda item: select(find_environment(client, **_target(item)), client))
    if isinstance(found, Failure):
        return found
    counts = Counter(each.id for each in found)
    duplicates = {each.id: each for each in found if counts[each.id] > 1}
    failures = [
        Failure("duplicate_declaration", f"it is listed more than once, as {ident}", "List it once.", each.subject)
        for ident, each in duplicates.items()
    ]
    return reject_all(failures) if failures else found


def select(environment: Object, client: Client) -> Selected:
    """Return an environment with the name of its project, or else the id of that."""
    project_id = str(environment.get("project_id"))
    names = (project["name"] for project in client.of(PROJECT).known.objects if project["id"] == project_id)
    return Selected(environment, next(names, project_id))


def of_each_item(options: Options, read: Callable[[Options], T]) -> list[T] | Failure:
    """Return what `read` returns for each item, or for the options themselves where there is no list."""
    items: Sequence[Options] | None = options["environments"]
    if items is not None:
        return of_each(enumerate(items, 1), read, ENVIRONMENT.name, _label)
    try:
        return [read(options)]
    except OecError as error:
        label = _label(options)
        return error.failure.about(ENVIRONMENT.subject(label)) if label else error.failure


def _target(item: Options) -> dict[str, str | None]:
    return {name: item.get(option) for name, option in _TARGET_OPTIONS.items()}


def _label(item: Options) -> str | None:
    return item.get("name") or item.get("environment_id")
