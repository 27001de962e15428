# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
import yaml
from ansible_collections.oecsh.cloud.plugins.module_utils._api.kind import Field, Kind
from ansible_collections.oecsh.cloud.plugins.module_utils._engine.action import Difference
from ansible_collections.oecsh.cloud.plugins.module_utils._engine.desired import Desired
from ansible_collections.oecsh.cloud.plugins.module_utils._engine.plan import digest, plan
from ansible_collections.oecsh.cloud.plugins.module_utils._resources.environment import ENVIRONMENT
from ansible_collections.oecsh.cloud.plugins.module_utils._resources.project import PROJECT
from ansible_collections.oecsh.cloud.plugins.module_utils._resources.webhook import WEBHOOK as ANY_PARENT
from ansible_collections.oecsh.cloud.tests import support

BERLIN, PARIS, UNKNOWN_ID = support.SERVER_ID, support.OTHER_SERVER_ID, support.UNKNOWN_ID
REPO, PRIVATE_REPO, REDACTED_REPO = support.REPO, support.PRIVATE_REPO, support.REDACTED_REPO
SERVERS = [{"id": BERLIN, "name": "berlin"}, {"id": PARIS, "name": "paris"}]


def uuid(number):
    return f"3fa85f64-5717-4562-b3fc-{number:012x}"


# The parents of environments. An API may write ids in capitals.
PROJECTS = [
    {"id": uuid(number), "name": name, "default_branch": f"of-{name}", "server_id": BERLIN}
    for number, name in [(0xA1, "acme"), (0xA2, "bakery"), (0xA3, "twins"), (0xA4, "twins")]
]
PROJECTS[1]["id"] = PROJECTS[1]["id"].upper()


def project(name="Acme", number=1, **fields):
    texts = {"odoo_version": "17.0", "git_repo_url": REPO, "default_branch": "main", "server_id": BERLIN}
    return {"id": uuid(number), "name": name, "environment_count": 3, "created_at": "2025-09-15", **texts, **fields}


def planned(*items, existing=(), kind=PROJECT, servers=None, **more):
    return plan(
        kind,
        [Desired.parse(kind, item) for item in items],
        existing,
        {"server": SERVERS if servers is None else servers, "project": PROJECTS},
        **more,
    )


def actions(*items, **more):
    """Return the actions of a plan without problems."""
    found = planned(*items, **more)
    assert found.rejection() is None
    return found.actions


def codes(found):
    """Return the codes of all that is wrong with a plan."""
    rejection = found.rejection()
    return [detail["code"] for detail in rejection.details] if rejection else []


# One project.

EXISTING, TWINS = project(), [project("Twin", 11), project("Twin", 12)]
# Options that find the existing project, and such that create one.
ACME, ACME_ID, NEW = {"name": "Acme"}, {"project_id": uuid(1)}, {"name": "New", "server": "paris"}
NAME_B, WAS_ACME, NAMED_B = {"name": "B"}, {"previous_name": "Acme"}, project("B", 2)
MISSING_ID, ABSENT, ATLANTIS = {"project_id": UNKNOWN_ID}, {"state": "absent"}, {"server": "atlantis"}
DEV, REPO_2, VERSION = {"default_branch": "dev"}, {"git_repo_url": f"{REPO}2"}, {"odoo_version": "18.0"}
REDACTED = {"git_repo_url": REDACTED_REPO}
SIMILAR = NEW | {"name": "acme", "allow_similar_name": True}
SAME = {"server": "berlin", "git_repo_url": REPO, "default_branch": "main", "odoo_version": "17.0"}
ON_PARIS = {"name": "New", "server_id": PARIS}
ACTIONS = {
    "on a server by name": (NEW, "created", ON_PARIS),
    "on a server by id": (NEW | {"server": PARIS.upper()}, "created", ON_PARIS),
    "with everything": (NEW | DEV | REPO_2 | VERSION, "created", ON_PARIS | DEV | REPO_2 | VERSION),
    "a similar name, allowed": (SIMILAR, "created", ON_PARIS | {"name": "acme"}),
    "a previous name": (NEW | {"previous_name": "Acme", "server": "berlin"}, "updated", {"name": "New"}),
    "a previous name of none": (NEW | {"previous_name": "Old"}, "created", ON_PARIS),
    "a previous name of another, with the name": (ACME | {"previous_name": "Other"}, "unchanged", None),
    "a previous name, with the id": (ACME_ID | {"previous_name": "Other"}, "unchanged", None),
    "whitespace around a version": (NEW | {"odoo_version": " 18.0\n"}, "created", ON_PARIS | VERSION),
    "another branch": (ACME | DEV, "updated", DEV),
    "another repository": (ACME | SAME | REPO_2, "updated", REPO_2),
    "another name": (ACME_ID | {"name": "New"}, "updated", {"name": "New"}),
    "all that can change": (ACME_ID | {"name": "New"} | DEV | REPO_2, "updated", {"name": "New"} | DEV | REPO_2),
    "only a name": (ACME, "unchanged", None),
    "only an id": (ACME_ID, "unchanged", None),
    "an id in capitals": ({"project_id": uuid(1).upper()}, "unchanged", None),
    "everything as it is": (ACME | SAME, "unchanged", None),
    "missing, by name": (NEW | ABSENT, "unchanged", None),
    "missing, by id": (MISSING_ID | ABSENT, "unchanged", None),
    "absent, by name": (ACME | ABSENT, "deleted", None),
    "absent, by id": (ACME_ID | ABSENT, "deleted", None),
    "absent, whatever else": (ACME | ABSENT | ATLANTIS | VERSION, "deleted", None),
}


@pytest.mark.parametrize(("item", "type_", "body"), ACTIONS.values(), ids=ACTIONS)
def test_only_what_differs_is_sent(item, type_, body):
    (action,) = actions(item, existing=[EXISTING])
    assert (action.type, action.body, action.changed) == (type_, body, type_ != "unchanged")


