# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: this file may change at any time. Do not import it from elsewhere.

"""How the report writes what the API returns."""

from __future__ import annotations

import base64
import hashlib
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.oecsh.cloud.plugins.module_utils._base.redact import MASK, without_credentials
from ansible_collections.oecsh.cloud.plugins.module_utils._base.validation import is_https_url

NO_NAME = "(no visible name)"
NO_NUMBER = -1.0

_NUMBER = re.compile(r"[0-9]+(?:\.[0-9]+)?")

Fields = Mapping[str, Any]


@dataclass(frozen=True)
class Meter:
    """The parts of a bar in percent of its full width, such as 12.5%; a part that is not drawn is empty."""

    fill: str
    old: str
    old_start: str


def csp_hash(text: str) -> str:
    """Return the hash by which a Content-Security-Policy allows an inline style or script."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def version_number(version: str) -> float:
    """Return the first number in the name of a version, or -1 where it has none."""
    found = _NUMBER.search(version)
    return float(found[0]) if found else NO_NUMBER


def repository_link(url: str) -> str:
    """Return a URL without its credentials, or nothing where it is not safe to link to."""
    link = re.split("[?#]", without_credentials(url))[0].replace(f"//{MASK}@", "//", 1)
    # Browsers read a backslash as a slash, so the host would be another one.
    return link if is_https_url(link) and "\\" not in link else ""


def gigabytes(megabytes: float) -> str:
    """Return an amount of memory with at most one decimal, such as 62 GB or 0.5 GB."""
    return f"{megabytes / 1024:.1f}".removesuffix(".0") + " GB"


def meter(value: float, largest: float, old: float = 0) -> Meter:
    """Return a bar whose full width is the largest value. Its right end is what is old."""

    def percent(part: float) -> str:
        return f"{round(100 * part / (largest or 1), 2)}%"

    return Meter(
        fill=percent(value - old) if value > old else "",
        old=percent(old) if old else "",
        old_start=percent(value - old) if old else "",
    )


def text_of(value: object) -> str:
    return str(value).strip() if value else ""


def number_of(value: Any) -> float:
    """Return a number of the API; 0 where it has none, or something else."""
    try:
        number = float(value or 0)
    except (TypeError, ValueError):
        return 0
    return number if abs(number) < float("inf") else 0


def name_of(fields: Fields) -> str:
    """Return the name of an object, or what tells people apart those whose name cannot be seen."""
    name = text_of(fields.get("name"))
    # Letters, marks, numbers, punctuation and symbols; all else is whitespace, or has no width.
    if any(unicodedata.category(character)[0] in "LNPS" for character in name):
        return name
    return " ".join(filter(None, (NO_NAME, text_of(fields.get("id"))[:8])))
