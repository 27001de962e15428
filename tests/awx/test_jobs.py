# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The job templates of examples/awx, run as AWX runs them: by ansible-runner, the key in the environment."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from tests.awx.jobs import Job
from tests.emulator import Emulator

Make = Callable[..., Job]
LONGEST_LINE = 4000


def assert_readable(job: Job) -> None:
    """Check that the output pane has readable lines, and no escape codes but Ansible's colours."""
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f]", job.printed), repr(job.printed)
    assert max(map(len, job.printed.splitlines())) <= LONGEST_LINE


def assert_secret(job: Job, key: str) -> None:
    assert job.holding(key) == set()
    # Long enough a part of it would be a leak, too.
    assert job.holding(key[:24]) == set()


def test_provisioning_the_estate_twice(job: Make, emulator: Emulator) -> None:
    first = job(survey={"provision_prune": "no"}).run("provision_estate.yml")
    assert first.status == "successful", first.printed
    assert first.statistics == {"ok": 16, "changed": 1, "failures": 0, "ignored": 0, "skipped": 2}
    assert first.artifact_data == {
        "provision_summary": {"created": 3, "updated": 0, "deleted": 0, "unchanged": 0, "failed": 0}
    }
    again = job(survey={"provision_prune": "no"}).run("provision_estate.yml")
    assert again.status == "successful"
    assert again.statistics["changed"] == 0
    assert again.artifact_data["provision_summary"]["unchanged"] == len(emulator.projects()) == 3
    for each in (first, again):
        assert_readable(each)
        assert_secret(each, emulator.keys.full)


def test_a_job_of_the_type_check_writes_nothing(job: Make, emulator: Emulator) -> None:
    done = job(arguments=["--check", "--diff"]).run("provision_estate.yml")
    assert done.status == "successful"
    assert emulator.log.writes == []
    assert "3 would be created, 0 unchanged (check mode: nothing was written)" in done.printed
    assert len(done.artifact_data["provision_plan_digest"]) == 64


def test_what_was_approved_is_what_is_applied(job: Make, emulator: Emulator) -> None:
    """AWX passes the artifacts of a job to the next nodes of the workflow as extra variables."""
    checked = job(arguments=["--check", "--diff"]).run("provision_estate.yml")
    meanwhile = emulator.add_project("Bakery Lindgren", server="production-fsn1", odoo_version="17.0")
    late = job(survey=checked.artifact_data).run("provision_estate.yml")
    assert (late.status, emulator.log.writes) == ("failed", [])
    assert "the plan is not the approved one" in late.printed
    emulator.remove(meanwhile["id"])
    approved = job(survey=checked.artifact_data).run("provision_estate.yml")
    assert approved.status == "successful", approved.printed
    assert approved.artifact_data["provision_summary"]["created"] == len(emulator.projects()) == 3


def test_provisioning_one_client_with_name_and_server_only(job: Make, emulator: Emulator) -> None:
    empty = {"client_git_repo_url": "", "client_default_branch": "", "client_odoo_version": ""}
    survey = {"client_name": "{{ 7 * 7 }} Café", "client_server": "production-fsn1", **empty}
    done = job(survey=survey).run("provision_client.yml")
    assert done.status == "successful", done.printed
    (project,) = emulator.projects()
    assert (project["name"], project["default_branch"]) == ("{{ 7 * 7 }} Café", "main")
    assert project["git_repo_url"] is project["odoo_version"] is None
    assert done.artifact_data["client_project"]["id"] == project["id"]
    assert done.statistics["changed"] == 1

    again = job(survey={**survey, "client_server": ""}).run("provision_client.yml")
    assert (again.status, again.statistics["changed"]) == ("successful", 0)
    assert len(emulator.projects()) == 1
    for each in (done, again):
        assert_readable(each)
        assert_secret(each, emulator.keys.full)


def test_survey_fields_without_a_value_count_as_omitted(job: Make, emulator: Emulator) -> None:
    emulator.add_project("Client ERP")
    done = job(survey={"client_name": "Client ERP"}).run("provision_client.yml")
    assert (done.status, done.statistics["changed"]) == ("successful", 0)


def test_a_survey_of_the_estate_has_strings_or_nothing(job: Make, emulator: Emulator) -> None:
    names = ("provision_prune", "provision_prune_limit", "provision_batch_size")
    empty = job(survey=dict.fromkeys(names, "")).run("provision_estate.yml")
    assert empty.status == "successful", empty.printed
    emulator.add_project("Not declared")
    survey = {"provision_prune": "yes", "provision_prune_limit": "3", "provision_batch_size": "2"}
    text = job(survey=survey).run("provision_estate.yml")
    assert text.status == "successful", text.printed
    assert text.artifact_data["provision_summary"]["deleted"] == 1