@pytest.mark.parametrize(
    ("version", "count"), [("18.0", 0), ("9.0", 0), (" 17.0 ", 0), ("17", 1), ("17.0.1", 1), ("saas-17.2", 1)]
)
def test_an_unusual_version_is_warned_of_at_create(version, count):
    (created,) = actions(NEW | {"odoo_version": version})
    (unchanged,) = actions(ACME | {"odoo_version": version}, existing=[project(odoo_version=version.strip())])
    assert (len(created.warnings), unchanged.warnings) == (count, ())


@pytest.mark.parametrize(
    ("options", "existing", "warning"),
    [
        ({"server": "paris"}, [], "project 'B': it is created, since there is no project 'Acme' to rename."),
        (ABSENT, [EXISTING], "project 'B': it does not exist, and 'Acme', its previous_name, is kept."),
        (ABSENT, [], None),
        ({}, [NAMED_B], None),
        ({}, [EXISTING], None),
    ],
)
def test_a_previous_name_that_renames_nothing_is_warned_of(options, existing, warning):
    (action,) = actions(NAME_B | WAS_ACME | options, existing=existing)
    assert list(action.warnings) == [warning] * (warning is not None)


@pytest.mark.parametrize("item", [ACME, ACME_ID, ACME | {"server": "berlin"}, ACME | {"server": BERLIN}])
@pytest.mark.parametrize("existing", [EXISTING, project(id=uuid(1).upper(), server_id=BERLIN.upper())])
def test_ids_of_the_api_may_be_in_capitals(item, existing):
    (action,) = actions(item, existing=[existing], servers=[{"id": BERLIN.upper(), "name": "berlin"}], prune=True)
    assert action.type == "unchanged"


def test_empty_fields_are_filled():
    (action,) = actions(ACME | DEV | REPO_2, existing=[project(git_repo_url=None, default_branch=None)])
    assert action.body == DEV | REPO_2


def test_a_create_predicts_all_but_what_the_api_assigns():
    (action,) = actions(NEW | {"idempotency_key": "release-7"})
    assert (action.before, action.idempotency_key) == (None, "release-7")
    unset = dict.fromkeys(["id", "git_repo_url", "odoo_version", "created_at"])
    assert action.after == ON_PARIS | unset | {"default_branch": "main", "environment_count": 0}


@pytest.mark.parametrize(("item", "after"), [(DEV, project(color="blue") | DEV), (ABSENT, None)])
def test_a_change_is_predicted_with_unknown_fields(item, after):
    existing = project(color="blue")
    (action,) = actions(ACME | item, existing=[existing])
    assert (action.before, action.after) == (existing, after)


def test_an_action_has_the_name_of_the_project_after_it():
    items = [ACME_ID | {"name": "After"}, {"project_id": uuid(2)}, MISSING_ID | ABSENT, NEW | ABSENT]
    found = actions(*items, existing=[EXISTING, project("Same", 2)])
    assert [action.name for action in found] == ["After", "Same", UNKNOWN_ID, "New"]


# Diff and differences.

LINES = ["name: Acme", "server: berlin", f"git_repo_url: {REPO}", "default_branch: main", 'odoo_version: "17.0"']
PRIVATE = ["name: Private", LINES[1], f'git_repo_url: "{REDACTED_REPO}"', *LINES[3:]]
PRIVATE_ID, OTHER_CREDENTIALS = {"project_id": uuid(2)}, f"{REDACTED_REPO} (other credentials)"
DIFFS = {
    "create": (
        NEW,
        [],
        ["name: New", "server: paris", LINES[3]],
        [("project", "absent", "present")],
        "+ New  on paris",
    ),
    "update": (
        ACME | DEV,
        LINES,
        [*LINES[:3], "default_branch: dev", LINES[4]],
        [("default_branch", "main", "dev")],
        "~ Acme  default_branch main -> dev",
    ),
    "unchanged": (ACME, LINES, LINES, [], None),
    "delete": (ACME | ABSENT, LINES, [], [("project", "present", "absent")], "- Acme"),
    "missing": (NEW | ABSENT, [], [], [], None),
    "credentials": (
        ACME | {"git_repo_url": PRIVATE_REPO},
        LINES,
        [*LINES[:2], f'git_repo_url: "{REDACTED_REPO}"', *LINES[3:]],
        [("git_repo_url", REPO, REDACTED_REPO)],
        f"~ Acme  git_repo_url {REPO} -> {REDACTED_REPO}",
    ),
    "other credentials": (
        PRIVATE_ID | {"name": "New", "git_repo_url": PRIVATE_REPO.replace("@", "2@")},
        PRIVATE,
        ["name: New", LINES[1], f'git_repo_url: "{OTHER_CREDENTIALS}"', *LINES[3:]],
        [("name", "Private", "New"), ("git_repo_url", REDACTED_REPO, OTHER_CREDENTIALS)],
        f"~ New  name Private -> New, git_repo_url {REDACTED_REPO} -> {OTHER_CREDENTIALS}",
    ),
    "the same credentials": (
        PRIVATE_ID | DEV | {"git_repo_url": PRIVATE_REPO},
        PRIVATE,
        [*PRIVATE[:3], "default_branch: dev", LINES[4]],
        [("default_branch", "main", "dev")],
        "~ Private  default_branch main -> dev",
    ),
}


@pytest.mark.parametrize(("item", "before", "after", "differences", "line"), DIFFS.values(), ids=DIFFS)
def test_a_diff_is_yaml_for_people_without_secrets(item, before, after, differences, line):
    (action,) = actions(item, existing=[EXISTING, project("Private", 2, git_repo_url=PRIVATE_REPO)])
    current = action.before["name"] if before else None
    before_header = f"project '{current}'" if before else f"{action.subject} (absent)"
    after_header = f"{action.subject}" if after else f"{action.subject} (absent)"
    texts = ["".join(f"{each}\n" for each in side) for side in (before, after)]
    headers = {"before_header": before_header, "after_header": after_header}
    assert action.diff == {"before": texts[0], "after": texts[1], **headers}
    assert action.differences == [Difference(*each) for each in differences]
    assert not line or action.line == line


