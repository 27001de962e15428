# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: this file may change at any time. Do not import it from elsewhere.

"""What a value must look like before it is sent."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from datetime import datetime, timezone
from difflib import get_close_matches
from fnmatch import fnmatchcase
from typing import Any
from urllib.parse import urlsplit

from ansible_collections.oecsh.cloud.plugins.module_utils._base.errors import Failure

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE)
# NUL cannot be stored; lone surrogates cannot be encoded as UTF-8.
_NOT_TEXT = re.compile("[\0\ud800-\udfff]")
_HOST = re.compile(r"(\*\.)?([a-z0-9-]+\.)+[a-z0-9-]+", re.ASCII | re.IGNORECASE)
_MAX_HOST_LENGTH = 253
_BRANCH_CHARACTERS = re.compile(r"[\s\x00-\x1f\x7f~^:?*\[\\]|\.\.")
_BRANCH_START = re.compile(r"[/-]|(refs|pull|pull-requests|merge-requests)/", re.IGNORECASE)
_COMMIT_ID = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}", re.IGNORECASE)
_DURATION = re.compile(r"([0-9]{1,9})([smhd]?)")
_SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}
# A century: farther back there is no date to compare with.
_LONGEST = 36500 * _SECONDS["d"]


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


def plain_url_problem(url: str) -> str:
    """Return why a URL is no plain one, without credentials, or nothing; it may itself contain a password."""
    if found := re.search(r'[\\"<>]', url):
        return f"contains {found[0]!r}, which no URL can"
    return "contains a user name or password" if "@" in urlsplit(url).netloc else ""


def normal_url(url: str) -> str:
    """Return the same text for URLs of one address: with its host in any case, port 443 or none, `/` or no path."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return url
    host = parts.netloc.lower().removesuffix(":443")
    return parts._replace(netloc=host, path=parts.path or "/").geturl()


def branch_problem(branch: str) -> str:
    """Return why a text is no branch, or nothing: it could deploy code that is on none, such as that of a fork."""
    if found := _BRANCH_CHARACTERS.search(branch):
        return f"contains {found[0]!r}, which no branch can"
    if found := _BRANCH_START.match(branch):
        return f"begins with {found[0]!r}, which is no branch of the repository"
    return "is a commit, and not a branch" if _COMMIT_ID.fullmatch(branch) else ""


def name_problem(name: str) -> str:
    """Return what is wrong with a name, or nothing: the service may store it without surrounding whitespace."""
    return "begins or ends with whitespace" if name != name.strip() else ""


def host_problem(host: str) -> str:
    """Return why a text is no host name, or nothing. A first label of `*` is one for all."""
    if len(host) <= _MAX_HOST_LENGTH and _HOST.fullmatch(host):
        return ""
    return f"{host!r} is not a host name, such as erp.example.com"


def duration(text: str) -> int:
    """Return the seconds of `90`, `90m`, `2h` or `7d`. Raise ValueError for anything else."""
    found = _DURATION.fullmatch(text.strip())
    seconds = int(found[1]) * _SECONDS[found[2]] if found else _LONGEST
    if seconds >= _LONGEST:
        raise ValueError(f"{text!r} is not a time, such as 90m, 24h or 7d")
    return seconds


def duration_text(seconds: float) -> str:
    """Return a time in words, with its two greatest units: `3 d 4 h`, `2 h 5 min`, `12 min`."""
    minutes = max(0, int(seconds // 60))
    days, hours = minutes // 1440, minutes // 60 % 24
    units = {"d": days, "h": hours, "min": minutes % 60}
    parts = [f"{count} {unit}" for unit, count in units.items() if count]
    return " ".join(parts[:2]) or "less than 1 min"


def parse_timestamp(text: str | None) -> datetime | None:
    """Read ISO 8601, UTC where it names no time zone; None where it is not readable."""
    try:
        # Python 3.10 reads neither the Z nor one digit of a second.
        moment = datetime.fromisoformat(_pad_fraction((text or "").strip().upper().replace("Z", "+00:00")))
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)


def _pad_fraction(text: str) -> str:
    return re.sub(r"\.([0-9]{1,6})[0-9]*", lambda found: f".{found[1]:0<6}", text, count=1)


def comparable_name(name: str) -> str:
    """Return the same text for names that people take for the same: by case, whitespace, and invisible characters."""
    visible = "".join(character for character in name if unicodedata.category(character) != "Cf")
    return " ".join(unicodedata.normalize("NFC", unicodedata.normalize("NFC", visible).casefold()).split())


def nearest(word: str, known: Iterable[str]) -> str | None:
    """Return the known word that was probably meant, if any is close."""
    choices = list(known)
    parts = [choice for choice in choices if word in choice.split("_")]
    return next(iter(get_close_matches(word, choices, n=1) + parts), None)


def unknown_option(option: str, known: Iterable[str]) -> Failure:
    """Return the failure of an option that does not exist, with the one that was probably meant."""
    choices = sorted(known)
    close = nearest(option, choices)
    hint = f"Did you mean {close!r}?" if close else f"The options are: {', '.join(choices)}."
    return Failure("unknown_option", f"there is no option {option!r}", hint)


def matches_any(patterns: Iterable[Any], *values: str | None) -> bool:
    """Return whether any value equals or matches any pattern, or there are none. An unquoted 17.0 is a number."""
    texts = [str(pattern) for pattern in patterns if pattern not in (None, "")]
    found = [value for value in values if value is not None]
    return not texts or any(value == text or fnmatchcase(value, text) for value in found for text in texts)
