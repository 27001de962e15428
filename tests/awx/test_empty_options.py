# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Survey answers are strings, and empty where they are left blank: everywhere that means "not given"."""

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
# ansible-core 2.19 and later make a null of the !unsafe '' that AWX writes.
BLANKS = pytest.mark.parametrize("blank", ["", "  ", None], ids=["empty", "spaces", "null"])


def modules(blank: str | None) -> dict[str, dict[str, Any]]:
    connection, item = dict.fromkeys(CONNECTION, blank), dict.fromkeys(ITEM, blank)
    options: dict[str, dict[str, Any]] = {
        "oec_project": {**item, "name": "Client ERP"},
        "oec_projects": {"projects": [{**item, "name": "Client ERP"}], "prune": blank, "prune_limit": blank},
        "oec_project_info": dict.fromkeys(("project_id", "name", "server", "odoo_version"), blank),
        "oec_server_info": dict.fromkeys(("server_id", "name", "provider", "region"), blank),
    }
    return {name: {**connection, **given} for name, given in options.items()}


def play(ansible: Run, folder: Path, wanted: dict[str, dict[str, Any]], **env: str) -> str:
    tasks = [{f"oecsh.cloud.{name}": options} for name, options in wanted.items()]
    book = [{"hosts": "localhost", "gather_facts": False, "tasks": tasks}]
    (folder / "play.yml").write_text(json.dumps(book), encoding="utf-8")
    done = ansible("ansible-playbook", "play.yml", env=env)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@BLANKS
def test_every_option_of_every_module_may_be_blank(
    ansible: Run, emulator: Emulator, tmp_path: Path, blank: str | None
) -> None:
    emulator.add_project("Client ERP")
    printed = play(ansible, tmp_path, modules(blank))
    assert "changed=0" in printed
    assert emulator.log.writes == []


def test_no_option_is_left_out_of_that(ansible: Run) -> None:
    names = [f"oecsh.cloud.{name}" for name in modules("")]
    documented = json.loads(ansible("ansible-doc", "--json", *names).stdout)
    for name, options in modules("").items():
        assert set(options) == set(documented[f"oecsh.cloud.{name}"]["doc"]["options"])


def test_every_option_that_is_no_text_takes_the_text_of_it(ansible: Run, emulator: Emulator, tmp_path: Path) -> None:
    connection = {"api_timeout": "5", "api_retries": "0", "api_max_wait": "9", "validate_certs": "no"}
    emulator.add_project("Not listed")
    wanted = [{"name": "Client ERP", "server": "production-fsn1", "odoo_version": "17.0"}]
    options = {**connection, "projects": wanted, "prune": "yes", "prune_limit": "1"}
    play(ansible, tmp_path, {"oec_projects": options})
    assert [project["name"] for project in emulator.projects()] == ["Client ERP"]


def test_every_variable_of_the_environment_may_be_blank_but_for_the_key(
    ansible: Run, emulator: Emulator, tmp_path: Path
) -> None:
    blank = dict.fromkeys(("OECSH_API_TIMEOUT", "OECSH_API_RETRIES", "OECSH_API_MAX_WAIT"), "")
    emulator.add_project("Client ERP")
    (tmp_path / "clients.oec.yml").write_text("plugin: oecsh.cloud.projects\n", encoding="utf-8")
    done = ansible("ansible-inventory", "-i", "clients.oec.yml", "--graph", env=blank)
    assert "Client_ERP" in done.stdout, done.stderr
    play(ansible, tmp_path, {"oec_project_info": {}}, **blank)


def test_every_option_of_the_inventory_may_be_blank(ansible: Run, emulator: Emulator, tmp_path: Path) -> None:
    emulator.add_project("Client ERP")
    names = ("api_key", "api_url", "ca_path", "servers", "odoo_versions", "names")
    options = {"plugin": "oecsh.cloud.projects", **dict.fromkeys(names, "")}
    (tmp_path / "clients.oec.yml").write_text(json.dumps(options), encoding="utf-8")
    done = ansible("ansible-inventory", "-i", "clients.oec.yml", "--graph")
    # What the file says wins over the environment, so a blank key there is a blank key: it is told, not guessed.
    assert "OECSH_API_KEY" in done.stderr
    del options["api_key"], options["api_url"]
    (tmp_path / "clients.oec.yml").write_text(json.dumps(options), encoding="utf-8")
    done = ansible("ansible-inventory", "-i", "clients.oec.yml", "--graph")
    assert "Client_ERP" in done.stdout, done.stderr


@pytest.fixture
def proxy() -> Iterator[tuple[str, list[str]]]:
    """A proxy that lets nothing through: its URL, and where the clients wanted to go."""
    wanted: list[str] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            while True:
                try:
                    client, _address = listener.accept()
                except OSError:
                    return
                with client:
                    wanted.append(client.recv(4096).decode().partition("\r\n")[0])
                    client.sendall(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")

        threading.Thread(target=serve, daemon=True).start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}", wanted
        listener.shutdown(socket.SHUT_RDWR)


def test_a_credential_whose_url_is_blank_means_oec_sh_itself(
    ansible: Run, proxy: tuple[str, list[str]], tmp_path: Path
) -> None:
    url, wanted = proxy
    env = {
        "OECSH_API_URL": "",
        "OECSH_API_RETRIES": "0",
        "HTTPS_PROXY": url,
        "https_proxy": url,
        "NO_PROXY": "",
        "no_proxy": "",
    }
    ansible("ansible", "localhost", "-m", "oecsh.cloud.oec_project_info", env=env)
    assert wanted == ["CONNECT api.oec.sh:443 HTTP/1.0"] or wanted == ["CONNECT api.oec.sh:443 HTTP/1.1"]
    wanted.clear()
    (tmp_path / "clients.oec.yml").write_text("plugin: oecsh.cloud.projects\n", encoding="utf-8")
    done = ansible("ansible-inventory", "-i", "clients.oec.yml", "--graph", env=env)
    assert [line.split()[1] for line in wanted] == ["api.oec.sh:443"], done.stderr
