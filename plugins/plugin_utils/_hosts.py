# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: this file may change at any time. Do not import it from elsewhere.

"""What inventory hosts are called, and which of them a filter selects."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

_INVALID_HOSTNAME_CHARS = re.compile(r"[^\w.-]+")
_ID_PREFIX_LENGTH = 8


def host_name(name: Any, *, fallback: str) -> str:
    """Return the name with everything replaced that has a meaning in `--limit` and `hosts`."""
    return _INVALID_HOSTNAME_CHARS.sub("_", "" if name is None else str(name)).strip("._-") or fallback


def unique_host_names(names: Mapping[str, str], is_taken: Callable[[str, str], bool]) -> dict[str, str]:
    """Return the names by id, all different, whatever their order.

    `is_taken(name, id)`: whether the name is in use for something else.
    """
    unique = dict(names)

    def clashing() -> list[str]:
        times = Counter(unique.values())
        return [ident for ident, name in unique.items() if times[name] > 1 or is_taken(name, ident)]

    length: int | None = _ID_PREFIX_LENGTH
    while clashes := clashing():
        unique.update({ident: f"{unique[ident]}-{ident[:length]}" for ident in clashes})
        length = None
    return unique
