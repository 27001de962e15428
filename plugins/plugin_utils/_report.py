# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: this file may change at any time. Do not import it from elsewhere.

"""What the page of the role oecsh.cloud.report displays, computed from what the info modules return."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta, timezone
from typing import Any

from ansible_collections.oecsh.cloud.plugins.module_utils._base.redact import without_credentials
from ansible_collections.oecsh.cloud.plugins.module_utils._base.validation import duration, parse_timestamp
from ansible_collections.oecsh.cloud.plugins.module_utils._resources.organization import LIMITS
from ansible_collections.oecsh.cloud.plugins.plugin_utils._report_environments import (
    ENVIRONMENT_NOTES,
    EnvironmentRow,
    Reading,
)
from ansible_collections.oecsh.cloud.plugins.plugin_utils._report_values import (
    NO_NUMBER,
    Fields,
    Meter,
    gigabytes,
    meter,
    name_of,
    number_of,
    repository_link,
    text_of,
    version_number,
)

OLDEST_SUPPORTED = "17.0"
PRODUCTION = ("production",)
# What counts as fresh: a day, and time for a nightly job to end.
BACKUP_MAX_AGE = "26h"
UNKNOWN_SERVER = "Not on a known server"
NEARLY_FULL, NEARLY_USED = 85, 90

# Each note that something can have: its title, and why it matters. The most urgent come first.
NOTES = {
    **ENVIRONMENT_NOTES,
    "disk": ("Disk nearly full", f"At least {NEARLY_FULL} % of it is used."),
    "limit": ("Plan nearly used", f"At least {NEARLY_USED} % of what the plan has is used."),
    "old": ("Odoo before {oldest}", "No longer among the supported versions: an upgrade is due."),
    "version": ("No Odoo version", "Nothing tells which Odoo they run."),
    "repository": ("No repository", "Nothing tells where their code is."),
    "duplicate": (
        "Name used more than once",
        "They cannot be told apart by their names, neither by people nor by playbooks.",
    ),
    "server": (UNKNOWN_SERVER, "Their server is not among those of this account, or they have none."),
}
# Where nothing has an age.
_ANY_TIME = datetime(2000, 1, 1, tzinfo=timezone.utc)
_LIMIT_NAMES = {"environments": "Environments", "cpu_cores": "Cores", "ram_mb": "RAM", "disk_gb": "Disk"}


@dataclass(frozen=True)
class Row:
    """A project. Texts that it does not have are empty. `notes`: its own, and those of its environments."""

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
    environment_rows: list[EnvironmentRow]
    notes: list[str]


@dataclass(frozen=True)
class Place:
    """A server, or, with an empty id, the projects that are on none of them. A capacity that is empty is unknown.

    `cores_used`, `ram_used` and `disk_used` are percents; None: not known. `load`: environments per GB of memory.
    """

    id: str
    name: str
    location: str
    cores: str
    cores_used: int | None
    ram: str
    ram_used: int | None
    disk: str
    disk_used: int | None
    projects: int
    old: int
    environments: int
    ram_per_environment: str
    load: Meter
    notes: list[str]


@dataclass(frozen=True)
class Version:
    """An Odoo version, or, with an empty name, the projects without one."""

    name: str
    number: float
    old: bool
    projects: int
    meter: Meter


@dataclass(frozen=True)
class Limit:
    """What a plan has of something, how much of it is used, and whether that is nearly all."""

    name: str
    used: str
    most: str
    percent: int
    meter: Meter
    notes: list[str]


@dataclass(frozen=True)
class Attention:
    """A note, and the anchor on the page and the name of everything that has it."""

    note: str
    title: str
    explanation: str
    objects: list[dict[str, str]]


def report_model(
    projects: object,
    servers: object,
    oldest_supported: object = "",
    *,
    environments: object = None,
    backups: object = None,
    organization: object = None,
    production: object = (),
    backup_max_age: object = "",
    now: object = "",
) -> dict[str, Any]:
    """Return the report as dictionaries and lists, of what was read: None was not asked for.

    `backups`: [{item: an environment, backups: its backups, unless they could not be read}].
    `organization`: the result of oec_organization_info. `production`: names of environments. `now`: ISO 8601.
    Raise TypeError for input of another type, and ValueError for a version or a time that is none.
    """
    oldest = text_of(oldest_supported) or OLDEST_SUPPORTED
    if version_number(oldest) == NO_NUMBER:
        raise ValueError(f"oldest_supported is {oldest!r}, which is not a version such as 17.0")
    age = text_of(backup_max_age) or BACKUP_MAX_AGE
    reading = _reading(production, backups, age, now)
    known = _objects("servers", servers)
    of_project: dict[str, list[EnvironmentRow]] = {}
    for each in _objects("environments", environments or []):
        of_project.setdefault(text_of(each.get("project_id")), []).append(reading.row(each))
    names = {text_of(server.get("id")): name_of(server) for server in known}
    rows = _rows(_objects("projects", projects), names, of_project, oldest)
    places, limits = _places(known, rows), _limits(organization)
    return {
        "oldest_supported": oldest,
        "account": name_of(_part(organization, "organization")) if _part(organization, "organization") else "",
        "figures": {
            "projects": len(rows),
            "servers": len(known),
            "environments": sum(place.environments for place in places),
            "old": sum("old" in row.notes for row in rows),
            "attention": sum(bool(row.notes) for row in rows),
        },
        "rows": [asdict(row) for row in rows],
        "places": [asdict(place) for place in places],
        "versions": [asdict(version) for version in _versions(rows)],
        "limits": [asdict(limit) for limit in limits],
        "attention": [asdict(each) for each in _attention(rows, places, limits, {"oldest": oldest, "max_age": age})],
    }


def _reading(production: object, backups: object, max_age: str, now: object) -> Reading:
    moment = parse_timestamp(text_of(now))
    if backups and not moment:
        raise ValueError(f"now is {text_of(now)!r}, and ages need a time in ISO 8601")
    patterns = [production] if isinstance(production, str) else production if isinstance(production, Iterable) else ()
    found = {
        text_of(_part(each, "item").get("id")): _objects("backups", each["backups"])
        for each in _objects("backups", backups or [])
        if each.get("backups") is not None
    }
    texts = [text_of(pattern) for pattern in patterns if text_of(pattern)]
    return Reading(texts or PRODUCTION, found, moment or _ANY_TIME, timedelta(seconds=duration(max_age)))


def _objects(name: str, value: object) -> list[Fields]:
    if isinstance(value, Iterable) and not isinstance(value, (str, bytes, Mapping)):
        objects = list(value)
        if all(isinstance(item, Mapping) for item in objects):
            return objects
    module = f"oecsh.cloud.oec_{name.removesuffix('s')}_info"
    raise TypeError(f"{name} is not a list of {name}. Use '{name}' of the result of {module}.")


def _part(result: object, name: str) -> Fields:
    part = result.get(name) if isinstance(result, Mapping) else None
    return part if isinstance(part, Mapping) else {}


def _exact_name(fields: Fields) -> str:
    return str(fields.get("name") or "")


def _rows(
    projects: Sequence[Fields],
    servers: Mapping[str, str],
    environments: Mapping[str, list[EnvironmentRow]],
    oldest: str,
) -> list[Row]:
    uses = Counter(_exact_name(project) for project in projects)

    def row(project: Fields) -> Row:
        version, server_id = text_of(project.get("odoo_version")), text_of(project.get("server_id"))
        number = version_number(version)
        repository = without_credentials(text_of(project.get("git_repo_url")))
        own = environments.get(text_of(project.get("id")), [])
        applies = {
            **{note: any(note in each.notes for each in own) for note in ENVIRONMENT_NOTES},
            "old": 0 <= number < version_number(oldest),
            "version": not version,
            "repository": not repository,
            "duplicate": uses[_exact_name(project)] > 1,
            "server": server_id not in servers,
        }
        return Row(
            id=text_of(project.get("id")),
            name=name_of(project),
            version=version,
            number=number,
            repository=repository,
            link=repository_link(repository),
            branch=text_of(project.get("default_branch")),
            environments=max(int(number_of(project.get("environment_count"))), len(own)),
            server_id=server_id,
            server=servers.get(server_id, ""),
            created=text_of(project.get("created_at")),
            environment_rows=own,
            notes=[note for note in NOTES if applies.get(note)],
        )

    return [row(project) for project in sorted(projects, key=lambda project: _exact_name(project).lower())]


def _places(servers: Sequence[Fields], rows: Sequence[Row]) -> list[Place]:
    carried = [(server, [row for row in rows if row.server_id == text_of(server.get("id"))]) for server in servers]
    if unknown := [row for row in rows if "server" in row.notes]:
        environments = sum(row.environments for row in unknown)
        carried.append(({"name": UNKNOWN_SERVER, "environment_count": environments}, unknown))
    largest = max((_load(server) for server, _rows in carried), default=0)
    return [_place(server, projects, largest) for server, projects in carried]


def _load(server: Fields) -> float:
    """Return how many environments a server has for each GB of its memory."""
    ram = number_of(server.get("ram_mb"))
    return number_of(server.get("environment_count")) / ram * 1024 if ram else 0


def _place(server: Fields, projects: Sequence[Row], largest: float) -> Place:
    ram, cores = number_of(server.get("ram_mb")), number_of(server.get("cpu_cores"))
    disk, environments = number_of(server.get("disk_gb")), int(number_of(server.get("environment_count")))
    metrics = _part(server, "metrics")
    disk_used = _percent(metrics.get("disk_percent"))
    return Place(
        id=text_of(server.get("id")),
        name=name_of(server),
        location=" · ".join(filter(None, (text_of(server.get("provider")), text_of(server.get("region"))))),
        cores=f"{cores:g}" if cores else "",
        cores_used=_percent(metrics.get("cpu_percent")),
        ram=gigabytes(ram) if ram else "",
        ram_used=_percent(metrics.get("memory_percent")),
        disk=f"{disk:g} GB" if disk else "",
        disk_used=disk_used,
        projects=len(projects),
        old=sum("old" in row.notes for row in projects),
        environments=environments,
        ram_per_environment=gigabytes(ram / environments) if ram and environments else "",
        load=meter(_load(server), largest),
        notes=["disk"] if disk_used is not None and disk_used >= NEARLY_FULL else [],
    )


def _percent(value: Any) -> int | None:
    return int(value) if isinstance(value, (int, float)) and 0 <= value < float("inf") else None


def _versions(rows: Sequence[Row]) -> list[Version]:
    """Return the versions, newest first, then those without a number, and the projects without a version at the end."""
    counts = Counter(row.version for row in rows)
    old = {row.version for row in rows if "old" in row.notes}
    largest = max(counts.values(), default=0)

    def version(name: str) -> Version:
        count = counts[name]
        width = meter(count, largest, count if name in old else 0)
        return Version(name, version_number(name), name in old, count, width)

    return [version(name) for name in sorted(counts, key=lambda name: (not name, -version_number(name)))]


def _limits(organization: object) -> list[Limit]:
    """Return the limits of the plan of which the API says how much is used."""
    limits = []
    for name, (most_field, used_field) in LIMITS.items():
        most = number_of(_part(organization, "organization").get(most_field))
        used = _part(organization, "usage").get(used_field)
        if most and isinstance(used, (int, float)):
            percent, width = int(100 * used / most), meter(min(used, most), most)
            notes = ["limit"] if percent >= NEARLY_USED else []
            limits.append(Limit(_LIMIT_NAMES[name], _amount(name, used), _amount(name, most), percent, width, notes))
    return limits


def _amount(name: str, number: float) -> str:
    return gigabytes(number) if name == "ram_mb" else f"{number:g} GB" if name == "disk_gb" else f"{number:g}"


def _attention(
    rows: Sequence[Row], places: Sequence[Place], limits: Sequence[Limit], words: Mapping[str, str]
) -> list[Attention]:
    found = list(_noted(rows, places, limits))
    return [
        Attention(note, title.format(**words), explanation.format(**words), objects)
        for note, (title, explanation) in NOTES.items()
        if (objects := [{"anchor": anchor, "name": name} for each, anchor, name in found if each == note])
    ]


def _noted(rows: Sequence[Row], places: Sequence[Place], limits: Sequence[Limit]) -> Iterator[tuple[str, str, str]]:
    """Yield each note with the anchor and the name of what has it."""
    for row in rows:
        for note in row.notes:
            own = [each for each in row.environment_rows if note in each.notes]
            yield from ((note, f"e-{each.id}", f"{row.name}/{each.name}") for each in own)
            if note not in ENVIRONMENT_NOTES:
                yield note, f"p-{row.id}", row.name
    for place in places:
        yield from ((note, f"s-{place.id}", place.name) for note in place.notes)
    for limit in limits:
        yield from ((note, "plan", limit.name) for note in limit.notes)
