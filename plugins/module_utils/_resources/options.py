# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: this file may change at any time. Do not import it from elsewhere.

"""Options that several modules have, and what makes them invalid."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from ansible_collections.oecsh.cloud.plugins.module_utils._api.kind import Spec
from ansible_collections.oecsh.cloud.plugins.module_utils._base.errors import OecError
from ansible_collections.oecsh.cloud.plugins.module_utils._base.result import Options
from ansible_collections.oecsh.cloud.plugins.module_utils._base.validation import duration, is_uuid

# One environment, where its name is not that of the module's own object.
TARGET: Spec = {
    "project": {"type": "str", "aliases": ["project_id"]},
    "environment": {"type": "str", "aliases": ["name"]},
    "environment_id": {"type": "str", "aliases": ["id"]},
}

# How young a backup must be of what is deleted, and in a list, where it may be common to all items.
BACKUP_AGE: Spec = {"absent_backup_max_age": {"type": "str", "default": "24h"}}
BACKUP_AGE_ITEM: Spec = {"absent_backup_max_age": {"type": "str"}}


def with_common(item: Options, common: Options | None) -> dict[str, Any]:
    """Return the options of an item, with those that it omits from what is common to all, or else from the defaults."""
    defaults = {name: option["default"] for name, option in BACKUP_AGE.items()}
    return {**defaults, **_given(common or {}), **_given(item)}


def _given(options: Options) -> dict[str, Any]:
    return {name: value for name, value in options.items() if value not in (None, "")}


def check_uuid(options: Options, *names: str) -> None:
    """Raise `invalid_input` for an id that is none."""
    for name in names:
        if options[name] and not is_uuid(options[name]):
            raise OecError("invalid_input", f"{name} {options[name]!r} is not a UUID")


def check_least(options: Options, **least: int) -> None:
    """Raise `invalid_input` for a number that is less than it must be."""
    for name, number in least.items():
        if options[name] < number:
            raise OecError("invalid_input", f"{name} is {options[name]}, and must be at least {number}")


def age(options: Options, name: str) -> timedelta | None:
    """Return an option such as `24h` as a time; None where it is omitted or 0. Raise OecError `invalid_input`."""
    if not options[name]:
        return None
    try:
        return timedelta(seconds=duration(options[name])) or None
    except ValueError as error:
        raise OecError("invalid_input", f"{name}: {error}") from None
