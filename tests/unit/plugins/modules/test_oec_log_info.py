# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.oecsh.cloud.tests.support import UNKNOWN_ID

ONE = {"project": "Client ERP", "environment": "production"}
LOGS, RUNTIME_LOGS = "/environments/[^/]+/logs", "/environments/[^/]+/runtime-logs"


@pytest.fixture
def erp(emulator) -> dict[str, Any]:
    """The production of Client ERP, which runs."""
    return emulator.add_environment(emulator.add_project("Client ERP")["id"])


@pytest.fixture
def oec_log_info(run_module, emulator) -> Callable[..., dict[str, Any]]:
    """oec_log_info(**options): the result, which is never changed."""

    def run(**options: Any) -> dict[str, Any]:
        result: dict[str, Any] = run_module(
            "oec_log_info", **(options if "environment_id" in options else ONE | options)
        )
        assert "diff" not in result
        assert (result.get("changed", False), emulator.log.writes) == (False, [])
        return result

    return run


@pytest.mark.parametrize(
    ("source", "last"),
    [
        ("odoo", "INFO production odoo.http: request 120 served"),
        ("container", "production-odoo | request 120 served"),
        ("postgres", "LOG:  checkpoint 120 complete"),
    ],
)
@pytest.mark.parametrize(("lines", "count"), [({}, 100), ({"lines": 1}, 1), ({"lines": 1000}, 120)])
def test_the_last_lines_of_what_runs(oec_log_info, emulator, erp, source, last, lines, count):
    result = oec_log_info(source=source, **lines)
    assert (len(result["log"]), result["log"][-1]) == (count, last)
    assert (result["source"], result["task_id"], result["truncated"]) == (source, None, count < 120)
    assert emulator.log.count() == 3


@pytest.mark.parametrize(("lines", "count"), [({}, 4), ({"lines": 2}, 2)])
def test_the_log_of_the_latest_task_of_any_type(oec_log_info, emulator, erp, lines, count):
    emulator.start_task(erp["id"], "deploy", seconds=0)
    emulator.clock.advance(10)
    restart = emulator.start_task(
        erp["id"], "restart", outcome="failed", step="stop_odoo", error="It hangs.", log="a\nb"
    )
    emulator.clock.advance(60)
    log = ["restart: queued", "[1/3] stop_odoo", "a", "b", "ERROR: It hangs."]
    result = oec_log_info(**lines)
    assert result["log"] == log[-lines.get("lines", 100) :]
    assert (result["source"], result["task_id"]) == ("task", restart["id"])
    assert result["truncated"] is (count < 4)


def test_the_log_of_one_task(oec_log_info, emulator, erp):
    deployment = emulator.start_task(erp["id"], "deploy", seconds=0)
    emulator.clock.advance(10)
    emulator.start_task(erp["id"], "restart")
    result = oec_log_info(environment_id=erp["id"].upper(), task_id=deployment["id"].upper(), lines=1)
    assert (result["log"], result["task_id"]) == (["deploy: completed"], deployment["id"])
    assert emulator.log.count() == 2


def test_an_environment_without_a_task_has_an_empty_log(oec_log_info, erp):
    result = oec_log_info()
    assert (result["log"], result["task_id"], result["truncated"]) == ([], None, False)


def test_lines_are_text_that_no_terminal_interprets(oec_log_info, emulator, erp):
    log = "\x1b[31mred\x07\r\n{{ lookup('pipe', 'id') }}\ttab\u202e\nhttps://robot:hunter22@github.com/acme"
    emulator.start_task(erp["id"], "restart", seconds=0, log=log)
    emulator.clock.advance(10)
    lines = oec_log_info()["log"]
    assert all(line.isprintable() for line in lines)
    assert "{{ lookup('pipe', 'id') }} tab " in lines
    assert "https://***@github.com/acme" in lines


@pytest.mark.parametrize("status", ["stopped", "paused", "error"])
def test_what_does_not_run_has_only_the_log_of_its_task(oec_log_info, emulator, erp, status):
    emulator.start_task(erp["id"], "stop", seconds=0)
    emulator.clock.advance(10)
    emulator.edit_environment(erp["id"], status=status)
    assert oec_log_info()["log"][-1] == "stop: completed"
    result = oec_log_info(source="odoo")
    assert result["error"]["code"] == "wrong_state"
    assert f"it is {status!r}" in result["msg"]
    assert "source=task" in result["msg"]


def test_more_than_six_a_minute_wait(oec_log_info, emulator, erp, sleeps):
    assert [len(oec_log_info(source="odoo", lines=5)["log"]) for _run in range(6)] == [5] * 6
    assert sleeps == []
    assert len(oec_log_info(source="odoo", lines=5)["log"]) == 5
    assert 50 <= sum(sleeps) <= 63
    assert emulator.log.count(f"GET {RUNTIME_LOGS}") == 8


@pytest.mark.parametrize(("status", "code"), [(502, "bad_gateway"), (504, "gateway_timeout")])
def test_a_server_that_does_not_respond_is_asked_again(oec_log_info, emulator, erp, status, code):
    emulator.faults.add("status", "GET", RUNTIME_LOGS, status=status)
    assert len(oec_log_info(source="odoo")["log"]) == 100
    emulator.faults.add("status", "GET", RUNTIME_LOGS, status=status, times=None)
    assert oec_log_info(source="odoo")["error"]["code"] == code


@pytest.mark.parametrize(
    ("options", "code", "words", "requests"),
    [
        ({"lines": 0}, "invalid_input", "lines is 0", 0),
        ({"lines": 1001}, "invalid_input", "lines is 1001", 0),
        ({"source": "nginx"}, "invalid_input", "'nginx'", 0),
        ({"task_id": "4711"}, "invalid_input", "'4711' is not a UUID", 0),
        ({"source": "odoo", "task_id": UNKNOWN_ID}, "invalid_input", "source=task only", 0),
        ({"project": ""}, "invalid_input", "its project and its name", 0),
        ({"environment_id": "production"}, "invalid_input", "'production' is not a UUID", 0),
        ({"environment_id": UNKNOWN_ID}, "not_found", UNKNOWN_ID, 1),
        ({"environment": "staging"}, "not_found", "it has: 'production'", 2),
        ({"task_id": UNKNOWN_ID}, "not_found", "Task not found", 3),
    ],
)
def test_what_cannot_be_read_is_rejected(oec_log_info, emulator, erp, options, code, words, requests):
    result = oec_log_info(**options)
    assert (result["error"]["code"], words in result["msg"]) == (code, True)
    assert emulator.log.count() <= requests
