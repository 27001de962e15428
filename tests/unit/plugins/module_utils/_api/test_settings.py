# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import re

import pytest
from ansible_collections.oecsh.cloud.plugins.module_utils._api.settings import DEFAULT_URL, Settings
from ansible_collections.oecsh.cloud.plugins.module_utils._base.errors import OecError

KEY = "oec_live_rw_0123456789abcdefghijABCDEFGHIJ0123456789_-x"


def failure_of(**settings):
    with pytest.raises(OecError) as caught:
        Settings(**{"api_key": KEY, **settings})
    assert caught.value.failure.code == "invalid_input"
    assert "hunter22" not in f"{caught.value} {caught.value!r}"
    return caught.value.failure


HTTPS = ["https://api.example.com:8443/v1", "https://[2001:db8::1]/v1"]
LOOPBACK = ["http://127.0.0.1:8080/v1", "http://127.8.9.10", "http://[::1]:8080", "http://localhost:8080"]


@pytest.mark.parametrize("url", [*HTTPS, *LOOPBACK])
def test_a_valid_api_url_is_used_without_what_surrounds_it(url):
    assert {Settings(KEY, api_url=given).api_url for given in (url, f"{url}//", f" {url}\n")} == {url}


def test_an_empty_api_url_is_the_default():
    assert {Settings(KEY, api_url=url).api_url for url in ("", " \n", "/")} == {DEFAULT_URL}


@pytest.mark.parametrize(
    ("message", "urls"),
    [
        ("api_url {} is not an https URL", ["http://api.oec.sh/v1", "http://10.0.0.1", "http://localhost.example.com"]),
        ("api_url {} is not an https URL", ["http://127.0.0.1.example.com", "ftp://127.0.0.1", "a.example/v1"]),
        ("api_url {} is not an https URL", ["https:///v1", "https:"]),
        (
            "api_url contains ",
            ["https://a.example?", "https://a.example#", "https://a.example/b c", "https://a\t.example"],
        ),
        (
            "api_url contains ",
            ["https://joe:hunter22@a.example", "http://hunter22@a.example", "https://a:hunter22/x@b"],
        ),
        ("api_url is not a URL (", ["https://a.example:https", "https://a.example:99999", "https://[::1"]),
    ],
)
def test_an_invalid_api_url_is_rejected(message, urls):
    for url in urls:
        failure = failure_of(api_url=url)
        assert failure.message.startswith(message.format(url))
        assert failure.hint


def test_an_empty_key_is_rejected_with_the_variable_to_set():
    for key in ("", " ", "\n"):
        failure = failure_of(api_key=key)
        assert (failure.message, "OECSH_API_KEY" in failure.hint) == ("api_key is empty", True)


@pytest.mark.parametrize("text", [" oec", "\nX-Other: 1", "\x00", "é", "\tx", '"', "'", "`"])
def test_a_key_with_other_characters_is_rejected(text):
    failure = failure_of(api_key=f"oec_live_rw_hunter22{text}")
    assert failure.message == "api_key contains characters that no API key has"


def test_a_key_loses_its_newline_and_is_not_printed():
    settings = Settings(f" {KEY}\n")
    assert settings.api_key == KEY
    assert KEY not in f"{settings} {settings!r}"


@pytest.mark.parametrize("key", [f"oec_live_rw_{'x' * 43}", f"oec_live_ro_{'x' * 20}", KEY])
def test_an_unusual_key_is_recognized(key):
    assert Settings(key).has_usual_key
    for unusual in (f"Bearer:{key}", f"{key},", key[:31], key.replace("oec_", "sk_")):
        assert not Settings(unusual).has_usual_key


def test_the_prefix_says_whether_a_key_may_only_read():
    prefixes = ("oec_live_ro_", "oec_live_rw_", "ro_")
    assert [Settings(f"{prefix}{'x' * 43}").is_read_only for prefix in prefixes] == [True, False, False]


@pytest.mark.parametrize(("option", "lowest"), [("api_timeout", 1), ("api_retries", 0), ("api_max_wait", 1)])
def test_numbers_have_a_lowest_and_a_highest_value(option, lowest):
    for value in (lowest, 1_000_000):
        assert getattr(Settings(KEY, **{option: value}), option) == value
    for value in (lowest - 1, -30, 1_000_001, float("nan")):
        sentences = f"{option} is {value}. Use a number from {lowest} to 1000000."
        assert str(failure_of(**{option: value})) == sentences


@pytest.mark.parametrize("content", [None, "", "not a certificate", "directory"])
def test_an_unreadable_ca_path_is_rejected(tmp_path, content):
    bundle = tmp_path / "bundle.pem"
    if content == "directory":
        bundle.mkdir()
    elif content is not None:
        bundle.write_text(content)
    message = failure_of(ca_path=str(bundle)).message
    assert re.match(rf"ca_path {re.escape(str(bundle))} could not be read as a PEM bundle \(.+\)", message)


def test_ca_path_is_not_read_without_validation():
    assert Settings(KEY, ca_path="/nowhere.pem", validate_certs=False).ca_path == "/nowhere.pem"
