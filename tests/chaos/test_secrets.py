# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The key, credentials in a Git URL, what webhooks and links have: where it must not be, who must not receive it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from itertools import product
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
import yaml
from ansible_collections.oecsh.cloud.tests.chaos.byte_server import ByteServer
from ansible_collections.oecsh.cloud.tests.chaos.commands import Ansible, end
from ansible_collections.oecsh.cloud.tests.emulator import Emulator
from ansible_collections.oecsh.cloud.tests.support import SERVER_ID, UNKNOWN_ID

Result = dict[str, Any]

SERVER = "production-fsn1"
# Ansible prints the text of a playbook, so tasks read them from the environment, as others do from a vault.
REPOSITORIES = {
    "FIRST": "https://deploy-bot:hunter2%21one@git.example.org/erp",
    "SECOND": "https://ghp_TokenNumberTwo@git.example.org/erp",
    "SCP_LIKE": "deploy-bot:hunter-three@git.example.org:erp.git",
    "INSECURE": "http://deploy-bot:hunter-four@git.example.org/erp",
}
FIRST, SECOND = REPOSITORIES["FIRST"], REPOSITORIES["SECOND"]
HOOKS = {
    "HOOK": "https://hooks.example.org/oec?sig=S1gnature-five",
    "OTHER_HOOK": "https://hooks.example.org/oec?version=2&sig=S1gnature%2Bsix",
    "INSECURE_HOOK": "http://hooks.example.org/oec?sig=S1gnature-seven",
}
HOOK = HOOKS["HOOK"]
LINK = "https://storage.example.com/database?signature=download-eight"
CREDENTIALS = [
    *("hunter2%21one", unquote("hunter2%21one"), "ghp_TokenNumberTwo", "hunter-three", "hunter-four"),
    *("S1gnature-five", "S1gnature%2Bsix", unquote("S1gnature%2Bsix"), "S1gnature-seven", "download-eight"),
]
# The secret of a webhook as the value of `secret`, in JSON, YAML or an XML file.
RETURNED_SECRET = re.compile(r"(?<=secret)(\W|&quot;){1,5}(whsec_\w+)")
VERBOSE = ("--diff", "-vvvvv")


def env(name: str) -> str:
    return f"{{{{ lookup('env', '{name}') }}}}"


@pytest.fixture
def recording(ansible: Ansible) -> Ansible:
    """Ansible, configured to keep everything that it can keep."""
    ansible.environment |= {
        "ANSIBLE_LOG_PATH": str(ansible.folder / "ansible.log"),
        "ANSIBLE_CACHE_PLUGIN": "jsonfile",
        "ANSIBLE_CACHE_PLUGIN_CONNECTION": str(ansible.folder / "facts"),
        "ANSIBLE_RETRY_FILES_ENABLED": "1",
        "ANSIBLE_RETRY_FILES_SAVE_PATH": str(ansible.folder),
        "ANSIBLE_CALLBACKS_ENABLED": "ansible.builtin.junit",
        "JUNIT_OUTPUT_DIR": str(ansible.folder / "junit"),
        "OECSH_API_RETRIES": "0",
        **REPOSITORIES,
        **HOOKS,
    }
    return ansible


def leaks(ansible: Ansible, printed: str) -> list[str]:
    """Return each secret that was printed or is in a file that is left, with the text around it."""
    files = [path for path in ansible.folder.rglob("*") if path.is_file()]
    places = {"the output": printed, **{str(path): path.read_text(errors="replace") for path in files}}
    return [
        f"{secret} in {place}: ...{text[max(0, at - 200) : at + 100]}..."
        for place, text in ((place, RETURNED_SECRET.sub("", text)) for place, text in places.items())
        for secret in [ansible.environment["OECSH_API_KEY"], *CREDENTIALS, "whsec_"]
        if (at := text.find(secret)) >= 0
    ]


def play(ansible: Ansible, tasks: Sequence[tuple[str, Result]], *arguments: str) -> str:
    """Run each task, a module and its options, whether the one before it failed or not; return what was printed."""
    named = [{f"oecsh.cloud.{module}": options, "name": f"Task {at}"} for at, (module, options) in enumerate(tasks, 1)]
    printed, _succeeded = end(ansible.play(["localhost"], named, *VERBOSE, *arguments, ignore_errors=True))
    assert printed.count("TASK [Task") == len(tasks), printed
    return printed


def project(name: str, repo: str, **more: Any) -> tuple[str, Result]:
    return "oec_project", {"name": name, "server": SERVER, "git_repo_url": env(repo), **more}


def projects(*items: tuple[str, Result], **more: Any) -> tuple[str, Result]:
    return "oec_projects", {"projects": [options for _module, options in items], **more}


