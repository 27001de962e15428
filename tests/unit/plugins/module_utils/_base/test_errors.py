# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from ansible_collections.oecsh.cloud.plugins.module_utils._base import errors
from ansible_collections.oecsh.cloud.plugins.module_utils._base.errors import (
    CODES,
    Failure,
    NoResponseError,
    OecError,
    RejectedError,
    Subject,
    join_failures,
    of_each,
    of_item,
)

PLUGINS = Path(errors.__file__).parents[2]
ERP = Subject("project", "Client ERP")


@pytest.mark.parametrize(
    ("failure", "sentence"),
    [
        pytest.param(Failure("rejected", "it broke"), "it broke.", id="message"),
        pytest.param(Failure("rejected", "it broke", "Fix it."), "it broke. Fix it.", id="hint"),
        pytest.param(Failure("rejected", "did it break?", "Look."), "did it break? Look.", id="question"),
        pytest.param(Failure("rejected", "it broke", subject=ERP), "project 'Client ERP': it broke.", id="subject"),
        pytest.param(Failure("rejected", "it\x1b[31m\nbroke"), "it [31m broke.", id="control-characters"),
    ],
)
def test_a_failure_reads_as_a_sentence(failure, sentence):
    assert str(failure) == sentence


def test_an_error_carries_what_a_rescue_block_reads():
    error = NoResponseError("no_response", "it broke", "Fix it.", status=503, details=[1], subject=ERP)
    expected = {"status": 503, "code": "no_response", "message": "it broke. Fix it.", "details": [1]}
    assert error.failure.as_error() == expected
    assert str(error) == str(error.failure) == "project 'Client ERP': it broke. Fix it."


def test_a_failure_is_raised_as_it_is():
    failure = Failure("rejected", "it broke", "Fix it.", ERP, 409, [1])
    assert failure.as_exception().failure == failure


def test_a_failure_cannot_be_changed():
    error = OecError("rejected", "it broke")
    assert error.failure.about(ERP).subject == ERP
    for owner, name in ((error.failure, "hint"), (error.failure, "subject"), (error, "failure")):
        with pytest.raises(AttributeError):
            setattr(owner, name, "other")
    assert error.failure == Failure("rejected", "it broke")


@pytest.mark.parametrize(
    ("status", "code", "is_fatal", "is_about_the_request"),
    [
        (None, "read_only_key", True, False),
        (None, "rejected", False, False),
        (302, "redirected", False, False),
        (400, "bad_request", False, True),
        (401, "invalid_key", True, False),
        (402, "subscription_blocked", True, True),
        (403, "read_only_key", True, True),
        (403, "plan_feature_required", True, True),
        (403, "forbidden", False, True),
        (422, "validation", False, True),
        (429, "ip_blocked", True, False),
        (429, "rate_limit_exceeded", False, False),
    ],
)
def test_what_a_rejection_is_about(status, code, is_fatal, is_about_the_request):
    error = RejectedError(code, "m", status=status)
    assert (error.failure.is_fatal, error.is_about_the_request) == (is_fatal, is_about_the_request)


@pytest.mark.parametrize(
    ("status", "from_api", "expected"), [(404, True, True), (404, False, False), (403, True, False)]
)
def test_only_the_api_can_say_not_found(status, from_api, expected):
    assert RejectedError("rejected", "m", status=status, from_api=from_api).is_not_found is expected


@pytest.mark.parametrize(
    ("count", "length", "last"), [(2, 3, "- R2."), (5, 6, "- R5."), (500, 7, "- ... and 495 more")]
)
def test_several_failures_are_joined_a_line_each(count, length, last):
    failures = [Failure("name_taken", f"R{number}", status=409) for number in range(1, count + 1)]
    joined = join_failures(failures, "All failed", [1])
    assert (joined.code, joined.status, joined.details) == ("name_taken", 409, [1])
    lines = str(joined).splitlines()
    assert (lines[:2], lines[-1], len(lines)) == (["All failed:", "- R1."], last, length)


def test_each_line_of_joined_failures_is_one_line():
    joined = join_failures([Failure("rejected", "a", "Do\nthis.", Subject("project", "A\nB"))] * 2, "Failed", None)
    assert str(joined).splitlines() == ["Failed:", *["- project 'A\\nB': a. Do this."] * 2]