NAMES = [
    "Café Olé",
    "null",
    "17.0",
    "a: b",
    "a #b",
    "a ",
    "- a",
    "<b>",
    "a\x1b[31m\n",
    "\u202eabc",
    "\U0001f600",
    "Ünïcode:x",
]


@pytest.mark.parametrize("name", NAMES)
def test_a_diff_is_yaml_whatever_a_name_contains(name):
    (action,) = actions(NEW | {"name": name})
    assert yaml.safe_load(action.diff["after"])["name"] == name
    assert (name in action.diff["after"]) == name.isprintable()
    assert action.line.isprintable()


def test_a_server_that_was_not_read_is_displayed_by_its_id():
    (action,) = actions(NEW | {"server": PARIS}, servers=[])
    assert (action.line, f"server: {PARIS}\n" in action.diff["after"]) == (f"+ New  on {PARIS}", True)


@pytest.mark.parametrize(
    ("stored", "names"),
    [
        ({"odoo_version": "18.0", "server_id": PARIS.upper()}, []),
        ({"default_branch": "Dev"}, ["default_branch"]),
        ({"git_repo_url": "https://robot:swordfish@github.com/x"}, ["git_repo_url"]),
        ({"default_branch": None, "git_repo_url": None}, ["default_branch", "git_repo_url"]),
    ],
    ids=["no difference", "text", "URL", "nothing"],
)
def test_each_value_stored_differently_is_warned_of(stored, names):
    (action,) = actions(NEW | DEV | {"git_repo_url": PRIVATE_REPO})
    warnings = action.stored_mismatches({**action.after, **stored})
    assert sorted(warning.partition("sent ")[2].split()[0] for warning in warnings) == names
    assert [secret for secret in ("hunter22", "swordfish") if secret in str(warnings)] == []


# What cannot be planned.

TO_PARIS, TO_18 = ("server", "berlin", "paris"), ("odoo_version", "17.0", "18.0")

KEYS = [NEW | {"name": name, "idempotency_key": "k"} for name in "AB"]
TO_B, B_TO_ACME = ACME_ID | {"name": "B"}, {"project_id": uuid(2)} | ACME
NEW_B, CAFE = NEW | {"name": "B"}, project("Café")
TAKEN, SAME_NAME = ["name_taken"], ["similar_name"]
MESSAGES = [
    ([{"name": "New"}], "missing_server", "the project does not exist, and 'server' is required to create it"),
    ([MISSING_ID], "not_found", f"the project {UNKNOWN_ID} does not exist"),
    ([{"name": "Twin"}], "ambiguous_name", f"2 projects have the name 'Twin': {uuid(11)}, {uuid(12)}"),
    (
        [NEW | {"name": "Acme "}],
        "similar_name",
        f"project 'Acme' ({uuid(1)}) differs only in case, whitespace, or what cannot be seen",
    ),
    (
        [{"name": "Ame\u0301lie", "server": "paris"}, {"name": "Amélie", "server": "paris"}],
        "similar_name",
        "project 'Ame\u0301lie' ('Ame\\u0301lie') of the same list differs only in case, whitespace, "
        "or what cannot be seen",
    ),
    (
        [ACME_ID | ABSENT | {"name": "Other"}],
        "name_mismatch",
        f"nothing is deleted, because the project {uuid(1)} is named 'Acme'",
    ),
    (
        [ACME_ID | {"name": "Twin"}],
        "name_taken",
        f"another project has this name: project 'Twin' ({uuid(11)})",
    ),
    (
        [ACME_ID | {"name": "New"}, ACME],
        "duplicate_declaration",
        "the project of this name is renamed to 'New' in the same list",
    ),
    ([ACME | REDACTED], "invalid_input", "git_repo_url has *** instead of credentials, as in the output of modules"),
    (
        [ACME | VERSION | {"server": "paris"}],
        "immutable_field",
        "cannot change server from 'berlin' to 'paris'; odoo_version from '17.0' to '18.0': "
        "the API does not support it",
    ),
    ([ACME, ACME], "duplicate_declaration", "it is declared 2 times"),
    ([ACME, ACME_ID], "duplicate_declaration", f"it is declared 2 times, as {uuid(1)}"),
]


@pytest.mark.parametrize(("items", "code", "message"), MESSAGES, ids=[row[2][:40] for row in MESSAGES])
def test_a_rejected_declaration_says_what_is_wrong(items, code, message):
    found = planned(*items, existing=[EXISTING, *TWINS])
    (failure,) = {str(action.rejection): action.rejection for action in found.actions if action.rejection}.values()
    assert (failure.code, failure.message) == (code, message)
    assert found.rejection().message == str(failure)


@pytest.mark.parametrize(
    ("options", "hint"),
    [
        ({"server": "paris"}, "Remove it for now, and create the new 'Acme' in the next run."),
        ({"previous_name": "Old"}, "Declare it as 'Old' for now, and rename it in the next run."),
        (ABSENT, "Remove it: afterwards, no object has this name."),
    ],
)
def test_the_hint_to_a_name_that_is_given_up_loses_nothing(options, hint):
    """With prune, an existing project that is no longer declared would be deleted."""
    found = planned(TO_B, ACME | options, existing=[EXISTING, project("Old", 4)])
    assert [action.rejection and action.rejection.hint for action in found.actions] == [None, hint]


