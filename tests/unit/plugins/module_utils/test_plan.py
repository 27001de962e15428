# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.oecsh.cloud.plugins.module_utils._client import Project, Server
from ansible_collections.oecsh.cloud.plugins.module_utils._errors import InputError, PlanError
from ansible_collections.oecsh.cloud.plugins.module_utils._plan import Action, Declaration, plan

BERLIN = "8e4f2a1c-1234-5678-abcd-ef0123456789"
PARIS = "b7c1d9e2-0a52-4c6e-9d0f-3f1a5e7c2b11"
NOWHERE = "00000000-0000-4000-8000-000000000000"
REPO = "https://github.com/acme/client-erp"
PRIVATE_REPO = "https://robot:hunter22@github.com/acme/client-erp"
MASKED_REPO = "https://***@github.com/acme/client-erp"


def uuid(number: int) -> str:
    return f"3fa85f64-5717-4562-b3fc-{number:012x}"


def project(name: str = "Client ERP", number: int = 10, **fields: Any) -> Project:
    shown = {
        "id": uuid(number),
        "name": name,
        "odoo_version": "17.0",
        "git_repo_url": REPO,
        "default_branch": "main",
        "environment_count": 3,
        "server_id": BERLIN,
        "created_at": "2025-09-15T10:30:00Z",
    }
    return Project.parse({**shown, **fields}, "GET /projects")


def server(name: str, ident: str) -> Server:
    return Server.parse({"id": ident, "name": name, "provider": "hetzner", "region": None}, "GET /servers")


SERVERS = [server("berlin", BERLIN), server("paris", PARIS), server("twin", uuid(91)), server("twin", uuid(92))]


def declare(**options: Any) -> Declaration:
    return Declaration.of(options)


def planned(*declarations: dict[str, Any], there: list[Project] | None = None, **more: Any) -> list[Action]:
    return plan([declare(**options) for options in declarations], there or [], SERVERS, **more)


def refused(*declarations: dict[str, Any], there: list[Project] | None = None, **more: Any) -> PlanError:
    with pytest.raises(PlanError) as refusal:
        planned(*declarations, there=there, **more)
    return refusal.value


# What is declared.


@pytest.mark.parametrize(
    "option", ["project_id", "server", "git_repo_url", "default_branch", "odoo_version", "idempotency_key"]
)
@pytest.mark.parametrize("blank", ["", None], ids=["blank", "null"])
def test_a_blank_option_is_one_left_out(option, blank):
    assert declare(name="Client ERP", **{option: blank}) == Declaration(name="Client ERP")


def test_a_blank_name_is_left_out_where_the_id_says_which_project():
    assert declare(name="", project_id=uuid(1)) == Declaration(project_id=uuid(1))


@pytest.mark.parametrize("state", ["present", "absent"])
def test_the_state_is_taken_as_declared(state):
    assert declare(name="Client ERP", state=state).state == state


@pytest.mark.parametrize("state", [{}, {"state": None}, {"state": ""}], ids=["left out", "null", "blank"])
def test_what_is_declared_is_to_exist_unless_said_otherwise(state):
    assert declare(name="Client ERP", **state).state == "present"


@pytest.mark.parametrize(
    "options",
    [
        pytest.param({"name": "ä" * 255}, id="255 umlauts"),
        pytest.param({"name": "🥖" * 255}, id="255 emoji"),
        pytest.param({"name": "two\nlines"}, id="a newline"),
        pytest.param({"name": " "}, id="a space"),
        pytest.param({"name": "x", "default_branch": "b" * 255}, id="255 characters of branch"),
        pytest.param({"name": "x", "project_id": uuid(10).upper()}, id="an id in capitals"),
        pytest.param({"name": "x", "git_repo_url": PRIVATE_REPO}, id="credentials"),
        pytest.param({"name": "x", "git_repo_url": MASKED_REPO}, id="masked credentials"),
        pytest.param({"name": "x", "git_repo_url": "https://git.acme.example:8443/x"}, id="a port"),
        pytest.param({"name": "x", "git_repo_url": "https://[2001:db8::1]/x"}, id="an IPv6 address"),
        pytest.param({"name": "x", "idempotency_key": "release 2026-11 ~!"}, id="an idempotency key with spaces"),
    ],
)
def test_what_the_api_takes_is_declared_as_given(options):
    assert declare(**options) == Declaration(**options)


