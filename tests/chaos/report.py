# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The closing table."""

from __future__ import annotations

HEADINGS = ("what was tried", "how often", "lost", "duplicated", "wrong")
BEGIN, END = "<!-- chaos table -->", "<!-- /chaos table -->"

Figures = dict[str, list[int]]


def table(figures: Figures) -> str:
    rows = [HEADINGS, *((what, *(f"{count:,}" for count in counts)) for what, counts in figures.items())]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADINGS))]

    def line(row: tuple[str, ...]) -> str:
        what, *counts = (
            cell.ljust(width) if cell is row[0] else cell.rjust(width) for cell, width in zip(row, widths, strict=True)
        )
        return f"| {' | '.join([what, *counts])} |"

    rule = "|".join(["-" * (widths[0] + 2), *("-" * (width + 1) + ":" for width in widths[1:])])
    return "\n".join([line(rows[0]), f"|{rule}|", *map(line, rows[1:])])


def insert(text: str, page: str) -> str:
    """The page with the text between its two markers; as it is where it has none."""
    before, begin, rest = page.partition(BEGIN)
    _old, end, after = rest.partition(END)
    return f"{before}{begin}\n{text}\n{end}{after}" if end else page