PLANS = {
    # Each ends with the codes of the problems, or with the types of the actions.
    "an unknown server": ([NEW | ATLANTIS], [], ["unknown_server"]),
    "of an existing project": ([ACME | ATLANTIS], [EXISTING], ["unknown_server"]),
    "two of the name, absent": ([{"name": "Twin"} | ABSENT], TWINS, ["ambiguous_name"]),
    "twins with their ids": ([{"project_id": uuid(n), "name": "Twin"} for n in (11, 12)], TWINS, ["unchanged"] * 2),
    "whitespace of both": ([NEW | {"name": "Acme ", "server": "berlin"}], [project("Acme ")], ["unchanged"]),
    "similar, both existing": (
        [NEW | {"name": "ACME"}, ACME],
        [project("ACME", 3, server_id=PARIS), EXISTING],
        ["unchanged"] * 2,
    ),
    "similar in the list": ([NEW_B, NEW | {"name": "b "}], [], SAME_NAME),
    "similar in the list, first allowed": (
        [NEW_B | {"allow_similar_name": True}, NEW | {"name": "b"}],
        [],
        ["created"] * 2,
    ),
    "similar in the list, second allowed": ([NEW_B, SIMILAR | {"name": "b"}], [], ["created"] * 2),
    "similar to a name that is freed": (
        [SIMILAR | {"allow_similar_name": False}, TO_B],
        [EXISTING],
        ["created", "updated"],
    ),
    "similar to a name that is deleted": ([NEW | {"name": "acme"}, ACME | ABSENT], [EXISTING], ["created", "deleted"]),
    "similar to one to prune": ([NEW | {"name": "acme"}], [EXISTING], SAME_NAME),
    "renamed to a similar name": ([{"project_id": uuid(2), "name": "acme"}], [EXISTING, NAMED_B], SAME_NAME),
    "its own name in other letters": ([ACME_ID | {"name": "ACME"}], [EXISTING], ["updated"]),
    "a taken name": ([TO_B], [EXISTING, NAMED_B], TAKEN),
    "a taken name, declared": ([TO_B, {"project_id": uuid(2)}], [EXISTING, NAMED_B], TAKEN),
    "a taken name, by previous name": ([{"name": "B", "previous_name": "Acme"}], [EXISTING, NAMED_B], ["unchanged"]),
    "a name that is deleted": (
        [TO_B, {"project_id": uuid(2)} | ABSENT],
        [EXISTING, NAMED_B],
        ["updated", "deleted"],
    ),
    "a name that stays, since its rename is rejected": (
        [TO_B, B_TO_ACME | VERSION],
        [EXISTING, NAMED_B],
        ["name_taken", "immutable_field"],
    ),
    "two to one name": ([TO_B, {"project_id": uuid(3), "name": "B"}], [EXISTING, project("C", 3)], TAKEN),
    "two with one previous name": (
        [{"name": name, "previous_name": "Acme"} for name in "BC"],
        [EXISTING],
        ["duplicate_declaration"] * 2,
    ),
    "a previous name that is declared": (
        [ACME, NAME_B | WAS_ACME],
        [EXISTING],
        ["duplicate_declaration"] * 2,
    ),
    "two of the previous name": ([{"name": "B", "previous_name": "Twin"}], TWINS, ["ambiguous_name"]),
    "a previous name, absent": ([{"name": "B", "previous_name": "Acme"} | ABSENT], [EXISTING], ["unchanged"]),
    "another name, absent": ([TO_B | ABSENT], [EXISTING], ["name_mismatch"]),
    "its own name, absent": ([ACME | ACME_ID | ABSENT], [EXISTING], ["deleted"]),
    "renamed, and created anew": ([TO_B, NEW | {"name": "Acme"}], [EXISTING], ["duplicate_declaration"]),
    "one idempotency_key": (KEYS, [], ["duplicate_declaration"] * 2),
    "redacted, to create": ([NEW | REDACTED], [], ["invalid_input"]),
    "redacted, where none are stored": ([ACME | REDACTED], [project(git_repo_url=None)], ["invalid_input"]),
    "redacted, as stored": ([ACME | REDACTED], [project(git_repo_url=PRIVATE_REPO)], ["unchanged"]),
    "a name to create, three times": ([NEW] * 3, [], ["duplicate_declaration"]),
    "an id in two spellings": ([ACME_ID, {"project_id": uuid(1).upper()}], [EXISTING], ["duplicate_declaration"]),
    "an id of the API in capitals": ([ACME_ID, ACME], [project(id=uuid(1).upper())], ["duplicate_declaration"]),
    "one name with an id": ([NEW, ACME_ID | {"name": "New"}], [EXISTING], ["duplicate_declaration"]),
    "present and absent": ([ACME, ACME | ABSENT], [EXISTING], ["duplicate_declaration"]),
    "a missing id, absent twice": ([MISSING_ID | ABSENT] * 2, [], ["unchanged"] * 2),
    "swapped names": (
        [ACME_ID | {"name": "B"}, {"project_id": uuid(2)} | ACME],
        [EXISTING, project("B", 2)],
        ["updated"] * 2,
    ),
    "a cycle of names": (
        [TO_B, {"project_id": uuid(2), "name": "C"}, {"project_id": uuid(3)} | ACME],
        [EXISTING, NAMED_B, project("C", 3)],
        ["updated"] * 3,
    ),
}


@pytest.mark.parametrize(("items", "existing", "expected"), PLANS.values(), ids=PLANS)
def test_a_plan_is_rejected_only_for_what_is_wrong(items, existing, expected):
    found = planned(*items, existing=existing)
    assert (codes(found) or [action.type for action in found.actions]) == expected


@pytest.mark.parametrize(
    "name",
    ["Cafe\u0301", "CAFÉ", " Café", "Café\n", "Ca\u200bfé", "\ufeffCafé", "Caf\u00ad\u0065\u0301", "café\u2060 "],
)
def test_a_name_that_looks_the_same_is_rejected(name):
    assert codes(planned(NEW | {"name": name}, existing=[CAFE])) == ["similar_name"]
    assert codes(planned(NEW | {"name": "Café"}, existing=[project(name)])) == ["similar_name"]


UPPER_SERVERS = [{"id": BERLIN.upper(), "name": "berlin"}, {"id": PARIS.upper(), "name": "paris"}]
IMMUTABLE = {
    "by name": ({"server": "paris"}, {}, SERVERS, [TO_PARIS]),
    "by id": ({"server": PARIS}, {}, SERVERS, [TO_PARIS]),
    "in capitals": ({"server": PARIS}, {"server_id": BERLIN.upper()}, UPPER_SERVERS, [TO_PARIS]),
    "servers not read": ({"server": PARIS}, {}, [], [("server", BERLIN, PARIS)]),
    "no server before": ({"server": "paris"}, {"server_id": None}, SERVERS, [("server", None, "paris")]),
    "version": (VERSION | DEV, {}, SERVERS, [TO_18]),
    "both": (VERSION | {"server": "paris"}, {}, SERVERS, [TO_PARIS, TO_18]),
}


