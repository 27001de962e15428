# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The state of the service, and the switches for its behaviour. Environments have a file of their own."""

from __future__ import annotations

import copy
import threading
import uuid
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from .backup_state import Backups
from .clock import EmulatorClock, iso
from .environment_state import Environments
from .webhook_state import Webhooks

ERROR_SHAPES = ("loc", "nested", "flat", "flat_detail", "text", "empty", "html")
RATE_LIMIT_STYLES = ("header", "body", "nested", "none")
RATE_LIMIT_RESETS = ("none", "seconds", "epoch")
FAILURE_WORDS = ("error", "failed")
PAGES_FIELDS = ("pages", "total_pages", "none")
BACKUP_WORDS = ("client", "documented")
BACKUP_CONFLICTS = ("task_in_progress", "text", "none")
# The only storage for backups that each organization has.
STORAGE_CONFIG_IDS = {
    "acme": "5704a6e0-0000-4000-8000-000000000001",
    "other": "5704a6e0-0000-4000-8000-000000000002",
}
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
    """What a key gives access to."""

    key: str
    org: str
    writes: bool = True
    project_id: str | None = None


KEYS = Keys()
ACCESS = {
    access.key: access
    for access in (
        Access(KEYS.full, "acme"),
        Access(KEYS.second, "acme"),
        Access(KEYS.read_only, "acme", writes=False),
        Access(KEYS.scoped, "acme", project_id=SCOPED_PROJECT_ID),
        Access(KEYS.other_org, "other"),
        Access(KEYS.expired, "acme"),
    )
}

CHOICES = {
    "error_shape": ERROR_SHAPES,
    "rate_limit_style": RATE_LIMIT_STYLES,
    "rate_limit_reset": RATE_LIMIT_RESETS,
    "failure_word": FAILURE_WORDS,
    "pages_field": PAGES_FIELDS,
    "backup_words": BACKUP_WORDS,
    "backup_conflict": BACKUP_CONFLICTS,
    "missing_route_status": (404, 405),
}


@dataclass
class EmulatorSettings:
    """The switches. They can be set at any time and apply from the next request on."""

    reads: int | None = 120
    writes: int | None = 20
    window: float = 60
    single_bucket: bool = False
    rate_limit_style: str = "header"
    rate_limit_reset: str = "none"
    error_shape: str = "loc"
    rejected_keys: int | None = 10
    store_errors: bool = True
    normalise_names: bool = False
    subscription_blocked: bool = False
    subscription_blocks_reads: bool = False
    plan_feature_required: bool = False
    org_scope_required: bool = False
    pending_blocks_delete: bool = False
    queue_seconds: float = 2
    deploy_seconds: float = 180
    action_seconds: float = 20
    destroy_seconds: float = 30
    action_lock_seconds: float = 0
    late_last_deploy: float = 0
    status_moves_late: float = 0
    failure_word: str = "error"
    hides_stopped: bool = False
    queues_first_deploy: bool = True
    unique_environment_names: bool = False
    ignored_fields: list[str] = field(default_factory=list)
    patch_conflicts: bool = False
    wrong_state_rejected: bool = True
    conflict_has_task_id: bool = True
    confirm_environment_delete: bool = True
    delete_has_task_id: bool = True
    has_backups: bool = True
    pages_field: str = "pages"
    backup_words: str = "client"
    backup_conflict: str = "task_in_progress"
    backup_has_task_id: bool = True
    backup_has_snapshot: bool = True
    backup_quota: int | None = None
    has_storage: bool = True
    upload_seconds: float = 5
    confirm_restore: bool = True
    restore_starts: bool = True
    missing_routes: list[str] = field(default_factory=list)
    missing_route_status: int = 404
    webhook_mutations: int | None = 10
    webhook_events: int = 12
    private_webhooks_rejected: bool = True
    unique_webhooks: bool = False
    plan: str = "pro"
    max_environments: int | None = 20
    max_cpu_cores: float | None = 32
    max_ram_mb: int | None = 65536
    max_disk_gb: int | None = 800
    org_rejects_scoped_key: bool = False
    servers_without_metrics: list[str] = field(default_factory=list)

    def __setattr__(self, name: str, value: Any) -> None:
        # A misspelled switch in a test would silently test nothing.
        if name not in self.__dataclass_fields__:
            raise AttributeError(f"there is no switch {name!r}")
        choices = CHOICES.get(name)
        if choices and value not in choices:
            raise ValueError(f"{name} is one of {', '.join(map(str, choices))}, not {value!r}")
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
class StoredProject:
    org: str
    fields: dict[str, Any]  # exactly what the API returns
    running: int = 0
    pending: int = 0
    deleted: bool = False


@dataclass
class StoredResponse:
    """The response that is replayed for an idempotency key."""

    status: int
    body: str
    media_type: str
    expires: str


