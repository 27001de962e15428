# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.oecsh.cloud.plugins.plugin_utils._table import table


def test_columns_are_aligned_and_lines_do_not_end_in_spaces():
    assert table([("client", "MB"), ("Shop", 3), ("Bakery", "")]) == ["client  MB", "Shop    3", "Bakery"]


@pytest.mark.parametrize(
    ("cell", "expected"),
    [("x" * 40, "x" * 40), ("x" * 41, "x" * 39 + "~"), ("x\ny\x1b[1m", "x y [1m")],
)
def test_a_cell_is_one_line_of_at_most_40_characters(cell, expected):
    # What comes last is as long as it is.
    assert table([(cell, "y" * 99)]) == [f"{expected}  {'y' * 99}"]
