# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the service knows: keys, servers, projects, stored answers; and the switches for how it behaves."""

from __future__ import annotations

import copy
import threading
import uuid
from dataclasses import dataclass, field, fields
from datetime import datetime, timedelta, timezone
from typing import Any

from .clock import Clock

ERROR_SHAPES = ("nested", "flat", "flat_detail", "loc", "text", "reason", "empty", "html")
RATE_LIMIT_STYLES = ("header", "body", "none")
SCOPED_PROJECT_ID = "5c0bed00-0000-4000-8000-000000000001"


def _key(access: str, name: str) -> str:
    return f"oec_live_{access}_{name.ljust(43, '0')}"


@dataclass(frozen=True)
class Keys:
    full: str = _key("rw", "EmulatorAcmeFull")
    second: str = _key("rw", "EmulatorAcmeSecond")
    read_only: str = _key("ro", "EmulatorAcmeReadOnly")
    scoped: str = _key("rw", "EmulatorAcmeScoped")
    other_org: str = _key("rw", "EmulatorOtherFull")
    expired: str = _key("rw", "EmulatorAcmeExpired")


@dataclass(frozen=True)
class Access:
    """What a key opens."""

    key: str
    org: str
    writes: bool = True
    project_id: str | None = None
    expired: bool = False


KEYS = Keys()
ACCESS = {
    access.key: access
    for access in (
        Access(KEYS.full, "acme"),
        Access(KEYS.second, "acme"),
        Access(KEYS.read_only, "acme", writes=False),
        Access(KEYS.scoped, "acme", project_id=SCOPED_PROJECT_ID),
        Access(KEYS.other_org, "other"),
        Access(KEYS.expired, "acme", expired=True),
    )
}


@dataclass
class Settings:
    """The switches. They can be set at any time and hold from the next request on."""

    reads: int | None = 120
    writes: int | None = 20
    window: float = 60
    rate_limit_style: str = "header"
    error_shape: str = "nested"
    refused_keys: int | None = 10
    store_errors: bool = True
    normalise_names: bool = False
    subscription_blocked: bool = False
    plan_feature_required: bool = False

    def __setattr__(self, name: str, value: Any) -> None:
        # A misspelt switch in a test would silently test nothing.
        if name not in {switch.name for switch in fields(self)}:
            raise AttributeError(f"there is no switch {name!r}")
        choices = {"error_shape": ERROR_SHAPES, "rate_limit_style": RATE_LIMIT_STYLES}.get(name)
        if choices and value not in choices:
            raise ValueError(f"{name} is one of {', '.join(choices)}, not {value!r}")
        super().__setattr__(name, value)


def _server(ident: str, name: str, provider: str, region: str, cores: int, ram_mb: int, disk_gb: int) -> dict[str, Any]:
    sizes = {"cpu_cores": cores, "ram_mb": ram_mb, "disk_gb": disk_gb}
    return {"id": ident, "name": name, "provider": provider, "region": region, **sizes}


SERVERS = {
    "acme": [
        _server("8e4f2a1c-1234-5678-abcd-ef0123456789", "production-fsn1", "hetzner", "fsn1", 6, 63488, 477),
        _server("b7c1d9e2-0a52-4c6e-9d0f-3f1a5e7c2b11", "production-nyc1", "digitalocean", "nyc1", 8, 32768, 320),
        _server("c3a8f0b4-7d1e-4f29-8a65-92d4e6b1c822", "staging-hel1", "hetzner", "hel1", 2, 4096, 80),
    ],
    "other": [_server("d9e2b5a6-41f3-4b8c-a7d0-60c8f2e4a933", "other-ash1", "aws", "us-east-1", 4, 16384, 160)],
}


@dataclass
class Project:
    org: str
    shown: dict[str, Any]  # exactly what the API shows
    running: int = 0
    deleted: bool = False


@dataclass
class Stored:
    """The answer that is replayed for an idempotency key."""

    status: int
    body: str
    media_type: str
    expires: str


