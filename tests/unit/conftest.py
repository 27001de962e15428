# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import importlib
import io
import json
import signal
from collections.abc import Callable, Iterator
from contextlib import redirect_stdout
from typing import Any

import pytest
from ansible.module_utils import basic
from ansible.module_utils.common import warnings
from ansible_collections.oecsh.cloud.plugins.module_utils._api import http_client
from ansible_collections.oecsh.cloud.plugins.module_utils._api.client import Client
from ansible_collections.oecsh.cloud.plugins.module_utils._api.http_client import Clock, HttpClient
from ansible_collections.oecsh.cloud.plugins.module_utils._api.settings import Settings
from ansible_collections.oecsh.cloud.tests.contract.contract import contract
from ansible_collections.oecsh.cloud.tests.emulator import Emulator
from ansible_collections.oecsh.cloud.tests.support import ROOT

Result = dict[str, Any]

SERVER = "production-fsn1"
# Made and imported here, since ansible-test forks a process for each test: they all inherit it.
EMULATOR = Emulator(check=contract().problems)
MODULES = {
    path.stem: importlib.import_module(f"ansible_collections.oecsh.cloud.plugins.modules.{path.stem}")
    for path in (ROOT / "plugins" / "modules").glob("*.py")
}


@pytest.fixture(autouse=True)
def time_limit() -> Iterator[None]:
    """A test that takes longer than a minute ends as `CRASHED with exit code -14`: it may be an endless loop.

    ansible-test reads no settings of pytest, and forks a process for each test, which inherits no timer. The signal is
    left to kill that process: an exception out of its handler may come while coverage holds a lock, which the rest of
    the test would then wait for.
    """
    signal.setitimer(signal.ITIMER_REAL, 60)
    yield
    signal.setitimer(signal.ITIMER_REAL, 0)


@pytest.fixture(scope="session")
def running_emulator() -> Emulator:
    # It ends with the process: to stop takes longer than most tests.
    EMULATOR.start()
    return EMULATOR


@pytest.fixture
def emulator(running_emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> Iterator[Emulator]:
    """The API, empty, with its clock standing still, and no connection option in the environment.

    A test fails where a request was not as tests/contract has it.
    """
    for name in ("API_KEY", "API_URL", "API_TIMEOUT", "API_RETRIES", "API_MAX_WAIT", "WAIT_TIMEOUT", "WAIT_INTERVAL"):
        monkeypatch.delenv(f"OECSH_{name}", raising=False)
    running_emulator.reset()
    running_emulator.clock.freeze()
    running_emulator.log.take_problems()
    yield running_emulator
    assert running_emulator.log.take_problems() == []


@pytest.fixture
def sleeps() -> list[float]:
    """How long the collection has slept, each time."""
    return []


@pytest.fixture
def clock(emulator: Emulator, sleeps: list[float]) -> Clock:
    """The emulator's clock: to sleep is to move it on. Random is always 0.5."""

    def now() -> float:
        return emulator.clock.now().timestamp()

    def sleep(seconds: float) -> None:
        sleeps.append(seconds)
        emulator.clock.advance(seconds)

    return Clock(now=now, monotonic=now, sleep=sleep, random=lambda: 0.5)


@pytest.fixture
def make_http(emulator: Emulator, clock: Clock) -> Callable[..., HttpClient]:
    """make_http(**settings): an HTTP client of the emulator."""

    def make(**settings: Any) -> HttpClient:
        return HttpClient(Settings(**{"api_key": emulator.keys.full, "api_url": emulator.url, **settings}), clock=clock)

    return make


@pytest.fixture
def make_client(make_http: Callable[..., HttpClient]) -> Callable[..., Client]:
    """make_client(**settings): a client of the emulator."""
    return lambda **settings: Client(make_http(**settings))


@pytest.fixture
def client(make_client: Callable[..., Client]) -> Client:
    return make_client()


@pytest.fixture
def run_module(emulator: Emulator, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """run_module(name, check=False, diff=True, **options): the result of a module's real main()."""
    monkeypatch.setattr(http_client, "Clock", lambda: clock)

    def run(name: str, /, check: bool = False, diff: bool = True, **options: Any) -> Result:
        connection = {"api_key": emulator.keys.full, "api_url": emulator.url}
        modes = {"_ansible_check_mode": check, "_ansible_diff": diff}
        arguments = {"ANSIBLE_MODULE_ARGS": {**connection, **options, **modes}}
        # Every module has a process of its own, and starts without the warnings of another one.
        warnings._global_warnings.clear()
        monkeypatch.setattr(basic, "_ANSIBLE_ARGS", json.dumps(arguments).encode())
        # ansible-core has wanted to know how the arguments are packed since 2.19.
        monkeypatch.setattr(basic, "_ANSIBLE_PROFILE", "legacy", raising=False)
        with redirect_stdout(io.StringIO()) as printed, pytest.raises(SystemExit) as ended:
            MODULES[name].main()
        result: Result = json.loads(printed.getvalue())
        # For Ansible itself, which since 2.22 masks these in whatever it prints.
        assert result.pop("_ansible_new_secrets", [arguments["ANSIBLE_MODULE_ARGS"]["api_key"]])
        assert ended.value.code == (1 if result.get("failed") else 0)
        return result

    return run
