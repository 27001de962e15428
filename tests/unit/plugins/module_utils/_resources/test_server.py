# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.oecsh.cloud.plugins.module_utils._base.errors import OecError
from ansible_collections.oecsh.cloud.plugins.module_utils._resources.environment import ENVIRONMENT
from ansible_collections.oecsh.cloud.plugins.module_utils._resources.server import measured
from ansible_collections.oecsh.cloud.tests.support import UNKNOWN_ID


@pytest.mark.parametrize(
    ("status", "code", "expected"),
    [
        (404, "not_found", None),
        *((502, code, None) for code in ("server_unreachable", "metrics_unavailable", "docker_timeout")),
        (405, "", None),
        (502, "bad_gateway", "bad_gateway"),
        (402, "subscription_blocked", "subscription_blocked"),
    ],
)
def test_figures_may_be_missing(make_client, emulator, status, code, expected):
    """Where the server does not respond, or the API has none; any other failure is one."""
    emulator.faults.add("status", status=status, body={"error": code} if code else {})
    client = make_client(api_retries=0)
    if expected:
        with pytest.raises(OecError) as caught:
            measured(client, ENVIRONMENT, UNKNOWN_ID, "metrics")
        assert caught.value.failure.code == expected
    else:
        assert measured(client, ENVIRONMENT, UNKNOWN_ID, "metrics") is None
    assert emulator.log.requests()[0].path == f"/environments/{UNKNOWN_ID}/metrics"
