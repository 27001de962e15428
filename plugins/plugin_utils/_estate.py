# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: this file may change at any time. Do not import it from elsewhere.

"""The estate file: what exists as variables of the role oecsh.cloud.provision."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import yaml
from ansible_collections.oecsh.cloud.plugins.module_utils._api.kind import Field, Kind
from ansible_collections.oecsh.cloud.plugins.module_utils._base.validation import is_text, is_uuid
from ansible_collections.oecsh.cloud.plugins.module_utils._resources.environment import (
    DESTROYING,
    ENVIRONMENT,
    STOPPED,
    status_of,
)
from ansible_collections.oecsh.cloud.plugins.module_utils._resources.project import PROJECT
from ansible_collections.oecsh.cloud.plugins.module_utils._resources.server import SERVER

Object = Mapping[str, Any]

_DEFAULT_FIELDS = ("server", "default_branch", "odoo_version")
_ENVIRONMENT_DEFAULT_FIELDS = ("branch", "cpu_cores", "ram_mb", "disk_gb")
# What never needs quotes, since it is an id or a word of ours.
_PLAIN_FIELDS = (PROJECT.id_option, ENVIRONMENT.id_option, "state")

_SCHEMA = "https://raw.githubusercontent.com/oecsh/ansible-collection-cloud/main/docs/schemas/estate.json"
_HEADER = (
    # Editors complete and check the file by it.
    f"# yaml-language-server: $schema={_SCHEMA}\n"
    "---\n"
    "# The projects on oec.sh, as the role oecsh.cloud.export found them. "
    "The role oecsh.cloud.provision makes them so.\n"
    "# A project that omits a field has the value in provision_defaults, "
    "and an environment that in provision_environment_defaults.\n"
    "# Where *** stands in a URL, the API holds credentials that are not written here; "
    "declared like this, they stay as they are.\n"
)


@dataclass(frozen=True)
class _Entry:
    """One field in the file. `problem`: why it is left out, or an empty string."""

    field: str
    value: Any
    problem: str = ""


@dataclass
class _Item:
    """A project in the file, and its environments. `left_out`: those that cannot be declared, and why."""

    entries: list[_Entry]
    environments: list[list[_Entry]] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class _Estate:
    defaults: list[_Entry]
    environment_defaults: list[_Entry]
    items: list[_Item]


def estate_from(
    projects: Sequence[Object], servers: Sequence[Object], environments: Sequence[Object] = ()
) -> dict[str, Any]:
    """Return the variables that declare the projects, and the environments that belong to them, as they are."""
    estate = _estate(projects, servers, environments)
    return {
        "provision_defaults": _values(estate.defaults),
        "provision_environment_defaults": _values(estate.environment_defaults),
        "provision_projects": [
            {
                **_values(item.entries),
                **({"environments": [_values(each) for each in item.environments]} if item.environments else {}),
            }
            for item in estate.items
        ],
    }


def estate_file(projects: Sequence[Object], servers: Sequence[Object], environments: Sequence[Object] = ()) -> str:
    """Return `estate_from` as YAML, with a comment for each field and environment that is left out."""
    estate = _estate(projects, servers, environments)
    # Also where there are none: else those of another file would hold.
    lines = [f"provision_defaults:{_block(estate.defaults)}"]
    lines.append(f"provision_environment_defaults:{_block(estate.environment_defaults)}")
    lines.append("provision_projects:" + ("" if estate.items else " []"))
    for item in estate.items:
        lines += _indented(item.entries, 2)
        lines += [f"    # {text}" for text in item.left_out]
        lines += ["    environments:"] if item.environments else []
        lines += [line for each in item.environments for line in _indented(each, 6)]
    return _HEADER + "\n".join(lines) + "\n"


def _block(entries: Sequence[_Entry]) -> str:
    return "".join(f"\n  {_line(entry)}" for entry in entries) or " {}"


def _indented(entries: Sequence[_Entry], indent: int) -> list[str]:
    """Return the lines of an item of a list."""
    space = " " * indent
    return [f"{space}{'  ' if number else '- '}{_line(entry)}" for number, entry in enumerate(entries)]


def _values(entries: Iterable[_Entry]) -> dict[str, Any]:
    return {entry.field: entry.value for entry in entries if not entry.problem}


def _estate(projects: Sequence[Object], servers: Sequence[Object], environments: Sequence[Object]) -> _Estate:
    _check(PROJECT, projects)
    _check(SERVER, servers)
    _check(ENVIRONMENT, environments)
    server_names = _usable_names(servers)
    servers_of = [_server(each, server_names) for each in projects]
    items = [_Item(entries) for entries in _entries(PROJECT, projects, servers_of)]
    of_project: dict[str, list[Object]] = {}
    for each in environments:
        of_project.setdefault(str(each.get("project_id")), []).append(each)
    for item, project in zip(items, projects, strict=True):
        found = of_project.get(project["id"], [])
        gone = [each for each in found if status_of(each) == DESTROYING]
        kept = [each for each in found if status_of(each) != DESTROYING]
        names = [_quoted(ENVIRONMENT.label(each)) for each in gone]
        item.left_out += [f"environment {name} is left out: it is being destroyed." for name in names]
        others = [{**_state(each), **_own_server(each, project, server_names)} for each in kept]
        item.environments += _entries(ENVIRONMENT, kept, others)
    all_environments = [each for item in items for each in item.environments]
    defaults = _defaults(_DEFAULT_FIELDS, [item.entries for item in items])
    environment_defaults = _defaults(_ENVIRONMENT_DEFAULT_FIELDS, all_environments)
    for item in items:
        item.entries = [entry for entry in item.entries if entry not in defaults]
        item.environments = [
            [entry for entry in each if entry not in environment_defaults] for each in item.environments
        ]
    return _Estate(defaults, environment_defaults, items)


def _defaults(fields: Sequence[str], items: Sequence[Sequence[_Entry]]) -> list[_Entry]:
    return [default for name in fields for default in _default(name, items)]


def _default(name: str, items: Sequence[Sequence[_Entry]]) -> list[_Entry]:
    """Return the most frequent value of a field, if several items have it, and none would get it by omission."""
    entries = [entry for item in items for entry in item if entry.field == name]
    # The modules take whitespace for an omission.
    if len(entries) < len(items) or any(entry.problem or not str(entry.value).strip() for entry in entries):
        return []
    return [entry for entry, count in Counter(entries).most_common(1) if count > 1]


def _entries(kind: Kind, objects: Sequence[Object], others: Sequence[Object]) -> Iterator[list[_Entry]]:
    """Return the fields of each object that can be declared. `others`: the values that it does not say itself."""
    counts = Counter(each.get(kind.key) for each in objects)
    fields = {each.option_name: each for each in kind.declarable if each.is_readable and not each.reference}
    for each, other in zip(objects, others, strict=True):
        name = each.get(kind.key)
        is_identified = name and name.strip() and counts[name] == 1 and not _problem(fields[kind.key], name)
        values = {
            kind.key: name,
            kind.id_option: None if is_identified else each["id"],
            **other,
            **{option: each.get(field.name) for option, field in fields.items()},
        }
        yield [
            _Entry(option, value, _problem(fields[option], value) if option in fields else "")
            for option, value in values.items()
            if value or (option == kind.key and name is not None)
        ]


def _state(environment: Object) -> Object:
    # One that runs is not declared as started: present leaves it as it is, also while somebody has stopped it.
    return {"state": "stopped"} if status_of(environment) == STOPPED else {}


def _server(project: Object, names: Mapping[str, str]) -> Object:
    server_id = project.get("server_id") or ""
    return {"server": names.get(server_id, server_id)}


def _own_server(environment: Object, project: Object, names: Mapping[str, str]) -> Object:
    return {} if environment.get("server_id") == project.get("server_id") else _server(environment, names)


def _problem(field: Field, value: Any) -> str:
    """Return why the module would reject the value, or would not declare it as it is."""
    if problem := field.problem(value):
        return f"it {problem.removeprefix(f'{field.option_name} ')}"
    if field.parse(value) != value:
        return "it begins or ends with whitespace, which a declaration loses"
    return "" if not isinstance(value, str) or is_text(value) else "it contains NUL or unpaired surrogate characters"


def _check(kind: Kind, objects: Any) -> None:
    """Raise TypeError unless these are objects that have an id and a name."""
    if not isinstance(objects, (list, tuple)) or not all(_has_texts(kind, each) for each in objects):
        what = "a list of dictionaries with id and name, as the info modules return them"
        raise TypeError(f"{kind.plural} must be {what}")


def _has_texts(kind: Kind, item: Any) -> bool:
    if not isinstance(item, Mapping):
        return False
    required = [item.get(kind.key)] if kind.needs_key else []
    optional = (item.get(each.name) or "" for each in kind.declarable if each.is_readable and each.type == "str")
    return all(isinstance(value, str) for value in (item.get("id"), *required, *optional))


def _usable_names(servers: Sequence[Object]) -> dict[str, str]:
    """Return, by server id, the names that the module resolves to that server."""
    counts = Counter(server["name"] for server in servers)
    return {
        server["id"]: name
        for server in servers
        if (name := server["name"]).strip() and counts[name] == 1 and is_text(name) and not is_uuid(name)
    }


def _line(entry: _Entry) -> str:
    if entry.problem:
        return f"# {entry.field} is left out: {entry.problem}."
    if not isinstance(entry.value, str):
        return f"{entry.field}: {json.dumps(entry.value)}"
    return f"{entry.field}: {entry.value if entry.field in _PLAIN_FIELDS else _quoted(entry.value)}"


def _quoted(text: str) -> str:
    """Return a text that YAML reads as no number or boolean, and Ansible as no template.

    !unsafe is written only where it is needed: from ansible-core 2.19 on, it makes YAML ignore the quotes.
    """
    tag = "!unsafe" if "{" in text else "tag:yaml.org,2002:str"
    return yaml.serialize(yaml.ScalarNode(tag, text, style='"'), allow_unicode=True, width=math.inf).rstrip("\n")
