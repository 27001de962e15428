# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.oecsh.cloud.plugins.module_utils._api.error_body import ErrorBody, error_from_response

FIELDS = [{"field": "name", "message": "is too long"}]
LOC_FIELDS = [{"loc": ["body", "name"], "msg": "field required", "type": "missing"}]
DEEP_FIELDS = [{"loc": ["body", "tags", 0], "msg": "bad"}, {"loc": ["body"], "msg": "worse"}]
FLAT = {"error": "c", "message": "m"}


@pytest.mark.parametrize(
    ("body", "code", "message", "details"),
    [
        pytest.param(FLAT, "c", "m", None, id="flat"),
        pytest.param({**FLAT, "detail": FIELDS}, "c", "m: name: is too long", FIELDS, id="flat-with-fields"),
        pytest.param({"detail": FLAT}, "c", "m", None, id="nested"),
        pytest.param({"detail": {**FLAT, "detail": FIELDS}}, "c", "m: name: is too long", FIELDS, id="nested-fields"),
        pytest.param({"detail": LOC_FIELDS}, None, "name: field required", LOC_FIELDS, id="fastapi-fields"),
        pytest.param({"detail": DEEP_FIELDS}, None, "tags.0: bad; worse", DEEP_FIELDS, id="deep-and-unnamed-fields"),
        pytest.param({"detail": "some text"}, None, "some text", None, id="text"),
        pytest.param({"detail": {"reason": "some reason"}}, None, "some reason", None, id="reason"),
        pytest.param(
            {"detail": {"reason": "subscription_blocked", "subscription_status": "past_due", "message": "m"}},
            "subscription_blocked",
            "m",
            {"subscription_status": "past_due"},
            id="code-in-reason",
        ),
        pytest.param(
            {"detail": {"error": "plan_feature_required", "message": "m", "required_plan": "starter"}},
            "plan_feature_required",
            "m",
            {"required_plan": "starter"},
            id="facts",
        ),
        *(
            pytest.param({**FLAT, "task_id": "t", **body}, "c", "m", {"task_id": "t"}, id=f"fact-{name}")
            for name, body in {"flat": {}, "beside-empty-details": {"details": {}}}.items()
        ),
        pytest.param({"detail": {**FLAT, "task_id": "t"}}, "c", "m", {"task_id": "t"}, id="fact-nested"),
        pytest.param({**FLAT, "details": {"a": 1}}, "c", "m", {"a": 1}, id="details"),
        pytest.param({**FLAT, "detail": {"field": "name"}}, "c", "m", None, id="object-beside-the-message"),
        pytest.param({}, None, "", None, id="empty-object"),
        pytest.param({"error": ""}, None, "", None, id="empty-code"),
        pytest.param({"detail": None}, None, "", None, id="null-detail"),
        pytest.param({"detail": []}, None, "", [], id="no-fields"),
        pytest.param({"detail": 7}, None, "", None, id="number"),
        pytest.param({"error": {"code": 7}, "message": ["a"]}, None, "['a']", None, id="unexpected-types"),
        pytest.param({"detail": ["a", 7]}, None, "a; 7", ["a", 7], id="unexpected-fields"),
    ],
)
def test_each_shape_of_an_error_body_is_read(body, code, message, details):
    assert ErrorBody.parse(body) == ErrorBody(code, message, details)


HTML = "<head><style>b { color: red }</style><SCRIPT>\nalert(1)</SCRIPT></head><h1>502 Bad Gateway</h1>\n<hr>nginx"


@pytest.mark.parametrize(
    ("text", "message"),
    [("", ""), ('["a"]', '["a"]'), ("plain\n words", "plain words"), (HTML, "502 Bad Gateway nginx")],
    ids=["nothing", "json-list", "text", "html"],
)
def test_other_bodies_are_quoted_in_one_line(text, message):
    assert ErrorBody.parse([], text) == ErrorBody.parse(None, text) == ErrorBody(message=message)


LONG = "w" * 10_000


@pytest.mark.parametrize(
    "body",
    [None, {"message": LONG}, {"detail": [{"field": LONG, "msg": LONG}]}, {"detail": [LONG]}, {"detail": FIELDS * 999}],
)
def test_a_long_body_does_not_fill_the_screen(body):
    assert 0 < len(ErrorBody.parse(body, LONG).message) <= 1000


