# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: this file may change at any time. Do not import it from elsewhere.

"""The estate file: existing projects as variables of the role oecsh.cloud.provision."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import yaml
from ansible_collections.oecsh.cloud.plugins.module_utils._base.validation import is_https_url, is_text, is_uuid

Object = Mapping[str, Any]

EXPORTED_FIELDS = ("name", "project_id", "server", "git_repo_url", "default_branch", "odoo_version")
MAX_LENGTHS = {"name": 255, "default_branch": 255}

_HEADER = (
    "---\n"
    "# The projects on oec.sh, as the role oecsh.cloud.export found them. "
    "The role oecsh.cloud.provision makes them so.\n"
    "# Where *** stands in a URL, the API holds credentials that are not written here; "
    "declared like this, they stay as they are.\n"
)


@dataclass(frozen=True)
class _Entry:
    """One field of a project in the file. `problem`: why it is left out, or an empty string."""

    field: str
    value: str
    problem: str


def estate_from(projects: Sequence[Object], servers: Sequence[Object]) -> dict[str, list[dict[str, str]]]:
    """Return the variables that declare the projects as they are."""
    items = [
        {entry.field: entry.value for entry in entries if not entry.problem} for entries in _entries(projects, servers)
    ]
    return {"provision_projects": items}


def estate_file(projects: Sequence[Object], servers: Sequence[Object]) -> str:
    """Return `estate_from` as YAML, with a comment for each field that is left out."""
    items = ["".join(f"    {_line(entry)}\n" for entry in entries) for entries in _entries(projects, servers)]
    if not items:
        return f"{_HEADER}provision_projects: []\n"
    return f"{_HEADER}provision_projects:\n" + "".join(f"  - {item[4:]}" for item in items)


def _entries(projects: Sequence[Object], servers: Sequence[Object]) -> Iterator[list[_Entry]]:
    _check("projects", projects)
    _check("servers", servers)
    name_counts = Counter(project["name"] for project in projects)
    server_names = _usable_names(servers)
    for project in projects:
        name, server_id = project["name"], project.get("server_id") or ""
        is_identified = name.strip() and name_counts[name] == 1 and not _problem("name", name)
        values = {
            **project,
            "project_id": None if is_identified else project["id"],
            "server": server_names.get(server_id, server_id),
        }
        fields = [field for field in EXPORTED_FIELDS if values.get(field) or field == "name"]
        yield [_Entry(field, values[field], _problem(field, values[field])) for field in fields]


def _check(what: str, objects: Any) -> None:
    """Raise TypeError unless this is a list of objects that have an id and a name."""
    if not isinstance(objects, list) or not all(isinstance(item, Mapping) and _has_texts(item) for item in objects):
        raise TypeError(f"{what} must be a list of dictionaries with id and name, as the info modules return them")


def _has_texts(item: Object) -> bool:
    optional = (item.get(field) or "" for field in ("server_id", *EXPORTED_FIELDS))
    return all(isinstance(value, str) for value in (item.get("id"), item.get("name"), *optional))


def _usable_names(servers: Sequence[Object]) -> dict[str, str]:
    """Return, by server id, the names that the module resolves to that server."""
    counts = Counter(server["name"] for server in servers)
    return {
        server["id"]: name
        for server in servers
        if (name := server["name"]).strip() and counts[name] == 1 and is_text(name) and not is_uuid(name)
    }


def _problem(field: str, value: str) -> str:
    """Return why the module would reject the value."""
    if field == "git_repo_url" and not is_https_url(value):
        return "it is not an https URL, and only such can be declared"
    if len(value) > (max_length := MAX_LENGTHS.get(field, math.inf)):
        return f"it has {len(value)} characters, and at most {max_length} can be declared"
    return "" if is_text(value) else "it contains NUL or unpaired surrogate characters"


def _line(entry: _Entry) -> str:
    if entry.problem:
        return f"# {entry.field} is left out: {entry.problem}."
    return f"{entry.field}: {entry.value if entry.field == 'project_id' else _quoted(entry.value)}"


def _quoted(text: str) -> str:
    """Return a text that YAML reads as no number or boolean, and Ansible as no template.

    !unsafe is written only where it is needed: from ansible-core 2.19 on, it makes YAML ignore the quotes.
    """
    tag = "!unsafe" if "{" in text else "tag:yaml.org,2002:str"
    return yaml.serialize(yaml.ScalarNode(tag, text, style='"'), allow_unicode=True, width=math.inf).rstrip("\n")
