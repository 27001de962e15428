# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: this file may change at any time. Do not import it from elsewhere.

"""Rows as lines of text, for people."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ansible_collections.oecsh.cloud.plugins.module_utils._base.errors import one_line

_MAX_WIDTH = 40


def table(rows: Sequence[Sequence[Any]]) -> list[str]:
    """Return a line for each row, with aligned columns. All but the last are cut off at 40 characters."""
    texts = [[one_line(str(cell)) for cell in row] for row in rows]
    short = [[*(_shortened(cell) for cell in row[:-1]), row[-1]] for row in texts]
    widths = [max(map(len, column)) for column in zip(*short, strict=True)]
    return ["  ".join(f"{cell:{width}}" for cell, width in zip(row, widths, strict=True)).rstrip() for row in short]


def _shortened(cell: str) -> str:
    return cell if len(cell) <= _MAX_WIDTH else f"{cell[: _MAX_WIDTH - 1]}~"
