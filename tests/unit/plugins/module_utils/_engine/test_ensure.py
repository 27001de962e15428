# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.oecsh.cloud.plugins.module_utils._engine.desired import Desired
from ansible_collections.oecsh.cloud.plugins.module_utils._engine.ensure import read
from ansible_collections.oecsh.cloud.plugins.module_utils._resources.environment import ENVIRONMENT
from ansible_collections.oecsh.cloud.tests.emulator.state import SCOPED_PROJECT_ID
from ansible_collections.oecsh.cloud.tests.support import SERVER_ID, UNKNOWN_ID

PARENT_ID, IDENT = SCOPED_PROJECT_ID, "3fa85f64-5717-4562-b3fc-2c963f66afa6"
PARENT, ITSELF, SERVERS = f"/projects/{PARENT_ID}", f"/environments/{IDENT}", "/servers"
PROJECTS, ENVIRONMENTS = "/projects", f"{PARENT}/environments"
ABSENT, BY_ID = {"state": "absent"}, {"environment_id": IDENT}
BY_NAME = {"project": "Scoped project", "name": "production"}
READS = {
    # Options, the requests, and the names of what may be meant.
    "by name": (BY_NAME, [PROJECTS, ENVIRONMENTS], ["production", "staging"]),
    "by the project's id": (BY_NAME | {"project": PARENT_ID}, [PARENT, ENVIRONMENTS], ["production", "staging"]),
    "of an unknown project": (BY_NAME | {"project": "nowhere"}, [PROJECTS], []),
    "of an unknown project by id": (BY_NAME | {"project": UNKNOWN_ID}, [f"/projects/{UNKNOWN_ID}"], []),
    "with a server by name": (
        BY_NAME | {"server": "production-fsn1"},
        [PROJECTS, ENVIRONMENTS, SERVERS],
        ["production", "staging"],
    ),
    "with a server by id": (BY_NAME | {"server": SERVER_ID}, [PROJECTS, ENVIRONMENTS], ["production", "staging"]),
    "absent": (BY_NAME | ABSENT | {"server": "x"}, [PROJECTS, ENVIRONMENTS], ["production", "staging"]),
    "by id": (BY_ID, [ITSELF], ["production"]),
    "by id, with its name": (BY_ID | {"name": "production"}, [ITSELF], ["production"]),
    "by id, with its project": (BY_ID | BY_NAME, [ITSELF, PROJECTS], ["production"]),
    "by id, of none": ({"environment_id": UNKNOWN_ID, "name": "x"}, [f"/environments/{UNKNOWN_ID}"], []),
    "renamed": (BY_ID | {"name": "live"}, [ITSELF, ENVIRONMENTS], ["production", "staging"]),
    "another name, absent": (BY_ID | {"name": "live"} | ABSENT, [ITSELF], ["production"]),
}


@pytest.mark.parametrize(("options", "requests", "names"), READS.values(), ids=READS)
def test_no_more_is_read_than_a_declaration_needs(client, emulator, options, requests, names):
    project = emulator.scoped_project
    emulator.add_environment(project["id"], "production", id=IDENT)
    emulator.add_environment(project["id"], "staging")
    reading = read(Desired.parse(ENVIRONMENT, options), client)
    assert [item["name"] for item in reading.existing] == names
    assert [request.path for request in emulator.log.requests()] == requests


def test_siblings_of_an_unknown_parent_are_not_read(client, emulator):
    """An API may leave out any field but the id."""
    existing = emulator.add_environment(emulator.scoped_project["id"], id=IDENT)
    emulator.faults.add("replace", body={**existing, "project_id": None})
    reading = read(Desired.parse(ENVIRONMENT, BY_ID | {"name": "live"}), client)
    assert (len(reading.existing), emulator.log.count()) == (1, 1)


@pytest.mark.parametrize("project", ["Scoped project", PARENT_ID])
def test_the_parent_is_read_for_what_it_hands_down(client, emulator, project):
    existing = emulator.scoped_project
    reading = read(Desired.parse(ENVIRONMENT, {"name": "new", "project": project}), client)
    assert reading.references["project"] == [existing]
