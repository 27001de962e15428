# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: this file may change at any time. Do not import it from elsewhere.

"""What a page about projects and servers displays, computed from what the API returned."""

from __future__ import annotations

import base64
import hashlib
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from ansible_collections.oecsh.cloud.plugins.module_utils._base.redact import MASK, without_credentials
from ansible_collections.oecsh.cloud.plugins.module_utils._base.validation import is_https_url

OLDEST_SUPPORTED = "17.0"
NO_NAME = "(no name)"
NO_NUMBER = -1.0
UNKNOWN_SERVER = "Not on a known server"

# Each note that a project can have: its title, and why it matters.
NOTES = {
    "old": ("Odoo before {oldest}", "No longer among the supported versions: an upgrade is due."),
    "version": ("No Odoo version", "Nothing tells which Odoo they run."),
    "repository": ("No repository", "Nothing tells where their code is."),
    "environments": ("No environments", "Nothing runs: still to be set up, or no longer needed."),
    "duplicate": (
        "Name used more than once",
        "They cannot be told apart by their names, neither by people nor by playbooks.",
    ),
    "server": (UNKNOWN_SERVER, "Their server is not among those of this account, or they have none."),
}

_NUMBER = re.compile(r"[0-9]+(?:\.[0-9]+)?")

Fields = Mapping[str, Any]
Load = Mapping[str, int]


@dataclass(frozen=True)
class Meter:
    """The parts of a bar in percent of its full width, such as 12.5%; a part that is not drawn is empty."""

    fill: str
    old: str
    old_start: str


@dataclass(frozen=True)
class Amount:
    """A number, how it is written, and a bar that compares it with the largest of its kind."""

    value: int
    text: str
    meter: Meter


@dataclass(frozen=True)
class Row:
    """A project. Texts that it does not have are empty."""

    id: str
    name: str
    version: str
    number: float
    repository: str
    link: str
    branch: str
    environments: int
    server_id: str
    server: str
    created: str
    notes: list[str]


@dataclass(frozen=True)
class Place:
    """A server, or, with an empty id, the projects that are on none of them. A capacity of 0 is unknown."""

    id: str
    name: str
    location: str
    cores: Amount
    ram: Amount
    disk: Amount
    projects: Amount
    old: int
    environments: Amount
    ram_per_environment: str


@dataclass(frozen=True)
class Version:
    """An Odoo version, or, with an empty name, the projects without one."""

    name: str
    number: float
    old: bool
    projects: Amount


@dataclass(frozen=True)
class Attention:
    """A note, and the id and name of each project that has it."""

    note: str
    title: str
    explanation: str
    projects: list[dict[str, str]]


def report_model(projects: object, servers: object, oldest_supported: object = "") -> dict[str, Any]:
    """Return the report as dictionaries and lists. Raise TypeError for input that is not projects and servers."""
    oldest = _text(oldest_supported) or OLDEST_SUPPORTED
    if version_number(oldest) == NO_NUMBER:
        raise ValueError(f"oldest_supported is {oldest!r}, which is not a version such as 17.0")
    known = _objects("servers", servers)
    rows = _rows(_objects("projects", projects), {_text(server.get("id")): _name(server) for server in known}, oldest)
    places = _places(known, rows)
    return {
        "oldest_supported": oldest,
        "figures": {
            "projects": len(rows),
            "servers": len(known),
            "environments": sum(place.environments.value for place in places),
            "old": sum("old" in row.notes for row in rows),
            "attention": sum(bool(row.notes) for row in rows),
        },
        "rows": [asdict(row) for row in rows],
        "places": [asdict(place) for place in places],
        "versions": [asdict(version) for version in _versions(rows)],
        "attention": [asdict(attention) for attention in _attention(rows, oldest)],
    }