@pytest.mark.parametrize(("options", "current", "servers", "differences"), IMMUTABLE.values(), ids=IMMUTABLE)
def test_immutable_fields_are_rejected_with_their_values(options, current, servers, differences):
    found = planned(ACME | options, existing=[project(**current)], servers=servers)
    assert codes(found) == ["immutable_field"]
    assert found.actions[0].differences == [Difference(*each) for each in differences]


def test_all_problems_are_reported_at_once():
    items = [{"name": "No server"}, {"name": "Twin"}, ACME | VERSION, NEW, NEW, {"name": "Lost"} | ATLANTIS]
    found = planned(*items, existing=[EXISTING, *TWINS, project("Undeclared", 7)], prune=True)
    rejection = found.rejection()
    assert [(detail["project"], detail["code"]) for detail in rejection.details] == [
        ("No server", "missing_server"),
        ("Twin", "ambiguous_name"),
        ("Acme", "immutable_field"),
        ("New", "duplicate_declaration"),
        ("Lost", "unknown_server"),
        (None, "prune_limit_exceeded"),
    ]
    messages = [action.rejection.sentences for action in found.actions if action.rejection]
    assert [detail["message"] for detail in rejection.details[:3]] == messages[:3]
    assert (rejection.code, rejection.subject) == ("missing_server", None)
    assert str(rejection).startswith("nothing was written, because 6 things are wrong:\n- project 'No server': the")
    assert [action.type for action in found.actions] == ["failed"] * 6 + ["deleted"]


def test_rejected_declarations_may_be_skipped_but_not_the_limit():
    items, existing = [ACME | VERSION, NEW], [EXISTING, project("Undeclared", 7)]
    assert planned(*items, existing=existing, prune=True, prune_limit=1).rejection(skip_rejected=True) is None
    assert planned(*items, existing=existing, prune=True).rejection(skip_rejected=True).code == "prune_limit_exceeded"


# Digest.

PLAN = planned(ACME | DEV, NEW, existing=[EXISTING])
DIGESTS = {
    "in another order": ([NEW, ACME | DEV], [EXISTING], True),
    "with an unchanged one": ([ACME | DEV, NEW, {"name": "B"}], [EXISTING, NAMED_B], True),
    "with another count": ([ACME | DEV, NEW], [EXISTING | {"environment_count": 9}], True),
    "without a change": ([ACME, NEW], [EXISTING], False),
    "to another value": ([ACME | {"default_branch": "devel"}, NEW], [EXISTING], False),
    "from another value": ([ACME | DEV, NEW], [project(default_branch="old")], False),
    "of another project": ([ACME | DEV, NEW], [project(number=4)], False),
    "with a deletion": ([ACME | DEV, NEW, {"name": "B"} | ABSENT], [EXISTING, NAMED_B], False),
    "with a rejection": ([ACME | DEV, NEW, {"name": "B"} | VERSION], [EXISTING, NAMED_B], False),
}


@pytest.mark.parametrize(("items", "existing", "is_equal"), DIGESTS.values(), ids=DIGESTS)
def test_a_digest_stands_for_all_changes(items, existing, is_equal):
    assert (digest(planned(*items, existing=existing).actions) == digest(PLAN.actions)) == is_equal


def test_a_digest_says_what_is_rejected_and_why():
    items = [NAME_B, {"name": "C"}, NAME_B | ATLANTIS]
    assert len({digest(planned(item).actions) for item in items}) == 3


def test_a_digest_covers_the_action_that_is_started():
    pairs = [(STOPPED, "running"), (STARTED, "stopped")]
    found = [
        actions(PRODUCTION | each, existing=[environment(status=status)], kind=ENVIRONMENT) for each, status in pairs
    ]
    assert len(set(map(digest, found))) == 2


def test_a_digest_covers_credentials():
    urls = [PRIVATE_REPO, PRIVATE_REPO.replace("hunter22", "hunter23")]
    assert len({digest(actions(NEW | {"git_repo_url": url})) for url in urls}) == 2


# Prune.


@pytest.mark.parametrize("prune", [False, True])
def test_actions_are_in_the_declared_order_then_pruned_ones(prune):
    existing = [project(name, number) for number, name in enumerate("ABCD", 1)]
    items = [{"name": "D"} | DEV, NEW, {"name": "B"} | ABSENT]
    found = actions(*items, existing=existing, prune=prune, prune_limit=2)
    declared = [("updated", "D", False), ("created", "New", False), ("deleted", "B", False)]
    pruned = [("deleted", "A", True), ("deleted", "C", True)] if prune else []
    assert [(action.type, action.name, action.is_pruned) for action in found] == declared + pruned


