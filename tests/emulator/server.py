# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The emulator as an object: a server in a thread of its own, and what a test reads or changes of it."""

from __future__ import annotations

import socket
import tempfile
import threading
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import uvicorn

from .clock import EmulatorClock
from .control import add_control
from .faults import Faults
from .log import Check, RequestLog
from .service import BASE, Service
from .state import KEYS, SCOPED_PROJECT_ID, EmulatorSettings, State
from .tasks import Plan
from .wire import Exchange, Protocol, application


class Emulator:
    """`with Emulator(writes=None) as emulator:` serves at `emulator.url`; keyword arguments are the switches.

    `check` returns what is wrong with a request, for `log.take_problems()`; the response is the same.
    """

    def __init__(
        self, *, host: str = "127.0.0.1", port: int = 0, tls: bool = False, check: Check | None = None, **settings: Any
    ) -> None:
        self.keys = KEYS
        self.settings = EmulatorSettings(**settings)
        self.clock = EmulatorClock()
        self.faults = Faults()
        self.log = RequestLog(check)
        self.ca_path: str | None = None
        self.wrong_ca_path: str | None = None
        self._initial_settings = settings
        self._address = (host, port)
        self._tls = tls
        self._state = State(self.clock, self.settings)
        self._app = application(Exchange(Service(self._state, self.settings), self.faults, self.log))
        add_control(self._app, self)

    # The server.

    @property
    def url(self) -> str:
        return f"{self.root}{BASE}"

    @property
    def root(self) -> str:
        """Return the address that the control routes are below: `root + "/_emulator"`."""
        return f"{'https' if self._tls else 'http'}://{self._address[0]}:{self._address[1]}"

    def start(self) -> None:
        # Bound here and not by uvicorn: the port is known at once, and a port in use raises OSError in the caller.
        listener = socket.create_server(self._address)
        # asyncio sets it on its own sockets only; without it each response waits 40 ms for the client's delayed ACK.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._address = (self._address[0], listener.getsockname()[1])
        self._state.environments.root = self.root
        certificate = self._certificate() if self._tls else None
        config = uvicorn.Config(
            self._app,
            http=Protocol,
            ws="none",
            lifespan="off",
            loop="asyncio",
            log_config=None,
            log_level="critical",
            access_log=False,
            proxy_headers=False,
            date_header=False,  # the Date comes from the emulator's own clock
            server_header=False,
            timeout_keep_alive=75,
            ssl_keyfile=certificate,
            ssl_certfile=certificate,
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, args=([listener],), name="emulator", daemon=True)
        self._thread.start()
        while not self._server.started and self._thread.is_alive():
            time.sleep(0.001)

    def stop(self) -> None:
        self._server.should_exit = self._server.force_exit = True  # do not wait for delayed responses
        self._thread.join()
        if self._tls:
            self._folder.cleanup()

    def __enter__(self) -> Emulator:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _certificate(self) -> str:
        import trustme

        self._folder = tempfile.TemporaryDirectory(prefix="oecsh-emulator-")
        paths = {name: Path(self._folder.name, f"{name}.pem") for name in ("ca", "wrong_ca", "server")}
        authority = trustme.CA()
        authority.cert_pem.write_to_path(paths["ca"])
        trustme.CA().cert_pem.write_to_path(paths["wrong_ca"])
        certificate = authority.issue_cert("127.0.0.1", "localhost")
        certificate.private_key_and_cert_chain_pem.write_to_path(paths["server"])
        self.ca_path, self.wrong_ca_path = str(paths["ca"]), str(paths["wrong_ca"])
        return str(paths["server"])

    # The state.

    def projects(self, org: str = "acme") -> list[dict[str, Any]]:
        with self._state.up_to_date() as state:
            return state.projects_of(org)

    def deleted(self, org: str = "acme") -> list[dict[str, Any]]:
        with self._state.up_to_date() as state:
            return state.projects_of(org, deleted=True)

    def servers(self, org: str = "acme") -> list[dict[str, Any]]:
        with self._state.up_to_date() as state:
            return [dict(server) for server in state.servers[org]]

    def add_project(self, name: str, server: str | None = None, org: str = "acme", **fields: Any) -> dict[str, Any]:
        with self._state.up_to_date() as state:
            return state.add_project(org, name, server, **fields)

    def fill(self, count: int, org: str = "acme", environments: Iterable[str] = ()) -> None:
        """Add that many different projects, with a running environment of each name."""
        with self._state.up_to_date() as state:
            state.fill(org, count, environments)

    def edit(self, ident: str, **fields: Any) -> dict[str, Any]:
        with self._state.up_to_date() as state:
            return state.edit(ident, **fields)

    def remove(self, ident: str) -> None:
        with self._state.up_to_date() as state:
            state.remove(ident)

    def set_running(self, ident: str, count: int, pending: int = 0) -> None:
        """Set how many more environments run or deploy, and how many are `pending`: never deployed."""
        with self._state.up_to_date() as state:
            state.set_running(ident, count, pending)

    def expire(self, key: str) -> None:
        """Let a key expire, until the next reset."""
        with self._state.up_to_date() as state:
            state.expire(key)

    @property
    def scoped_project(self) -> dict[str, Any]:
        """Return the project that the scoped key is bound to; the first read creates it."""
        with self._state.up_to_date() as state:
            if SCOPED_PROJECT_ID not in state.projects:
                return state.add_project("acme", "Scoped project", id=SCOPED_PROJECT_ID)
            return state.view(state.projects[SCOPED_PROJECT_ID])

    def environments(self, project_id: str | None = None, org: str = "acme") -> list[dict[str, Any]]:
        """Return those that are not deleted, oldest first, hidden or not."""
        with self._state.up_to_date() as state:
            projects = [ident for ident, project in state.projects.items() if project.org == org]
            of_project = state.environments.of_project
            found = [each for ident in projects if project_id in (None, ident) for each in of_project(ident)]
            return sorted(map(state.environments.view, found), key=lambda fields: str(fields["created_at"]))

    def add_environment(
        self, project_id: str, name: str = "production", status: str = "running", **fields: Any
    ) -> dict[str, Any]:
        """Add an environment without a task. Create-only settings are accepted too."""
        with self._state.up_to_date() as state:
            state.project(project_id)
            return state.environments.view(state.environments.add(project_id, name, status, **fields))

    def edit_environment(self, ident: str, **fields: Any) -> dict[str, Any]:
        with self._state.up_to_date() as state:
            return state.environments.edit(ident, fields)

    def remove_environment(self, ident: str) -> None:
        with self._state.up_to_date() as state:
            state.environments.find(ident).deleted = True

    def tasks(self, environment_id: str | None = None, type: str | None = None) -> list[dict[str, Any]]:  # noqa: A002 - the API's word
        """Return the tasks as the API does, oldest first."""
        with self._state.up_to_date() as state:
            now = self.clock.now()
            views = [task.view(now) for task in state.environments.tasks.values()]
            return [
                view
                for view in views
                if environment_id in (None, view["environment_id"]) and type in (None, view["type"])
            ]

    def start_task(self, environment_id: str, type: str, **plan: Any) -> dict[str, Any]:  # noqa: A002 - the API's word
        """Start a task as if in the dashboard, whatever the state of the environment; `plan` is as in `plan_task`."""
        with self._state.up_to_date() as state:
            return state.environments.start(environment_id, type, plan)

    def plan_task(self, type: str | None = None, environment_id: str | None = None, **plan: Any) -> None:  # noqa: A002 - the API's word
        """Decide on the next such task: `outcome`, `seconds`, `step`, `error`, `log`, `size_ratio`, `times`."""
        with self._state.up_to_date() as state:
            state.environments.plans.append(Plan(type, environment_id, **plan))

    def push(self, branch: str, commit: str, project_id: str | None = None) -> None:
        """Set the head of a branch, in one project or in all."""
        with self._state.up_to_date() as state:
            state.environments.push(branch, commit, project_id)

    @property
    def missing_branches(self) -> set[str]:
        """Return the branches that no repository has; the set can be changed."""
        return self._state.environments.missing_branches

    def add_backup(
        self, environment_id: str, age: float = 0, status: str = "completed", **fields: Any
    ) -> dict[str, Any]:
        """Add a backup that was completed so many seconds ago."""
        with self._state.up_to_date() as state:
            return state.backups.view(state.backups.add(environment_id, age, status, **fields))

    def backups(self, environment_id: str | None = None) -> list[dict[str, Any]]:
        """Return the backups as the API does, in the words of the client, oldest first."""
        with self._state.up_to_date() as state:
            return [state.backups.view(each) for each in state.backups.of(environment_id)]

    def add_webhook(
        self, url: str, events: Iterable[str], project_id: str | None = None, org: str = "acme", **more: Any
    ) -> dict[str, Any]:
        """Add a webhook, with so many `deliveries` if given. Return it with its secret."""
        with self._state.up_to_date() as state:
            return state.webhooks.add(org, url, events, project_id, **more).with_secret()

    def webhooks(self, org: str = "acme") -> list[dict[str, Any]]:
        """Return the webhooks with their secrets, oldest first."""
        with self._state.up_to_date() as state:
            return [webhook.with_secret() for webhook in state.webhooks.of(org)]

    def most_at_once(self, server_id: str | None = None) -> int:
        """Return how many tasks were in progress at the same time at most, on a server or in all."""
        with self._state.up_to_date() as state:
            return state.environments.most_at_once(server_id)

    def dump(self) -> dict[str, Any]:
        with self._state.up_to_date() as state:
            return state.dump()

    def load(self, state: dict[str, Any]) -> None:
        with self._state.lock:
            self._state.load(state)

    def reset(self) -> None:
        """Restore the state, the switches and the clock of the start, and clear the faults and the log."""
        with self._state.lock:
            self._state.reset()
            self.clock.reset()
            self.faults.clear()
            self.log.clear()
            for name, value in vars(EmulatorSettings(**self._initial_settings)).items():
                setattr(self.settings, name, value)
