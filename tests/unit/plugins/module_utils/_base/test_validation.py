# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.oecsh.cloud.plugins.module_utils._base.validation import (
    is_header_value,
    is_https_url,
    is_printable_ascii,
    is_text,
    is_uuid,
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