def production(module: str, **more: Any) -> tuple[str, Result]:
    return module, {"project": "Client ERP", "name": "production", "wait_interval": 1, **more}


def webhook(hook: str, **more: Any) -> tuple[str, Result]:
    return "oec_webhook", {"url": env(hook), "events": ["deploy.failed"], **more}


PRODUCTION = {"project": "Client ERP", "environment": "production"}
# Each ends ok, changed or failed, and in check mode likewise.
EVERYTHING: list[tuple[str, Result]] = [
    project("Client ERP", "FIRST"),
    project("Client ERP", "FIRST"),
    project("Client ERP", "SECOND"),
    project("Client ERP", "SECOND", odoo_version="99.0"),
    project("Other", "FIRST", server="no such server"),
    project("Other", "SCP_LIKE"),
    project("Other", "INSECURE"),
    project("x" * 256, "FIRST"),
    project("Other", "FIRST", project_id="no uuid"),
    project("Other", "FIRST", project_id=UNKNOWN_ID),
    project("Other", "FIRST", state="neither"),
    project("Other", "FIRST", api_timeout="soon"),
    project("Other", "FIRST", api_key=env("FIRST")),
    ("oec_project", {"git_repo_url": env("FIRST")}),
    projects(project("Client ERP", "FIRST"), project("Third", "SECOND")),
    projects(project("Client ERP", "SCP_LIKE"), project("Third", "INSECURE")),
    projects(project("Client ERP", "FIRST"), project("Third", "SECOND", colour="red")),
    projects(project("Client ERP", "SECOND"), prune=True),
    ("oec_project_info", {}),
    ("oec_project_info", {"name": "Client ERP"}),
    ("oec_project_info", {"project_id": "no uuid"}),
    ("oec_server_info", {}),
    ("oec_server_info", {"provider": "hetzner"}),
    production("oec_environment"),
    production("oec_deployment"),
    production("oec_deployment", since=env("FIRST")),
    ("oec_environment_info", {"project": ["Client ERP"], "health": True}),
    ("oec_task_info", {**PRODUCTION, "log_lines": 50}),
    ("oec_log_info", PRODUCTION),
    ("oec_log_info", {**PRODUCTION, "task_id": env("FIRST")}),
    ("oec_backup_info", PRODUCTION),
    production("oec_backup"),
    production("oec_backup", max_age=env("HOOK")),
    webhook("HOOK"),
    webhook("OTHER_HOOK", project="no such project"),
    webhook("INSECURE_HOOK"),
    ("oec_webhook_info", {"url": env("HOOK")}),
    production("oec_environment", state="absent", absent_backup_max_age="0"),
    ("oec_project", {"name": "Client ERP", "state": "absent"}),
]


@pytest.mark.parametrize("arguments", [["--check"], []], ids=["check", "real"])
def test_no_module_prints_or_keeps_a_secret(
    emulator: Emulator, recording: Ansible, arguments: list[str], long_run: bool
) -> None:
    if arguments and not long_run:
        pytest.skip("check mode is part of the long run")
    emulator.settings.writes = emulator.settings.reads = None
    emulator.settings.queue_seconds = emulator.settings.deploy_seconds = emulator.settings.destroy_seconds = 0
    emulator.plan_task("deploy", outcome="failed", error=f"cannot clone {SECOND}", log=f"clone {FIRST}", times=None)
    emulator.settings.action_seconds = emulator.settings.upload_seconds = 0
    emulator.settings.webhook_mutations = None
    emulator.add_project("Second", git_repo_url=SECOND)
    # Who may download a backup is not for a log.
    for path in ("/backups/[^/]+", "/environments/[^/]+/backups"):
        backup = {"id": UNKNOWN_ID, "environment_id": UNKNOWN_ID, "status": "completed", "database_url": LINK}
        emulator.faults.add("replace", "GET", path, body={**backup, "items": [backup], "total": 1})
    printed = play(recording, EVERYTHING, *arguments)
    assert leaks(recording, printed) == []
    assert [fault.path for fault in emulator.faults] == (["/backups/[^/]+"] if arguments else [])
    assert RETURNED_SECRET.search(printed) or arguments


