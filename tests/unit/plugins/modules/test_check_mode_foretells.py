# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

import pytest

FSN = "8e4f2a1c-1234-5678-abcd-ef0123456789"
NYC = "b7c1d9e2-0a52-4c6e-9d0f-3f1a5e7c2b11"
REPO = "https://github.com/acme/client-erp"
PRIVATE_REPO = "https://robot:hunter22@github.com/acme/client-erp"
MASKED_REPO = "https://***@github.com/acme/client-erp"

CLIENT = "00000000-0000-4000-8000-00000000000a"
PRIVATE = "00000000-0000-4000-8000-00000000000b"
EMPTY = "00000000-0000-4000-8000-00000000000c"
TWIN = "00000000-0000-4000-8000-00000000000d"
OTHER_TWIN = "00000000-0000-4000-8000-00000000000e"
NOBODY = "00000000-0000-4000-8000-00000000000f"
THERE = [
    {"id": CLIENT, "name": "Client ERP", "git_repo_url": REPO, "odoo_version": "17.0", "environment_count": 3},
    {"id": PRIVATE, "name": "Private ERP", "git_repo_url": PRIVATE_REPO, "default_branch": "release/17.0"},
    {"id": EMPTY, "name": "Empty ERP", "default_branch": None, "server_id": None},
    {"id": TWIN, "name": "Twin ERP"},
    {"id": OTHER_TWIN, "name": "Twin ERP", "default_branch": "dev"},
]
NEW = {"name": "New ERP", "server": "production-nyc1"}
AS_IT_IS = {
    "name": "Client ERP",
    "server": "production-fsn1",
    "git_repo_url": REPO,
    "default_branch": "main",
    "odoo_version": "17.0",
}
KEPT = [{"project_id": project["id"]} for project in THERE]

