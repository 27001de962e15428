# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The key, and credentials in a Git URL: where they must not be, and who must not get them."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
import yaml
from ansible_collections.oecsh.cloud.plugins.module_utils import _transport
from ansible_collections.oecsh.cloud.tests.emulator import Emulator

# plugins/module_utils/_transport.py, cloud, oecsh, ansible_collections
COLLECTIONS = Path(_transport.__file__).absolute().parents[5]

SERVER = "production-fsn1"
SERVER_ID = "8e4f2a1c-1234-5678-abcd-ef0123456789"
NO_ID = "00000000-0000-4000-8000-000000000000"
FIRST, SECOND = "https://deploy-bot:hunter2%21one@git.example.org/erp", "https://ghp_TokenNumberTwo@git.example.org/erp"
ODD = "deploy-bot:hunter-three@git.example.org:erp.git"
INSECURE = "http://deploy-bot:hunter-four@git.example.org/erp"
CREDENTIALS = ["hunter2%21one", unquote("hunter2%21one"), "ghp_TokenNumberTwo", "hunter-three", "hunter-four"]

Result = dict[str, Any]


def env(name: str) -> str:
    """The secrets are in the environment, as a vault would put them into variables: Ansible shows a playbook's text."""
    return f"{{{{ lookup('env', '{name}') }}}}"


@dataclass
class Outcome:
    code: int
    printed: str
    folder: Path

    def leaks(self, key: str) -> list[str]:
        """Where a secret is: in what was printed, or in a file that is left."""
        files = [path for path in self.folder.rglob("*") if path.is_file()]
        places = {"output": self.printed, **{str(path): path.read_text(errors="replace") for path in files}}
        return [
            f"{secret} in {place}: ...{text[max(0, text.find(secret) - 200) : text.find(secret) + 100]}..."
            for place, text in places.items()
            for secret in [key, *CREDENTIALS]
            if secret in text
        ]


@pytest.fixture
def ansible(emulator: Emulator, tmp_path: Path) -> Callable[..., Outcome]:
    """ansible(program, *arguments, **variables): a real one, in a home and a folder of its own, at -vvvvv."""
    emulator.clock.thaw()  # the process has the real time
    home = tmp_path / "home"
    home.mkdir()
    (tmp_path / "ansible.cfg").touch()
    variables = {
        "PATH": os.environ["PATH"],
        "LANG": "C.UTF-8",
        "HOME": str(home),
        "ANSIBLE_COLLECTIONS_PATH": str(COLLECTIONS),
        "ANSIBLE_NOCOLOR": "1",
        # What Ansible can be told to keep.
        "ANSIBLE_LOG_PATH": str(tmp_path / "ansible.log"),
        "ANSIBLE_CACHE_PLUGIN": "jsonfile",
        "ANSIBLE_CACHE_PLUGIN_CONNECTION": str(tmp_path / "facts"),
        "ANSIBLE_RETRY_FILES_ENABLED": "1",
        "ANSIBLE_RETRY_FILES_SAVE_PATH": str(tmp_path),
        "ANSIBLE_CALLBACKS_ENABLED": "ansible.builtin.junit",
        "JUNIT_OUTPUT_DIR": str(tmp_path / "junit"),
        "OECSH_API_URL": emulator.url,
        "OECSH_API_KEY": emulator.keys.full,
        "OECSH_API_RETRIES": "0",
        "FIRST": FIRST,
        "SECOND": SECOND,
        "ODD": ODD,
        "INSECURE": INSECURE,
    }

    def run(program: str, *arguments: str, **more: str) -> Outcome:
        command = [sys.executable, "-m", "ansible", program, *arguments, "-vvvvv"]
        done = subprocess.run(
            command, cwd=tmp_path, env={**variables, **more}, capture_output=True, text=True, timeout=120, check=False
        )
        return Outcome(done.returncode, done.stdout + done.stderr, tmp_path)

    return run


@pytest.fixture
def play(ansible: Callable[..., Outcome], tmp_path: Path) -> Callable[..., Outcome]:
    """play(tasks, *arguments): each task a module and its options; none that fails ends the play."""

    def run(tasks: list[tuple[str, Result]], *arguments: str, **more: str) -> Outcome:
        listed = [
            {f"oecsh.cloud.{module}": options, "name": f"Task {number}"}
            for number, (module, options) in enumerate(tasks, 1)
        ]
        playbook = [
            {
                "hosts": "localhost",
                "gather_facts": False,
                "ignore_errors": True,
                "vars": {"ansible_python_interpreter": sys.executable},
                "tasks": listed,
            }
        ]
        (tmp_path / "site.yml").write_text(yaml.safe_dump(playbook))
        return ansible("playbook", "site.yml", "--diff", *arguments, **more)

    return run