REFUSED = {
    "nothing": ({}, "neither name nor project_id is given"),
    "blanks only": ({"name": "", "project_id": ""}, "neither name nor project_id is given"),
    "an id that is none": ({"project_id": "42"}, "project_id '42' is not a UUID"),
    "an id and more": ({"project_id": f"{uuid(1)}/../../servers"}, "is not a UUID"),
    "256 characters of name": ({"name": "n" * 256}, "name has 256 characters, and the API takes 255 at most"),
    "256 characters of branch": ({"name": "x", "default_branch": "b" * 256}, "default_branch has 256 characters"),
    "a plain http repository": ({"name": "x", "git_repo_url": "http://github.com/a"}, "is not an https URL"),
    "an ssh repository": ({"name": "x", "git_repo_url": "git@github.com:a/b.git"}, "is not an https URL"),
    "no host": ({"name": "x", "git_repo_url": "https:///a"}, "is not an https URL"),
    "a port that is none": ({"name": "x", "git_repo_url": "https://a:b/c"}, "is not an https URL"),
    "a bracket too few": ({"name": "x", "git_repo_url": "https://[::1/c"}, "is not an https URL"),
    "a space in the URL": ({"name": "x", "git_repo_url": "https://a/b c"}, "is not an https URL"),
    "a newline in the URL": ({"name": "x", "git_repo_url": "https://a/b\n"}, "is not an https URL"),
    "an idempotency key no header can carry": (
        {"name": "x", "idempotency_key": "schlüssel"},
        "idempotency_key has characters that a header cannot carry",
    ),
    "a NUL in a name": ({"name": "x\0"}, "name has characters that are no text"),
    "half a character in a branch": ({"name": "x", "default_branch": "a\ud83d"}, "characters that are no text"),
    "an idempotency key with a blank": ({"name": "x", "idempotency_key": " a"}, "cannot carry"),
    "an idempotency key with a second header": ({"name": "x", "idempotency_key": "a\r\nb: c"}, "cannot carry"),
}


