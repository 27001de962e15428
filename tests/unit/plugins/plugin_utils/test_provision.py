# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.oecsh.cloud.plugins.plugin_utils._provision import (
    provision_batches,
    provision_deletions,
    provision_forecast,
    provision_is_over,
    provision_items,
    provision_lines,
    provision_result,
)

SKIPPED = {"skipped": True, "changed": False}
ERROR = {"status": 401, "code": "unauthorized", "message": "No.", "details": None}
CRASH = {"failed": True, "msg": "MODULE FAILURE"}


def entry(name, action="updated", **fields):
    """One of `projects` in a result of oec_projects."""
    changed = action not in ("unchanged", "failed")
    project = None if action == "deleted" else {"name": name}
    about = {"name": name, "project_id": f"id-{name}", "action": action, "changed": changed}
    return {**about, "project": project, "error": None, "environments": [], **fields}


def environment(name, action="created", **fields):
    """One of `environments` in an entry."""
    about = {
        "name": name,
        "environment_id": f"id-{name}",
        "action": action,
        "changed": action not in ("unchanged", "failed"),
    }
    return {**about, "environment": {"name": name}, "task": None, "error": None, **fields}


def plan(*entries):
    return {"changed": True, "projects": list(entries)}


def declared(names):
    return [{"name": name} for name in names]


def batch(names, **result):
    """The result of one batch of the projects a, b, c ...; without `projects` it failed as a whole."""
    return {"ansible_loop_var": "batch", "batch": {"indexes": ["abcd".index(name) for name in names]}, **result}


def applied(*entries):
    """The result of a task that applied these."""
    environments = [each for entry in entries for each in entry["environments"]]
    return {
        "projects": list(entries),
        "summary": {"failed": [each["action"] for each in entries].count("failed")},
        "environment_summary": {"failed": [each["action"] for each in environments].count("failed")},
    }


def actions(result):
    return [(each["name"], each["action"]) for each in result["projects"]]


@pytest.mark.parametrize(
    ("planned", "size", "expected"),
    [
        ("", 2, []),
        ("uuu", 2, []),
        ("c", 2, ["a"]),
        ("ccc", 2, ["ab", "c"]),
        ("cccc", 2, ["ab", "cd"]),
        ("cucuc", 2, ["ac", "e"]),
        ("cc", 1, ["a", "b"]),
        ("cc", " 1 ", ["a", "b"]),
        ("cc", "3", ["ab"]),
        ("c" * 21, None, ["abcdefghijklmnopqrst", "u"]),
        ("c" * 21, "", ["abcdefghijklmnopqrst", "u"]),
        ("c" * 21, " ", ["abcdefghijklmnopqrst", "u"]),
        ("c" * 21, 0, ["abcdefghijklmnopqrst", "u"]),
        ("c" * 21, "0", ["abcdefghijklmnopqrst", "u"]),
    ],
)
def test_batches_are_the_changes_in_order(planned, size, expected):
    """`planned`: c for each project that changes, u for each that does not. Names are letters."""
    names = "abcdefghijklmnopqrstuvwxyz"[: len(planned)]
    entries = [entry(name, {"c": "created", "u": "unchanged"}[each]) for name, each in zip(names, planned, strict=True)]
    batches = provision_batches(plan(*entries, entry("pruned", "deleted")), declared(names), size)
    assert ["".join(names[index] for index in each["indexes"]) for each in batches] == expected


def renamed(name, old):
    return {"project": name, "field": "name", "current": old, "desired": name}


