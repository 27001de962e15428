# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What only the command line decides: strategies, locales, callbacks, estates as JSON, every role, signals."""

from __future__ import annotations

import json
import time
from collections import Counter
from typing import Any

import pytest
import yaml
from ansible_collections.oecsh.cloud.tests.chaos.commands import Ansible, end, kill
from ansible_collections.oecsh.cloud.tests.emulator import Emulator
from ansible_collections.oecsh.cloud.tests.support import PRIVATE_REPO, ROOT

SERVER = "production-fsn1"
NAMES = ["🥖" * 255, "two\nlines", "\x1b[31mred\x07", "<script>alert(1)</script>", "Müller & Söhne", "null"]
LOCAL = ["localhost"]
# Ansible itself starts in no such locale, but its modules do. Python would correct it.
C_LOCALE = {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}


def names(emulator: Emulator) -> list[str]:
    return [project["name"] for project in emulator.projects()]


def estate(ansible: Ansible, items: list[dict[str, Any]]) -> tuple[str, ...]:
    """Write an estate as JSON, and return the arguments that provision it."""
    declared = {"provision_defaults": {"server": SERVER}, "provision_projects": items}
    (ansible.folder / "estate.json").write_text(json.dumps(declared), encoding="utf-8")
    return ("ansible-playbook", "oecsh.cloud.provision", "-e", "@estate.json")


def role(name: str, **variables: Any) -> dict[str, Any]:
    return {"ansible.builtin.include_role": {"name": f"oecsh.cloud.{name}"}, "vars": variables}


# Estates.


def test_a_json_estate_with_unusual_names(emulator: Emulator, ansible: Ansible) -> None:
    """In a locale without a character set, and with numbers and booleans as the texts of a survey."""
    estate(ansible, [{"name": name} for name in NAMES])
    survey = "provision_prune=yes provision_prune_limit=1 provision_batch_size=4"
    emulator.add_project("Not declared")
    arguments = ("-e", "@estate.json", "-e", survey)
    printed, succeeded = end(ansible.play(LOCAL, [role("provision")], *arguments, environment=C_LOCALE))
    assert succeeded, printed
    assert names(emulator) == NAMES
    assert "\x1b" not in printed


@pytest.mark.parametrize("is_check", [False, True], ids=["a read-only key", "check mode"])
def test_every_role_without_a_write(emulator: Emulator, ansible: Ansible, is_check: bool) -> None:
    for name in NAMES:
        emulator.add_project(name)
    same = [{"name": name} for name in NAMES]
    changes = [{"name": NAMES[0], "default_branch": "dev"}, {"name": NAMES[1], "state": "absent"}, {"name": "New"}]
    paths = [ansible.folder / name for name in ("exported.yml", "report.html")]
    tasks = [
        role("drift", provision_projects=same),
        role("export", export_path=str(paths[0])),
        role("report", report_path=str(paths[1])),
        role("provision", provision_projects=changes if is_check else same, provision_defaults={"server": SERVER}),
    ]
    options = ["--check", "--diff"] if is_check else []
    ansible.environment |= {} if is_check else {"OECSH_API_KEY": emulator.keys.read_only}
    printed, succeeded = end(ansible.play(LOCAL, tasks, *options, environment=C_LOCALE))
    assert succeeded, printed
    assert (emulator.log.writes, names(emulator)) == ([], NAMES)
    assert [path.exists() for path in paths] == [not is_check] * 2
    if not is_check:
        exported, page = (path.read_text(encoding="utf-8") for path in paths)
        assert [item["name"] for item in yaml.safe_load(exported)["provision_projects"]] == NAMES
        assert ("<script>alert" in page, NAMES[0] in page) == (False, True)


def test_a_read_only_key_fails_before_the_first_write(emulator: Emulator, ansible: Ansible) -> None:
    ansible.environment["OECSH_API_KEY"] = emulator.keys.read_only
    changes = [{"name": name, "server": SERVER} for name in ("First", "Second")]
    codes = "provision_result.projects | map(attribute='error.code') | list"
    verdict = {"ansible.builtin.assert": {"that": f"{codes} | first == 'read_only_key'"}}
    tasks = [{"block": [role("provision", provision_projects=changes)], "rescue": [verdict]}]
    printed, succeeded = end(ansible.play(LOCAL, tasks))
    assert (succeeded, "rescued=1" in printed, emulator.log.writes) == (True, True, []), printed


