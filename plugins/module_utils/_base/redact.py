# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: this file may change at any time. Do not import it from elsewhere.

"""Hide secrets: the API key, and credentials and queries of URLs. All output goes through this, and nothing else."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeVar
from urllib.parse import unquote

T = TypeVar("T")

MASK = "***"

# In a sentence, a URL ends somewhere; a field that is one URL may hold any character in its password.
_CREDENTIALS_IN_TEXT = re.compile(r"(?<=://)[^/?#\s\"'<>]*@")
_QUERY_IN_TEXT = re.compile(r"(?<=://)([^?#;\s\"'<>]*[?#;])[^\s\"'<>]+")
_CREDENTIALS_OF_URL = re.compile(r"\A([a-z][a-z0-9+.-]*://).*@", re.DOTALL | re.IGNORECASE)
_QUERY_OF_URL = re.compile(r"\A([a-z][a-z0-9+.-]*://[^?#;]*[?#;]).+", re.DOTALL | re.IGNORECASE)
_SECRET_PARAMETER = re.compile(r"[?&#;][^?&#;=]*(?:token|key|secret|pass|auth|cred|sig|jwt)[^?&#;=]*=([^&#;]+)", re.I)
_MASKED = re.compile(rf"//{re.escape(MASK)}@|[?#;]{re.escape(MASK)}\Z")
# One may stand where none is expected, such as under a misspelt option.
_KEY = re.compile(r"oec_live_r[ow]_[A-Za-z0-9_-]{20,}")
# What is shorter may be part of an ordinary word.
_MIN_SECRET_LENGTH = 4


@dataclass(frozen=True)
class Redaction:
    """What to hide. `urls`: fields that hold one URL each. `names`: fields that are returned unchanged."""

    urls: frozenset[str] = frozenset()
    names: frozenset[str] = frozenset()
    secrets: tuple[str, ...] = ()

    def __or__(self, other: Redaction) -> Redaction:
        return Redaction(self.urls | other.urls, self.names | other.names, self.secrets + other.secrets)

    def hiding(self, secrets: Iterable[str]) -> Redaction:
        """Return a redaction that replaces these texts as well, wherever they occur."""
        return replace(self, secrets=(*self.secrets, *filter(None, secrets)))

    def field(self, name: str, value: Any) -> Any:
        """Return the value of a field without the credentials of a URL; `secrets` are not looked for."""
        if not isinstance(value, str) or name in self.names:
            return value
        if name in self.urls:
            return without_credentials(value)
        return _QUERY_IN_TEXT.sub(rf"\1{MASK}", _CREDENTIALS_IN_TEXT.sub(f"{MASK}@", value))

    def __call__(self, value: T) -> T:
        """Return the value with every string in it redacted, keys of dictionaries included."""
        longest_first = sorted(self.secrets, key=len, reverse=True)

        def redact(item: Any, field: str = "") -> Any:
            if isinstance(item, str):
                clean = self.field(field, item)
                for secret in longest_first:
                    clean = clean.replace(secret, MASK)
                clean = _KEY.sub(MASK, clean)
                return item if clean == item else clean
            if isinstance(item, Mapping):
                return {redact(key): redact(inner, str(key)) for key, inner in item.items()}
            if isinstance(item, list):
                return [redact(inner) for inner in item]
            return item

        result: T = redact(value)
        return result

    def options(self, value: Any) -> Any:
        """Return the options of a task with invalid URLs replaced: a password may be anywhere in them."""
        if isinstance(value, Mapping):
            return {
                key: MASK if key in self.urls and _is_doubtful(inner) else self.options(inner)
                for key, inner in value.items()
            }
        return [self.options(inner) for inner in value] if isinstance(value, list) else value


def _is_doubtful(url: Any) -> bool:
    """Return whether a value given as a URL may contain credentials in an unknown place."""
    return url is not None and (not isinstance(url, str) or re.search("[@?#;]", _MASKED.sub("", url)) is not None)


def without_credentials(url: str) -> str:
    """Return a URL with its user name, password and query replaced by `***`; other texts stay as they are."""
    return _QUERY_OF_URL.sub(rf"\1{MASK}", _CREDENTIALS_OF_URL.sub(rf"\1{MASK}@", url))


def has_mask(url: str) -> bool:
    """Return whether a URL has `***` where its credentials or its query were, as modules return it."""
    return _MASKED.search(url) is not None


def credentials_in(url: str) -> list[str]:
    """Return what is secret in a URL, as written and percent-decoded, but for parts too short to be secret.

    That is user name and password, and what its query calls a token or the like; `?ref=main` is none.
    """
    userinfo = url.partition("://")[2].rpartition("@")[0]
    parts = [userinfo, *userinfo.partition(":")[::2], *_SECRET_PARAMETER.findall(url)]
    return [text for part in parts for text in (part, unquote(part)) if len(text) >= _MIN_SECRET_LENGTH]