@pytest.mark.parametrize(
    ("renames", "size", "expected"),
    [
        ([], 1, ["a", "b", "c", "d"]),
        ([("a", "b"), ("b", "a")], 1, ["ab", "c", "d"]),
        ([("a", "c"), ("c", "d"), ("d", "a")], 2, ["b", "acd"]),
        ([("d", "a")], 2, ["bc", "ad"]),
        ([("b", "x"), ("c", "y")], 2, ["ab", "cd"]),
    ],
    ids=["none", "swap", "cycle", "a name that is freed", "to new names"],
)
def test_projects_that_pass_a_name_on_are_in_one_batch(renames, size, expected):
    drift = [
        {"project": "a", "field": "default_branch", "current": "b", "desired": "c"},
        *(renamed(*r) for r in renames),
    ]
    batches = provision_batches({**plan(*map(entry, "abcd")), "drift": drift}, declared("abcd"), size)
    assert ["".join("abcd"[index] for index in each["indexes"]) for each in batches] == expected


def test_a_batch_has_the_ids_that_the_plan_found():
    created = entry("b", "created", project_id=None, project={"name": "b", "server_id": "id-berlin"})
    planned = plan(entry("a", project={"name": "a", "server_id": "id-paris"}), created, entry("c", "deleted"))
    items = [
        {"id": "ID-A", "name": "a", "previous_name": "b", "server_id": "paris", "default_branch": "dev"},
        {"name": "b", "previous_name": "a"},
        {"name": "c", "server": "x", "state": "absent"},
    ]
    same = {"allow_similar_name": True}
    assert provision_items(planned, items, [2, 0, 1]) == [
        {"name": "c", "project_id": "id-c", "server": "x", "state": "absent", **same},
        {"name": "a", "project_id": "id-a", "server": "id-paris", "default_branch": "dev", **same},
        {"name": "b", "server": "id-berlin", **same},
    ]


@pytest.mark.parametrize(
    ("only", "names"),
    [(["b"], "b"), (["[bc]"], "bc"), ("b", "b"), (["id-1", 17.0], "d"), ([], "abcd"), ([" "], "abcd")],
)
@pytest.mark.parametrize("option", ["id", "project_id"])
def test_a_batch_of_selected_items(option, only, names):
    items = [*declared("abc"), {option: "id-1"}]
    planned = plan(*map(entry, names))
    found = provision_items(planned, items, range(len(names)), only)
    assert [each.get("name", "d") for each in found] == list(names)


def failed(code, status=None):
    return entry("x", "failed", error={"status": status, "code": code, "message": "No.", "details": None})


def whole(code, status=None):
    return {"failed": True, "msg": "No.", "error": failed(code, status)["error"]}


LOST, KEY = failed("no_response"), failed("key_expired", 401)


@pytest.mark.parametrize(
    ("results", "expected"),
    [
        ([], False),
        ([applied(entry("a"))], False),
        ([applied(failed("validation", 422))] * 4, False),
        ([applied(entry("a"), KEY)], True),
        ([applied(entry("a"), failed("skipped"))], True),
        ([whole("subscription_blocked", 402), applied(entry("a"))], True),
        ([applied(failed("project_scoped_key", 403))], True),
        ([applied(LOST, LOST), applied(LOST)], True),
        ([applied(LOST, LOST), applied(entry("a"), LOST)], False),
        ([applied(LOST, LOST), applied(entry("a", "unchanged"), LOST)], True),
        ([applied(entry("a", environments=[environment("x", "failed", error=KEY["error"])]))], True),
        ([applied(entry("a", environments=[environment("x", "failed", error=LOST["error"])] * 3))], True),
        ([applied(entry("a", environments=[environment("x", "failed", error=LOST["error"])] * 2))], False),
        ([whole("internal", 500), whole("slow", 429), whole("no_response")], True),
        ([whole("no_response"), whole("no_response")], False),
        ([whole("no_response"), CRASH, whole("no_response"), whole("no_response")], False),
    ],
)
def test_batches_end_where_further_ones_would_fail_alike(results, expected):
    assert provision_is_over([batch("a", **result) for result in results]) is expected


@pytest.mark.parametrize("size", [-1, "-1", 1.5, "1.5", "many", True, False, [], {}])
def test_batch_size_must_be_a_whole_number(size):
    with pytest.raises(ValueError, match="whole number") as raised:
        provision_batches(plan(), [], size)
    assert repr(size) in str(raised.value)


