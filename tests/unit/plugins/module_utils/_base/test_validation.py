# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.oecsh.cloud.plugins.module_utils._base.validation import (
    comparable_name,
    is_header_value,
    is_https_url,
    is_printable_ascii,
    is_text,
    is_uuid,
    matches_any,
    nearest,
    unknown_option,
)

ID = "3fa85f64-5717-4562-b3fc-2c963f66afa6"
HTTPS = ["https://git.example", "HTTPS://joe:pw@git.example:8443/r?a#b", "https://[::1]/r", "https://***@h/r"]
NO_URL = [
    "https://",
    "https:///r",
    "https://h:99999",
    "https://h:port",
    "https://[::1",
    "https://h/a b",
    "https://h/\n",
]
NO_HTTPS = [*NO_URL, "http://git.example", "git@git.example:r", ""]


@pytest.mark.parametrize(
    ("is_valid", "valid", "invalid"),
    [
        pytest.param(is_uuid, (ID, ID.upper()), (f"{ID}\n", f"{{{ID}}}", ID.replace("-", ""), "../x", ""), id="uuid"),
        pytest.param(is_text, ("", "Käse\n\t\x1b", "\U0001f9c0"), ("a\0", "\ud800", "\udfff"), id="text"),
        pytest.param(is_printable_ascii, ("a ~", " "), ("é", "a\n", "\x7f"), id="printable-ascii"),
        pytest.param(is_header_value, ("a b", "~"), (" a", "a ", "a\tb", "é"), id="header-value"),
        pytest.param(is_https_url, HTTPS, NO_HTTPS, id="https-url"),
    ],
)
def test_values_are_checked_before_they_are_sent(is_valid, valid, invalid):
    assert [text for text in valid if not is_valid(text)] == []
    assert [text for text in invalid if is_valid(text)] == []


@pytest.mark.parametrize(
    ("patterns", "values", "expected"),
    [
        ([], ["a"], True),
        (["", None], ["a"], True),
        ([], [None], True),
        (["a"], [None], False),
        (["*"], [None], False),
        (["*"], [""], True),
        (["a"], ["a"], True),
        (["b", "a"], ["a"], True),
        (["", "b"], ["a"], False),
        (["b"], ["a", "b"], True),
        (["b"], [None, "b"], True),
        (["production-*"], ["production-fsn1"], True),
        (["production-*"], ["staging-production-1"], False),
        (["Client [AB]"], ["Client A"], True),
        (["Client [C]"], ["Client [C]"], True),
        (["client *"], ["Client A"], False),
        (["1?.0"], ["17.0"], True),
        ([17.0], ["17.0"], True),
    ],
    ids=str,
)
def test_patterns(patterns, values, expected):
    assert matches_any(patterns, *values) is expected


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("servr", "server"),
        ("branch", "default_branch"),
        ("Server", "server"),
        ("x", None),
        ("default", "default_branch"),
    ],
)
def test_the_nearest_known_word_is_found(word, expected):
    assert nearest(word, ["server", "default_branch", "name"]) == expected


@pytest.mark.parametrize(
    ("name", "same", "is_same"),
    [
        ("Cafe\u0301", "CAFÉ", True),
        (" a  b\n", "A B", True),
        ("a\u200bb\u00ad", "ab", True),
        ("Straße", "STRASSE", True),
        ("a b", "ab", False),
        ("Müller", "Muller", False),
        ("\u200b", "", True),
    ],
)
def test_names_that_look_the_same_compare_equal(name, same, is_same):
    assert (comparable_name(name) == comparable_name(same)) == is_same


@pytest.mark.parametrize(("word", "hint"), [("nmae", "Did you mean 'name'?"), ("x", "The options are: name, server.")])
def test_an_unknown_option_is_told_with_the_known_ones(word, hint):
    failure = unknown_option(word, ["server", "name"])
    assert (failure.code, failure.message, failure.hint) == ("unknown_option", f"there is no option {word!r}", hint)