@pytest.mark.parametrize(
    ("survey", "reason"),
    [({"provision_batch_size": "many"}, "provision_batch_size must be"), ({"provision_prune": "perhaps"}, "prune")],
    ids=["batch size", "prune"],
)
def test_invalid_survey_values_are_rejected_before_a_write(
    job: Make, emulator: Emulator, survey: dict[str, str], reason: str
) -> None:
    rejected = job(survey=survey).run("provision_estate.yml")
    assert (rejected.status, emulator.log.writes) == ("failed", [])
    assert reason in rejected.printed


def test_drift_fails_and_passes_on_the_differences(job: Make, emulator: Emulator) -> None:
    job().run("provision_estate.yml")
    before = len(emulator.log.writes)
    same = job().run("drift.yml")
    assert (same.status, same.artifact_data) == ("successful", {"drift_result": []})

    (harbour,) = [project for project in emulator.projects() if project["name"] == "Harbour Logistics"]
    emulator.edit(harbour["id"], default_branch="hotfix")
    differs = job().run("drift.yml")
    assert (differs.status, differs.statistics["failures"]) == ("failed", 1)
    assert differs.artifact_data == {
        "drift_result": [
            {
                "project": "Harbour Logistics",
                "environment": None,
                "field": "default_branch",
                "current": "hotfix",
                "desired": "release/16.0",
                "code": None,
            }
        ]
    }
    assert "default_branch  hotfix -> release/16.0" in differs.printed
    assert len(emulator.log.writes) == before
    for each in (same, differs):
        assert_readable(each)
        assert_secret(each, emulator.keys.full)


def test_drift_ignores_the_result_of_an_earlier_node(job: Make, emulator: Emulator) -> None:
    earlier = job().run("drift.yml").artifact_data
    assert len(earlier["drift_result"]) == 3
    repaired = job(survey=earlier).run("provision_estate.yml")
    later = job(survey={**earlier, **repaired.artifact_data}).run("drift.yml")
    assert (later.status, later.artifact_data["drift_result"]) == ("successful", []), later.printed


def test_a_failed_backup_job_is_completed_by_the_next_one(job: Make, emulator: Emulator) -> None:
    for switch in ("queue_seconds", "action_seconds", "upload_seconds"):
        setattr(emulator.settings, switch, 0)
    for name in ("Bakery Lindgren", "Harbour Logistics"):
        harbour = emulator.add_environment(emulator.add_project(name)["id"])["id"]
    emulator.plan_task("backup", harbour, outcome="failed", error="No space left.")
    survey = {"backup_environments": "production\nstaging\n", "backup_max_age": ""}
    failing, again = job(survey=survey), job(survey=survey)
    assert failing.run("backup.yml").status == "failed"
    assert "No space left." in failing.printed
    assert again.run("backup.yml").status == "successful", again.printed
    assert [each.artifact_data["backup_summary"] for each in (failing, again)] == [
        {"environments": 2, "good": 1, "new": 1, "failed": 1, "not_tried": 0},
        {"environments": 2, "good": 2, "new": 1, "failed": 0, "not_tried": 0},
    ]
    assert len(emulator.log.writes) == 3
    for each in (failing, again):
        assert_readable(each)
        assert_secret(each, emulator.keys.full)


def test_the_report_passes_on_figures_with_or_without_a_page(job: Make, emulator: Emulator, tmp_path: Path) -> None:
    emulator.add_project("Old", odoo_version="16.0")
    emulator.add_project("New", odoo_version="18.0")
    emulator.add_project("Newer", odoo_version="18.0")
    emulator.add_project("Whatever", odoo_version=None)
    figures = {
        "servers": len(emulator.servers()),
        "projects": 4,
        "odoo_versions": ["16.0", "18.0", "none"],
        "projects_of_each_version": [1, 2, 1],
    }
    shared = tmp_path / "shared"
    shared.mkdir()
    done = job(survey={"page_folder": str(shared)}).run("report.yml")
    assert done.status == "successful", done.printed
    page = shared / "oec-projects.html"
    assert "Newer" in page.read_text(encoding="utf-8")
    assert done.artifact_data["oec_figures"] == {**figures, "page": str(page)}

    page.unlink()
    empty = job(survey={"page_folder": ""}).run("report.yml")
    assert empty.artifact_data["oec_figures"] == {**figures, "page": ""}
    assert list(shared.iterdir()) == []
    for each in (done, empty):
        assert_readable(each)
        assert_secret(each, emulator.keys.full)


