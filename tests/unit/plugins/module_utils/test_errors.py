# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.oecsh.cloud.plugins.module_utils._errors import (
    ErrorWords,
    NoAnswerError,
    OecError,
    RefusedError,
    credentials_in,
    listed,
    masked,
    refusal,
)

KEY = "oec_live_rw_0123456789abcdefghijABCDEFGHIJ0123456789_-x"
FIELDS = [{"field": "name", "message": "is too long"}]
LOC_FIELDS = [{"loc": ["body", "name"], "msg": "field required", "type": "missing"}]


@pytest.mark.parametrize(
    ("body", "code", "message", "details"),
    [
        pytest.param({"error": "c", "message": "m"}, "c", "m", None, id="flat"),
        pytest.param(
            {"error": "c", "message": "m", "detail": FIELDS}, "c", "m: name: is too long", FIELDS, id="flat-with-fields"
        ),
        pytest.param({"detail": {"error": "c", "message": "m"}}, "c", "m", None, id="nested"),
        pytest.param(
            {"detail": {"error": "c", "message": "m", "detail": FIELDS}},
            "c",
            "m: name: is too long",
            FIELDS,
            id="nested-with-fields",
        ),
        pytest.param({"detail": LOC_FIELDS}, None, "name: field required", LOC_FIELDS, id="fastapi-fields"),
        pytest.param(
            {"detail": [{"loc": ["body", "tags", 0], "msg": "bad"}, {"loc": ["body"], "msg": "worse"}]},
            None,
            "tags.0: bad; worse",
            [{"loc": ["body", "tags", 0], "msg": "bad"}, {"loc": ["body"], "msg": "worse"}],
            id="fastapi-fields-deep-and-without-a-name",
        ),
        pytest.param({"detail": "some text"}, None, "some text", None, id="text"),
        pytest.param({"detail": {"reason": "some reason"}}, None, "some reason", None, id="reason"),
        pytest.param({"error": "c", "message": "m", "details": {"a": 1}}, "c", "m", {"a": 1}, id="details"),
        pytest.param(
            {"error": "c", "message": "m", "detail": {"field": "name"}}, "c", "m", None, id="object-beside-the-words"
        ),
        pytest.param({}, None, "", None, id="empty-object"),
        pytest.param({"detail": None}, None, "", None, id="null-detail"),
        pytest.param({"detail": []}, None, "", [], id="no-fields"),
        pytest.param({"detail": 7}, None, "", None, id="number"),
        pytest.param({"error": {"code": 7}, "message": ["a"]}, None, "['a']", None, id="odd-types"),
        pytest.param({"detail": ["a", 7]}, None, "a; 7", ["a", 7], id="odd-fields"),
    ],
)
def test_an_error_body_is_understood_whatever_its_shape(
    body: dict[str, Any], code: str | None, message: str, details: Any
) -> None:
    words = ErrorWords.of(body)
    assert (words.code, words.message, words.details) == (code, message, details)


@pytest.mark.parametrize(
    ("body", "text", "message"),
    [
        pytest.param(None, "", "", id="nothing"),
        pytest.param(["a"], '["a"]', '["a"]', id="json-list"),
        pytest.param(object(), "plain\n words", "plain words", id="text"),
        pytest.param(
            object(),
            "<html><head><style>b { color: red }</style><script>\nalert(1)</script></head><body><h1>502 Bad"
            " Gateway</h1>\n<hr>nginx</body></html>",
            "502 Bad Gateway nginx",
            id="html",
        ),
    ],
)
def test_what_a_body_that_is_no_object_says_is_quoted_in_one_line(body: Any, text: str, message: str) -> None:
    assert ErrorWords.of(body, text) == ErrorWords(message=message)


@pytest.mark.parametrize(
    ("body", "text"),
    [
        pytest.param(None, "w" * 10_000, id="page"),
        pytest.param({"message": "w" * 10_000}, "", id="message"),
        pytest.param({"detail": [{"field": "f" * 10_000, "message": "w" * 10_000}]}, "", id="field"),
        pytest.param({"detail": ["w" * 10_000]}, "", id="field-that-is-text"),
    ],
)
def test_a_long_answer_does_not_fill_the_screen(body: Any, text: str) -> None:
    assert 0 < len(ErrorWords.of(body, text).message) <= 1000