def csp_hash(text: str) -> str:
    """Return the hash by which a Content-Security-Policy allows an inline style or script."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def version_number(version: str) -> float:
    """Return the first number in the name of a version, or -1 where it has none."""
    found = _NUMBER.search(version)
    return float(found[0]) if found else NO_NUMBER


def repository_link(url: str) -> str:
    """Return a URL without its credentials, or nothing where it is not safe to link to."""
    link = re.split("[?#]", without_credentials(url))[0].replace(f"//{MASK}@", "//", 1)
    # Browsers read a backslash as a slash, so the host would be another one.
    return link if is_https_url(link) and "\\" not in link else ""


def gigabytes(megabytes: float) -> str:
    """Return an amount of memory with at most one decimal, such as 62 GB or 0.5 GB."""
    return f"{megabytes / 1024:.1f}".removesuffix(".0") + " GB"


def meter(value: int, largest: int, old: int = 0) -> Meter:
    """Return a bar whose full width is the largest value. Its right end is what is old."""

    def percent(part: int) -> str:
        return f"{round(100 * part / max(largest, 1), 2)}%"

    return Meter(
        fill=percent(value - old) if value > old else "",
        old=percent(old) if old else "",
        old_start=percent(value - old) if old else "",
    )


def _objects(name: str, value: object) -> list[Fields]:
    if isinstance(value, Iterable) and not isinstance(value, (str, bytes, Mapping)):
        objects = list(value)
        if all(isinstance(item, Mapping) for item in objects):
            return objects
    module = f"oecsh.cloud.oec_{name.removesuffix('s')}_info"
    raise TypeError(f"{name} is not a list of {name}. Use '{name}' of the result of {module}.")


def _text(value: object) -> str:
    return str(value).strip() if value else ""


def _whole_number(value: Any) -> int:
    try:
        return int(float(value or 0))
    except (TypeError, ValueError, OverflowError):
        return 0


def _name(fields: Fields) -> str:
    return _text(fields.get("name")) or NO_NAME


def _exact_name(fields: Fields) -> str:
    return str(fields.get("name") or "")


def _rows(projects: Sequence[Fields], servers: Mapping[str, str], oldest: str) -> list[Row]:
    uses = Counter(_exact_name(project) for project in projects)

    def row(project: Fields) -> Row:
        version = _text(project.get("odoo_version"))
        number = version_number(version)
        repository = without_credentials(_text(project.get("git_repo_url")))
        environments = _whole_number(project.get("environment_count"))
        server_id = _text(project.get("server_id"))
        applies = {
            "old": 0 <= number < version_number(oldest),
            "version": not version,
            "repository": not repository,
            "environments": environments == 0,
            "duplicate": uses[_exact_name(project)] > 1,
            "server": server_id not in servers,
        }
        return Row(
            id=_text(project.get("id")),
            name=_name(project),
            version=version,
            number=number,
            repository=repository,
            link=repository_link(repository),
            branch=_text(project.get("default_branch")),
            environments=environments,
            server_id=server_id,
            server=servers.get(server_id, ""),
            created=_text(project.get("created_at")),
            notes=[note for note in NOTES if applies[note]],
        )

    return [row(project) for project in sorted(projects, key=lambda project: _exact_name(project).lower())]


def _places(servers: Sequence[Fields], rows: Sequence[Row]) -> list[Place]:
    carried = [(server, [row for row in rows if row.server_id == _text(server.get("id"))]) for server in servers]
    unknown = [row for row in rows if "server" in row.notes]
    if unknown:
        environments = sum(row.environments for row in unknown)
        carried.append(({"name": UNKNOWN_SERVER, "environment_count": environments}, unknown))
    loads = [_load(server, projects) for server, projects in carried]
    return [_place(server, load, loads) for (server, _projects), load in zip(carried, loads, strict=True)]


def _load(server: Fields, projects: Sequence[Row]) -> Load:
    return {
        "cores": _whole_number(server.get("cpu_cores")),
        "ram": _whole_number(server.get("ram_mb")),
        "disk": _whole_number(server.get("disk_gb")),
        "projects": len(projects),
        "old": sum("old" in row.notes for row in projects),
        "environments": _whole_number(server.get("environment_count")),
    }


def _place(server: Fields, load: Load, loads: Sequence[Load]) -> Place:
    def amount(field: str, text: Callable[[int], str] = str, old: int = 0) -> Amount:
        return Amount(load[field], text(load[field]), meter(load[field], max(other[field] for other in loads), old))

    ram, environments = load["ram"], load["environments"]
    return Place(
        id=_text(server.get("id")),
        name=_name(server),
        location=" · ".join(filter(None, (_text(server.get("provider")), _text(server.get("region"))))),
        cores=amount("cores"),
        ram=amount("ram", gigabytes),
        disk=amount("disk", lambda size: f"{size} GB"),
        projects=amount("projects", old=load["old"]),
        old=load["old"],
        environments=amount("environments"),
        ram_per_environment=gigabytes(ram / environments) if ram and environments else "",
    )


def _versions(rows: Sequence[Row]) -> list[Version]:
    """Return the versions, newest first, then those without a number, and the projects without a version at the end."""
    counts = Counter(row.version for row in rows)
    old = {row.version for row in rows if "old" in row.notes}
    largest = max(counts.values(), default=0)

    def version(name: str) -> Version:
        count = counts[name]
        amount = Amount(count, str(count), meter(count, largest, count if name in old else 0))
        return Version(name, version_number(name), name in old, amount)

    return [version(name) for name in sorted(counts, key=lambda name: (not name, -version_number(name)))]


def _attention(rows: Sequence[Row], oldest: str) -> list[Attention]:
    found = {note: [{"id": row.id, "name": row.name} for row in rows if note in row.notes] for note in NOTES}
    return [
        Attention(note, title.format(oldest=oldest), explanation, found[note])
        for note, (title, explanation) in NOTES.items()
        if found[note]
    ]
