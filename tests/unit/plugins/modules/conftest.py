# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

Result = dict[str, Any]


@pytest.fixture
def sleeps():
    """How long the module has slept, each time. `meanwhile`: what others do in the first of them."""

    class Sleeps(list[float]):
        meanwhile: Callable[[], object] | None = None

        def append(self, seconds: float) -> None:
            super().append(seconds)
            action, self.meanwhile = self.meanwhile, None
            if action:
                action()

    return Sleeps()


@pytest.fixture
def run_module(run_module: Callable[..., Result], emulator) -> Callable[..., Result]:
    """The fixture of that name for every module, and in each result: no secret, no traceback, an error with its code.

    "hunter22" is the password in all Git URLs of these tests.
    """

    def run(module: str, /, **options: Any) -> Result:
        result = run_module(module, _ansible_verbosity=3, **options)
        key = options.get("api_key", emulator.keys.full).strip()
        text = json.dumps(result)
        assert [secret for secret in (key, "hunter22", "Traceback") if secret in text] == []
        assert ("error" in result) == bool(result.get("failed"))
        errors = [reported["error"] for reported in (result, *result.get("projects", [])) if reported.get("error")]
        for error in errors:
            assert set(error) == {"status", "code", "message", "details"}
            assert error["code"]
        return result

    return run
