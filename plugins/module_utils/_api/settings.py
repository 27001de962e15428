# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: this file may change at any time. Do not import it from elsewhere.

"""How to reach the API."""

from __future__ import annotations

import hashlib
import ipaddress
import re
import ssl
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from ansible_collections.oecsh.cloud.plugins.module_utils._base.errors import OecError
from ansible_collections.oecsh.cloud.plugins.module_utils._base.validation import is_printable_ascii

DEFAULT_URL = "https://api.oec.sh/api/public/v1"
READ_ONLY_PREFIX = "oec_live_ro_"
# What is shorter is no key, and may be a word of a result.
MIN_KEY_LENGTH = 20

_KEY_PATTERN = re.compile(r"oec_live_(ro|rw)_[A-Za-z0-9_-]{20,200}")
_LOWEST = {"api_timeout": 1, "api_retries": 0, "api_max_wait": 1}
_HIGHEST = 1_000_000


@dataclass(frozen=True)
class Settings:
    """The connection options. Raises OecError `invalid_input` for what is wrong before the first request."""

    api_key: str = field(repr=False)
    api_url: str = DEFAULT_URL
    api_timeout: float = 30
    api_retries: int = 5
    api_max_wait: float = 600
    validate_certs: bool = True
    ca_path: str | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "api_key", self.api_key.strip())
        object.__setattr__(self, "api_url", self.api_url.strip().rstrip("/") or DEFAULT_URL)
        if not self.api_key:
            raise OecError(
                "invalid_input", "api_key is empty", "Set api_key, or the environment variable OECSH_API_KEY."
            )
        if not is_printable_ascii(self.api_key) or any(mark in self.api_key for mark in "'\"` "):
            raise OecError(
                "invalid_input",
                "api_key contains characters that no API key has",
                "Copy the key again, without quotes or anything else before or after it.",
            )
        _check_url(self.api_url)
        for option, lowest in _LOWEST.items():
            value = getattr(self, option)
            if not lowest <= value <= _HIGHEST:
                raise OecError("invalid_input", f"{option} is {value}", f"Use a number from {lowest} to {_HIGHEST}.")
        if self.ca_path and self.validate_certs:
            _check_bundle(self.ca_path)

    @property
    def is_read_only(self) -> bool:
        """Whether the key says by its prefix that it may only read."""
        return self.api_key.startswith(READ_ONLY_PREFIX)

    @property
    def key_fingerprint(self) -> str:
        return hashlib.sha256(self.api_key.encode()).hexdigest()

    @property
    def has_usual_key(self) -> bool:
        return _KEY_PATTERN.fullmatch(self.api_key) is not None


def _check_url(url: str) -> None:
    if not url.isprintable() or any(mark in url for mark in "@?# "):
        raise OecError(
            "invalid_input",
            "api_url contains credentials, a query, a fragment or whitespace",
            f"It looks like {DEFAULT_URL}.",
        )
    try:
        parts = urlsplit(url)
        host, _port = parts.hostname or "", parts.port
    except ValueError as error:
        raise OecError("invalid_input", f"api_url is not a URL ({error})", f"It looks like {DEFAULT_URL}.") from error
    if not host or not (parts.scheme == "https" or (parts.scheme == "http" and _is_loopback(host))):
        raise OecError(
            "invalid_input",
            f"api_url {url} is not an https URL",
            "The API key is sent with each request: plain http is for loopback only.",
        )


def _check_bundle(path: str) -> None:
    try:
        ssl.create_default_context(cafile=path)
    except (OSError, ValueError) as error:
        raise OecError(
            "invalid_input",
            f"ca_path {path} could not be read as a PEM bundle ({error})",
            "Name a file with one or more PEM certificates.",
        ) from error


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