@pytest.mark.parametrize(
    "body",
    [{"retry_after": 17}, {"detail": {"retry_after": 17}}, {"retry_after": 17, "detail": {"error": "c"}}],
    ids=["flat", "nested", "beside"],
)
def test_how_long_to_wait_is_found_in_the_body(body: dict[str, Any]) -> None:
    assert ErrorWords.of(body).retry_after == 17


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        pytest.param("no secrets", "no secrets", id="nothing-to-hide"),
        pytest.param(f"Bearer {KEY}.", "Bearer ***.", id="key"),
        pytest.param("https://joe:pw@git.example/r.git", "https://***@git.example/r.git", id="password-in-a-url"),
        pytest.param("https://token@git.example/r", "https://***@git.example/r", id="token-in-a-url"),
        pytest.param("https://joe:p@ss@git.example", "https://***@git.example", id="at-sign-in-a-password"),
        pytest.param("see https://git.example/@joe", "see https://git.example/@joe", id="at-sign-in-a-path"),
        pytest.param(
            "'https://a:b@one.example' or 'ssh://c@two.example'",
            "'https://***@one.example' or 'ssh://***@two.example'",
            id="two-urls",
        ),
        pytest.param(
            {"git_repo_url": "https://joe:p'w\"<12/3@git.example/r"},
            {"git_repo_url": "https://***@git.example/r"},
            id="anything-in-the-password-of-a-field",
        ),
        pytest.param(
            [{"oec_git_repo_url": "https://joe:12/w@git.example"}, {"git_repo_url": "git@git.example:r"}],
            [{"oec_git_repo_url": "https://***@git.example"}, {"git_repo_url": "git@git.example:r"}],
            id="a-variable-of-a-host-and-no-credentials",
        ),
        pytest.param({"name": "crm://sales@acme"}, {"name": "crm://sales@acme"}, id="a-name-is-no-url"),
        pytest.param([f"a {KEY}", {"b": [KEY]}], ["a ***", {"b": ["***"]}], id="nested"),
        pytest.param({KEY: 1}, {"***": 1}, id="name-of-a-field"),
        pytest.param([None, 1, True, 2.5], [None, 1, True, 2.5], id="not-text"),
        pytest.param("hunter22 and hunter22-longer", "*** and ***", id="secret-within-a-secret"),
    ],
)
def test_secrets_are_masked_wherever_they_stand(given: Any, shown: Any) -> None:
    assert masked(given, [KEY, "hunter22", "", "hunter22-longer"]) == shown


@pytest.mark.parametrize(
    ("url", "secrets"),
    [
        pytest.param("https://git.example/acme", set(), id="none"),
        pytest.param("https://joe:hunter22@git.example", {"joe:hunter22", "hunter22"}, id="short-names-are-no-secret"),
        pytest.param("https://ghp_token@git.example", {"ghp_token"}, id="token"),
        pytest.param(
            "https://joe:p%40ssword@git.example",
            {"joe:p%40ssword", "joe:p@ssword", "p%40ssword", "p@ssword"},
            id="percent-encoded",
        ),
        pytest.param("https://joe:12/word@git.example", {"joe:12/word", "12/word"}, id="slash"),
        pytest.param("https://joe:p@ssword@git.example", {"joe:p@ssword", "p@ssword"}, id="at-sign"),
    ],
)
def test_the_credentials_in_a_url_are_known_as_typed_and_as_meant(url: str, secrets: set[str]) -> None:
    assert set(credentials_in(url)) == secrets


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        pytest.param(OecError("it broke"), "it broke.", id="message"),
        pytest.param(OecError("it broke", "Mend it."), "it broke. Mend it.", id="hint"),
        pytest.param(OecError("did it break?", "Look."), "did it break? Look.", id="question"),
        pytest.param(OecError("it broke").of_project("Client ERP"), "project 'Client ERP': it broke.", id="project"),
    ],
)
def test_a_failure_reads_as_a_sentence(error: OecError, sentence: str) -> None:
    assert str(error) == sentence