ONE = {"prune_limit": 1}
PRUNED = {
    "none without a limit": ([NEW], [EXISTING], {}, ["prune_limit_exceeded"]),
    "up to the limit": ([NEW], TWINS, {"prune_limit": 2}, []),
    "one too many": ([NEW], TWINS, {"prune_limit": 1}, ["prune_limit_exceeded"]),
    "declared as absent": ([ACME | ABSENT], [EXISTING], {}, []),
    "renamed": ([ACME_ID | {"name": "After"}], [EXISTING], {}, []),
    "declared, but immutable": ([ACME | VERSION], [EXISTING], {}, ["immutable_field"]),
    "declared, but on an unknown server": ([ACME | ATLANTIS], [EXISTING], {}, ["unknown_server"]),
    "declared, but ambiguous": ([{"name": "Twin"}], TWINS, {}, ["ambiguous_name"]),
    "renamed by name": ([NEW | {"name": "B", "previous_name": "Acme", "server": "berlin"}], [EXISTING], {}, []),
    "a previous name beside the name": ([NAME_B | WAS_ACME], [EXISTING, NAMED_B], ONE, ["likely_rename"]),
    "a wrong previous name": ([NEW | {"previous_name": "Acmee"}], [EXISTING], ONE, ["likely_rename"]),
    "a previous name of none, and nothing to prune": ([NEW | WAS_ACME], [], ONE, []),
    "a rename without an id": ([NEW | {"git_repo_url": REPO}], [EXISTING], ONE, ["likely_rename"]),
    "of the same repository": ([NEW | {"git_repo_url": f"{PRIVATE_REPO}.git/"}], [EXISTING], ONE, ["likely_rename"]),
    "of another repository": ([NEW | {"git_repo_url": f"{REPO}-2"}], [EXISTING], ONE, []),
    "without a repository": ([NEW], [project(git_repo_url=None)], ONE, []),
    "of an invalid repository": ([NEW | {"git_repo_url": REPO}], [project(git_repo_url="https://[x")], ONE, []),
    "onto the name of one to prune": ([TO_B], [EXISTING, NAMED_B], ONE, TAKEN),
}


@pytest.mark.parametrize(("items", "existing", "limit", "expected"), PRUNED.values(), ids=PRUNED)
def test_only_undeclared_projects_are_pruned(items, existing, limit, expected):
    assert codes(planned(*items, existing=existing, prune=True, **limit)) == expected


@pytest.mark.parametrize(("count", "more"), [(12, ""), (13, ", ..."), (500, ", ...")])
def test_the_first_12_projects_to_prune_are_named(count, more):
    existing = [project(f"P{number}", number) for number in range(count)]
    (problem,) = planned(NEW, existing=existing, prune=True, prune_limit=10).problems
    names = ", ".join(f"'P{number}'" for number in range(12))
    assert problem.message == f"prune would delete {count} projects, and prune_limit is 10: {names}{more}"
    assert problem.hint == "Declare those to keep, or raise prune_limit."


# The engine names no kind.

NOTE = Field("description", option="note", max_length=500)
WEBHOOK = Kind("webhook", "/webhooks", (Field("url", is_url=True), NOTE), key="url")
URL, OTHER_URL, HOOK = "https://hook.example/a", "https://hook.example/b", {"url": "https://hook.example/a"}
WEBHOOKS = {
    "create": ([{"url": "https://x/y"}], {}, [("created", {"url": "https://x/y"})], ""),
    "update": ([HOOK | {"note": "new"}], {}, [("updated", {"description": "new"})], ""),
    "update the key": ([{"webhook_id": uuid(1), "url": "https://x/y"}], {}, [("updated", {"url": "https://x/y"})], ""),
    "unchanged": ([{"webhook_id": uuid(1)}], {}, [("unchanged", None)], ""),
    "delete": ([HOOK | ABSENT], {}, [("deleted", None)], ""),
    "prune": ([HOOK], {"prune": True, "prune_limit": 1}, [("unchanged", None), ("deleted", None)], ""),
    "unknown": (
        [{"webhook_id": UNKNOWN_ID}],
        {},
        [("failed", None)],
        f"webhook '{UNKNOWN_ID}': the webhook {UNKNOWN_ID} does not",
    ),
    "duplicate": (
        [HOOK] * 2,
        {},
        [("failed", None)] * 2,
        f"webhook '{URL}': it is declared 2 times. Declare it once, or set the webhook_id of each.",
    ),
    "prune too many": (
        [HOOK],
        {"prune": True},
        [("unchanged", None), ("deleted", None)],
        f"prune would delete 1 webhooks, and prune_limit is 0: '{OTHER_URL}'.",
    ),
}


@pytest.mark.parametrize(("items", "more", "expected", "message"), WEBHOOKS.values(), ids=WEBHOOKS)
def test_the_engine_plans_any_kind(items, more, expected, message):
    existing = [{"id": uuid(1), "url": URL, "description": None}, {"id": uuid(2), "url": OTHER_URL, "events": []}]
    found = planned(*items, existing=existing if more else existing[:1], kind=WEBHOOK, **more)
    assert [(action.type, action.body) for action in found.actions] == expected
    for action in [each for each in found.actions if not each.rejection]:
        assert action.diff["after_header"].startswith("webhook 'https://")
        assert {each.field for each in action.differences} <= {"webhook", "url", "note"}
    rejection = found.rejection()
    assert str(rejection or "").startswith(message)
    assert (
        [set(detail) for detail in rejection.details if rejection] == [{"webhook", "code", "message"}]
        if message
        else not rejection
    )


# A kind with a parent, with states, and with fields that the API does not return.

ACME_ENVIRONMENTS, ENVIRONMENT_ID = {"project": "acme"}, {"environment_id": uuid(1)}
PRODUCTION, NEW_ENVIRONMENT = {**ACME_ENVIRONMENTS, "name": "production"}, {**ACME_ENVIRONMENTS, "name": "new"}
STARTED, STOPPED, NOWHERE = {"state": "started"}, {"state": "stopped"}, {"project": "nowhere"}
UNREADABLE = {"environment_type": "staging", "postgres_version": "16", "with_demo_data": False}
CREATED = {"name": "new", "project_id": uuid(0xA1), "environment_type": "development"}


def environment(name="production", number=1, **fields):
    texts = {"status": "running", "branch": "main", "custom_domain": "erp.example.com", "server_id": BERLIN}
    numbers = {"cpu_cores": 1, "ram_mb": 2048, "disk_gb": 10}
    return {"id": uuid(number), "name": name, "project_id": uuid(0xA1), **texts, **numbers, **fields}