def project(name: str, repo: str, **more: Any) -> tuple[str, Result]:
    return "oec_project", {"name": name, "server": SERVER, "git_repo_url": env(repo), **more}


# Each ends ok, changed or failed, as itself says, and in check mode too.
EVERYTHING: list[tuple[str, Result]] = [
    project("Client ERP", "FIRST"),
    project("Client ERP", "FIRST"),
    project("Client ERP", "SECOND"),
    project("Client ERP", "SECOND", odoo_version="99.0"),
    project("Other", "FIRST", server="no such server"),
    project("Other", "ODD"),
    project("Other", "INSECURE"),
    project("x" * 256, "FIRST"),
    project("Other", "FIRST", project_id="no uuid"),
    project("Other", "FIRST", project_id=NO_ID),
    project("Other", "FIRST", state="neither"),
    project("Other", "FIRST", api_timeout="soon"),
    project("Other", "FIRST", api_key=env("FIRST")),
    ("oec_project", {"git_repo_url": env("FIRST")}),
    ("oec_projects", {"projects": [project("Client ERP", "FIRST")[1], project("Third", "SECOND")[1]]}),
    ("oec_projects", {"projects": [project("Client ERP", "ODD")[1], project("Third", "INSECURE")[1]]}),
    ("oec_projects", {"projects": [project("Client ERP", "FIRST")[1], project("Third", "SECOND", colour="red")[1]]}),
    ("oec_projects", {"projects": [project("Client ERP", "SECOND")[1]], "prune": True}),
    ("oec_project_info", {}),
    ("oec_project_info", {"name": "Client ERP"}),
    ("oec_project_info", {"project_id": "no uuid"}),
    ("oec_server_info", {}),
    ("oec_server_info", {"provider": "hetzner"}),
    ("oec_project", {"name": "Client ERP", "state": "absent"}),
]


@pytest.mark.parametrize("arguments", [["--check"], []], ids=["check", "real"])
def test_no_module_shows_or_keeps_a_secret(
    emulator: Emulator, play: Callable[..., Outcome], arguments: list[str], long_run: bool
) -> None:
    if arguments and not long_run:
        pytest.skip("check mode has its turn in the long run")
    emulator.settings.writes = emulator.settings.reads = None
    emulator.add_project("Second", git_repo_url=SECOND)
    done = play(EVERYTHING, *arguments)
    assert f"Task {len(EVERYTHING)}" in done.printed
    assert done.printed.count("TASK [Task") == len(EVERYTHING), done.printed
    assert done.leaks(emulator.keys.full) == []


def echoes(emulator: Emulator) -> list[dict[str, Any]]:
    """The ways in which a server can hand back what it was sent: in an error, in a URL, in a header, in a page."""
    said = f"Authorization: Bearer {emulator.keys.full}; {json.dumps([FIRST, SECOND])}"
    headers = {"X-Echo": said, "Set-Cookie": f"key={emulator.keys.full}", "WWW-Authenticate": said}
    url = f"https://elsewhere.invalid/?key={emulator.keys.full}&{FIRST}"
    return [
        {"kind": "echo"},
        {"kind": "redirect", "location": url},
        {"kind": "status", "status": 302, "headers": {**headers, "Location": url}, "text": said},
        {"kind": "status", "status": 401, "headers": headers, "body": {"error": said, "message": said}},
        {"kind": "status", "status": 403, "headers": headers, "body": {"detail": {"reason": said}}},
        {"kind": "status", "status": 422, "body": {"detail": [{"loc": ["body", said], "msg": said, "type": said}]}},
        {"kind": "status", "status": 422, "body": {"error": "c", "message": "m", "detail": [{said: said}]}},
        {"kind": "status", "status": 400, "text": f"<html><h1>{said}</h1>"},
        {"kind": "status", "status": 503, "headers": {**headers, "Retry-After": said}, "text": said},
        {
            "kind": "status",
            "status": 429,
            "headers": {"Retry-After": said},
            "body": {"error": "ip_blocked", "message": said},
        },
        {"kind": "status", "status": 200, "text": said},
        {"kind": "replace", "body": {"data": [{said: said}], "pagination": {"has_more": said}}},
        {"kind": "replace", "body": {"id": said, "name": said}},
    ]


