# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: this file may change at any time. Do not import it from elsewhere.

"""What a value must look like before it is sent."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE)
# NUL cannot be stored; lone surrogates cannot be encoded as UTF-8.
_NOT_TEXT = re.compile("[\0\ud800-\udfff]")


def is_uuid(text: str) -> bool:
    return _UUID.fullmatch(text) is not None


def is_text(text: str) -> bool:
    return _NOT_TEXT.search(text) is None


def is_printable_ascii(text: str) -> bool:
    return text.isascii() and text.isprintable()


def is_header_value(text: str) -> bool:
    """Return whether an HTTP header can carry the text unchanged."""
    return is_printable_ascii(text) and text == text.strip()


def is_https_url(url: str) -> bool:
    """Return whether it is an https URL with a host and a valid port, if any."""
    try:
        parts = urlsplit(url)
        host, _port = parts.hostname, parts.port
    except ValueError:
        return False
    return parts.scheme == "https" and bool(host) and url.isprintable() and " " not in url