ENVIRONMENT_ACTIONS = {
    # Options, status before, and type, body and start of the action.
    "in a project by name": (NEW_ENVIRONMENT, "running", ("created", CREATED, "")),
    "in a project by id": ({"project": uuid(0xA1).upper(), "name": "new"}, "running", ("created", CREATED, "")),
    "with what cannot be read": (NEW_ENVIRONMENT | UNREADABLE, "running", ("created", CREATED | UNREADABLE, "")),
    "without a domain to remove": (NEW_ENVIRONMENT | {"remove_domain": True}, "running", ("created", CREATED, "")),
    "a similar name": (
        ACME_ENVIRONMENTS | {"name": "Production"},
        "running",
        ("created", CREATED | {"name": "Production"}, ""),
    ),
    "what cannot be read, again": (PRODUCTION | UNREADABLE, "running", ("unchanged", None, "")),
    "everything as it is": (
        PRODUCTION | {"domain": "ERP.example.com", "cpu_cores": 1.0, "server": "berlin"},
        "running",
        ("unchanged", None, ""),
    ),
    "its domain removed": (PRODUCTION | {"remove_domain": True}, "running", ("updated", {"custom_domain": None}, "")),
    "another size": (ENVIRONMENT_ID | {"cpu_cores": 0.5}, "running", ("updated", {"cpu_cores": 0.5}, "")),
    "present, whatever its status": (PRODUCTION, "paused", ("unchanged", None, "")),
    "started already": (PRODUCTION | STARTED, "running", ("unchanged", None, "")),
    "stopped already": (PRODUCTION | STOPPED, "stopped", ("unchanged", None, "")),
    "to start": (PRODUCTION | STARTED, "stopped", ("updated", {}, "start")),
    "to stop": (ENVIRONMENT_ID | STOPPED, "running", ("updated", {}, "stop")),
    "to change and stop": (PRODUCTION | STOPPED | {"branch": "dev"}, "running", ("updated", {"branch": "dev"}, "stop")),
    "to change, stopped already": (
        PRODUCTION | STOPPED | {"branch": "dev"},
        "stopped",
        ("updated", {"branch": "dev"}, ""),
    ),
    "absent": (PRODUCTION | ABSENT, "running", ("deleted", None, "")),
    "absent by id, with its project": (ENVIRONMENT_ID | PRODUCTION | ABSENT, "running", ("deleted", None, "")),
}


@pytest.mark.parametrize(("item", "status", "expected"), ENVIRONMENT_ACTIONS.values(), ids=ENVIRONMENT_ACTIONS)
def test_a_state_and_a_parent_are_planned(item, status, expected):
    (action,) = actions(item, existing=[environment(status=status)], kind=ENVIRONMENT)
    assert (action.type, action.body, action.start) == expected
    if action.start:
        assert action.after["status"] == {"start": "running", "stop": "stopped"}[action.start]


@pytest.mark.parametrize("parent", ["nowhere", UNKNOWN_ID])
def test_what_an_unknown_parent_has_is_absent(parent):
    (action,) = actions({"name": "x", "project": parent} | ABSENT, kind=ENVIRONMENT)
    assert action.type == "unchanged"


ENVIRONMENT_REJECTIONS = {
    "an unknown project": (NEW_ENVIRONMENT | NOWHERE, "running", "not_found"),
    "an unknown project by id": (NEW_ENVIRONMENT | {"project": UNKNOWN_ID}, "running", "not_found"),
    "two projects": (NEW_ENVIRONMENT | {"project": "twins"}, "running", "ambiguous_name"),
    "two projects, absent": (NEW_ENVIRONMENT | {"project": "twins"} | ABSENT, "running", "ambiguous_name"),
    "an unknown server": (NEW_ENVIRONMENT | ATLANTIS, "running", "unknown_server"),
    "another server": (PRODUCTION | {"server": "paris"}, "running", "immutable_field"),
    "another project": (ENVIRONMENT_ID | {"project": "bakery"}, "running", "immutable_field"),
    "another project, absent": (ENVIRONMENT_ID | {"project": "bakery"} | ABSENT, "running", "name_mismatch"),
    "an unknown project, absent by id": (ENVIRONMENT_ID | NOWHERE | ABSENT, "running", "name_mismatch"),
    "another name, absent": (ENVIRONMENT_ID | {"name": "x"} | ABSENT, "running", "name_mismatch"),
    "a taken name": (ENVIRONMENT_ID | {"name": "staging"}, "running", "name_taken"),
    "started, and missing": (NEW_ENVIRONMENT | STARTED, "running", "not_found"),
    "stopped, and missing by id": ({"environment_id": UNKNOWN_ID} | STOPPED, "running", "not_found"),
    "created by id": ({"environment_id": UNKNOWN_ID}, "running", "not_found"),
    **{
        f"to start, {status}": (PRODUCTION | STARTED, status, "wrong_state")
        for status in ("paused", "error", "pending")
    },
    "to stop, failed": (PRODUCTION | STOPPED, "failed", "wrong_state"),
}


@pytest.mark.parametrize(("item", "status", "code"), ENVIRONMENT_REJECTIONS.values(), ids=ENVIRONMENT_REJECTIONS)
def test_a_wrong_state_or_parent_is_rejected(item, status, code):
    existing = [environment(status=status), environment("staging", 2)]
    assert codes(planned(item, existing=existing, kind=ENVIRONMENT)) == [code]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"project": "acme"}, {"project_id": uuid(0xA1), "branch": "of-acme", "server_id": BERLIN}),
        ({"project": "bakery"}, {"project_id": uuid(0xA2), "branch": "of-bakery", "server_id": BERLIN}),
        (
            {"project": "acme", "branch": "dev", "server": "paris", "domain": "a.b", "cpu_cores": 0.5},
            {"project_id": uuid(0xA1), "branch": "dev", "server_id": PARIS, "custom_domain": "a.b", "cpu_cores": 0.5},
        ),
    ],
    ids=["inherited", "inherited from a parent in capitals", "declared"],
)
def test_a_create_predicts_what_the_parent_has(options, expected):
    (action,) = actions({"name": "new", **UNREADABLE, **options}, kind=ENVIRONMENT)
    defaults = {"name": "new", "status": "running", "custom_domain_verified": False}
    after = dict.fromkeys(["id", *ENVIRONMENT.readable]) | defaults | expected
    assert {**action.after, "project_id": action.after["project_id"].lower()} == after
    assert action.stored_mismatches(action.after) == []


