# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.oecsh.cloud.plugins.module_utils._base.redact import (
    Redaction,
    credentials_in,
    has_mask,
    without_credentials,
)

KEY = "oec_live_rw_0123456789abcdefghijABCDEFGHIJ0123456789_-x"
URL = "git_repo_url"
FIELDS = Redaction(urls=frozenset({URL}), names=frozenset({"name", "default_branch"}))
REDACTION = FIELDS.hiding([KEY, "hunter22", "", "hunter22-longer"])


@pytest.mark.parametrize(
    ("value", "redacted"),
    [
        pytest.param("no secrets", "no secrets", id="nothing-to-hide"),
        pytest.param(f"Bearer {KEY}.", "Bearer ***.", id="key"),
        pytest.param("https://joe:pw@git.example/r.git", "https://***@git.example/r.git", id="password-in-a-url"),
        pytest.param("https://token@git.example/r", "https://***@git.example/r", id="token-in-a-url"),
        pytest.param("https://joe:p@ss@git.example", "https://***@git.example", id="at-sign-in-a-password"),
        pytest.param("at https://h/r.git?ref=1 now", "at https://h/r.git?*** now", id="query-in-a-text"),
        pytest.param({URL: "https://h/r?private_token=a b"}, {URL: "https://h/r?***"}, id="query-in-a-field"),
        pytest.param({URL: "https://joe:pw@h/r#token=abcd?x"}, {URL: "https://***@h/r#***"}, id="fragment"),
        pytest.param("at https://h/r;token=abcd; now", "at https://h/r;*** now", id="parameter-in-a-path"),
        pytest.param({URL: "https://h/r;token=abcd"}, {URL: "https://h/r;***"}, id="parameter-in-a-field"),
        pytest.param(f"not oec_live_ro_{'x' * 20}!", "not ***!", id="another-key"),
        pytest.param("what? https://h/r! #1", "what? https://h/r! #1", id="question-mark-outside-a-url"),
        pytest.param("see https://git.example/@joe", "see https://git.example/@joe", id="at-sign-in-a-path"),
        pytest.param("'https://a:b@one' or 'ssh://c@two'", "'https://***@one' or 'ssh://***@two'", id="two-urls"),
        pytest.param(
            [{URL: "https://joe:p'w\"<12/3@git/r"}, {URL: "HTTPS://joe:12/\nw@git"}, {URL: "git@git.example:r"}],
            [{URL: "https://***@git/r"}, {URL: "HTTPS://***@git"}, {URL: "git@git.example:r"}],
            id="any-character-in-the-password-of-a-field",
        ),
        pytest.param({"name": "crm://sales@acme"}, {"name": "crm://sales@acme"}, id="name-is-no-url"),
        pytest.param({"default_branch": "x://a@b"}, {"default_branch": "x://a@b"}, id="branch-is-no-url"),
        pytest.param({"other": "x://a@b"}, {"other": "x://***@b"}, id="other-field"),
        pytest.param({"name": "hunter22"}, {"name": "***"}, id="secret-in-a-name"),
        pytest.param([f"a {KEY}", {"b": [[KEY]]}], ["a ***", {"b": [["***"]]}], id="nested"),
        pytest.param({KEY: 1}, {"***": 1}, id="key-of-a-dictionary"),
        pytest.param([None, 1, True, 2.5], [None, 1, True, 2.5], id="no-text"),
        pytest.param("hunter22 and hunter22-longer", "*** and ***", id="secret-within-a-secret"),
    ],
)
def test_secrets_are_redacted_wherever_they_are(value, redacted):
    assert REDACTION(value) == redacted


def test_text_without_secrets_keeps_its_type():
    class Text(str):
        """As Ansible's own strings, which carry marks."""

    assert isinstance(REDACTION([Text("plain")])[0], Text)


def test_a_field_is_redacted_by_its_name():
    values = {"name": "x://a@b", URL: "https://a:b/c@d", "other": f"{KEY} at https://a:b@d", "count": 1}
    redacted = {"name": "x://a@b", URL: "https://***@d", "other": f"{KEY} at https://***@d", "count": 1}
    assert {name: REDACTION.field(name, value) for name, value in values.items()} == redacted


def test_two_redactions_together_hide_what_each_hides():
    both = FIELDS | Redaction(urls=frozenset({"webhook"}), names=frozenset({"label"}), secrets=("hunter22",))
    value = {URL: "https://a/b@c", "webhook": "https://a/b@c", "name": "x://a@b", "label": "x://a@hunter22"}
    redacted = {URL: "https://***@c", "webhook": "https://***@c", "name": "x://a@b", "label": "x://a@***"}
    assert both(value) == redacted


@pytest.mark.parametrize(
    ("value", "redacted"),
    [
        ("joe:pw@git.example/r", "***"),
        ("https//joe:pw@git/r", "***"),
        ("https://***@git/r@v1", "***"),
        ("git.example/r?private_token=abcd", "***"),
        ({"a": "hunter22"}, "***"),
        *((url, url) for url in ("https://***@git/r", "https://git.example/r", "https://***@git/r?***", None)),
    ],
)
def test_invalid_urls_of_a_task_are_replaced(value, redacted):
    options = {"projects": [{URL: value, "name": "a@b"}], "defaults": {URL: value}, "state": None}
    expected = {"projects": [{URL: redacted, "name": "a@b"}], "defaults": {URL: redacted}, "state": None}
    assert REDACTION.options(options) == expected


@pytest.mark.parametrize(
    ("url", "credentials"),
    [
        pytest.param("https://git.example/acme", set(), id="none"),
        pytest.param("joe:hunter22@git.example", set(), id="no-url"),
        pytest.param("https://joe:hunter22@git.example", {"joe:hunter22", "hunter22"}, id="short-name-is-no-secret"),
        pytest.param("https://joe:abcd@git.example", {"joe:abcd", "abcd"}, id="four-letters"),
        pytest.param("https://ghp_token@git.example", {"ghp_token"}, id="token"),
        pytest.param("https://:p%40ss@git.example", {":p%40ss", ":p@ss", "p%40ss", "p@ss"}, id="percent-encoded"),
        pytest.param("https://joe:12/word@git.example", {"joe:12/word", "12/word"}, id="slash"),
        pytest.param("https://joe:p@ssword@git.example", {"joe:p@ssword", "p@ssword"}, id="at-sign"),
        pytest.param("https://h/r?ref=main&private_token=ab%2Fcd#1", {"ab%2Fcd", "ab/cd"}, id="token-in-a-query"),
    ],
)
def test_credentials_are_found_as_written_and_decoded(url, credentials):
    assert set(credentials_in(url)) == credentials


@pytest.mark.parametrize(
    ("url", "redacted"),
    [
        ("https://joe:hunter22@git.example/r", "https://***@git.example/r"),
        ("https://git.example/r?private_token=hunter22", "https://git.example/r?***"),
        ("https://git.example/r;token=hunter22", "https://git.example/r;***"),
    ],
)
def test_a_redacted_url_is_recognized(url, redacted):
    assert without_credentials(url) == redacted
    assert has_mask(redacted)
    assert not has_mask("https://git.example/***")
    assert not has_mask("https://git.example/r?a=***")