PRODUCTION, STAGING, SAME = (
    environment("production"),
    environment("staging", "updated"),
    environment("old", "unchanged"),
)


@pytest.mark.parametrize(
    ("entries", "size", "expected"),
    [
        ([entry("a")], 5, [("projects 1 to 1 of 1", 1, 1, 0)]),
        ([entry("a")] * 3, 2, [("projects 1 to 2 of 3", 2, 1, 0), ("projects 3 to 3 of 3", 1, 1, 0)]),
        (
            [entry("a", environments=[PRODUCTION, STAGING, SAME]), entry("b")],
            2,
            [("projects 1 to 2 of 2, with 2 environments", 4, 4, 1)],
        ),
        (
            [entry("a", "unchanged", environments=[STAGING]), entry("b", "unchanged", environments=[SAME])],
            2,
            [("projects 1 to 1 of 1, with 1 environment", 1, 3, 0)],
        ),
    ],
)
def test_a_batch_says_what_it_holds_and_needs(entries, size, expected):
    batches = provision_batches(plan(*entries), declared(["x"] * len(entries)), size)
    assert [(each["label"], each["writes"], each["reads"], each["deploys"]) for each in batches] == expected


def needs(writes, reads=1, deploys=0):
    return {"writes": writes, "reads": reads, "deploys": deploys}


def deployed(seconds):
    """The result of a batch whose deployment took so long; None: it is not known."""
    return applied(entry("a", environments=[environment("production", task={"duration_seconds": seconds})]))


@pytest.mark.parametrize(
    ("batches", "results", "expected"),
    [
        ([], [], ""),
        ([needs(20)], [], ""),
        ([needs(20), needs(20)], [], ", about 2 min left"),
        ([needs(20), needs(20)], [applied()], ""),
        ([needs(20, reads=300)], [], ", about 3 min left"),
        ([needs(20, deploys=1)], [], ", about 4 min left"),
        ([needs(20, deploys=2)] * 3, [deployed(600)], ", about 22 min left"),
        ([needs(20, deploys=2)] * 3, [deployed(600), deployed(60)], ", about 11 min left"),
        ([needs(20, deploys=2)] * 2, [deployed(None)], ", about 4 min left"),
        ([needs(20, deploys=2)] * 2, [{"failed": True, "error": ERROR}], ", about 4 min left"),
    ],
)
def test_the_forecast_knows_writes_reads_and_deployments(batches, results, expected):
    assert provision_forecast(batches, results) == expected


@pytest.mark.parametrize(
    ("batches", "is_complete"),
    [
        ([], False),
        ([batch("a", **applied(entry("a"))), batch("", **applied())], True),
        ([batch("a", **applied(entry("a", "failed"))), batch("", **applied())], False),
        ([batch("", **applied()), batch("a", failed=True, error=ERROR)], False),
        ([batch("a", **SKIPPED)], False),
        ([batch("", **applied())], False),
        ([batch("a", **applied(entry("a", environments=[environment("x", "failed")])))], False),
        ([batch("a", **applied(entry("a", environments=[environment("x")])))], True),
    ],
)
def test_nothing_is_deleted_after_a_failure(batches, is_complete):
    planned = plan(entry("a"), entry("b", "deleted"), entry("c", "deleted"))
    expected = [{"project_id": f"id-{name}", "name": name, "state": "absent"} for name in "bc"]
    assert provision_deletions(planned, declared("a"), batches) == (expected if is_complete else [])


def test_only_pruned_projects_are_deleted():
    planned = plan(entry("a", "deleted"), entry("b"), entry("c", "deleted"), entry("d", "failed"))
    done = [batch("ab", **applied()), batch("c", **applied())]
    assert [item["project_id"] for item in provision_deletions(planned, declared("ab"), done[:1])] == ["id-c"]
    assert provision_deletions(planned, declared("abc"), done) == []
    assert provision_deletions(planned, declared("abcd"), done) == []