@dataclass
class State:
    clock: Clock
    lock: threading.RLock = field(default_factory=threading.RLock)

    def __post_init__(self) -> None:
        self.generation = 0
        self.reset()

    def reset(self) -> None:
        self.generation += 1  # so that a request delayed beyond a reset does its work no more
        self.servers: dict[str, list[dict[str, Any]]] = copy.deepcopy(SERVERS)
        self.projects: dict[str, Project] = {}  # in the order of their creation, deleted ones included
        self.stored: dict[tuple[str, str], Stored] = {}  # by organisation and idempotency key
        self.in_flight: set[tuple[str, str]] = set()
        self.spent: dict[tuple[str, str], tuple[int, int]] = {}  # key and kind -> window, requests in it
        self.refusals: dict[str, list[datetime]] = {}  # address -> when it came with a key that was refused
        self.blocked_until: dict[str, datetime] = {}

    def timestamp(self) -> str:
        return _iso(self.clock.now())

    def server(self, org: str, name_or_id: str) -> dict[str, Any] | None:
        found = (server for server in self.servers[org] if name_or_id in (server["id"], server["name"]))
        return next(found, None)

    def add_project(self, org: str, name: str, server: str | None = None, **more: Any) -> dict[str, Any]:
        """Without a server it is on the organisation's first one; `server_id=None` makes one without any."""
        on = self.server(org, server) if server else self.servers[org][0]
        if on is None:
            raise ValueError(f"{org} has no server {server!r}")
        shown = {
            "id": str(uuid.uuid4()),
            "name": name,
            "odoo_version": None,
            "git_repo_url": None,
            "default_branch": "main",
            "environment_count": 0,
            "server_id": on["id"],
            "created_at": self.timestamp(),
        }
        _change(shown, more)
        if shown["id"] in self.projects:
            raise ValueError(f"there is a project {shown['id']} already")
        self.projects[shown["id"]] = Project(org, shown)
        return dict(shown)

    def fill(self, org: str, count: int) -> None:
        versions = ("16.0", "17.0", "18.0")
        for number in range(1, count + 1):
            server = self.servers[org][number % len(self.servers[org])]
            repo = f"https://github.com/{org}/client-{number:03}"
            version = versions[number % len(versions)]
            self.add_project(org, f"Client {number:03}", server["id"], git_repo_url=repo, odoo_version=version)

    def project(self, ident: str) -> Project:
        if ident not in self.projects or self.projects[ident].deleted:
            raise ValueError(f"there is no project {ident}")
        return self.projects[ident]

    def edit(self, ident: str, **changes: Any) -> dict[str, Any]:
        project = self.project(ident)
        _change(project.shown, changes)
        return dict(project.shown)

    def set_running(self, ident: str, count: int) -> None:
        project = self.project(ident)
        project.running = count
        project.shown["environment_count"] = max(count, project.shown["environment_count"])

    def store(self, slot: tuple[str, str], status: int, body: str, media_type: str) -> None:
        expires = self.clock.now() + timedelta(hours=24)
        self.stored[slot] = Stored(status, body, media_type, _iso(expires))

    def shown(self, org: str, deleted: bool = False) -> list[dict[str, Any]]:
        return [dict(p.shown) for p in self.projects.values() if p.org == org and p.deleted is deleted]

    def dump(self) -> dict[str, Any]:
        return {
            "servers": copy.deepcopy(self.servers),
            "projects": [
                {"org": p.org, **p.shown, "running": p.running, "deleted": p.deleted} for p in self.projects.values()
            ],
            "stored": [{"org": org, "key": key, **vars(answer)} for (org, key), answer in self.stored.items()],
        }

    def load(self, document: dict[str, Any]) -> None:
        """Take over what `dump` gave, or less: what is left out is as it is after a reset."""
        try:
            self.reset()
            if unknown := set(document) - {"servers", "projects", "stored"}:
                raise ValueError(f"a state has no {', '.join(sorted(unknown))}")
            self.servers.update(copy.deepcopy(document.get("servers", {})))
            for entry in document.get("projects", ()):
                more = {"org": "acme", "running": 0, "deleted": False, **entry}
                running, deleted = more.pop("running"), more.pop("deleted")
                project = self.projects[self.add_project(**more)["id"]]
                project.running, project.deleted = running, deleted
            for entry in document.get("stored", ()):
                answer = dict(entry)
                slot = (answer.pop("org"), answer.pop("key"))
                self.stored[slot] = Stored(**answer)
        except Exception:
            self.reset()
            raise


def _iso(moment: datetime) -> str:
    return moment.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _change(shown: dict[str, Any], changes: dict[str, Any]) -> None:
    if unknown := set(changes) - set(shown):
        raise ValueError(f"a project has no {', '.join(sorted(unknown))}")
    shown.update(changes)