@pytest.mark.parametrize("method", ["GET", "POST", "PATCH", "DELETE"])
def test_no_result_has_a_secret_that_a_server_echoes(
    emulator: Emulator,
    run_module: Callable[..., Result],
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
    method: str,
) -> None:
    changes: dict[str, Result] = {"POST": {"name": "New"}, "PATCH": {"name": "Renamed"}, "DELETE": {"state": "absent"}}
    for fault, repo in product(echoes(emulator), (FIRST, SECOND)):
        emulator.reset()
        there = emulator.add_project("Client ERP")
        emulator.faults.add(method=method, times=None, **fault)
        options = {} if method == "POST" else {"project_id": there["id"]}
        given = {"server": SERVER_ID, "git_repo_url": repo, **options, **changes.get(method, {})}
        result = run_module("oec_project", api_retries=0, api_max_wait=30, **given)
        # A DELETE that is answered with 204 is done, whatever else the answer says.
        assert result.get("failed") or (method == "DELETE" and fault["kind"] == "replace"), fault
        shown = json.dumps(result) + caplog.text + "".join(capfd.readouterr())
        assert [secret for secret in [emulator.keys.full, *CREDENTIALS] if secret in shown] == [], fault


def test_a_cookie_that_a_server_sets_is_not_sent_back(emulator: Emulator, run_module: Callable[..., Result]) -> None:
    emulator.faults.add("status", status=503, headers={"Set-Cookie": f"key={emulator.keys.full}"})
    assert run_module("oec_server_info")["servers"]
    assert [entry.headers.get("cookie") for entry in emulator.log.requests()] == [None, None]


def test_no_module_shows_a_secret_that_a_server_echoes(
    emulator: Emulator, play: Callable[..., Outcome], long_run: bool
) -> None:
    there = emulator.add_project("Client ERP")
    found = echoes(emulator)[:: 1 if long_run else 5]
    tasks: list[tuple[str, Result]] = []
    for fault in found:
        emulator.faults.add(method="GET", **fault)
        tasks.append(("oec_project_info", {"project_id": there["id"]}))
    wanted = project("New", "FIRST", server=SERVER_ID)
    tasks += [wanted, ("oec_projects", {"projects": [wanted[1], {**wanted[1], "name": "Newer"}]})]
    emulator.faults.add("echo", method="POST", times=None)
    done = play(tasks)
    assert f"ignored={len(tasks)}" in done.printed, done.printed
    assert done.leaks(emulator.keys.full) == []


def test_the_playbooks_show_and_keep_no_secret(
    emulator: Emulator, ansible: Callable[..., Outcome], tmp_path: Path
) -> None:
    emulator.settings.writes = emulator.settings.reads = None
    emulator.add_project("Second", git_repo_url=FIRST)
    wanted = [project(name, repo)[1] for name, repo in {"Client ERP": "FIRST", "Second": "SECOND"}.items()]
    (tmp_path / "estate.yml").write_text(yaml.safe_dump({"provision_projects": wanted}))
    common = ["-e", "@estate.yml", "-e", f"ansible_python_interpreter={sys.executable}", "--diff"]
    for playbook in ("drift", "provision", "export", "report"):
        paths = ["-e", f"export_path={tmp_path / 'exported.yml'}", "-e", f"report_path={tmp_path / 'report.html'}"]
        done = ansible("playbook", f"oecsh.cloud.{playbook}", *common, *paths)
        assert done.code == (2 if playbook == "drift" else 0), done.printed
        assert done.leaks(emulator.keys.full) == [], playbook
    assert {found["git_repo_url"] for found in emulator.projects()} == {FIRST, SECOND}
    assert {"drift.retry", "exported.yml", "report.html"} <= {path.name for path in tmp_path.iterdir()}


