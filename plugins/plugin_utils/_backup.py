# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: this file may change at any time. Do not import it from elsewhere.

"""What a nightly job says about the backups of all environments."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.oecsh.cloud.plugins.module_utils._base.errors import (
    MAX_CONSECUTIVE_TIMEOUTS,
    Failure,
    one_line,
)
from ansible_collections.oecsh.cloud.plugins.plugin_utils._table import table

_GOOD = ("completed", "adopted", "not_needed")
_UNITS = ("B", "kB", "MB", "GB", "TB")

Row = Mapping[str, Any]


def backup_report(
    results: Sequence[Mapping[str, Any]], environments: Sequence[Mapping[str, Any]], seconds: float = 0
) -> dict[str, Any]:
    """Return {backups, summary, progress, table, failures, is_over, left}.

    `results`: of the tasks of oec_backup so far, each with the `environment_ids` of its list. `environments`: all that
    are to be backed up, as oec_environment_info returns them. `seconds`: how long it has taken. `backups` has a row for
    each environment, with `is_good`; what was not tried is skipped. `is_over`: whether to go on is useless. `left`: the
    ids of the last list that were not tried because of others in it. Raise TypeError or KeyError for other input.
    """
    if isinstance(results, Mapping) or isinstance(environments, Mapping):
        raise TypeError("the results and the environments must be lists")
    found = {row["environment_id"]: row for row in _rows(results)}
    rejected = [result for result in results if "backups" not in result]
    fatal = next((_error(result) for result in rejected if _is_fatal(_error(result))), None)
    invalid = {} if fatal else {ident: error for result in rejected for ident, error in _invalid(result).items()}
    rows = [
        _judged(found.get(each["id"]) or _without_backup(each, invalid.get(each["id"]), fatal)) for each in environments
    ]
    is_stopped = any(row["outcome"] == "skipped" for row in _rows(results))
    is_over = fatal is not None or is_stopped or _is_silent(results)
    done = [row for row in rows if row["outcome"] != "skipped"]
    good = [row for row in rows if row["is_good"]]
    failed = [row for row in done if not row["is_good"]]
    summary = {
        "environments": len(rows),
        "good": len(good),
        "new": sum(row["changed"] for row in good),
        "failed": len(failed),
        "not_tried": len(rows) - len(done),
    }
    return {
        "backups": rows,
        "summary": summary,
        "progress": _progress(summary, sum(map(_is_predicted, rows)), 0 if is_over else seconds),
        "table": _table([*good, *(row for row in rows if not row["is_good"])]),
        "failures": [*(f"{_name(row)}: {_reason(row)}" for row in failed), *_skipped(rows)],
        "is_over": is_over,
        "left": [] if is_over or not rejected or results[-1] is not rejected[-1] else _left(results[-1]),
    }


def _rows(results: Sequence[Mapping[str, Any]]) -> Iterator[Row]:
    for result in results:
        yield from result.get("backups", ())


def _invalid(result: Mapping[str, Any]) -> dict[str, Any]:
    """Return the error of each environment that a list was rejected for, by its id."""
    ids = result.get("environment_ids", ())
    return {
        ids[each["item"] - 1]: {"status": None, "code": each["code"], "message": each["message"], "details": None}
        for each in _items(_error(result))
        if each["item"] <= len(ids)
    }


def _items(error: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the details of an error that are about single items of a list."""
    details = error["details"] if isinstance(error["details"], list) else []
    return [each for each in details if isinstance(each, Mapping) and "item" in each]


def _left(result: Mapping[str, Any]) -> list[str]:
    invalid = _invalid(result)
    return [ident for ident in result.get("environment_ids", ()) if ident not in invalid]


