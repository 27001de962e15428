# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from datetime import timedelta

import pytest
from ansible_collections.oecsh.cloud.plugins.module_utils._base.errors import OecError
from ansible_collections.oecsh.cloud.plugins.module_utils._resources.options import age, check_least, check_uuid
from ansible_collections.oecsh.cloud.tests.support import UNKNOWN_ID


@pytest.mark.parametrize(
    ("text", "seconds"), [("24h", 86400), ("90", 90), ("0", None), ("0h", None), ("", None), (None, None)]
)
def test_an_age_of_nothing_is_none(text, seconds):
    assert age({"max_age": text}, "max_age") == (seconds and timedelta(seconds=seconds))


@pytest.mark.parametrize(
    ("check", "message"),
    [
        (lambda: age({"newer_than": "soon"}, "newer_than"), "newer_than: 'soon' is not a time"),
        (lambda: check_uuid({"a": UNKNOWN_ID, "b": "newest"}, "a", "b"), "b 'newest' is not a UUID"),
        (lambda: check_least({"a": 1, "b": 0}, a=1, b=1), "b is 0, and must be at least 1"),
        (lambda: check_uuid({"a": None, "b": "", "c": UNKNOWN_ID.upper()}, "a", "b", "c"), None),
        (lambda: check_least({"a": 1, "b": 0}, a=1, b=0), None),
    ],
)
def test_what_is_invalid_is_rejected_by_its_name(check, message):
    if message is None:
        check()
        return
    with pytest.raises(OecError, match=message) as caught:
        check()
    assert caught.value.failure.code == "invalid_input"