@pytest.mark.parametrize(("options", "words"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_right_is_refused(options, words):
    with pytest.raises(InputError) as refusal:
        declare(**options)
    assert words in str(refusal.value)


@pytest.mark.parametrize("url", ["http://robot:hunter22@github.com/a", "https://robot:hun/ter22@github.com/a"])
def test_a_refused_url_is_not_repeated_since_it_may_hold_a_password(url):
    with pytest.raises(InputError) as refusal:
        declare(name="Client ERP", git_repo_url=url)
    assert "'Client ERP'" in str(refusal.value)
    assert "ter22" not in str(refusal.value)


def test_a_refusal_names_the_project_by_its_id_where_there_is_no_name():
    with pytest.raises(InputError, match=f"project '{uuid(1)}': default_branch"):
        declare(project_id=uuid(1), default_branch="b" * 256)


@pytest.mark.parametrize(
    ("options", "must_be_read"),
    [
        pytest.param({"server": "berlin"}, True, id="a name"),
        pytest.param({"server": BERLIN}, False, id="an id"),
        pytest.param({"server": BERLIN.upper()}, False, id="an id in capitals"),
        pytest.param({}, False, id="none"),
        pytest.param({"server": "berlin", "state": "absent"}, False, id="a name, of what is to go"),
    ],
)
def test_servers_are_read_only_where_a_name_must_be_resolved(options, must_be_read):
    assert declare(name="Client ERP", **options).names_server is must_be_read


@pytest.mark.parametrize(
    ("url", "secrets"),
    [
        pytest.param(None, set(), id="no URL"),
        pytest.param(REPO, set(), id="no credentials"),
        pytest.param(PRIVATE_REPO, {"robot:hunter22", "robot", "hunter22"}, id="user and password"),
        pytest.param("https://ghp_0123456789@h/x", {"ghp_0123456789"}, id="a token alone"),
        pytest.param("https://u:p%40ssword@h/x", {"u:p%40ssword", "u:p@ssword", "p%40ssword", "p@ssword"}, id="coded"),
        pytest.param("https://u:p@h/x", set(), id="too short to be found again without harm"),
    ],
)
def test_the_secrets_of_a_declaration_are_its_repositorys_credentials(url, secrets):
    assert set(declare(name="Client ERP", git_repo_url=url).secrets) == secrets


# One project.

THERE = project()
ACTIONS = {
    "create on a server by name": ({"name": "New", "server": "paris"}, "created", {"name": "New", "server_id": PARIS}),
    "create on a server by id": ({"name": "New", "server": PARIS}, "created", {"name": "New", "server_id": PARIS}),
    "create with everything": (
        {"name": "New", "server": PARIS, "git_repo_url": REPO, "default_branch": "dev", "odoo_version": "18.0"},
        "created",
        {"name": "New", "server_id": PARIS, "git_repo_url": REPO, "default_branch": "dev", "odoo_version": "18.0"},
    ),
    "only a name": ({"name": "Client ERP"}, "unchanged", None),
    "only an id": ({"project_id": THERE.id}, "unchanged", None),
    "an id in capitals": ({"project_id": THERE.id.upper()}, "unchanged", None),
    "everything as it is": (
        {
            "name": "Client ERP",
            "server": "berlin",
            "git_repo_url": REPO,
            "default_branch": "main",
            "odoo_version": "17.0",
        },
        "unchanged",
        None,
    ),
    "the server's id in capitals": ({"name": "Client ERP", "server": BERLIN.upper()}, "unchanged", None),
    "another branch": ({"name": "Client ERP", "default_branch": "dev"}, "updated", {"default_branch": "dev"}),
    "another repository": (
        {"name": "Client ERP", "git_repo_url": REPO + "2", "default_branch": "main"},
        "updated",
        {"git_repo_url": REPO + "2"},
    ),
    "another name": ({"project_id": THERE.id, "name": "Client"}, "updated", {"name": "Client"}),
    "all that can change": (
        {"project_id": THERE.id, "name": "Client", "git_repo_url": REPO + "2", "default_branch": "dev"},
        "updated",
        {"name": "Client", "git_repo_url": REPO + "2", "default_branch": "dev"},
    ),
    "absent by name": ({"name": "Client ERP", "state": "absent"}, "deleted", None),
    "absent by id": ({"project_id": THERE.id, "state": "absent"}, "deleted", None),
    "absent, whatever else is said": (
        {"name": "Client ERP", "state": "absent", "server": "atlantis", "odoo_version": "9.0"},
        "deleted",
        None,
    ),
    "absent and gone, by name": ({"name": "Gone", "state": "absent"}, "unchanged", None),
    "absent and gone, by id": ({"project_id": NOWHERE, "state": "absent"}, "unchanged", None),
    "a name in other letters is another project": (
        {"name": "client erp", "server": "berlin"},
        "created",
        {"name": "client erp", "server_id": BERLIN},
    ),
}


@pytest.mark.parametrize(("options", "kind", "send"), ACTIONS.values(), ids=ACTIONS)
def test_only_what_differs_is_sent(options, kind, send):
    (action,) = planned(options, there=[THERE])
    assert (action.kind, action.send) == (kind, send)
    assert action.changed == (kind != "unchanged")


def test_a_project_with_nothing_filled_in_takes_what_is_declared():
    empty = project(git_repo_url=None, default_branch=None)
    (action,) = planned({"name": "Client ERP", "git_repo_url": REPO, "default_branch": "main"}, there=[empty])
    assert action.send == {"git_repo_url": REPO, "default_branch": "main"}


def test_what_the_user_gives_as_idempotency_key_is_kept_for_the_create():
    (action,) = planned({"name": "New", "server": "paris", "idempotency_key": "release-7"})
    assert action.idempotency_key == "release-7"


def test_a_server_declared_in_capitals_is_the_same_server():
    (capitals,) = planned({"name": "New", "server": BERLIN.upper()})
    (small,) = planned({"name": "New", "server": BERLIN})
    assert capitals.send == small.send


def test_the_project_to_be_created_is_foretold_but_for_what_the_server_assigns():
    (action,) = planned({"name": "New", "server": "paris"})
    assert action.fields_before is None
    assert action.after == {
        "id": None,
        "name": "New",
        "odoo_version": None,
        "git_repo_url": None,
        "default_branch": "main",
        "environment_count": 0,
        "server_id": PARIS,
        "created_at": None,
    }


def test_a_change_is_foretold_on_top_of_what_is_there_with_fields_nobody_knows_of():
    (action,) = planned({"name": "Client ERP", "default_branch": "dev"}, there=[project(colour="blue")])
    assert action.after == {**project(colour="blue").fields, "default_branch": "dev"}


def test_nothing_is_foretold_of_a_project_to_be_deleted():
    (action,) = planned({"name": "Client ERP", "state": "absent"}, there=[THERE])
    assert (action.fields_before, action.after) == (THERE.fields, None)


def test_an_action_is_called_by_the_name_that_the_project_has_after_it():
    actions = planned(
        {"project_id": uuid(1), "name": "After"},
        {"project_id": uuid(2)},
        {"project_id": NOWHERE, "state": "absent"},
        {"name": "Gone", "state": "absent"},
        there=[project("Before", 1), project("Same", 2)],
    )
    assert [action.name for action in actions] == ["After", "Same", NOWHERE, "Gone"]


def shown(**fields: Any) -> dict[str, Any]:
    as_it_is = {"name": "Client ERP", "server_id": BERLIN, "git_repo_url": REPO, "default_branch": "main"}
    return {**as_it_is, "odoo_version": "17.0", **fields}


DIFFS = {
    "create": (
        {"name": "New", "server": "berlin"},
        ({}, shown(name="New", git_repo_url=None, odoo_version=None)),
        ("project 'New' (absent)", "project 'New'"),
    ),
    "update": (
        {"name": "Client ERP", "default_branch": "dev"},
        (shown(), shown(default_branch="dev")),
        ("project 'Client ERP'", "project 'Client ERP'"),
    ),
    "unchanged": ({"name": "Client ERP"}, (shown(), shown()), ("project 'Client ERP'", "project 'Client ERP'")),
    "delete": (
        {"name": "Client ERP", "state": "absent"},
        (shown(), {}),
        ("project 'Client ERP'", "project 'Client ERP' (absent)"),
    ),
    "absent and gone": (
        {"name": "Gone", "state": "absent"},
        ({}, {}),
        ("project 'Gone' (absent)", "project 'Gone' (absent)"),
    ),
    "credentials": (
        {"name": "Client ERP", "git_repo_url": PRIVATE_REPO},
        (shown(), shown(git_repo_url=MASKED_REPO)),
        ("project 'Client ERP'", "project 'Client ERP'"),
    ),
}


def test_a_diff_tells_that_the_credentials_are_others():
    there = project(git_repo_url=PRIVATE_REPO)
    (action,) = planned({"name": "Client ERP", "git_repo_url": PRIVATE_REPO.replace("@", "2@")}, there=[there])
    shown = [action.diff[side]["git_repo_url"] for side in ("before", "after")]
    assert shown == [MASKED_REPO, f"{MASKED_REPO} (other credentials)"]


@pytest.mark.parametrize("name", ["Client ERP ", " Client ERP", "Client ERP\n"])
def test_blanks_around_a_name_make_no_second_project(name):
    error = refused({"name": name, "server": "berlin"}, there=[THERE])
    assert f"'Client ERP' is there, which differs in blanks around the name only ({THERE.id})" in str(error)
    (action,) = planned({"name": name, "server": "berlin"}, there=[project(name, 7)])
    assert action.kind == "unchanged"


@pytest.mark.parametrize(("options", "sides", "headers"), DIFFS.values(), ids=DIFFS)
def test_a_diff_shows_what_a_user_declares_and_no_secret(options, sides, headers):
    (action,) = planned(options, there=[THERE])
    assert action.diff == {
        "before": sides[0],
        "after": sides[1],
        "before_header": headers[0],
        "after_header": headers[1],
    }


# A repository as modules show it, with its credentials masked.


@pytest.mark.parametrize(
    ("there", "declared", "is_same"),
    [
        pytest.param(PRIVATE_REPO, MASKED_REPO, True, id="what was shown, declared again"),
        pytest.param(MASKED_REPO, MASKED_REPO, True, id="an API that masks by itself"),
        pytest.param(PRIVATE_REPO, PRIVATE_REPO, True, id="the real credentials"),
        pytest.param(PRIVATE_REPO, REPO, False, id="no credentials any more"),
    ],
)
def test_a_masked_repository_means_the_one_there_is(there, declared, is_same):
    (action,) = planned({"name": "Client ERP", "git_repo_url": declared}, there=[project(git_repo_url=there)])
    assert action.changed is not is_same


@pytest.mark.parametrize(
    ("options", "there"),
    [
        pytest.param({"server": "berlin"}, [], id="create"),
        pytest.param({}, [project(git_repo_url=PRIVATE_REPO + "2")], id="another repository"),
        pytest.param({}, [project(git_repo_url=REPO)], id="there are no credentials"),
        pytest.param({}, [project(git_repo_url=None)], id="there is no repository"),
    ],
)
def test_a_masked_repository_is_never_stored(options, there):
    problem = str(refused({"name": "Client ERP", "git_repo_url": MASKED_REPO, **options}, there=there))
    assert "*** where its credentials would be" in problem
    assert "Give the real credentials" in problem


# What the API made of it.


def test_what_is_stored_as_asked_for_surprises_nobody():
    (action,) = planned({"name": "Client ERP", "default_branch": "dev"}, there=[THERE])
    assert action.surprises(project(default_branch="dev", odoo_version="18.0")) == []


def test_each_value_that_is_stored_differently_is_said_with_both_and_without_secrets():
    options = {"name": "Client ERP", "default_branch": "dev", "git_repo_url": PRIVATE_REPO}
    (action,) = planned(options, there=[THERE])
    stored = project(default_branch="Dev", git_repo_url="https://robot:swordfish@github.com/x")
    first, second = sorted(action.surprises(stored))
    assert first.startswith("project 'Client ERP': asked for default_branch 'dev', the API stored 'Dev'.")
    assert MASKED_REPO in second
    assert "https://***@github.com/x" in second
    assert "hunter22" not in second
    assert "swordfish" not in second


# What does not fit.

TWO = [project("Twin", 1), project("Twin", 2)]
REFUSALS = {
    "create without a server": (
        {"name": "New"},
        [],
        ["project 'New': it does not exist yet", "server must be given", "or correct the name"],
    ),
    "an unknown server": (
        {"name": "New", "server": "atlantis"},
        [],
        ["there is no server 'atlantis'", f"'berlin' ({BERLIN})", f"'paris' ({PARIS})"],
    ),
    "an unknown server for what is there": ({"name": "Client ERP", "server": "atlantis"}, [THERE], ["'atlantis'"]),
    "two servers of the name": (
        {"name": "New", "server": "twin"},
        [],
        ["2 servers are named 'twin'", f"'twin' ({uuid(91)})", f"'twin' ({uuid(92)})"],
    ),
    "two projects of the name": (
        {"name": "Twin"},
        TWO,
        ["project 'Twin': 2 projects have this name", uuid(1), uuid(2), "project_id"],
    ),
    "two projects of the name, to be removed": (
        {"name": "Twin", "state": "absent"},
        TWO,
        ["2 projects have this name", uuid(1), uuid(2)],
    ),
    "an id that is not there": (
        {"project_id": NOWHERE, "name": "Client ERP"},
        [THERE],
        [f"there is no project {NOWHERE}", "leave project_id out"],
    ),
    "another server": (
        {"name": "Client ERP", "server": "paris"},
        [THERE],
        ["server is 'berlin'", "'paris' is wanted", "cannot change"],
    ),
    "a server where there is none": (
        {"name": "Client ERP", "server": "paris"},
        [project(server_id=None)],
        ["server is None", "'paris' is wanted"],
    ),
    "another version": (
        {"name": "Client ERP", "odoo_version": "18.0", "default_branch": "dev"},
        [THERE],
        ["odoo_version is '17.0'", "'18.0' is wanted"],
    ),
    "another server and version": (
        {"name": "Client ERP", "server": PARIS, "odoo_version": "18.0"},
        [THERE],
        ["'paris' is wanted", "'18.0' is wanted"],
    ),
}


@pytest.mark.parametrize(("options", "there", "words"), REFUSALS.values(), ids=REFUSALS)
def test_what_does_not_fit_what_is_there_is_refused_with_what_to_do(options, there, words):
    error = refused(options, there=there)
    assert [word for word in words if word not in str(error)] == []
    assert len(error.details) == 1


def test_servers_that_were_not_read_are_called_by_their_ids():
    with pytest.raises(PlanError, match=f"server is '{BERLIN}', '{PARIS}' is wanted"):
        plan([declare(name="Client ERP", server=PARIS)], [THERE], [])


def test_no_servers_at_all_are_called_none():
    with pytest.raises(PlanError, match="the servers are: none"):
        plan([declare(name="New", server="berlin")], [], [])


def test_of_many_servers_those_of_the_name_are_listed_first():
    servers = [
        *(server(f"s{number}", uuid(number)) for number in range(30)),
        *(server("twin", uuid(n)) for n in (91, 92)),
    ]
    with pytest.raises(PlanError) as refused:
        plan([declare(name="New", server="twin")], [], servers)
    assert f"the servers are: 'twin' ({uuid(91)}); 'twin' ({uuid(92)}); 's0' ({uuid(0)}); " in str(refused.value)
    assert f"'s9' ({uuid(9)}); ... Give one of those names" in str(refused.value)


# Many.


def test_actions_come_in_the_order_of_the_list_and_then_of_what_is_pruned():
    there = [project("A", 1), project("B", 2), project("C", 3), project("D", 4)]
    actions = planned(
        {"name": "D", "default_branch": "dev"},
        {"name": "New", "server": "berlin"},
        {"name": "B", "state": "absent"},
        there=there,
        prune=True,
        prune_limit=2,
    )
    assert [(action.kind, action.name) for action in actions] == [
        ("updated", "D"),
        ("created", "New"),
        ("deleted", "B"),
        ("deleted", "A"),
        ("deleted", "C"),
    ]


def test_nothing_is_pruned_unless_asked_for():
    assert planned({"name": "New", "server": "berlin"}, there=[THERE])[0].kind == "created"
    assert len(planned({"name": "New", "server": "berlin"}, there=[THERE])) == 1


def test_two_projects_may_swap_their_names():
    there = [project("A", 1), project("B", 2)]
    actions = planned({"project_id": uuid(1), "name": "B"}, {"project_id": uuid(2), "name": "A"}, there=there)
    assert [action.send for action in actions] == [{"name": "B"}, {"name": "A"}]


def test_two_projects_may_share_a_name_where_each_has_its_id():
    actions = planned({"project_id": uuid(1), "name": "Twin"}, {"project_id": uuid(2), "name": "Twin"}, there=TWO)
    assert [action.kind for action in actions] == ["unchanged", "unchanged"]


REPEATS = {
    "a name": ([{"name": "A"}, {"name": "A"}], ["project 'A'", "listed 2 times"]),
    "a name to be created": ([{"name": "N", "server": "berlin"}] * 3, ["project 'N'", "listed 3 times"]),
    "an id": ([{"project_id": uuid(1)}, {"project_id": uuid(1).upper()}], ["project 'A'", uuid(1), "listed 2 times"]),
    "a name and its id": ([{"name": "A"}, {"project_id": uuid(1)}], ["project 'A'", uuid(1), "listed 2 times"]),
    "a name, of two that have it, and one id": (
        [{"name": "N", "server": "berlin"}, {"name": "N", "project_id": uuid(1)}],
        ["project 'N'", "listed 2 times", "give each its project_id"],
    ),
    "present and absent": ([{"name": "A"}, {"name": "A", "state": "absent"}], ["project 'A'", "listed 2 times"]),
}


@pytest.mark.parametrize(("declarations", "words"), REPEATS.values(), ids=REPEATS)
def test_what_is_listed_twice_is_refused(declarations, words):
    problem = str(refused(*declarations, there=[project("A", 1)]))
    assert [word for word in words if word not in problem] == []


def test_two_that_are_gone_already_may_be_listed_as_often_as_one_likes_by_id():
    actions = planned(*[{"project_id": NOWHERE, "state": "absent"}] * 2)
    assert [action.kind for action in actions] == ["unchanged", "unchanged"]


def test_prune_goes_up_to_its_limit():
    there = [project(name, number) for number, name in enumerate("ABC", 1)]
    wanted = {"name": "New", "server": "berlin"}
    problem = str(refused(wanted, there=there, prune=True, prune_limit=2))
    assert "prune would remove 3 projects, and prune_limit is 2: 'A', 'B', 'C'." in problem
    assert len(planned(wanted, there=there, prune=True, prune_limit=3)) == 4


def test_what_is_listed_as_absent_does_not_count_as_pruned():
    there = [project("A", 1), project("B", 2)]
    declared = ({"name": "A", "state": "absent"}, {"name": "B", "state": "absent"})
    assert [action.kind for action in planned(*declared, there=there, prune=True, prune_limit=0)] == ["deleted"] * 2


@pytest.mark.parametrize(("count", "there_are_more"), [(12, False), (13, True), (500, True)])
def test_of_many_to_be_pruned_the_first_12_are_named(count, there_are_more):
    there = [project(f"P{number:02}", number) for number in range(1, count + 1)]
    problem = str(refused({"name": "New", "server": "berlin"}, there=there, prune=True, prune_limit=10))
    assert f"prune would remove {count} projects" in problem
    assert problem.count("'P") == 12
    assert ("'P12', ..." in problem) is there_are_more


@pytest.mark.parametrize(
    ("declared", "there"),
    [
        pytest.param({"name": "A", "odoo_version": "18.0"}, [project("A", 1)], id="drift"),
        pytest.param({"name": "A", "server": "atlantis"}, [project("A", 1)], id="an unknown server"),
        pytest.param({"name": "A"}, [project("A", 1), project("A", 2)], id="two of the name"),
    ],
)
def test_what_is_listed_but_refused_is_not_called_pruned(declared, there):
    assert "prune would" not in str(refused(declared, there=there, prune=True, prune_limit=0))


def test_all_that_is_wrong_is_said_at_once():
    error = refused(
        {"name": "New"},
        {"name": "Twin"},
        {"name": "Client ERP", "odoo_version": "18.0"},
        {"name": "Ok", "server": "berlin"},
        {"name": "Ok", "server": "berlin"},
        {"name": "Lost", "server": "atlantis"},
        there=[THERE, *TWO, project("Stray", 7)],
        prune=True,
        prune_limit=0,
    )
    words = ["server must be given", "2 projects have this name", "'18.0' is wanted", "listed 2 times", "'atlantis'"]
    told = " ".join(problem["message"] for problem in error.details)
    assert [word for word in [*words, "prune would remove", "'Stray'"] if word not in told] == []
    assert len(error.details) == 6
