# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: this file may change at any time. Do not import it from elsewhere.

"""What the modules of a kind do: read, plan, apply, report."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ansible_collections.oecsh.cloud.plugins.module_utils._api.client import Client
from ansible_collections.oecsh.cloud.plugins.module_utils._api.kind import Field, Kind, Object
from ansible_collections.oecsh.cloud.plugins.module_utils._base.errors import Failure, OecError
from ansible_collections.oecsh.cloud.plugins.module_utils._base.result import Mode, Options, Result
from ansible_collections.oecsh.cloud.plugins.module_utils._base.validation import is_uuid
from ansible_collections.oecsh.cloud.plugins.module_utils._engine.action import CREATED, Action
from ansible_collections.oecsh.cloud.plugins.module_utils._engine.apply import apply_plan
from ansible_collections.oecsh.cloud.plugins.module_utils._engine.desired import Desired, References, resolve
from ansible_collections.oecsh.cloud.plugins.module_utils._engine.plan import Plan, plan


def ensure_one(
    kind: Kind, options: Options, client: Client, mode: Mode, check: Callable[[Action], Action] = lambda action: action
) -> Result:
    """Create, update or delete one object to match the options. `check` may reject what is planned."""
    desired = Desired.parse(kind, options)
    client.hide(desired.credentials)
    reading = read(desired, client)
    planned = plan(kind, [desired], reading.existing, reading.references)
    planned = replace(planned, actions=[check(action) for action in planned.actions])
    if mode.diff:
        planned = with_names(planned, client)
    if rejection := planned.rejection():
        return Result({}, rejection)
    (outcome,) = apply_plan(client, planned.actions, mode)
    if outcome.failure:
        return Result({}, outcome.failure)
    values: dict[str, Any] = {"changed": outcome.changed, kind.name: kind.without_secrets(outcome.after)}
    created = (outcome.after or {}) if outcome.action.type == CREATED else {}
    secrets = {name: created.get(name) for name in kind.secrets if created}
    lost = [name for name, secret in secrets.items() if not secret and not mode.check]
    warnings = [f"{desired.subject}: it was created, but its {name} was lost with a response." for name in lost]
    if mode.diff:
        values["diff"] = outcome.action.diff
    known = [secret for secret in secrets.values() if secret]
    return Result({**values, **secrets}, warnings=[*outcome.warnings, *warnings], secrets=known)


@dataclass(frozen=True)
class Reading:
    """What a declaration needs to be planned: the objects that it may mean, and those that its fields may refer to."""

    existing: list[Object]
    references: References


def read(desired: Desired, client: Client) -> Reading:
    parents = _parents(desired, client)
    existing = _existing(desired, parents, client)
    return Reading(existing, {**read_references([desired], client), **parents})


def _parents(desired: Desired, client: Client) -> dict[str, list[Object]]:
    """Read the object that the declared one belongs to, if any, unless that is found by its own id."""
    if desired.id or not desired.kind.parent or desired.kind.parent[0].name not in desired.values:
        return {}
    field, parent = desired.kind.parent
    api, value = client.of(parent), desired.values[field.name]
    if not is_uuid(value):
        return {parent.name: api.known.objects}
    found = api.get(value)
    return {parent.name: [found] if found else []}


def _existing(desired: Desired, references: References, client: Client) -> list[Object]:
    """Read the one object where its id is given, and all of them where a name has to be found, or to be free."""
    kind = desired.kind
    parent_id: str | Failure | None = None
    found: Object | None = None
    if desired.id:
        found = client.of(kind).get(desired.id)
        is_renamed = found and desired.state != "absent" and desired.name not in (None, found[kind.key])
        parent_id = found.get(kind.parent[0].name) if found and kind.parent else None
        if not found or not is_renamed or (kind.is_nested and not parent_id):
            return [found] if found else []
    elif kind.parent and kind.parent[0].name in desired.values:
        field, parent = kind.parent
        parent_id = resolve(parent, field, desired.values[field.name], references, is_checked=True)
    if isinstance(parent_id, Failure):
        # The plan rejects it.
        return []
    objects = client.of(kind, parent_id if kind.is_nested else None).known.objects
    own = [item for item in objects if kind.belongs_to(item, parent_id)]
    return [found if found and item["id"] == found["id"] else item for item in own]


def list_matching(kind: Kind, options: Options, client: Client) -> Result:
    """Return the objects that match every given filter, in the API's order."""
    object_id = options[kind.id_option]
    if object_id and not is_uuid(object_id):
        raise OecError(
            "invalid_input",
            f"{kind.id_option} {object_id!r} is not a UUID",
            "Run the module without this filter to list all ids.",
        )
    if object_id and kind.has_get:
        found_one = client.of(kind).get(object_id.lower())
        objects = [found_one] if found_one else []
    else:
        objects = [
            item
            for item in client.of(kind).known.objects
            if object_id in (None, "") or item["id"].lower() == object_id.lower()
        ]
    matches = [_filter(kind, kind.field(name), options, client) for name in kind.filters]
    found = [kind.without_secrets(item) for item in objects if all(is_match(item) for is_match in matches)]
    return Result({"changed": False, kind.plural: found})


def _filter(kind: Kind, field: Field, options: Options, client: Client) -> Callable[[Object], bool]:
    value = options[field.option_name]
    if not value:
        return lambda item: True
    if not field.reference:
        return lambda item: kind.is_same(field.name, item.get(field.name), value)
    parent = field.reference
    if is_uuid(value):
        ids = [value.lower()]
    else:
        objects = client.of(parent).known.objects
        ids = [item["id"].lower() for item in objects if item[parent.key] == value]
        # Several objects of one name are no mistake in a filter.
        if not ids and isinstance(unknown := resolve(parent, field, value, {parent.name: objects}), Failure):
            raise OecError(unknown.code, unknown.message, unknown.hint)
    return lambda item: str(item.get(field.name)).lower() in ids


def read_references(declarations: Sequence[Desired], client: Client) -> dict[str, list[Object]]:
    """Read the lists of the kinds that any declaration names an object of, each once."""
    kinds = {kind.name: kind for desired in declarations for kind in desired.named_kinds}
    return {name: client.of(kind).known.objects for name, kind in kinds.items()}


def with_names(planned: Plan, client: Client) -> Plan:
    """Return the plan with the names of what changed objects refer to, for display, if they can be read."""
    if not any(action.changed for action in planned.actions):
        return planned
    try:
        references = {kind.name: client.of(kind).known.objects for _field, kind in planned.kind.references}
    except OecError:
        # The ids are displayed then: what is planned does not depend on it.
        return planned
    return planned.with_names(references)
