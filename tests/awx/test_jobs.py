# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The job templates of examples/awx, run as AWX runs them: by ansible-runner, the key in the environment."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tests.awx.jobs import Job, emptied
from tests.emulator import Emulator

Make = Callable[..., Job]
CHECK = ["--check", "--diff"]
NONE = {"created": 0, "updated": 0, "deleted": 0, "unchanged": 0, "failed": 0}


def test_the_workflow_applies_what_was_approved(job: Make, emulator: Emulator) -> None:
    """AWX passes the survey of a workflow to all its jobs, and the artifacts of a job to the next ones."""
    survey = emptied("provision")
    del survey["provision_plan_digest"], survey["provision_defaults"], survey["provision_environment_defaults"]
    checked = job(survey=survey, arguments=CHECK).run("provision_estate.yml")
    assert (checked.status, emulator.log.writes) == ("successful", []), checked.printed
    assert "3 would be created" in checked.printed
    assert "erp.bakery-lindgren.example" in checked.printed
    assert checked.artifact_data.keys() == {
        "provision_summary",
        "provision_environment_summary",
        "provision_plan_digest",
    }

    meanwhile = emulator.add_project("Bakery Lindgren", server="production-fsn1", odoo_version="17.0")
    late = job(survey={**survey, **checked.artifact_data}).run("provision_estate.yml")
    assert (late.status, emulator.log.writes) == ("failed", [])
    assert "the plan is not the approved one" in late.printed

    emulator.remove(meanwhile["id"])
    approved = job(survey={**survey, **checked.artifact_data}).run("provision_estate.yml")
    assert approved.status == "successful", approved.printed
    assert approved.artifact_data == {
        "provision_summary": {**NONE, "created": len(emulator.projects())},
        "provision_environment_summary": {**NONE, "created": len(emulator.environments())},
    }


def test_a_survey_of_the_estate_has_strings(job: Make, emulator: Emulator) -> None:
    emulator.add_project("Not declared")
    emulator.add_project("Café Olé", server="production-nyc1", odoo_version="16.0")
    survey = {"provision_skip_rejected": "yes", "provision_wait": "no", "provision_only": "", "provision_prune": "no"}
    rejected = job(survey=survey).run("provision_estate.yml")
    assert (rejected.status, rejected.artifact_data["provision_summary"]) == (
        "failed",
        {**NONE, "created": 2, "failed": 1},
    )
    survey = {"provision_only": "Bakery*\nHarbour Logistics\n", "provision_prune": "yes"}
    only = job(survey=survey).run("provision_estate.yml")
    assert only.artifact_data["provision_summary"] == {**NONE, "unchanged": 2}, only.printed


def test_provisioning_one_client_with_name_and_server_only(job: Make, emulator: Emulator) -> None:
    empty = {"client_git_repo_url": "", "client_default_branch": "", "client_odoo_version": ""}
    survey = {"client_name": "{{ 7 * 7 }} Café", "client_server": "production-fsn1", **empty}
    done = job(survey=survey).run("provision_client.yml")
    assert done.status == "successful", done.printed
    (project,) = emulator.projects()
    assert (project["name"], project["default_branch"]) == ("{{ 7 * 7 }} Café", "main")
    assert project["git_repo_url"] is project["odoo_version"] is None
    assert done.artifact_data["client_project"]["id"] == project["id"]
    # Questions that were not asked are not defined.
    again = job(survey={"client_name": "{{ 7 * 7 }} Café"}).run("provision_client.yml")
    assert (again.status, len(emulator.log.writes)) == ("successful", 1), again.printed


def test_drift_fails_and_passes_on_the_differences(job: Make, emulator: Emulator) -> None:
    empty = {name: "" for name in emptied("drift") if not name.endswith("_defaults")}
    earlier = {"drift_result": ["of an earlier job"], "provision_summary": NONE}
    emulator.add_project("Harbour Logistics", server="production-fsn1", odoo_version="16.0", default_branch="hotfix")
    survey = {**empty, **earlier, "provision_only": "Harbour*"}
    differs = job(survey=survey).run("drift.yml")
    (_url, row) = differs.artifact_data["drift_result"]
    assert differs.status == "failed"
    assert row == {
        "project": "Harbour Logistics",
        "environment": None,
        "field": "default_branch",
        "current": "hotfix",
        "desired": "release/16.0",
        "code": None,
    }
    assert "default_branch  hotfix -> release/16.0" in differs.printed
    passing = job(survey={**survey, "drift_fail": "no"}).run("drift.yml")
    assert (passing.status, passing.artifact_data, emulator.log.writes) == ("successful", differs.artifact_data, [])


def test_a_failed_backup_job_is_completed_by_the_next_one(job: Make, emulator: Emulator) -> None:
    for name in ("Bakery Lindgren", "Harbour Logistics"):
        harbour = emulator.add_environment(emulator.add_project(name)["id"])["id"]
    emulator.plan_task("backup", harbour, outcome="failed", error="No space left.")
    survey = {"backup_environments": "production\nstaging\n", "backup_max_age": ""}
    failing = job(survey=survey).run("backup.yml")
    assert failing.status == "failed"
    assert "No space left." in failing.printed
    again = job(survey=emptied("backup")).run("backup.yml")
    assert again.status == "successful", again.printed
    assert [each.artifact_data["backup_summary"] for each in (failing, again)] == [
        {"environments": 2, "good": 1, "new": 1, "failed": 1, "not_tried": 0},
        {"environments": 2, "good": 2, "new": 1, "failed": 0, "not_tried": 0},
    ]


def test_the_report_passes_on_figures_and_writes_a_page(job: Make, emulator: Emulator, tmp_path: Path) -> None:
    for name, version in {"Old": "16.0", "New": "18.0", "Newer": "18.0", "Whatever": None}.items():
        emulator.add_environment(emulator.add_project(name, odoo_version=version)["id"])
    done = job(survey={**emptied("report"), "report_backups": "yes", "page_folder": str(tmp_path)}).run("report.yml")
    assert done.status == "successful", done.printed
    page = tmp_path / "oec-projects.html"
    assert "Newer" in page.read_text(encoding="utf-8")
    assert str(page) in done.printed
    assert done.artifact_data["oec_figures"] == {
        "servers": len(emulator.servers()),
        "projects": 4,
        "environments": 4,
        "odoo_versions": ["16.0", "18.0", "none"],
        "projects_of_each_version": [1, 2, 1],
        "page": str(page),
    }
    page.unlink()
    figures = job(survey={"page_folder": ""}).run("report.yml")
    assert (figures.artifact_data["oec_figures"]["page"], page.exists()) == ("", False)


def test_the_inventory_source_imports_plain_values(job: Make, emulator: Emulator) -> None:
    emulator.add_project("Client ERP", server="staging-hel1", odoo_version="17.0")
    emulator.add_project("{{ 7 * 7 }}", odoo_version="16.0")
    update = job()
    found = update.update_inventory("inventory/clients.oec.yml")
    assert update.status == "successful", update.printed
    hosts = found["_meta"]["hostvars"]
    assert found["odoo_17_0"]["hosts"] == found["server_staging_hel1"]["hosts"] == ["Client_ERP"]
    assert hosts["Client_ERP"]["is_deployed"] is False
    # AWX stores and displays what it reads, a wrapper too.
    assert hosts["Client_ERP"]["oec_odoo_version"] == "17.0"
    assert hosts["Client_ERP"]["oec_server_name"] == "staging-hel1"
