# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""oecsh.cloud.awx_setup, with the real modules of awx.awx against a fake AWX; and the credential type."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.awx.fake_awx import ENCRYPTED, TOKEN, FakeAwx, check_credential_type, check_rule, check_survey
from tests.awx.jobs import PROJECT, ROOT, injected, load
from tests.emulator import Emulator

Run = Callable[..., subprocess.CompletedProcess[str]]
URL = "https://github.com/acme/estate"
VARIABLES = load(ROOT / "playbooks" / "vars" / "awx.yml")


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


def recap(done: subprocess.CompletedProcess[str]) -> dict[str, int]:
    found = re.search(r"^localhost +:(.*)$", done.stdout, re.MULTILINE)
    assert found, done.stdout + done.stderr
    return {name: int(number) for name, number in re.findall(r"(\w+)=(\d+)", found[1])}


def test_the_first_run_creates_everything(setup: Run, awx: FakeAwx, emulator: Emulator) -> None:
    first = setup()
    assert recap(first)["changed"] == 7
    assert emulator.keys.full not in first.stdout + first.stderr
    assert "WARNING" not in first.stderr

    (kind,) = awx.items["credential_types"].values()
    credential = awx.named("credentials")["oec.sh"]
    assert credential["inputs"]["api_key"] == ENCRYPTED
    assert injected(kind, awx.secrets[credential["id"]]) == {
        "OECSH_API_KEY": emulator.keys.full,
        "OECSH_API_URL": emulator.url,
    }
    (project,) = awx.items["projects"].values()
    assert (project["scm_url"], project["scm_type"]) == (URL, "git")
    (source,) = awx.items["inventory_sources"].values()
    assert (source["source"], source["source_project"], source["credential"]) == (
        "scm",
        project["id"],
        credential["id"],
    )
    assert (PROJECT / source["source_path"]).is_file()

    templates = awx.named("job_templates")
    assert set(templates) == {f"oec.sh: {each['name']}" for each in VARIABLES["awx_setup_templates"]}
    for template in templates.values():
        assert awx.associated["job_templates", template["id"], "credentials"] == [credential["id"]]
        assert template["survey_enabled"] == (template["id"] in awx.surveys)
    assert len(awx.surveys) == 4
    scheduled = {each["unified_job_template"]: each["rrule"] for each in awx.items["schedules"].values()}
    assert scheduled == {
        templates["oec.sh: drift"]["id"]: VARIABLES["awx_setup_schedule"],
        templates["oec.sh: backup"]["id"]: VARIABLES["awx_setup_backup_schedule"],
    }


def test_the_second_run_changes_nothing_and_keeps_the_key(setup: Run, awx: FakeAwx) -> None:
    awx.secrets[awx.named("credentials")["oec.sh"]["id"]] = {"api_key": "typed"}
    awx.writes.clear()
    assert recap(setup())["changed"] == 0
    assert awx.writes == []


def test_check_mode_predicts_and_writes_nothing(setup: Run, awx: FakeAwx) -> None:
    awx.named("job_templates")["oec.sh: drift"]["playbook"] = "report.yml"
    assert recap(setup("--check"))["changed"] == 1
    assert awx.writes == []


def test_without_a_key_everything_else_is_updated(setup: Run, awx: FakeAwx) -> None:
    notification = awx.add("notification_templates", name="Ops")
    image = awx.add("execution_environments", name="oec-ee")
    more = '{"awx_setup_notify": ["Ops"], "awx_setup_execution_environment": "oec-ee"}'
    done = setup("-e", more, OECSH_API_KEY="", OECSH_API_URL="")
    assert "enter it there" in done.stdout
    credential, templates = awx.named("credentials")["oec.sh"], awx.named("job_templates")
    assert awx.secrets[credential["id"]] == {"api_key": "typed"}
    assert templates["oec.sh: drift"]["playbook"] == "drift.yml"
    assert {template["execution_environment"] for template in templates.values()} == {image["id"]}
    notified = {key[1]: found for key, found in awx.associated.items() if key[2] == "notification_templates_error"}
    assert notified == {templates[f"oec.sh: {name}"]["id"]: [notification["id"]] for name in ("drift", "backup")}


def test_a_new_key_is_stored_on_request(setup: Run, awx: FakeAwx, emulator: Emulator) -> None:
    done = setup("-e", "awx_setup_new_key=true")
    assert awx.secrets[awx.named("credentials")["oec.sh"]["id"]]["api_key"] == emulator.keys.full
    assert emulator.keys.full not in done.stdout + done.stderr


def test_a_missing_awx_awx_is_named_first(ansible: Run, awx: FakeAwx) -> None:
    done = ansible("ansible-playbook", "oecsh.cloud.awx_setup", env={"CONTROLLER_HOST": awx.url})
    if "awx.awx is missing" not in done.stdout and "Create the credential type" in done.stdout:
        pytest.skip("awx.awx is installed beside this Ansible")
    assert done.returncode != 0
    assert "The collection awx.awx is missing" in done.stdout + done.stderr
    assert "ansible-galaxy collection install awx.awx" in done.stdout


def test_the_three_forms_of_the_credential_type_are_equal() -> None:
    plain = load(PROJECT / "credential_type.yml")
    (for_aap,) = load(PROJECT / "aap_configuration.yml")["controller_credential_types"]
    assert plain == for_aap == VARIABLES["awx_setup_credential_type"]
    check_credential_type(plain)
    assert plain["inputs"]["required"] == ["api_key"]


def test_ansible_does_not_fill_in_the_injectors() -> None:
    for path in (PROJECT / "aap_configuration.yml", ROOT / "playbooks" / "vars" / "awx.yml"):
        text = path.read_text(encoding="utf-8")
        assert len(re.findall(r'OECSH_API_(?:KEY|URL): !unsafe "\{\{ api_(?:key|url) \}\}"', text)) == 2


def test_awx_accepts_the_surveys_and_the_schedules() -> None:
    check_rule(VARIABLES["awx_setup_schedule"])
    check_rule(VARIABLES["awx_setup_backup_schedule"])
    for template in VARIABLES["awx_setup_templates"]:
        assert (PROJECT / template["playbook"]).is_file()
        if "survey" in template:
            check_survey(template["survey"])


def test_every_question_is_used_by_its_playbook_or_role() -> None:
    for template in VARIABLES["awx_setup_templates"]:
        for question in template.get("survey", {}).get("spec", []):
            text = (PROJECT / template["playbook"]).read_text(encoding="utf-8")
            for role in ("provision", "backup"):
                text += (ROOT / "roles" / role / "meta" / "argument_specs.yml").read_text(encoding="utf-8")
            assert question["variable"] in text


def test_no_secret_is_in_a_variable_of_the_examples() -> None:
    for path in [*PROJECT.rglob("*.yml"), ROOT / "playbooks" / "vars" / "awx.yml"]:
        assert "oec_live_rw_" not in path.read_text(encoding="utf-8").replace("Begins with oec_live_rw_,", "")


def test_the_project_asks_for_the_collection() -> None:
    requirements: Any = yaml.safe_load((PROJECT / "collections" / "requirements.yml").read_text(encoding="utf-8"))
    version = yaml.safe_load((ROOT / "galaxy.yml").read_text(encoding="utf-8"))["version"]
    assert requirements["collections"] == [{"name": "oecsh.cloud", "version": f">={version}"}]