def test_retry_after_is_found_in_the_body():
    for body in ({"retry_after": 17}, {"detail": {"retry_after": 17}}, {"retry_after": 17, "detail": {"error": "c"}}):
        assert ErrorBody.parse(body).retry_after == 17


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (ErrorBody("c", details=[]), 302, "c"),
        (ErrorBody(), 300, "redirected"),
        (ErrorBody(), 399, "redirected"),
        (ErrorBody(), 400, "rejected"),
        (ErrorBody(details={}), 422, "rejected"),
        (ErrorBody(details=[]), 422, "validation_error"),
    ],
)
def test_a_rejection_without_a_code_gets_one(body, status, code):
    assert body.code_for(status) == code


@pytest.mark.parametrize(
    ("status", "code", "hint"),
    [
        (400, "bad_request", ""),
        (401, "invalid_key", "OECSH_API_KEY"),
        (401, "key_expired", "new API key"),
        (402, "subscription_blocked", "subscription"),
        (403, "read_only_key", "oec_live_rw_"),
        (403, "project_scoped_key", "key of the organization"),
        (403, "org_scope_required", "key of the organization"),
        (403, "plan_feature_required", "plan"),
        (403, "something_new", "full access key"),
        (404, "not_found", "api_url"),
        (409, "environments_running", "Stop"),
        (409, "task_in_progress", "oec_task_info"),
        (409, "concurrent_action", "in a minute"),
        (422, "validation", "named value"),
        (429, "ip_blocked", "15 min"),
    ],
)
def test_a_rejection_says_what_happened_and_what_to_do(status, code, hint):
    failure = error_from_response("POST /projects", status, ErrorBody(code, "Their words.", ["d"])).failure
    assert failure.message == f"POST /projects was rejected ({status} {code}): Their words."
    assert hint in failure.hint
    assert bool(failure.hint) == bool(hint)
    assert (failure.status, failure.code, failure.details) == (status, code, ["d"])


@pytest.mark.parametrize(("status", "reason"), [(404, "404 Not Found"), (499, "499")])
def test_a_rejection_without_a_message_names_its_status(status, reason):
    assert error_from_response("GET /x", status, ErrorBody()).failure.message == f"GET /x was rejected ({reason})"


BY_ID = "GET /backups/3fa85f64-5717-4562-b3fc-2c963f66afa6"
UNSUPPORTED = {
    # Of an unknown path, or an unknown object: the request, the status, the API's code, whether it came from the API.
    "a path": ("GET /webhooks", 404, None, True, "unsupported"),
    "a path, with a code": ("GET /webhooks", 404, "not_found", True, "not_found"),
    "an object": (BY_ID, 404, None, True, "rejected"),
    "an object, with a code": (BY_ID, 404, "backup_not_found", True, "backup_not_found"),
    "a method": ("POST /webhooks", 405, None, True, "unsupported"),
    "a method of an object": (BY_ID, 405, None, True, "unsupported"),
    "a method, with a code": (BY_ID, 405, "method_not_allowed", True, "method_not_allowed"),
    "a page of a proxy": ("GET /webhooks", 404, None, False, "rejected"),
    "a page of a proxy for a method": (BY_ID, 405, None, False, "rejected"),
    "another status": ("GET /webhooks", 400, None, True, "rejected"),
}


@pytest.mark.parametrize(("request_", "status", "code", "from_api", "expected"), UNSUPPORTED.values(), ids=UNSUPPORTED)
def test_what_the_api_does_not_have_is_unsupported(request_, status, code, from_api, expected):
    failure = error_from_response(request_, status, ErrorBody(code), from_api=from_api).failure
    is_of_a_path = from_api and status in (404, 405) and (status == 405 or request_ != BY_ID)
    assert (failure.code, "does not have that yet" in failure.hint) == (expected, is_of_a_path)
    assert ("web page" in failure.hint) is not from_api


KEY_HINT = "does not look like a key"


@pytest.mark.parametrize(
    ("status", "options", "hints", "others"),
    [
        (403, {"from_api": False}, ["web page", "proxies"], ["full access key"]),
        (404, {}, ["api_url"], ["web page"]),
        (302, {}, ["api_url", "Redirects"], []),
        (302, {"from_api": False}, ["api_url", "Redirects"], ["web page"]),
        (401, {"has_usual_key": False}, [KEY_HINT, "OECSH_API_KEY"], []),
        (401, {}, [], [KEY_HINT]),
        (422, {"has_usual_key": False}, ["named value"], [KEY_HINT]),
    ],
)
def test_the_hint_fits_the_sender_and_the_key(status, options, hints, others):
    hint = error_from_response("GET /projects", status, ErrorBody(), **options).failure.hint
    assert [part for part in hints if part not in hint] == [part for part in others if part in hint] == []