PLAN = plan(entry("a"), entry("b", "unchanged"), entry("c", "created"), entry("d", "deleted"), entry("e", "deleted"))
DONE = [batch("a", **applied(entry("a"))), batch("c", **applied(entry("c", "created")))]
PRUNED = applied(entry("e", "deleted"))


@pytest.mark.parametrize(
    ("batches", "pruning", "expected"),
    [
        pytest.param(
            [*DONE, batch("d", **applied(entry("d", "deleted")))],
            PRUNED,
            "b unchanged, a updated, c created, d deleted, e deleted",
            id="all done",
        ),
        pytest.param(
            [batch("acd", **applied(entry("a"), entry("c", "failed"), entry("d", "deleted")))],
            SKIPPED,
            "b unchanged, a updated, c failed, d deleted, e failed",
            id="one failed",
        ),
        pytest.param(
            [
                batch("a", failed=True, error=ERROR),
                batch("cd", **applied(entry("c", "created"), entry("d", "deleted"))),
            ],
            SKIPPED,
            "b unchanged, a failed, c created, d deleted, e failed",
            id="a batch failed as a whole",
        ),
        pytest.param(
            [*DONE, batch("d", failed=True, error=ERROR)],
            SKIPPED,
            "b unchanged, a updated, c created, d failed, e failed",
            id="the last batch failed as a whole",
        ),
        pytest.param(
            DONE[:1],
            SKIPPED,
            "b unchanged, a updated, c failed, d failed, e failed",
            id="a batch that was not tried",
        ),
        pytest.param(
            [batch("acd", **CRASH)],
            SKIPPED,
            "b unchanged, a failed, c failed, d failed, e failed",
            id="all batches failed as a whole",
        ),
        pytest.param(
            [*DONE, batch("d", **applied(entry("d", "deleted")))],
            {"failed": True, "error": ERROR},
            "b unchanged, a updated, c created, d deleted, e failed",
            id="the deletions failed as a whole",
        ),
    ],
)
def test_result_is_that_of_all_tasks(batches, pruning, expected):
    result = provision_result(PLAN, declared("abcd"), batches, pruning)
    assert ", ".join(" ".join(each) for each in actions(result)) == expected
    assert list(result["summary"]) == ["created", "updated", "deleted", "unchanged", "failed"]
    assert result["summary"] == {action: expected.count(action) for action in result["summary"]}


def test_environments_share_the_fate_of_their_batch():
    """What does not change in a project that was not tried was not either, as nobody looked."""
    pair = [environment("production"), environment("staging", "unchanged")]
    planned = plan(entry("a", "unchanged", environments=pair), entry("b", "unchanged", environments=pair[1:]))
    done = batch("a", **applied(entry("a", "unchanged", environments=pair)), requests={"reads": 5, "writes": 1})
    pruning = {**SKIPPED, "requests": {"reads": 1, "writes": 1}}
    result = provision_result({**planned, "requests": {"reads": 3, "writes": 0}}, declared("ab"), [done], pruning)
    assert (result["environment_summary"]["created"], result["environment_summary"]["unchanged"]) == (1, 2)
    assert result["requests"] == {"reads": 9, "writes": 2}
    rejected = batch("a", failed=True, error=ERROR)
    failed = provision_result(planned, declared("ab"), [rejected], SKIPPED)["projects"][1]["environments"]
    assert [(each["action"], each["error"], each["environment"]) for each in failed] == [("failed", ERROR, None)] * 2


def lines(*entries, is_check=False):
    return provision_lines(provision_result(plan(*entries), declared(["x"] * len(entries)), [], SKIPPED), is_check)


def error_of(code, message):
    return {"error": {"code": code, "message": message, "status": None, "details": None}}


SERVER_FULL = environment("production", "failed", **error_of("task_failed", "its deployment failed: no space."))
NOT_TRIED = environment("staging", "failed", **error_of("skipped", "not tried."))