def test_the_inventory_source_imports_plain_values(job: Make, emulator: Emulator) -> None:
    emulator.add_project("Client ERP", server="staging-hel1", odoo_version="17.0")
    emulator.add_project("{{ 7 * 7 }}", odoo_version="16.0")
    update = job()
    found = update.update_inventory("inventory/clients.oec.yml", "-vvv")
    assert update.status == "successful", update.printed
    hosts = found["_meta"]["hostvars"]
    assert found["odoo_17_0"]["hosts"] == found["server_staging_hel1"]["hosts"] == ["Client_ERP"]
    assert hosts["Client_ERP"]["is_deployed"] is False
    assert_secret(update, emulator.keys.full)
    # AWX stores and displays what it reads, a wrapper too.
    assert hosts["Client_ERP"]["oec_odoo_version"] == "17.0"
    assert hosts["Client_ERP"]["oec_server_name"] == "staging-hel1"


def test_an_inventory_source_with_a_rejected_key_fails(job: Make, emulator: Emulator) -> None:
    update = job(env={"OECSH_API_KEY": emulator.keys.expired, "OECSH_API_URL": emulator.url})
    assert update.update_inventory("inventory/clients.oec.yml") is None
    assert update.status == "failed"
    assert "401" in update.printed
    assert "OECSH_API_KEY" in update.printed or "api_key" in update.printed
    assert_secret(update, emulator.keys.expired)


def test_a_job_with_many_failures_is_readable(job: Make, emulator: Emulator) -> None:
    projects = [{"name": f"Client {number:03} \x1b[31mred\x07", "server": "production-fsn1"} for number in range(40)]
    emulator.faults.add("status", "POST", "/projects", times=None, status=422)
    failing = job(survey={"provision_projects": projects})
    (failing.folder / "project" / "ansible.cfg").unlink()
    failing.run("provision_estate.yml")
    assert (failing.status, failing.statistics["failures"]) == ("failed", 1)
    assert failing.artifact_data["provision_summary"]["failed"] == 40
    assert "0 unchanged, 40 failed. It is safe to run this again:" in failing.printed
    assert "\x1b[31mred" not in failing.coloured
    assert_readable(failing)
    assert_secret(failing, emulator.keys.full)


@pytest.mark.parametrize("fault", ["html", "echo", "ip_blocked"])
def test_a_job_that_fails_as_a_whole_is_readable(job: Make, emulator: Emulator, fault: str) -> None:
    emulator.faults.add(fault, times=None)
    failing = job(env={"OECSH_API_KEY": emulator.keys.full, "OECSH_API_URL": emulator.url, "OECSH_API_RETRIES": "0"})
    failing.run("provision_estate.yml")
    assert (failing.status, failing.statistics["failures"]) == ("failed", 1)
    assert "Traceback" not in failing.printed
    assert_readable(failing)
    assert_secret(failing, emulator.keys.full)


def test_a_cancelled_job_run_again_creates_each_project_once(job: Make, emulator: Emulator) -> None:
    projects = [{"name": f"Client {number:03}", "server": "production-fsn1"} for number in range(30)]
    emulator.faults.add("delay", "POST", "/projects", times=None, seconds=0.1)
    cancelled = job(survey={"provision_projects": projects})
    # As AWX does it: the runner asks again and again whether to go on.
    runner = cancelled.run_here(
        playbook="provision_estate.yml", cancel_callback=lambda: emulator.log.count("POST /projects") >= 8
    )
    assert runner.status == "canceled"
    created = len(emulator.projects())
    assert 0 < created < 30, created
    emulator.faults.clear()
    again = job(survey={"provision_projects": projects}).run("provision_estate.yml")
    assert again.status == "successful", again.printed
    assert sorted(project["name"] for project in emulator.projects()) == [project["name"] for project in projects]
    for each in (cancelled, again):
        assert_secret(each, emulator.keys.full)


def test_two_jobs_at_once_create_each_project_once(job: Make, emulator: Emulator) -> None:
    projects = [{"name": f"Client {number:03}", "server": "production-fsn1"} for number in range(10)]
    emulator.faults.add("delay_after", "POST", "/projects", times=None, seconds=0.3)
    jobs = [job(survey={"provision_projects": projects}) for _turn in range(2)]
    processes = [each.start("--playbook", "provision_estate.yml") for each in jobs]
    for each, process in zip(jobs, processes, strict=True):
        assert each.end(process).status == "successful", each.printed
    names = Counter(project["name"] for project in emulator.projects())
    assert names == {project["name"]: 1 for project in projects}
    # They ran at once: otherwise the second would have had nothing to create.
    assert emulator.log.count("POST /projects") > 10


def test_survey_variables_are_written_as_by_awx(job: Make) -> None:
    text = (job(survey={"client_name": "{{ x }}"}).folder / "env" / "extravars").read_text(encoding="utf-8")
    assert "!unsafe 'client_name': !unsafe '{{ x }}'" in text
    with pytest.raises(yaml.constructor.ConstructorError):
        yaml.safe_load(text)
