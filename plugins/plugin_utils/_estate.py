# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: this file may change at any time. Do not import it from elsewhere.

"""The estate file: existing projects as variables of the role oecsh.cloud.provision."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import yaml
from ansible_collections.oecsh.cloud.plugins.module_utils._base.validation import is_https_url, is_text, is_uuid

Object = Mapping[str, Any]

EXPORTED_FIELDS = ("name", "project_id", "server", "git_repo_url", "default_branch", "odoo_version")
MAX_LENGTHS = {"name": 255, "default_branch": 255}
TRIMMED_FIELDS = ("odoo_version",)

_DEFAULT_FIELDS = ("server", "default_branch", "odoo_version")

_HEADER = (
    "---\n"
    "# The projects on oec.sh, as the role oecsh.cloud.export found them. "
    "The role oecsh.cloud.provision makes them so.\n"
    "# A project that omits a field has the value in provision_defaults.\n"
    "# Where *** stands in a URL, the API holds credentials that are not written here; "
    "declared like this, they stay as they are.\n"
)


@dataclass(frozen=True)
class _Entry:
    """One field of a project in the file. `problem`: why it is left out, or an empty string."""

    field: str
    value: str
    problem: str


def estate_from(projects: Sequence[Object], servers: Sequence[Object]) -> dict[str, Any]:
    """Return the variables that declare the projects as they are."""
    defaults, items = _with_defaults(list(_entries(projects, servers)))
    return {"provision_defaults": _values(defaults), "provision_projects": [_values(item) for item in items]}


def estate_file(projects: Sequence[Object], servers: Sequence[Object]) -> str:
    """Return `estate_from` as YAML, with a comment for each field that is left out."""
    defaults, items = _with_defaults(list(_entries(projects, servers)))
    # Also where there are none: else those of another file would hold.
    common = "".join(f"\n  {_line(entry)}" for entry in defaults) or " {}"
    declared = "".join("\n  - " + "\n    ".join(map(_line, item)) for item in items) or " []"
    return f"{_HEADER}provision_defaults:{common}\nprovision_projects:{declared}\n"


def _values(entries: Iterable[_Entry]) -> dict[str, str]:
    return {entry.field: entry.value for entry in entries if not entry.problem}


def _with_defaults(items: list[list[_Entry]]) -> tuple[list[_Entry], list[list[_Entry]]]:
    """Return the defaults, and the items without them."""
    defaults = [default for field in _DEFAULT_FIELDS for default in _default(field, items)]
    return defaults, [[entry for entry in item if entry not in defaults] for item in items]


def _default(field: str, items: list[list[_Entry]]) -> list[_Entry]:
    """Return the most frequent value of a field, if several projects have it, and none would get it by omission."""
    entries = [entry for item in items for entry in item if entry.field == field]
    # The modules take whitespace for an omission.
    if len(entries) < len(items) or any(entry.problem or not entry.value.strip() for entry in entries):
        return []
    return [entry for entry, count in Counter(entries).most_common(1) if count > 1]


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
    if field in TRIMMED_FIELDS and value != value.strip():
        return "it begins or ends with whitespace, which a declaration loses"
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