ONE = {
    "create": NEW,
    "create on a server by id": {**NEW, "server": NYC},
    "create on a server by id in capitals": {**NEW, "server": NYC.upper()},
    "create with a repository": {**NEW, "git_repo_url": REPO},
    "create with a private repository": {**NEW, "git_repo_url": PRIVATE_REPO},
    "create with a branch": {**NEW, "default_branch": "dev"},
    "create with a version": {**NEW, "odoo_version": "18.0"},
    "create with an idempotency key": {**NEW, "idempotency_key": "ticket 4711"},
    "create with everything": {**NEW, "git_repo_url": REPO, "default_branch": "dev", "odoo_version": "18.0"},
    "create with blanks": {**NEW, "git_repo_url": "", "default_branch": "", "odoo_version": "", "project_id": ""},
    "create with a name of many letters": {**NEW, "name": "Bäckerei 🥖\n{{ x }}"},
    "rename": {"project_id": CLIENT, "name": "Client ERP (Ltd)"},
    "rename by an id in capitals": {"project_id": CLIENT.upper(), "name": "Client ERP (Ltd)"},
    "rename one of two": {"project_id": TWIN, "name": "Single ERP"},
    "change the repository": {"name": "Client ERP", "git_repo_url": REPO + "2"},
    "change to a private repository": {"name": "Client ERP", "git_repo_url": PRIVATE_REPO},
    "change from a private repository": {"name": "Private ERP", "git_repo_url": REPO},
    "change the branch": {"name": "Client ERP", "default_branch": "dev"},
    "change the branch of a private repository": {
        "name": "Private ERP",
        "git_repo_url": MASKED_REPO,
        "default_branch": "dev",
    },
    "change all": {"project_id": CLIENT, "name": "C", "git_repo_url": REPO + "2", "default_branch": "dev"},
    "fill in": {"name": "Empty ERP", "git_repo_url": REPO, "default_branch": "main"},
    "delete by name": {"name": "Client ERP", "state": "absent"},
    "delete by id": {"project_id": TWIN, "state": "absent"},
    "absent already": {"name": "Gone ERP", "state": "absent"},
    "absent already, by id": {"project_id": NOBODY, "state": "absent"},
    "unchanged": AS_IT_IS,
    "unchanged, by id": {**AS_IT_IS, "project_id": CLIENT},
    "unchanged, with the server's id in capitals": {**AS_IT_IS, "server": FSN.upper()},
    "unchanged, only named": {"name": "Empty ERP"},
    "unchanged, as it was shown": {"name": "Private ERP", "git_repo_url": MASKED_REPO},
    "refused: two of the name": {"name": "Twin ERP"},
    "refused: no server": {"name": "New ERP"},
    "refused: an unknown server": {**NEW, "server": "atlantis"},
    "refused: another version": {**AS_IT_IS, "odoo_version": "18.0", "default_branch": "dev"},
    "refused: another server": {**AS_IT_IS, "server": NYC},
    "refused: not there": {"project_id": NOBODY},
    "refused: masked credentials": {**NEW, "git_repo_url": MASKED_REPO},
    "refused: not https": {**NEW, "git_repo_url": "http://github.com/acme/x"},
}
MANY = {
    "nothing": {"projects": []},
    "all unchanged": {"projects": KEPT},
    "all unchanged, and pruned": {"projects": KEPT, "prune": True, "prune_limit": 0},
    "some of everything": {
        "projects": [
            {"project_id": CLIENT, "name": "Client ERP (Ltd)", "default_branch": "dev"},
            NEW,
            {"name": "Private ERP", "git_repo_url": MASKED_REPO},
            {"name": "Empty ERP", "state": "absent"},
            {"name": "Gone ERP", "state": "absent"},
            {**NEW, "name": "Newer ERP", "git_repo_url": PRIVATE_REPO},
        ]
    },
    "some of everything, and pruned": {
        "projects": [NEW, {"project_id": TWIN, "name": "Single ERP"}, {"name": "Client ERP", "default_branch": "dev"}],
        "prune": True,
    },
    "two swap their names": {
        "projects": [{"project_id": CLIENT, "name": "Private ERP"}, {"project_id": PRIVATE, "name": "Client ERP"}]
    },
    "two of one name": {"projects": [{"project_id": TWIN, "default_branch": "a"}, {"project_id": OTHER_TWIN}]},
    "refused: one wrong among good ones": {"projects": [NEW, {"name": "Twin ERP"}]},
    "refused: too many to prune": {"projects": [NEW], "prune": True, "prune_limit": 1},
    "refused: everything to prune": {"projects": [], "prune": True},
}
CASES = {f"one: {case}": ("oec_project", options) for case, options in ONE.items()}
CASES |= {f"many of one: {case}": ("oec_projects", {"projects": [options]}) for case, options in ONE.items()}
CASES |= {f"many: {case}": ("oec_projects", options) for case, options in MANY.items()}


def but_for_what_the_server_assigns(result: dict[str, Any]) -> dict[str, Any]:
    """The result, with null in place of the id and the date of each project that was created."""
    known = {project["id"] for project in THERE}
    for reported in (result, *result.get("projects", ())):
        project = reported.get("project")
        if project and project["id"] not in known:
            project.update(id=None, created_at=None)
            reported.update({"project_id": None} if "project_id" in reported else {})
    return result


@pytest.mark.parametrize(("module", "options"), CASES.values(), ids=CASES)
def test_the_real_run_does_what_check_mode_announced_and_the_next_one_nothing(run_module, emulator, module, options):
    for project in THERE:
        emulator.add_project(**project)
    before = emulator.projects()

    announced = run_module(module, check=True, **options)
    assert (emulator.log.writes, emulator.projects()) == ([], before)

    done = run_module(module, **options)
    assert but_for_what_the_server_assigns(done) == announced
    assert bool(emulator.log.writes) == bool(done.get("changed")) == (emulator.projects() != before)

    emulator.log.clear()
    after = emulator.projects()
    again = run_module(module, **options)
    assert not again.get("changed")
    assert again.get("failed") == done.get("failed")
    assert (emulator.log.writes, emulator.projects()) == ([], after)