@pytest.mark.parametrize(
    ("entries", "is_check", "summary", "failures"),
    [
        ([entry("a", "unchanged")], False, "1 unchanged", []),
        (
            [entry("a", "unchanged"), entry("b", "failed", **error_of("name_taken", "its name is taken."))],
            True,
            "1 unchanged, 1 would fail (check mode: nothing was written)",
            ["b: its name is taken."],
        ),
        (
            [entry("a\nb", "unchanged", environments=[SERVER_FULL, NOT_TRIED, SAME])],
            False,
            "1 unchanged; of their environments 1 unchanged, 1 failed, 1 not tried",
            ["a b/production: its deployment failed: no space."],
        ),
        (
            [entry("a", "unchanged", environments=[NOT_TRIED])],
            True,
            "1 unchanged; of their environments 0 unchanged, 1 would not be tried (check mode: nothing was written)",
            ["a/staging: not tried."],
        ),
    ],
)
def test_lines_for_people(entries, is_check, summary, failures):
    assert lines(*entries, is_check=is_check) == {"summary": summary, "failures": failures}


def test_a_summary_of_what_would_be_done():
    counts = {"created": 2, "updated": 1, "deleted": 1, "unchanged": 0, "failed": 0}
    found = provision_lines({"projects": [], "summary": counts, "environment_summary": {}}, True)
    assert (
        found["summary"]
        == "2 would be created, 1 would be updated, 1 would be deleted, 0 unchanged (check mode: nothing was written)"
    )


def test_result_of_no_changes():
    """A project that is rejected is not changed either, and nothing is pruned then."""
    planned = plan(entry("a", "unchanged"), entry("b", "failed"), entry("c", "failed"))
    result = provision_result(planned, declared("ab"), [], SKIPPED)
    assert result["projects"] == planned["projects"]


@pytest.mark.parametrize(
    ("task", "code", "message"),
    [
        ({"failed": True, "msg": "all of it", "error": ERROR}, "unauthorized", "No."),
        (CRASH, "no_response", "MODULE FAILURE."),
        (SKIPPED, "skipped", "another project failed"),
        ({}, "skipped", "another project failed"),
    ],
)
def test_task_that_failed_as_a_whole(task, code, message):
    """The plan says how each project would be, which none is now."""
    planned = plan(entry("a"), entry("b", "created", project_id=None))
    failed = provision_result(planned, declared("a"), [batch("a", **task)], task)["projects"]
    assert [each["project_id"] for each in failed] == ["id-a", None]
    for each in failed:
        assert (each["action"], each["changed"], each["project"]) == ("failed", False, None)
        assert each["error"]["code"] == code
        assert message in each["error"]["message"]
        assert each["error"].keys() == ERROR.keys()


RESULT = [PLAN, declared("abcd"), DONE, SKIPPED]


@pytest.mark.parametrize(
    ("position", "value", "expected"),
    [
        (0, None, "the plan must be"),
        (0, "text", "the plan must be"),
        (0, {"msg": "rejected"}, "the plan must be"),
        (0, {"projects": "text"}, "the plan must be"),
        (0, {"projects": [{"name": "of oec_project_info"}]}, "the plan must be"),
        (1, None, "the projects must be"),
        (1, "abcd", "the projects must be"),
        (2, None, "the batches must be"),
        (2, "text", "the batches must be"),
        (2, ["text"], "the batches must be"),
        (2, [applied()], "the batches must be"),
        (3, None, "the pruning must be"),
        (3, "text", "the pruning must be"),
    ],
)
def test_input_of_the_wrong_type(position, value, expected):
    values = [*RESULT[:position], value, *RESULT[position + 1 :]]
    with pytest.raises(TypeError, match=expected):
        provision_result(*values)
    if position < 2:
        with pytest.raises(TypeError, match=expected):
            provision_batches(*values[:2])
    if position < 3:
        with pytest.raises(TypeError, match=expected):
            provision_deletions(*values[:3])