def test_the_inventory_shows_and_keeps_no_secret(
    emulator: Emulator, ansible: Callable[..., Outcome], tmp_path: Path, long_run: bool
) -> None:
    emulator.add_project("Client ERP", git_repo_url=FIRST)
    source = tmp_path / "estate.oec.yml"
    cached = {"cache": True, "cache_plugin": "jsonfile", "cache_connection": str(tmp_path / "cache")}
    source.write_text(yaml.safe_dump({"plugin": "oecsh.cloud.projects", **cached}))
    done = ansible("inventory", "-i", source.name, "--list")
    assert "oec_git_repo_url" in done.printed, done.printed
    assert list((tmp_path / "cache").iterdir())
    assert done.leaks(emulator.keys.full) == []
    for fault in echoes(emulator)[:: 1 if long_run else 5]:
        emulator.faults.add(**fault)
        done = ansible("inventory", "-i", source.name, "--list", "--flush-cache")
        assert not emulator.faults, fault
        assert done.leaks(emulator.keys.full) == [], fault


class Listener:
    """Notes what it is sent, answers once, and hangs up."""

    def __init__(
        self, answer: bytes = b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    ) -> None:
        self._answer = answer
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self.received: list[bytes] = []
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _address = self._listener.accept()
            except OSError:
                return
            with connection:
                self.received.append(connection.recv(65536))
                connection.sendall(self._answer)

    def close(self) -> None:
        self._listener.close()


@pytest.fixture
def listener() -> Iterator[Listener]:
    listener = Listener()
    yield listener
    listener.close()


def test_the_log_of_a_library_keeps_no_secret(
    emulator: Emulator, ansible: Callable[..., Outcome], tmp_path: Path
) -> None:
    """urllib3 logs a header that it can't read, and Ansible's log takes what is logged in its own process."""
    echo = f"HTTP/1.1 401 Unauthorized\r\nConnection: close\r\n: Bearer {emulator.keys.full}\r\n {FIRST}\r\n\r\n{{}}"
    listener = Listener(echo.encode())
    (tmp_path / "estate.oec.yml").write_text("plugin: oecsh.cloud.projects\n")
    try:
        done = ansible("inventory", "-i", "estate.oec.yml", "--list", OECSH_API_URL=listener.url)
    finally:
        listener.close()
    assert listener.received
    assert done.leaks(emulator.keys.full) == []


def test_a_netrc_does_not_replace_the_key(
    emulator: Emulator, run_module: Callable[..., Result], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in (".netrc", "_netrc"):
        (tmp_path / name).write_text("machine 127.0.0.1\nlogin netrc-login\npassword netrc-password\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    assert run_module("oec_server_info")["servers"]
    sent = [entry.headers["authorization"] for entry in emulator.log.requests()]
    assert sent == [f"Bearer {emulator.keys.full}"]


PROXIES = ("http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY")


@pytest.fixture
def proxy(listener: Listener, monkeypatch: pytest.MonkeyPatch) -> Listener:
    for name in PROXIES:
        monkeypatch.setenv(name, listener.url.replace("//", "//proxy-user:proxy-password@"))
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    return listener


def test_no_proxy_hears_of_a_request_in_plain_http(proxy: Listener, run_module: Callable[..., Result]) -> None:
    assert run_module("oec_server_info")["servers"]
    assert proxy.received == []


def test_a_proxy_for_https_does_not_see_the_key(
    proxy: Listener, emulator: Emulator, run_module: Callable[..., Result]
) -> None:
    result = run_module("oec_server_info", api_url="https://api.oec.invalid/api/public/v1")
    assert result["failed"]
    assert proxy.received
    assert all(received.startswith(b"CONNECT api.oec.invalid:443") for received in proxy.received)
    assert all(emulator.keys.full.encode() not in received for received in proxy.received)
    assert "proxy-password" not in json.dumps(result)


@pytest.mark.parametrize("status", [300, 301, 302, 303, 307, 308])
@pytest.mark.parametrize("method", ["GET", "POST", "PATCH", "DELETE"])
def test_a_redirect_takes_the_key_nowhere(
    listener: Listener, emulator: Emulator, run_module: Callable[..., Result], method: str, status: int
) -> None:
    options: Result = {"name": "Client ERP", "server": SERVER_ID}
    if method in ("PATCH", "DELETE"):
        emulator.add_project("Client ERP")
        options["default_branch"] = "release/17.0"
    if method == "DELETE":
        options["state"] = "absent"
    location = {"headers": {"Location": f"{listener.url}/api/public/v1/projects"}}
    emulator.faults.add("status", method, status=status, text="", times=None, **location)
    result = run_module("oec_project", **options)
    assert result["error"]["status"] == status
    assert listener.received == []
