# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The emulator's own time: tests move it instead of waiting."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

FORMAT = "%Y-%m-%dT%H:%M:%S.%fZ"


def iso(time: datetime) -> str:
    return time.astimezone(timezone.utc).strftime(FORMAT)


def from_iso(text: str) -> datetime:
    return datetime.strptime(text, FORMAT).replace(tzinfo=timezone.utc)


class EmulatorClock:
    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        self._ahead = timedelta(0)
        self._frozen: datetime | None = None

    def now(self) -> datetime:
        return self._frozen or datetime.now(timezone.utc) + self._ahead

    def advance(self, seconds: float) -> None:
        if self._frozen:
            self._frozen += timedelta(seconds=seconds)
        else:
            self._ahead += timedelta(seconds=seconds)

    def freeze(self, at: datetime | None = None) -> None:
        """Stop the clock, now or at the given (timezone-aware) time; then only `advance` moves it."""
        self._frozen = at or self.now()

    def thaw(self) -> None:
        """Continue from where the clock stands."""
        if self._frozen:
            self._ahead = self._frozen - datetime.now(timezone.utc)
            self._frozen = None