def test_names_move_in_a_cycle_in_batches_of_one(emulator: Emulator, ansible: Ansible) -> None:
    existing = [emulator.add_project(name) for name in ("A", "B", "C", "Swap", "Swapped")]
    new = dict(zip([project["id"] for project in existing], ["B", "C", "A", "Swapped", "Swap"], strict=True))
    items = [{"project_id": ident.upper(), "name": name} for ident, name in new.items()]
    tasks = [role("provision", provision_batch_size="1"), role("drift")]
    printed, succeeded = end(ansible.play(LOCAL, tasks, vars={"provision_projects": items}))
    assert succeeded, printed
    assert {project["id"]: project["name"] for project in emulator.projects()} == new
    assert {entry.method for entry in emulator.log.writes} == {"PATCH"}


def test_an_invalid_variable_is_rejected_before_a_request(emulator: Emulator, ansible: Ansible) -> None:
    roles = [
        *(role("export", export_path=path) for path in (" ", None, "/", "new/")),
        role("report", report_path=""),
        role("report", report_path="page.html", report_oldest_supported="seventeen"),
        *(role("drift", provision_projects=[], drift_fail=word) for word in ("ture", [])),
        role("drift", provision_projects=[], drift_path="new/"),
        *(role("provision", provision_projects=[], provision_batch_size=size) for size in ("many", -1, 2.5)),
        role("provision", provision_projects=[], provision_plan_digest="approved"),
    ]
    tasks = [{"block": [task], "rescue": [{"ansible.builtin.debug": {}}]} for task in roles]
    for options in ([], ["--check"]):
        printed, succeeded = end(ansible.play(LOCAL, tasks, *options))
        assert (succeeded, f"rescued={len(roles)}" in printed, emulator.log.count()) == (True, True, 0), printed
        assert "The filter plugin" not in printed


def test_empty_variables_are_the_defaults(emulator: Emulator, ansible: Ansible) -> None:
    names = ("defaults", "only", "skip_rejected", "prune", "prune_limit", "plan_digest", "batch_size")
    emulator.add_project("17")
    for empty in ("", None):
        variables: dict[str, Any] = {f"provision_{name}": empty for name in names}
        changes = [{"name": "17", "default_branch": f"of-{empty}"}]
        tasks = [
            role("drift", provision_projects=changes, drift_fail="no", drift_path=empty, **variables),
            role("provision", provision_projects=changes, **variables | {"provision_only": [" "]}),
            role("drift", provision_projects=changes, drift_fail=empty, **variables | {"provision_only": 17}),
        ]
        printed, succeeded = end(ansible.play(LOCAL, tasks))
        assert (succeeded, printed.count('"1 updated, 0 unchanged"')) == (True, 1), printed


def test_a_play_in_check_mode_predicts(emulator: Emulator, ansible: Ansible) -> None:
    """ansible_check_mode is true on the command line only."""
    tasks = [role("provision", provision_projects=[{"name": "Acme", "server": SERVER}])]
    printed, succeeded = end(ansible.play(LOCAL, tasks, check_mode=True))
    assert (succeeded, names(emulator)) == (True, []), printed
    assert "1 would be created, 0 unchanged (check mode: nothing was written)" in printed


def test_batches_create_and_rename_what_was_planned(emulator: Emulator, ansible: Ansible) -> None:
    """A project that an earlier batch has created is not what a later one renames."""
    items = [{"name": "Acme"}, {"name": "Acme GmbH", "previous_name": "Acme"}]
    printed, succeeded = end(ansible.start(*estate(ansible, items), "-e", "provision_batch_size=1"))
    assert (succeeded, names(emulator)) == (True, ["Acme", "Acme GmbH"]), printed


def test_unusual_names_become_unique_hosts(emulator: Emulator, ansible: Ansible) -> None:
    path = ROOT / "tests" / "integration" / "targets" / "estate" / "files" / "hostile.json"
    emulator.load(json.loads(path.read_text(encoding="utf-8")))
    (ansible.folder / "clients.oec.yml").write_text("plugin: oecsh.cloud.projects\n")
    printed, succeeded = end(ansible.start("ansible-inventory", "-i", "clients.oec.yml", "--list"))
    assert succeeded, printed
    # A warning would not be JSON.
    assert len(json.loads(printed)["oec_projects"]["hosts"]) == len(emulator.projects())


def test_500_unchanged_projects_take_seconds(emulator: Emulator, ansible: Ansible) -> None:
    emulator.fill(500)
    servers = {server["id"]: server["name"] for server in emulator.servers()}
    fields = ("name", "git_repo_url", "default_branch", "odoo_version")
    items = [
        {"server": servers[each["server_id"]], **{name: each[name] for name in fields}} for each in emulator.projects()
    ]
    started = time.monotonic()
    printed, succeeded = end(ansible.play(LOCAL, [role("provision", provision_projects=items, provision_prune=True)]))
    # Less than three on an idle machine.
    assert time.monotonic() - started < 15
    assert (succeeded, emulator.log.count(), emulator.log.writes) == (True, 6, []), printed