def echoes(emulator: Emulator) -> list[dict[str, Any]]:
    """Return the ways in which a server can repeat what it received: in an error, a URL, a header, a page."""
    text = f"Authorization: Bearer {emulator.keys.full}; {json.dumps([FIRST, SECOND, HOOK])}"
    headers = {"X-Echo": text, "Set-Cookie": f"key={emulator.keys.full}", "WWW-Authenticate": text}
    url = f"https://elsewhere.invalid/?key={emulator.keys.full}&{FIRST}"
    blocked = {"error": "ip_blocked", "message": text}

    def status(number: int, **parameters: Any) -> dict[str, Any]:
        return {"kind": "status", "status": number, **parameters}

    return [
        {"kind": "echo"},
        {"kind": "redirect", "location": url},
        status(302, headers={**headers, "Location": url}, text=text),
        status(401, headers=headers, body={"error": text, "message": text}),
        status(403, headers=headers, body={"detail": {"reason": text}}),
        status(422, body={"detail": [{"loc": ["body", text], "msg": text, "type": text}]}),
        status(422, body={"error": "c", "message": "m", "detail": [{text: text}]}),
        status(400, text=f"<html><h1>{text}</h1>"),
        status(503, headers={**headers, "Retry-After": text}, text=text),
        status(429, headers={"Retry-After": text}, body=blocked),
        status(200, text=text),
        {"kind": "replace", "body": {"data": [{text: text}], "pagination": {"has_more": text}}},
        {"kind": "replace", "body": {"id": text, "name": text}},
    ]


ECHOING: dict[str, tuple[str, str, Result]] = {
    "get": ("GET", "oec_project", {}),
    "create": ("POST", "oec_project", {"name": "New", "project_id": None}),
    "update": ("PATCH", "oec_project", {"name": "Renamed"}),
    "delete": ("DELETE", "oec_project", {"state": "absent"}),
    "create environment": ("POST", *production("oec_environment")),
    "update environment": ("PATCH", *production("oec_environment", name="staging", branch="18.0")),
    "deploy": ("POST", *production("oec_deployment", name="staging")),
    "list environments": ("GET", "oec_environment_info", {"project": ["Client ERP"]}),
    "log": ("GET", "oec_log_info", {**PRODUCTION, "environment": "staging"}),
    "take backup": ("POST", *production("oec_backup", name="staging")),
    "create webhook": ("POST", "oec_webhook", {"url": HOOK, "events": ["deploy.failed"]}),
    "list webhooks": ("GET", "oec_webhook_info", {"url": HOOK}),
}


@pytest.mark.parametrize("operation", ECHOING)
def test_no_result_has_a_secret_that_a_server_echoes(
    emulator: Emulator,
    run_module: Callable[..., Result],
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
    operation: str,
) -> None:
    method, module, options = ECHOING[operation]
    for fault, repo in product(echoes(emulator), (FIRST, SECOND)):
        emulator.reset()
        emulator.clock.freeze()
        existing = emulator.add_project("Client ERP")
        emulator.add_environment(existing["id"], "staging")
        emulator.faults.add(method=method, times=None, **fault)
        declared = {"server": SERVER_ID, "git_repo_url": repo, "project_id": existing["id"]}
        given = {**(declared if module == "oec_project" else {}), **options}
        result = run_module(module, api_retries=0, api_max_wait=30, **given)
        # After a 204 a DELETE is done, whatever else the response contains; and a backup is found in the list.
        is_done = method == "DELETE" or module == "oec_backup"
        assert result.get("failed") or (is_done and fault["kind"] == "replace"), fault
        visible = json.dumps(result) + caplog.text + "".join(capfd.readouterr())
        assert [secret for secret in [emulator.keys.full, *CREDENTIALS] if secret in visible] == [], fault


def test_a_cookie_that_a_server_sets_is_not_sent_back(emulator: Emulator, run_module: Callable[..., Result]) -> None:
    emulator.faults.add("status", status=503, headers={"Set-Cookie": f"key={emulator.keys.full}"})
    assert run_module("oec_server_info")["servers"]
    assert [entry.headers.get("cookie") for entry in emulator.log.requests()] == [None, None]


def test_no_module_prints_a_secret_that_a_server_echoes(emulator: Emulator, recording: Ansible, long_run: bool) -> None:
    existing = emulator.add_project("Client ERP")
    tasks: list[tuple[str, Result]] = []
    for fault in echoes(emulator)[:: 1 if long_run else 5]:
        emulator.faults.add(method="GET", **fault)
        tasks.append(("oec_project_info", {"project_id": existing["id"]}))
    new = project("New", "FIRST", server=SERVER_ID)
    tasks += [new, projects(new, project("Newer", "FIRST", server=SERVER_ID))]
    emulator.faults.add("echo", method="POST", times=None)
    printed = play(recording, tasks)
    assert f"ignored={len(tasks)}" in printed, printed
    assert leaks(recording, printed) == []