def test_a_diff_has_the_state_and_what_is_only_sent():
    existing = [environment(status="stopped")]
    found = actions(
        NEW_ENVIRONMENT | UNREADABLE, PRODUCTION | STARTED | {"branch": "dev"}, existing=existing, kind=ENVIRONMENT
    )
    created, started = found
    after = {
        "name": "new",
        "status": "running",
        "branch": "of-acme",
        "project": "acme",
        "server": "berlin",
        **UNREADABLE,
    }
    assert yaml.safe_load(created.diff["after"]) == after
    before, after = [yaml.safe_load(started.diff[side]) for side in ("before", "after")]
    assert after == before | {"status": "running", "branch": "dev"}
    assert set(UNREADABLE) & set(before) == set()
    assert [action.line for action in found] == [
        "+ acme/new  on berlin",
        "~ acme/production  status stopped -> running, branch main -> dev",
    ]


# A kind that may have a parent, with a list, and with what a create always sends.

EVENTS, SEND_ALWAYS = ["deploy.completed", "deploy.failed"], {"format": "raw", "is_active": True}
CALLED, NEW_HOOK = {"url": f"{URL}?sig=hunter22"}, {"url": URL, "events": EVENTS}
TWICE = {"url": f"{URL}/b?sig=hunter22"}
SLACK, HOOK_ID, OF_ACME = {"format": "slack", "is_active": False}, {"webhook_id": uuid(1)}, {"project": "acme"}
WEBHOOK_ACTIONS = {
    "of the organization": (NEW_HOOK, "created", NEW_HOOK | SEND_ALWAYS),
    "of a project": (NEW_HOOK | OF_ACME, "created", NEW_HOOK | SEND_ALWAYS | {"project_id": uuid(0xA1)}),
    "with what is else always sent": (NEW_HOOK | SLACK, "created", NEW_HOOK | SLACK),
    "what is omitted is left alone": (CALLED, "unchanged", None),
    "events in another order": (CALLED | {"events": EVENTS[::-1]}, "unchanged", None),
    "other events": (CALLED | {"events": EVENTS[:1]}, "updated", {"events": EVENTS[:1]}),
    "switched on": (CALLED | {"is_active": True}, "updated", {"is_active": True}),
    "another URL": (HOOK_ID | {"url": URL}, "updated", {"url": URL}),
    "absent": (HOOK_ID | CALLED | ABSENT, "deleted", None),
    "of no project, absent": (CALLED | {"url": URL} | ABSENT | {"project": "nowhere"}, "unchanged", None),
}


def webhook(**fields):
    common = {"url": CALLED["url"], "project_id": None, "events": EVENTS[::-1], "description": None}
    return {"id": uuid(1), **common, **SLACK, **fields}


@pytest.mark.parametrize(("item", "type_", "body"), WEBHOOK_ACTIONS.values(), ids=WEBHOOK_ACTIONS)
def test_what_a_create_always_sends_is_left_alone_later(item, type_, body):
    (action,) = actions(item, existing=[webhook()], kind=ANY_PARENT)
    assert (action.type, action.body) == (type_, body)
    if type_ == "created":
        unset = dict.fromkeys(["id", *ANY_PARENT.readable]) | {"failure_count": 0}
        assert action.after == unset | body
        assert action.stored_mismatches({**action.after, "events": EVENTS[::-1]}) == []


WEBHOOK_REJECTIONS = {
    "no events": ({"url": URL}, "invalid_input", "'events' is required to create it"),
    "two of the URL": (TWICE, "ambiguous_name", f"2 webhooks have the url '{URL}/b?***'"),
    "another project": (HOOK_ID | OF_ACME, "immutable_field", "cannot change project from None to 'acme'"),
    "another project, absent": (HOOK_ID | OF_ACME | ABSENT, "name_mismatch", "belongs to another project"),
    "another URL, absent": (HOOK_ID | {"url": URL} | ABSENT, "name_mismatch", f"is named '{URL}?***'"),
    "a redacted URL": (HOOK_ID | {"url": f"{URL}/x?***"}, "invalid_input", "*** instead of credentials"),
    "a redacted URL, to create": (NEW_HOOK | {"url": f"{URL}?***"}, "invalid_input", "*** instead of credentials"),
    "a redacted URL, absent": ({"url": f"{URL}?***"} | ABSENT, "invalid_input", "*** instead of credentials"),
    "an unknown project": (NEW_HOOK | {"project": "nowhere"}, "not_found", "'nowhere' does not exist"),
}


@pytest.mark.parametrize(("item", "code", "words"), WEBHOOK_REJECTIONS.values(), ids=WEBHOOK_REJECTIONS)
def test_what_cannot_be_with_or_without_a_parent_is_rejected(item, code, words):
    twins = [webhook(id=uuid(number), **TWICE) for number in (2, 3)]
    rejection = planned(item, existing=[webhook(), *twins], kind=ANY_PARENT).rejection()
    assert (rejection.code, words in rejection.message) == (code, True)
    assert "hunter22" not in str(rejection)


def test_a_diff_hides_the_secrets_of_a_key_and_sorts_a_list():
    changes = HOOK_ID | {"url": f"{URL}?sig=swordfish", "events": [*EVENTS, "deploy.started"]}
    (action,) = actions(changes, existing=[webhook()], kind=ANY_PARENT)
    before, after = [yaml.safe_load(action.diff[side]) for side in ("before", "after")]
    assert before == {"url": f"{URL}?***", "events": EVENTS, **SLACK}
    assert after == {**before, "url": f"{URL}?*** (other credentials)", "events": [*EVENTS, "deploy.started"]}
    header = f"webhook '{URL}?***'"
    assert (action.diff["before_header"], action.diff["after_header"], str(action.subject)) == (header,) * 3
    (deleted,) = actions(CALLED | ABSENT, existing=[webhook()], kind=ANY_PARENT)
    assert (deleted.diff["before_header"], deleted.diff["after_header"]) == (header, f"{header} (absent)")