def _error(result: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return why a task reports no backups. One without an error has crashed."""
    return result.get("error") or Failure("no_response", str(result.get("msg") or result.get("exception"))).as_error()


def _is_silent(results: Sequence[Mapping[str, Any]]) -> bool:
    """Return whether as many environments in a row as end a task could not be read for want of a response."""
    count = 0
    for result in results:
        error = {} if "backups" in result else _error(result)
        silent = {each["item"] for each in _items(error)} if error and _failure(error).is_transient else set()
        for number, _ident in enumerate(result.get("environment_ids", ()), 1):
            count = count + 1 if number in silent else 0
            if count == MAX_CONSECUTIVE_TIMEOUTS:
                return True
    return False


def _failure(error: Mapping[str, Any]) -> Failure:
    return Failure(error["code"], error["message"], status=error["status"])


def _is_fatal(error: Mapping[str, Any]) -> bool:
    """Whether every task would fail alike: for the account, or since it is not about an environment."""
    return _failure(error).is_fatal or not _items(error)


def _judged(row: Row) -> dict[str, Any]:
    return {**row, "is_good": row["outcome"] in _GOOD and not row["is_shrunken"]}


def _without_backup(
    environment: Mapping[str, Any], invalid: Mapping[str, Any] | None, fatal: Mapping[str, Any] | None
) -> Row:
    """Return the row of an environment that could not be found or read, or else was not looked at."""
    earlier = Failure("skipped", "not tried, because of an earlier failure").as_error()
    return {
        "project": environment["project_name"],
        "environment": environment["name"],
        "environment_id": environment["id"],
        "outcome": "failed" if invalid else "skipped",
        "changed": False,
        "task": None,
        "error": invalid or fatal or earlier,
        "log": [],
        "backup": None,
        "size_ratio": None,
        "is_shrunken": False,
        "newest_completed_at": None,
    }


def _skipped(rows: Sequence[Row]) -> list[str]:
    """Return a line for each reason why environments were not looked at."""
    reasons = Counter(_reason(row) for row in rows if row["outcome"] == "skipped")
    return [f"{count} not looked at: {reason}" for reason, count in reasons.items()]


def _is_predicted(row: Row) -> bool:
    """Whether this is check mode, and a backup would be taken: it has no id."""
    return row["changed"] and row["backup"] is not None and row["backup"].get("id") is None


def _progress(summary: Mapping[str, int], predicted: int, seconds: float) -> str:
    done, new = summary["good"] + summary["failed"], summary["new"] - predicted
    line = f"{done} of {summary['environments']} environments: {summary['good'] - predicted} with a fresh backup"
    line += f", {new} of them new" if new else ""
    line += f"; {predicted} would get one" if predicted else ""
    line += f"; {summary['failed']} without" if summary["failed"] else ""
    if not done or not summary["not_tried"] or seconds <= 0:
        return line
    minutes = math.ceil(seconds / done * summary["not_tried"] / 60)
    return f"{line}; about {minutes} min left"


def _table(rows: Sequence[Row]) -> list[str]:
    return table([("project", "environment", "completed (UTC)", "size", "state"), *map(_columns, rows)])


def _columns(row: Row) -> tuple[str, ...]:
    backup = row["backup"] or {}
    size = next(
        (
            backup[name]
            for name in ("total_size", "compressed_size", "database_size")
            if isinstance(backup.get(name), (int, float))
        ),
        None,
    )
    # Where the newest one has failed, how old the last good one is matters most.
    moment = str(row["newest_completed_at"] or "-")[:16].replace("T", " ")
    return (row["project"], row["environment"], moment, _size(size), _state(row))


def _state(row: Row) -> str:
    if row["is_good"]:
        return "to be taken" if _is_predicted(row) else "new" if row["changed"] else "fresh"
    return str(row["error"]["code"]) if row["error"] else "shrunken" if row["is_shrunken"] else row["outcome"]


def _size(size: float | None) -> str:
    if size is None:
        return "-"
    unit = 0
    while size >= 1000 and unit < len(_UNITS) - 1:
        size, unit = size / 1000, unit + 1
    return f"{size:.0f} {_UNITS[unit]}"


def _name(row: Row) -> str:
    return one_line(f"{row['project']}/{row['environment']}")


def _reason(row: Row) -> str:
    if row["is_shrunken"] and not row["error"]:
        share = f"{row['size_ratio'] * 100:.0f} %"
        hint = "Look at the client. If all is well, take another one with oec_backup."
        return f"its backup has {share} of the size of the one before it. {hint}"
    return one_line((row["error"] or {}).get("message") or row["outcome"])
