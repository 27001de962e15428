# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The webhooks that are stored."""

from __future__ import annotations

import copy
import secrets
import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .state import State


def new_secret() -> str:
    return f"whsec_{secrets.token_hex(16)}"


@dataclass
class Webhook:
    org: str
    fields: dict[str, Any]  # exactly what the API returns
    secret: str = field(default_factory=new_secret)
    deliveries: int = 0

    def with_secret(self) -> dict[str, Any]:
        return {**copy.deepcopy(self.fields), "secret": self.secret}


class Webhooks:
    def __init__(self, state: State) -> None:
        self._state = state
        self.reset()

    def reset(self) -> None:
        self.stored: dict[str, Webhook] = {}  # in the order of creation

    def add(
        self,
        org: str,
        url: str,
        events: Iterable[str],
        project_id: str | None = None,
        secret: str | None = None,
        deliveries: int = 0,
        **more: Any,
    ) -> Webhook:
        fields: dict[str, Any] = {
            "id": str(uuid.uuid4()),
            "url": url,
            "events": list(events),
            "description": None,
            "project_id": project_id,
            "format": "raw",
            "is_active": True,
            "last_triggered_at": None,
            "failure_count": 0,
            "created_at": self._state.timestamp(),
        }
        if unknown := set(more) - set(fields):
            raise ValueError(f"a webhook has no {', '.join(sorted(unknown))}")
        fields |= more
        webhook = Webhook(org, fields, secret or new_secret(), deliveries)
        self.stored[fields["id"]] = webhook
        return webhook

    def of(self, org: str) -> list[Webhook]:
        return [webhook for webhook in self.stored.values() if webhook.org == org]

    def dump(self) -> list[dict[str, Any]]:
        return [{"org": each.org, "deliveries": each.deliveries, **each.with_secret()} for each in self.stored.values()]

    def load(self, entries: Iterable[dict[str, Any]]) -> None:
        for entry in entries:
            self.add(**{"org": "acme", **copy.deepcopy(entry)})
