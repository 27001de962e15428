# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest
from ansible_collections.oecsh.cloud.plugins.module_utils._base.validation import (
    branch_problem,
    comparable_name,
    duration,
    duration_text,
    host_problem,
    is_header_value,
    is_https_url,
    is_printable_ascii,
    is_text,
    is_uuid,
    matches_any,
    nearest,
    normal_url,
    parse_timestamp,
    plain_url_problem,
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
BRANCHES = ["main", "feature/x-1", "19.0", "v1.2", "deadbeef", "refs", "x/refs/y", "pulls/1", "zweig/ä", "a" * 41]
FORBIDDEN = [f"a{character}b" for character in " \t\n\r\xa0\u2003\0\x1f\x7f~^:?*[\\"]
STARTS = ["/", "-", "refs/", "REFS/", "pull/", "Pull-Requests/", "merge-requests/"]
NO_BRANCHES = [*FORBIDDEN, "a..b", *(f"{start}a" for start in STARTS), "a" * 40, "F" * 64]
HOSTS = ["erp.example.com", "ERP.Example.COM", "*.example.com", "1-2.a", f"{'a.' * 126}b"]
NO_HOSTS = [
    *("", "localhost", "*.com", "a.", ".a.b", "a..b", "a.*.b", "*.*.a.b", "a_b.c", "ä.example", "a.b\n", "a b.c"),
    *("https://a.b", "a.b:80", "a.b/c", f"{'a.' * 126}bc", "erp.example.\u212aom"),
]


@pytest.mark.parametrize(
    ("is_valid", "valid", "invalid"),
    [
        pytest.param(is_uuid, (ID, ID.upper()), (f"{ID}\n", f"{{{ID}}}", ID.replace("-", ""), "../x", ""), id="uuid"),
        pytest.param(is_text, ("", "Käse\n\t\x1b", "\U0001f9c0"), ("a\0", "\ud800", "\udfff"), id="text"),
        pytest.param(is_printable_ascii, ("a ~", " "), ("é", "a\n", "\x7f"), id="printable-ascii"),
        pytest.param(is_header_value, ("a b", "~"), (" a", "a ", "a\tb", "é"), id="header-value"),
        pytest.param(is_https_url, HTTPS, NO_HTTPS, id="https-url"),
        pytest.param(lambda text: not branch_problem(text), BRANCHES, NO_BRANCHES, id="branch"),
        pytest.param(lambda text: not host_problem(text), HOSTS, NO_HOSTS, id="host"),
    ],
)
def test_values_are_checked_before_they_are_sent(is_valid, valid, invalid):
    assert [text for text in valid if not is_valid(text)] == []
    assert [text for text in invalid if is_valid(text)] == []


@pytest.mark.parametrize(
    ("branch", "problem"),
    [
        ("a..b", "contains '..', which no branch can"),
        ("Pull/7/head", "begins with 'Pull/', which is no branch of the repository"),
        ("0" * 40, "is a commit, and not a branch"),
    ],
)
def test_a_text_that_is_no_branch_is_told_why(branch, problem):
    assert branch_problem(branch) == problem


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("https://hooks.example/T1?sig=a@b", ""),
        ("https://hooks.example/@team", ""),
        ("https://joe:pw@hooks.example/", "contains a user name or password"),
        ("https://@hooks.example/", "contains a user name or password"),
        ("https://hooks.example\\@evil.example/", r"contains '\\', which no URL can"),
        ('https://hooks.example/"a', "contains '\"', which no URL can"),
        ("https://hooks.example/<a>", "contains '<', which no URL can"),
        ("https://hooks.example/a>", "contains '>', which no URL can"),
    ],
)
def test_a_url_that_the_service_cannot_call_is_told_why(url, problem):
    assert plain_url_problem(url) == problem


@pytest.mark.parametrize(
    ("url", "normal"),
    [
        ("HTTPS://Hooks.Example", "https://hooks.example/"),
        ("https://hooks.example:443/Oec?A=B", "https://hooks.example/Oec?A=B"),
        ("https://hooks.example:8443/", "https://hooks.example:8443/"),
        ("https://hooks.example?a=b", "https://hooks.example/?a=b"),
        ("https://hooks.example/oec/", "https://hooks.example/oec/"),
        ("https://[::1/", "https://[::1/"),
    ],
)
def test_a_url_may_be_written_in_several_ways(url, normal):
    assert normal_url(url) == normal


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90", 90), ("90s", 90), ("90m", 5400), (" 24h\n", 86400), ("7d", 604800), ("0", 0), ("36499d", 3_153_513_600)],
)
def test_a_duration_is_read_in_its_unit(text, seconds):
    assert duration(text) == seconds


@pytest.mark.parametrize("text", ["", "h", "2 h", "2H", "1w", "-1h", "1.5h", "1h30m", "\u0663h", "36500d", "1" * 10])
def test_anything_else_is_no_duration(text):
    with pytest.raises(ValueError, match="is not a time, such as 90m, 24h or 7d"):
        duration(text)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-90, "less than 1 min"),
        (59.9, "less than 1 min"),
        (60, "1 min"),
        (3599, "59 min"),
        (3600, "1 h"),
        (86399, "23 h 59 min"),
        (86400, "1 d"),
        (90061, "1 d 1 h"),
        (86400 + 120, "1 d 2 min"),
        (400 * 86400, "400 d"),
    ],
)
def test_a_duration_is_told_in_its_two_greatest_units(seconds, text):
    assert duration_text(seconds) == text


MOMENT = datetime(2026, 11, 20, 16, 0, 41, tzinfo=timezone.utc)
AT, FRACTIONS = "2026-11-20T16:00:41", [100_000, 120_000, 123_000, 123_400, 123_450, *[123_456] * 4]


@pytest.mark.parametrize(
    ("text", "microseconds"),
    [
        *((f"{AT}{zone}", 0) for zone in ("Z", "", "+00:00")),
        ("2026-11-20T17:00:41.5+01:00", 500_000),
        (f" {AT}Z\n", 0),
        *((f"{AT}.{'123456789'[:digits]}Z", count) for digits, count in enumerate(FRACTIONS, 1)),
        (f"{AT}.000001", 1),
    ],
)
def test_a_timestamp_is_read_to_the_microsecond(text, microseconds):
    assert parse_timestamp(text) == MOMENT + timedelta(microseconds=microseconds)


@pytest.mark.parametrize("text", [None, "", "Z", "yesterday", "2026-13-45T00:00:00Z", f"{AT}ZZ"])
def test_anything_else_is_no_timestamp(text):
    assert parse_timestamp(text) is None


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
