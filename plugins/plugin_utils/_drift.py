# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: this file may change at any time. Do not import it from elsewhere.

"""The drift of an estate, as lines for people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.oecsh.cloud.plugins.plugin_utils._table import table


def drift_table(result: Mapping[str, Any]) -> list[str]:
    """Return one line for each row of `drift` in a result of `oec_projects`, under a header.

    What cannot be planned has the message of its failure in place of the values.
    """
    rows = result["drift"]
    if not rows:
        return ["Nothing differs."]
    messages = _messages((result.get("error") or {}).get("details"))
    lines = [("project", "environment", "field", "current -> desired"), *(_columns(row, messages) for row in rows)]
    if not any(row["environment"] for row in rows):
        lines = [(project, *others) for project, _environment, *others in lines]
    return table(lines)


def _columns(row: Mapping[str, Any], messages: Mapping[tuple[Any, ...], str]) -> tuple[str, ...]:
    place = (row["project"], row["environment"] or "")
    if not row["field"]:
        return (*place, "", messages.get((*place, row["code"]), row["code"]))
    code = f" ({row['code']})" if row["code"] else ""
    return (*place, row["field"], f"{row['current']} -> {row['desired']}{code}")


def _messages(details: Any) -> dict[tuple[Any, ...], str]:
    """Return the message by project, environment and code. The details of a failed write may have any shape."""
    keys = ("project", "code", "message")
    found = [each for each in details if isinstance(each, Mapping)] if isinstance(details, list) else []
    complete = [each for each in found if all(isinstance(each.get(key), str) for key in keys)]
    return {(each["project"], each.get("environment") or "", each["code"]): each["message"] for each in complete}