def test_the_playbooks_print_and_keep_no_secret(emulator: Emulator, recording: Ansible, tmp_path: Path) -> None:
    emulator.settings.writes = emulator.settings.reads = None
    emulator.add_project("Second", git_repo_url=FIRST)
    declared = [project(name, repo)[1] for name, repo in {"Client ERP": "FIRST", "Second": "SECOND"}.items()]
    (tmp_path / "estate.yml").write_text(yaml.safe_dump({"provision_projects": declared}))
    paths = f"export_path={tmp_path / 'exported.yml'} report_path={tmp_path / 'report.html'}"
    for playbook in ("drift", "provision", "export", "report"):
        options = (f"oecsh.cloud.{playbook}", "-e", "@estate.yml", "-e", paths, *VERBOSE)
        printed, succeeded = end(recording.start("ansible-playbook", *options))
        assert succeeded == (playbook != "drift"), printed
        assert leaks(recording, printed) == [], playbook
    assert {found["git_repo_url"] for found in emulator.projects()} == {FIRST, SECOND}
    assert {"drift.retry", "exported.yml", "report.html"} <= {path.name for path in tmp_path.iterdir()}


def read_inventory(ansible: Ansible, *arguments: str, **variables: str) -> str:
    source = ansible.folder / "estate.oec.yml"
    cached = {"cache": True, "cache_plugin": "jsonfile", "cache_connection": str(ansible.folder / "cache")}
    source.write_text(yaml.safe_dump({"plugin": "oecsh.cloud.projects", **cached}))
    options = ("-i", source.name, "--list", "-vvvvv", *arguments)
    printed, _succeeded = end(ansible.start("ansible-inventory", *options, **variables))
    return printed


def test_the_inventory_prints_and_keeps_no_secret(emulator: Emulator, recording: Ansible, long_run: bool) -> None:
    emulator.add_project("Client ERP", git_repo_url=FIRST)
    printed = read_inventory(recording)
    assert "oec_git_repo_url" in printed, printed
    assert list((recording.folder / "cache").iterdir())
    assert leaks(recording, printed) == []
    for fault in echoes(emulator)[:: 1 if long_run else 5]:
        emulator.faults.add(**fault)
        printed = read_inventory(recording, "--flush-cache")
        assert not emulator.faults, fault
        assert leaks(recording, printed) == [], fault


def test_the_log_of_a_library_keeps_no_secret(emulator: Emulator, recording: Ansible) -> None:
    """urllib3 logs a header that it cannot parse, and Ansible's log contains what is logged in its own process."""
    echo = f"HTTP/1.1 401 Unauthorized\r\nConnection: close\r\n: Bearer {emulator.keys.full}\r\n {FIRST}\r\n\r\n{{}}"
    server = ByteServer([echo.encode()])
    try:
        printed = read_inventory(recording, OECSH_API_URL=server.url)
    finally:
        server.close()
    assert server.received
    assert leaks(recording, printed) == []


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


@pytest.fixture
def other_host() -> Iterator[ByteServer]:
    server = ByteServer([b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"])
    yield server
    server.close()


@pytest.fixture
def proxy(other_host: ByteServer, monkeypatch: pytest.MonkeyPatch) -> ByteServer:
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        for spelling in (name, name.upper()):
            monkeypatch.setenv(spelling, other_host.url.replace("//", "//proxy-user:proxy-password@"))
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    return other_host


def test_no_proxy_receives_a_plain_http_request(proxy: ByteServer, run_module: Callable[..., Result]) -> None:
    assert run_module("oec_server_info")["servers"]
    assert proxy.received == []


def test_a_proxy_for_https_does_not_see_the_key(
    proxy: ByteServer, emulator: Emulator, run_module: Callable[..., Result]
) -> None:
    result = run_module("oec_server_info", api_url="https://api.oec.invalid/api/public/v1")
    assert result["failed"]
    assert proxy.received
    assert all(received.startswith(b"CONNECT api.oec.invalid:443") for received in proxy.received)
    assert all(emulator.keys.full.encode() not in received for received in proxy.received)
    assert "proxy-password" not in json.dumps(result)


@pytest.mark.parametrize("status", [300, 301, 302, 303, 307, 308])
@pytest.mark.parametrize("method", ["GET", "POST", "PATCH", "DELETE"])
def test_a_redirect_does_not_pass_on_the_key(
    other_host: ByteServer, emulator: Emulator, run_module: Callable[..., Result], method: str, status: int
) -> None:
    options: Result = {"name": "Client ERP", "server": SERVER_ID}
    if method in ("PATCH", "DELETE"):
        emulator.add_project("Client ERP")
        options["default_branch"] = "release/17.0"
    if method == "DELETE":
        options["state"] = "absent"
    location = {"headers": {"Location": f"{other_host.url}/api/public/v1/projects"}}
    emulator.faults.add("status", method, status=status, text="", times=None, **location)
    result = run_module("oec_project", **options)
    assert (result["error"]["status"], result["error"]["code"]) == (status, "redirected")
    assert other_host.received == []
