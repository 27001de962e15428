# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Survey values are strings, and may be empty: everywhere that means "omitted"."""

from __future__ import annotations

import json
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.emulator import Emulator

Run = Callable[..., subprocess.CompletedProcess[str]]
CONNECTION = ("api_key", "api_url", "api_timeout", "api_retries", "api_max_wait", "validate_certs", "ca_path")
ITEM = ("state", "project_id", "server", "git_repo_url", "default_branch", "odoo_version", "idempotency_key")
RENAMING = ("previous_name", "allow_similar_name")
# ansible-core 2.19 and later make a null of the !unsafe '' that AWX writes.
EMPTY_VALUES = pytest.mark.parametrize("empty", ["", "  ", None], ids=["empty", "spaces", "null"])


def modules(empty: str | None) -> dict[str, dict[str, Any]]:
    connection, item = dict.fromkeys(CONNECTION, empty), dict.fromkeys(ITEM + RENAMING, empty)
    options: dict[str, dict[str, Any]] = {
        "oec_project": {**item, "name": "Client ERP"},
        "oec_projects": {
            "projects": [{**item, "name": "Client ERP"}],
            **dict.fromkeys(("defaults", "only", "skip_rejected", "plan_digest", "prune", "prune_limit"), empty),
        },
        "oec_project_info": dict.fromkeys(("project_id", "name", "server", "odoo_version"), empty),
        "oec_server_info": dict.fromkeys(("server_id", "name", "provider", "region", "metrics"), empty),
    }
    return {name: {**connection, **given} for name, given in options.items()}


def play(ansible: Run, folder: Path, modules: dict[str, dict[str, Any]], **env: str) -> str:
    tasks = [{f"oecsh.cloud.{name}": options} for name, options in modules.items()]
    book = [{"hosts": "localhost", "gather_facts": False, "tasks": tasks}]
    (folder / "play.yml").write_text(json.dumps(book), encoding="utf-8")
    done = ansible("ansible-playbook", "play.yml", env=env)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@EMPTY_VALUES
def test_every_option_of_every_module_may_be_empty(
    ansible: Run, emulator: Emulator, tmp_path: Path, empty: str | None
) -> None:
    emulator.add_project("Client ERP")
    printed = play(ansible, tmp_path, modules(empty))
    assert "changed=0" in printed
    assert emulator.log.writes == []


def test_no_option_is_missing_here(ansible: Run) -> None:
    names = [f"oecsh.cloud.{name}" for name in modules("")]
    documented = json.loads(ansible("ansible-doc", "--json", *names).stdout)
    for name, options in modules("").items():
        assert set(options) == set(documented[f"oecsh.cloud.{name}"]["doc"]["options"])


def test_numbers_and_booleans_may_be_text(ansible: Run, emulator: Emulator, tmp_path: Path) -> None:
    connection = {"api_timeout": "5", "api_retries": "0", "api_max_wait": "9", "validate_certs": "no"}
    emulator.add_project("Not declared")
    items = [{"name": "Client ERP", "server": "production-fsn1", "odoo_version": "17.0"}]
    options = {**connection, "projects": items, "prune": "yes", "prune_limit": "1"}
    play(ansible, tmp_path, {"oec_projects": options})
    assert [project["name"] for project in emulator.projects()] == ["Client ERP"]


def test_environment_variables_may_be_empty(ansible: Run, emulator: Emulator, tmp_path: Path) -> None:
    empty = dict.fromkeys(("OECSH_API_TIMEOUT", "OECSH_API_RETRIES", "OECSH_API_MAX_WAIT"), "")
    emulator.add_project("Client ERP")
    (tmp_path / "clients.oec.yml").write_text("plugin: oecsh.cloud.projects\n", encoding="utf-8")
    done = ansible("ansible-inventory", "-i", "clients.oec.yml", "--graph", env=empty)
    assert "Client_ERP" in done.stdout, done.stderr
    play(ansible, tmp_path, {"oec_project_info": {}}, **empty)


def test_every_option_of_the_inventory_may_be_empty(ansible: Run, emulator: Emulator, tmp_path: Path) -> None:
    emulator.add_project("Client ERP")
    names = ("api_key", "api_url", "ca_path", "servers", "odoo_versions", "names")
    options = {"plugin": "oecsh.cloud.projects", **dict.fromkeys(names, "")}
    (tmp_path / "clients.oec.yml").write_text(json.dumps(options), encoding="utf-8")
    done = ansible("ansible-inventory", "-i", "clients.oec.yml", "--graph")
    # What the file says wins over the environment, so an empty key there is an error.
    assert "OECSH_API_KEY" in done.stderr
    del options["api_key"], options["api_url"]
    (tmp_path / "clients.oec.yml").write_text(json.dumps(options), encoding="utf-8")
    done = ansible("ansible-inventory", "-i", "clients.oec.yml", "--graph")
    assert "Client_ERP" in done.stdout, done.stderr


@pytest.fixture
def proxy() -> Iterator[tuple[str, list[str]]]:
    """A proxy that lets nothing through: its URL, and the requests of its clients."""
    requested: list[str] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            while True:
                try:
                    client, _address = listener.accept()
                except OSError:
                    return
                with client:
                    requested.append(client.recv(4096).decode().partition("\r\n")[0])
                    client.sendall(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")

        threading.Thread(target=serve, daemon=True).start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}", requested
        listener.shutdown(socket.SHUT_RDWR)


def test_an_empty_url_in_a_credential_means_oec_sh(ansible: Run, proxy: tuple[str, list[str]], tmp_path: Path) -> None:
    url, requested = proxy
    env = {
        "OECSH_API_URL": "",
        "OECSH_API_RETRIES": "0",
        "HTTPS_PROXY": url,
        "https_proxy": url,
        "NO_PROXY": "",
        "no_proxy": "",
    }
    ansible("ansible", "localhost", "-m", "oecsh.cloud.oec_project_info", env=env)
    assert requested == ["CONNECT api.oec.sh:443 HTTP/1.0"] or requested == ["CONNECT api.oec.sh:443 HTTP/1.1"]
    requested.clear()
    (tmp_path / "clients.oec.yml").write_text("plugin: oecsh.cloud.projects\n", encoding="utf-8")
    done = ansible("ansible-inventory", "-i", "clients.oec.yml", "--graph", env=env)
    assert [line.split()[1] for line in requested] == ["api.oec.sh:443"], done.stderr
