# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The emulator as an object: a server in a thread of its own, and what a test reads or changes of it."""

from __future__ import annotations

import socket
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import uvicorn

from .clock import EmulatorClock
from .control import add_control
from .faults import Faults
from .log import Check, RequestLog
from .service import Service
from .state import KEYS, SCOPED_PROJECT_ID, EmulatorSettings, State
from .wire import BASE, Exchange, Protocol, application


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
        self._state = State(self.clock)
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
        with self._state.lock:
            return self._state.projects_of(org)

    def deleted(self, org: str = "acme") -> list[dict[str, Any]]:
        with self._state.lock:
            return self._state.projects_of(org, deleted=True)

    def servers(self, org: str = "acme") -> list[dict[str, Any]]:
        with self._state.lock:
            return [dict(server) for server in self._state.servers[org]]

    def add_project(self, name: str, server: str | None = None, org: str = "acme", **fields: Any) -> dict[str, Any]:
        with self._state.lock:
            return self._state.add_project(org, name, server, **fields)

    def fill(self, count: int, org: str = "acme") -> None:
        """Add that many different projects."""
        with self._state.lock:
            self._state.fill(org, count)

    def edit(self, ident: str, **fields: Any) -> dict[str, Any]:
        with self._state.lock:
            return self._state.edit(ident, **fields)

    def remove(self, ident: str) -> None:
        with self._state.lock:
            self._state.project(ident).deleted = True

    def set_running(self, ident: str, count: int, pending: int = 0) -> None:
        """Set how many environments run or deploy, and how many are `pending`: never deployed."""
        with self._state.lock:
            self._state.set_running(ident, count, pending)

    def expire(self, key: str) -> None:
        """Let a key expire, until the next reset."""
        with self._state.lock:
            self._state.expire(key)

    @property
    def scoped_project(self) -> dict[str, Any]:
        """Return the project that the scoped key is bound to; the first read creates it."""
        with self._state.lock:
            if SCOPED_PROJECT_ID not in self._state.projects:
                return self._state.add_project("acme", "Scoped project", id=SCOPED_PROJECT_ID)
            return dict(self._state.projects[SCOPED_PROJECT_ID].fields)

    def dump(self) -> dict[str, Any]:
        with self._state.lock:
            return self._state.dump()

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