def test_a_rescue_block_gets_status_code_message_and_details() -> None:
    error = NoAnswerError("it broke", "Mend it.", status=503, code="c", details=[1]).of_project("Client ERP")
    assert error.as_error() == {"status": 503, "code": "c", "message": "it broke. Mend it.", "details": [1]}
    assert OecError("m").as_error() == {"status": None, "code": None, "message": "m.", "details": None}


def test_a_message_about_a_whole_estate_lists_the_first_reasons_and_counts_the_rest() -> None:
    assert listed(["One.", "Two."]) == "One. Two."
    words = listed([f"Reason{number}." for number in range(1, 501)]).split()
    named = [word for word in words if word.startswith("Reason")]
    assert named == [f"Reason{number}." for number in range(1, len(named) + 1)]
    assert 3 <= len(named) <= 10
    assert words[len(named) :] == ["...", "and", str(500 - len(named)), "more."]


@pytest.mark.parametrize(
    ("status", "code", "concerns"),
    [
        (401, "invalid_key", True),
        (402, "subscription_blocked", True),
        (429, "ip_blocked", True),
        (429, "rate_limit_exceeded", False),
        (403, "read_only_key", False),
        (422, "validation", False),
        (None, None, False),
    ],
)
def test_going_on_is_pointless_where_the_account_is_refused(
    status: int | None, code: str | None, concerns: bool
) -> None:
    assert OecError("m", status=status, code=code).concerns_the_account is concerns


@pytest.mark.parametrize(
    ("status", "code", "advice"),
    [
        (400, "bad_request", ""),
        (401, "invalid_key", "OECSH_API_KEY"),
        (401, "key_expired", "new API key"),
        (402, "subscription_blocked", "subscription"),
        (403, "read_only_key", "oec_live_rw_"),
        (403, "project_scoped_key", "organisation's key"),
        (403, "org_scope_required", "organisation's key"),
        (403, "plan_feature_required", "plan"),
        (403, "something_new", "full access key"),
        (404, "not_found", "project_id"),
        (409, "environments_running", "Stop"),
        (422, "validation", "named value"),
        (429, "ip_blocked", "15 min"),
    ],
)
def test_a_refusal_says_what_was_asked_what_was_answered_and_what_to_do(status: int, code: str, advice: str) -> None:
    error = refusal("POST /projects", status, ErrorWords(code, "Their words.", ["d"]), is_api_answer=True)
    assert error.message == f"POST /projects was refused ({status} {code}): Their words."
    assert advice in error.hint
    assert bool(error.hint) == bool(advice)
    assert (error.status, error.code, error.details) == (status, code, ["d"])


@pytest.mark.parametrize(
    ("status", "named"), [(404, "(404 Not Found)"), (499, "(499)")], ids=["known-status", "unknown-status"]
)
def test_a_refusal_without_words_is_named_by_its_status(status: int, named: str) -> None:
    error = refusal("GET /projects", status, ErrorWords(), is_api_answer=True)
    assert error.message == f"GET /projects was refused {named}"


def test_a_web_page_that_refuses_is_called_a_web_page() -> None:
    error = refusal("GET /projects", 403, ErrorWords(message="Forbidden"), is_api_answer=False)
    assert "web page" in error.hint
    assert "proxies" in error.hint


@pytest.mark.parametrize("is_api_answer", [True, False])
def test_a_redirect_is_explained(is_api_answer: bool) -> None:
    assert "api_url" in refusal("GET /projects", 302, ErrorWords(), is_api_answer=is_api_answer).hint


@pytest.mark.parametrize(
    ("status", "is_api_answer", "not_found"), [(404, True, True), (404, False, False), (403, True, False)]
)
def test_only_the_api_itself_can_say_that_a_project_is_gone(status: int, is_api_answer: bool, not_found: bool) -> None:
    error = refusal("GET /projects/x", status, ErrorWords(), is_api_answer=is_api_answer)
    assert isinstance(error, RefusedError)
    assert error.not_found is not_found