def test_a_preview_of_500_changes_takes_seconds_and_one_reading(emulator: Emulator, ansible: Ansible) -> None:
    arguments = estate(ansible, [{"name": f"Client {number}"} for number in range(500)])
    started = time.monotonic()
    printed, succeeded = end(ansible.start(*arguments, "--check"))
    # Less than three on an idle machine.
    assert time.monotonic() - started < 15
    assert (succeeded, "500 would be created" in printed) == (True, True), printed
    assert Counter(f"{entry.method} {entry.path}" for entry in emulator.log.requests()) == {
        "GET /projects": 1,
        "GET /servers": 1,
    }


# Many at once.


@pytest.mark.parametrize(
    ("count", "keywords"), [(20, {"strategy": "free"}), (6, {"serial": [2, 4]})], ids=["free", "serial"]
)
def test_hosts_create_each_project_once(
    emulator: Emulator, ansible: Ansible, count: int, keywords: dict[str, Any]
) -> None:
    """With --forks as many as hosts; of twenty, two declare each project."""
    emulator.settings.writes = emulator.settings.reads = None
    hosts = [f"host{number:02}" for number in range(count)]
    options = {"name": "Client {{ inventory_hostname[-1] }}", "server": SERVER}
    printed, succeeded = end(ansible.play(hosts, [{"oecsh.cloud.oec_project": options}], **keywords))
    assert succeeded, printed
    assert Counter(names(emulator)) == {f"Client {host[-1]}": 1 for host in hosts}


def test_after_a_kill_two_runs_at_once_create_none_twice(emulator: Emulator, ansible: Ansible) -> None:
    declared = [f"Client {number:02}" for number in range(9)]
    provision = estate(ansible, [{"name": name} for name in declared])
    emulator.settings.writes = emulator.settings.reads = None
    emulator.faults.add("delay_after", "POST", "/projects", times=None, seconds=0.15)
    first = ansible.start(*provision, "-e", "provision_batch_size=3")
    while len(emulator.projects()) < 4 and first.poll() is None:
        time.sleep(0.005)
    kill(first)
    created = len(emulator.projects())
    emulator.log.clear()
    for process in [ansible.start(*provision) for _turn in range(2)]:
        printed, succeeded = end(process)
        assert succeeded, printed
    assert Counter(names(emulator)) == dict.fromkeys(declared, 1)
    assert 4 <= created < len(declared)
    assert emulator.log.count("POST /projects") > len(declared) - created, "they did not meet"


def test_a_response_after_api_max_wait_is_adopted(emulator: Emulator, ansible: Ansible) -> None:
    emulator.faults.add("delay_after", "POST", "/projects", seconds=3)
    options = {"name": "Client ERP", "server": SERVER, "api_max_wait": 1}
    printed, succeeded = end(ansible.task("oec_project", options))
    assert (succeeded, names(emulator)) == (True, ["Client ERP"]), printed
    assert ("CHANGED" in printed, emulator.projects()[0]["id"] in printed) == (True, True), printed
    assert len(emulator.log.writes) == 1


# Callbacks.


CALLBACKS = {
    "minimal": {"ANSIBLE_STDOUT_CALLBACK": "minimal"},
    "yaml and junit": {"ANSIBLE_CALLBACK_RESULT_FORMAT": "yaml", "ANSIBLE_CALLBACKS_ENABLED": "junit"},
}


@pytest.mark.parametrize("variables", CALLBACKS.values(), ids=CALLBACKS)
def test_a_callback_prints_every_result(emulator: Emulator, ansible: Ansible, variables: dict[str, str]) -> None:
    existing = emulator.add_project("Müller & Söhne", git_repo_url=PRIVATE_REPO)
    items = [{"project_id": existing["id"], "default_branch": "dev"}, {"name": "\x1b[31mred", "server": SERVER}]
    tasks = [
        {"oecsh.cloud.oec_projects": {"projects": items}},
        {"oecsh.cloud.oec_project_info": {}},
        {"oecsh.cloud.oec_project": {"name": "New"}, "ignore_errors": True},
    ]
    ansible.environment |= {"JUNIT_OUTPUT_DIR": str(ansible.folder / "junit"), **variables}
    printed, succeeded = end(ansible.play(LOCAL, tasks, "--diff"))
    assert (succeeded, "Müller & Söhne" in printed, len(emulator.projects())) == (True, True, 2), printed
    # Ansible reports an exception in a callback, and goes on.
    unexpected = ("Traceback", "callback plugin", "Callback dispatch", "hunter22", emulator.keys.full, "\x1b")
    assert [word for word in unexpected if word in printed] == [], printed