@dataclass
class State:
    clock: EmulatorClock
    settings: EmulatorSettings
    lock: threading.RLock = field(default_factory=threading.RLock)

    def __post_init__(self) -> None:
        self.generation = 0
        self.environments = Environments(self)
        self.backups = Backups(self)
        self.webhooks = Webhooks(self)
        self.reset()

    @contextmanager
    def up_to_date(self) -> Iterator[State]:
        """Hold the lock, with everything as it is at this time."""
        with self.lock:
            self.environments.catch_up()
            yield self

    def reset(self) -> None:
        self.generation += 1  # so that a request delayed beyond a reset does nothing
        self.servers: dict[str, list[dict[str, Any]]] = copy.deepcopy(SERVERS)
        self.projects: dict[str, StoredProject] = {}  # in the order of creation, deleted ones included
        self.stored: dict[tuple[str, str], StoredResponse] = {}  # by organization and idempotency key
        self.in_flight: set[tuple[str, str]] = set()
        self.counted: Counter[tuple[str, str, int]] = Counter()  # requests by key, kind and window
        self.expired = {KEYS.expired}
        self.rejections: dict[str, tuple[int, datetime]] = {}  # by address: how many in a row, and the last one
        self.blocked_until: dict[str, datetime] = {}
        # Calls with a limit of their own: since when, and how many.
        self.calls: dict[tuple[str, str], tuple[datetime, int]] = {}
        self.environments.reset()
        self.backups.reset()
        self.webhooks.reset()

    def timestamp(self) -> str:
        return iso(self.clock.now())

    def server(self, org: str, name_or_id: str) -> dict[str, Any] | None:
        found = (server for server in self.servers[org] if name_or_id in (server["id"], server["name"]))
        return next(found, None)

    def add_project(self, org: str, name: str, server: str | None = None, **more: Any) -> dict[str, Any]:
        """Add a project, on the organization's first server unless one is given; `server_id=None` is none."""
        target = self.server(org, server) if server else self.servers[org][0]
        if target is None:
            raise ValueError(f"{org} has no server {server!r}")
        project = {
            "id": str(uuid.uuid4()),
            "name": name,
            "odoo_version": None,
            "git_repo_url": None,
            "default_branch": "main",
            "environment_count": 0,
            "server_id": target["id"],
            "created_at": self.timestamp(),
        }
        _change(project, more)
        if project["id"] in self.projects:
            raise ValueError(f"project {project['id']} already exists")
        self.projects[project["id"]] = StoredProject(org, project)
        return dict(project)

    def fill(self, org: str, count: int, environments: Iterable[str]) -> None:
        names = list(environments)
        versions = ("16.0", "17.0", "18.0")
        for number in range(1, count + 1):
            server = self.servers[org][number % len(self.servers[org])]
            repo = f"https://github.com/{org}/client-{number:03}"
            version = versions[number % len(versions)]
            project = self.add_project(
                org, f"Client {number:03}", server["id"], git_repo_url=repo, odoo_version=version
            )
            for name in names:
                self.environments.add(project["id"], name, "running")

    def project(self, ident: str) -> StoredProject:
        if ident not in self.projects or self.projects[ident].deleted:
            raise ValueError(f"there is no project {ident}")
        return self.projects[ident]

    def edit(self, ident: str, **changes: Any) -> dict[str, Any]:
        project = self.project(ident)
        _change(project.fields, changes)
        return self.view(project)

    def view(self, project: StoredProject) -> dict[str, Any]:
        """Return what the API says about a project."""
        count = len(self.environments.of_project(project.fields["id"]))
        return {**project.fields, "environment_count": project.fields["environment_count"] + count}

    def remove(self, ident: str) -> None:
        self.project(ident).deleted = True
        for environment in self.environments.of_project(ident):
            environment.deleted = True

    def set_running(self, ident: str, count: int, pending: int) -> None:
        project = self.project(ident)
        project.running, project.pending = count, pending
        project.fields["environment_count"] = max(count + pending, project.fields["environment_count"])

    def expire(self, key: str) -> None:
        if key not in ACCESS:
            raise ValueError("there is no such key")
        self.expired.add(key)

    def store(self, slot: tuple[str, str], status: int, body: str, media_type: str) -> None:
        expires = iso(self.clock.now() + timedelta(hours=24))
        self.stored[slot] = StoredResponse(status, body, media_type, expires)

    def projects_of(self, org: str, deleted: bool = False) -> list[dict[str, Any]]:
        return [self.view(p) for p in self.projects.values() if p.org == org and p.deleted is deleted]

    def dump(self) -> dict[str, Any]:
        return {
            "servers": copy.deepcopy(self.servers),
            "projects": [
                {"org": p.org, **p.fields, "running": p.running, "pending": p.pending, "deleted": p.deleted}
                for p in self.projects.values()
            ],
            "stored": [{"org": org, "key": key, **vars(response)} for (org, key), response in self.stored.items()],
            **self.environments.dump(),
            "backups": self.backups.dump(),
            "webhooks": self.webhooks.dump(),
        }

    def load(self, document: dict[str, Any]) -> None:
        """Load what `dump` returned, or a part of it: the rest is as after a reset."""
        try:
            self.reset()
            if unknown := set(document) - set(self.dump()):
                raise ValueError(f"a state has no {', '.join(sorted(unknown))}")
            self.servers.update(copy.deepcopy(document.get("servers", {})))
            for entry in document.get("projects", ()):
                more = {"org": "acme", "running": 0, "pending": 0, "deleted": False, **entry}
                apart = {name: more.pop(name) for name in ("running", "pending", "deleted")}
                ident = self.add_project(**more)["id"]
                self.projects[ident] = replace(self.projects[ident], **apart)
            for entry in document.get("stored", ()):
                response = dict(entry)
                slot = (response.pop("org"), response.pop("key"))
                self.stored[slot] = StoredResponse(**response)
            self.environments.load(document)
            self.backups.load(document.get("backups", ()))
            self.webhooks.load(document.get("webhooks", ()))
        except Exception:
            self.reset()
            raise


def _change(project: dict[str, Any], changes: dict[str, Any]) -> None:
    if unknown := set(changes) - set(project):
        raise ValueError(f"a project has no {', '.join(sorted(unknown))}")
    project.update(changes)
