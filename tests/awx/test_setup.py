# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""oecsh.cloud.awx_setup, with the real modules of awx.awx against a fake AWX."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.awx.fake_awx import ENCRYPTED, TOKEN, FakeAwx, Item
from tests.awx.jobs import PROJECT, ROOT, emptied, injected, load
from tests.emulator import Emulator

Run = Callable[..., subprocess.CompletedProcess[str]]
URL = "https://github.com/acme/estate"
PLAYBOOKS = {
    "oec.sh: provision a client": "provision_client.yml",
    "oec.sh: provision the estate": "provision_estate.yml",
    "oec.sh: drift": "drift.yml",
    "oec.sh: backup": "backup.yml",
    "oec.sh: report": "report.yml",
}
WORKFLOW = "oec.sh: provision the estate after an approval"


@pytest.fixture(scope="module")
def awx() -> Iterator[FakeAwx]:
    """One for all tests, each of which continues after the one before: a run takes seconds."""
    with FakeAwx(path.name for path in PROJECT.glob("*.yml")) as awx:
        yield awx


@pytest.fixture
def setup(ansible: Run, awx: FakeAwx, awx_collection: Path, collections: Path) -> Run:
    def run(*arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
        connection = {
            "ANSIBLE_COLLECTIONS_PATH": f"{collections}:{awx_collection}",
            "ANSIBLE_PIPELINING": "true",
            "CONTROLLER_HOST": awx.url,
            "CONTROLLER_OAUTH_TOKEN": TOKEN,
        }
        command = ["ansible-playbook", "oecsh.cloud.awx_setup", "-e", f"awx_setup_project_url={URL}", *arguments]
        done = ansible(*command, env={**connection, **env})
        assert done.returncode == 0, done.stdout + done.stderr
        return done

    return run


def changed(done: subprocess.CompletedProcess[str]) -> int:
    found = re.search(r"^localhost +:.* changed=(\d+)", done.stdout, re.MULTILINE)
    assert found, done.stdout + done.stderr
    return int(found[1])


def test_the_first_run_creates_everything(setup: Run, awx: FakeAwx, emulator: Emulator) -> None:
    first = setup("-e", "awx_setup_page_folder=/var/www/oec")
    assert emulator.keys.full not in first.stdout + first.stderr
    assert "WARNING" not in first.stderr

    (kind,) = awx.items["credential_types"].values()
    assert (kind["name"], kind["inputs"]["required"]) == ("oec.sh", ["api_key"])
    credential = awx.named("credentials")["oec.sh"]
    assert credential["inputs"]["api_key"] == ENCRYPTED
    assert injected(kind, awx.secrets[credential["id"]]) == {
        "OECSH_API_KEY": emulator.keys.full,
        "OECSH_API_URL": emulator.url,
    }
    (project,) = awx.items["projects"].values()
    assert (project["scm_url"], project["scm_type"]) == (URL, "git")
    (source,) = awx.items["inventory_sources"].values()
    found = [source[name] for name in ("source", "source_project", "credential")]
    assert found == ["scm", project["id"], credential["id"]]
    assert (PROJECT / source["source_path"]).is_file()

    templates = awx.named("job_templates")
    assert {name: each["playbook"] for name, each in templates.items()} == PLAYBOOKS
    for template in templates.values():
        assert awx.linked("job_templates", template, "credentials") == [credential["id"]]
        assert template["ask_job_type_on_launch"] is template["survey_enabled"] is True
    variables = load(ROOT / "playbooks" / "vars" / "awx.yml")
    assert {each["unified_job_template"]: each["rrule"] for each in awx.items["schedules"].values()} == {
        templates["oec.sh: drift"]["id"]: variables["awx_setup_schedule"],
        templates["oec.sh: backup"]["id"]: variables["awx_setup_backup_schedule"],
    }


def test_a_survey_asks_for_what_its_playbook_reads(awx: FakeAwx) -> None:
    for name, template in awx.named("job_templates").items():
        text = (PROJECT / PLAYBOOKS[name]).read_text(encoding="utf-8")
        roles = set(re.findall(r"oecsh\.cloud\.(provision|drift|backup|report)\b", text))
        options = {option for role in roles for option in emptied(role)}
        for question in awx.surveys[template["id"]]["spec"]:
            assert question["variable"] in options or question["variable"] in text
    questions = awx.surveys[awx.named("job_templates")["oec.sh: report"]["id"]]["spec"]
    assert [each["default"] for each in questions] == ["/var/www/oec", "", "", "", ""]


def test_the_workflow_waits_between_check_and_run(awx: FakeAwx) -> None:
    """What the jobs hand on is proved by test_jobs.py."""
    (workflow,) = awx.items["workflow_job_templates"].values()
    nodes, estate = awx.named("workflow_job_template_nodes"), awx.named("job_templates")["oec.sh: provision the estate"]
    assert workflow["name"] == WORKFLOW
    assert awx.surveys[workflow["id"]] == awx.surveys[estate["id"]]

    def after(node: Item) -> list[int]:
        assert node["workflow_job_template"] == workflow["id"]
        return awx.linked("workflow_job_template_nodes", node, "success_nodes")

    check, approval, provision = nodes["check"], nodes["approval"], nodes["provision"]
    assert [after(each) for each in (check, approval, provision)] == [[approval["id"]], [provision["id"]], []]
    jobs = [(each["unified_job_template"], each["job_type"], each["diff_mode"]) for each in (check, provision)]
    assert jobs == [(estate["id"], "check", True), (estate["id"], "run", True)]
    (question,) = awx.items["workflow_approval_templates"].values()
    assert (question["id"], question["name"]) == (approval["unified_job_template"], "Apply these changes?")


def test_the_second_run_changes_nothing_and_keeps_the_key(setup: Run, awx: FakeAwx) -> None:
    awx.secrets[awx.named("credentials")["oec.sh"]["id"]] = {"api_key": "typed"}
    awx.writes.clear()
    assert (changed(setup("-e", "awx_setup_page_folder=/var/www/oec")), awx.writes) == (0, [])


def test_a_later_run_changes_what_differs(setup: Run, awx: FakeAwx) -> None:
    awx.named("job_templates")["oec.sh: drift"]["playbook"] = "report.yml"
    notification, image = awx.add("notification_templates", name="Ops"), awx.add("execution_environments", name="ee")
    more = '{"awx_setup_notify": ["Ops"], "awx_setup_execution_environment": "ee", "awx_setup_workflow_nodes": []}'
    done = setup("-e", more, OECSH_API_KEY="", OECSH_API_URL="")
    assert "enter it there" in done.stdout
    assert awx.secrets[awx.named("credentials")["oec.sh"]["id"]] == {"api_key": "typed"}
    templates = awx.named("job_templates")
    assert templates["oec.sh: drift"]["playbook"] == "drift.yml"
    assert {template["execution_environment"] for template in templates.values()} == {image["id"]}
    errors = [awx.linked("job_templates", each, "notification_templates_error") for each in templates.values()]
    assert errors == [[], [], [notification["id"]], [notification["id"]], []]
    workflow = awx.named("workflow_job_templates")[WORKFLOW]
    asked = awx.linked("workflow_job_templates", workflow, "notification_templates_approvals")
    assert asked == [notification["id"]]


def test_a_new_key_is_stored_on_request(setup: Run, awx: FakeAwx, emulator: Emulator) -> None:
    done = setup("-e", '{"awx_setup_new_key": true, "awx_setup_templates": [], "awx_setup_workflow_nodes": []}')
    assert awx.secrets[awx.named("credentials")["oec.sh"]["id"]]["api_key"] == emulator.keys.full
    assert emulator.keys.full not in done.stdout + done.stderr


def test_a_missing_awx_awx_is_named_first(ansible: Run, awx: FakeAwx) -> None:
    done = ansible("ansible-playbook", "oecsh.cloud.awx_setup", env={"CONTROLLER_HOST": awx.url})
    if "awx.awx is missing" not in done.stdout and "Create the credential type" in done.stdout:
        pytest.skip("awx.awx is installed beside this Ansible")
    assert done.returncode != 0
    assert "The collection awx.awx is missing" in done.stdout + done.stderr
    assert "ansible-galaxy collection install awx.awx" in done.stdout