@pytest.mark.parametrize(
    ("code", "status", "is_about_the_key"),
    [("rejected", 403, True), ("key_expired", 401, True), ("validation", 422, False)],
)
def test_a_rejection_may_be_about_the_key(code, status, is_about_the_key):
    assert RejectedError(code, "m", status=status).is_about_the_key is is_about_the_key


@pytest.mark.parametrize(
    ("code", "status", "is_transient"),
    [
        ("no_response", None, True),
        ("internal", 500, True),
        ("slow", 429, True),
        ("ip_blocked", 429, False),
        ("rejected", 404, False),
        ("invalid_input", None, False),
    ],
)
def test_a_failure_without_a_response_is_transient(code, status, is_transient):
    assert Failure(code, "m", status=status).is_transient is is_transient


REJECTED, UNPAID, LOST = [
    OecError("rejected", "rejected", status=422),
    OecError("subscription_blocked", "unpaid", status=402),
    NoResponseError("no_response", "lost"),
]
READS = {
    # What each item comes to; the items that are read, and the code of the whole.
    "none": ([], 0, None),
    "all": (["a", "b"], 2, None),
    "one is rejected": (["a", REJECTED, "c"], 3, "rejected"),
    "a fatal one": (["a", REJECTED, UNPAID, "d"], 3, "rejected"),
    "two lost": ([LOST, LOST, "c"], 3, "no_response"),
    "three lost": ([LOST, LOST, LOST, "d"], 3, "no_response"),
    "one of three is found": ([LOST, LOST, "c", LOST, "e"], 5, "no_response"),
    "one of three is rejected": ([LOST, LOST, REJECTED, LOST, "e"], 5, "no_response"),
}


@pytest.mark.parametrize(("items", "count", "code"), READS.values(), ids=READS)
def test_each_item_is_read_unless_all_would_fail(items, count, code):
    """To go on could get this address blocked."""
    reads = []

    def read(item):
        reads.append(item)
        if isinstance(item, OecError):
            raise item
        return item

    found = of_each(enumerate(items, 1), read, "project", lambda item: None)
    assert reads == items[:count]
    if code is None:
        assert found == items
        return
    failures = [(number, item.failure.code) for number, item in enumerate(reads, 1) if isinstance(item, OecError)]
    assert (found.code, [(detail["item"], detail["code"]) for detail in found.details]) == (code, failures)


@pytest.mark.parametrize(
    ("name", "message"), [("Client ERP", "item 2: project 'Client ERP': it broke."), (None, "item 2: it broke.")]
)
def test_the_failure_of_an_item_has_its_number_and_status(name, message):
    failure = of_item(Failure("unauthorized", "it broke", status=401), 2, "project", name)
    detail = {"item": 2, "project": name, "code": "unauthorized", "message": "it broke."}
    assert failure == Failure("unauthorized", message, status=401, details=[detail])
    assert failure.is_fatal


def literals(node):
    """Return the strings that an expression is, in either branch of a conditional."""
    if isinstance(node, ast.IfExp):
        return literals(node.body) | literals(node.orelse)
    return {node.value} if isinstance(node, ast.Constant) and isinstance(node.value, str) else set()


# Where a call has the code.
CODE_ARGUMENTS = {"Failure": 0, "OecError": 0, "NoResponseError": 0, "RejectedError": 0, "reject": 1, "_rejected": 2}


def codes_in(node):
    """Return the codes that a node of the syntax tree names: passed, declared as a default, or returned."""
    if isinstance(node, ast.Call):
        name = getattr(node.func, "id", getattr(node.func, "attr", ""))
        if name in CODE_ARGUMENTS:
            return set().union(*map(literals, node.args[CODE_ARGUMENTS[name] :][:1]))
        if name == "Field":
            return set().union(*(literals(word.value) for word in node.keywords if word.arg in ("required", "unknown")))
    if isinstance(node, ast.AnnAssign) and ast.unparse(node.annotation) in ("Code", "AnyCode"):
        return literals(node.value)
    if isinstance(node, ast.FunctionDef) and node.returns and ast.unparse(node.returns) in ("Code", "AnyCode"):
        return set().union(*(literals(inner.value) for inner in ast.walk(node) if isinstance(inner, ast.Return)))
    return set()


def test_the_codes_in_use_are_the_documented_ones():
    trees = [ast.parse(path.read_text(encoding="utf-8")) for path in PLUGINS.rglob("*.py")]
    assert set().union(*(codes_in(node) for tree in trees for node in ast.walk(tree))) == set(CODES)
