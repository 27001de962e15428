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

    A project that cannot be planned has the message of its failure in place of the values.
    """
    rows = result["drift"]
    if not rows:
        return ["Nothing differs."]
    messages = _messages((result.get("error") or {}).get("details"))
    return table([("project", "field", "current -> desired"), *(_columns(row, messages) for row in rows)])


def _columns(row: Mapping[str, Any], messages: Mapping[tuple[str, str], str]) -> tuple[str, ...]:
    if not row["field"]:
        return (row["project"], "", messages.get((row["project"], row["code"]), row["code"]))
    code = f" ({row['code']})" if row["code"] else ""
    return (row["project"], row["field"], f"{row['current']} -> {row['desired']}{code}")


def _messages(details: Any) -> dict[tuple[str, str], str]:
    """Return the message by project and code. The details of a failed write are the API's own, of any shape."""
    keys = ("project", "code", "message")
    found = [each for each in details if isinstance(each, Mapping)] if isinstance(details, list) else []
    complete = [each for each in found if all(isinstance(each.get(key), str) for key in keys)]
    return {(each["project"], each["code"]): each["message"] for each in complete}
