# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: this file may change at any time. Do not import it from elsewhere.

"""The environments of a report, their backups, and why any of them deserves attention."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from ansible_collections.oecsh.cloud.plugins.module_utils._base.validation import duration_text
from ansible_collections.oecsh.cloud.plugins.module_utils._engine.tasks import COMPLETED, ending
from ansible_collections.oecsh.cloud.plugins.module_utils._resources.backup import Backups
from ansible_collections.oecsh.cloud.plugins.module_utils._resources.environment import (
    DESTROYING,
    FAILED_STATUSES,
    PAUSED,
    PENDING,
    STOPPED,
    status_of,
)
from ansible_collections.oecsh.cloud.plugins.plugin_utils._report_values import (
    Fields,
    name_of,
    repository_link,
    text_of,
)

# Each note that an environment can have: its title, and why it matters.
ENVIRONMENT_NOTES = {
    "failed": ("Failed", "Their last task failed: look at the log, then deploy again."),
    "deployment": ("Last deployment not completed", "What runs is the version before it."),
    "stopped": ("Production stopped", "Clients cannot work in them."),
    "domain": ("Domain not verified", "Their own domain does not lead to them yet: look at its DNS records."),
    "backup": (
        "No fresh backup",
        "The newest good backup of these productions is older than {max_age}, or there is none.",
    ),
}


@dataclass(frozen=True)
class EnvironmentRow:
    """An environment. Texts that it does not have, or that were not asked for, are empty."""

    id: str
    name: str
    status: str
    link: str
    branch: str
    commit: str
    domain: str
    is_verified: bool
    deployed: str
    backup: str
    backup_age: str
    notes: list[str]


@dataclass(frozen=True)
class Reading:
    """What was read of environments.

    `production`: the names of productions, as the API does not return the type of an environment.
    `backups`: by the id of the environment, where they could be read. `now`: when they were read.
    """

    production: Sequence[str]
    backups: Mapping[str, Sequence[Fields]]
    now: datetime
    max_age: timedelta

    def row(self, environment: Fields) -> EnvironmentRow:
        status, domain = status_of(environment), text_of(environment.get("custom_domain"))
        last = _last_deployment(environment)
        found = self.backups.get(text_of(environment.get("id")))
        newest = Backups([dict(each) for each in found], self.now).completed if found is not None else None
        is_production = text_of(environment.get("name")) in self.production
        has_database = status not in (DESTROYING, PENDING)
        applies = {
            "failed": status in FAILED_STATUSES,
            "deployment": status not in FAILED_STATUSES and ending(dict(last)) not in (None, COMPLETED),
            "stopped": is_production and status in (STOPPED, PAUSED),
            "domain": bool(domain) and environment.get("custom_domain_verified") is False,
            "backup": is_production
            and has_database
            and found is not None
            and not (newest and self.now - newest <= self.max_age),
        }
        return EnvironmentRow(
            id=text_of(environment.get("id")),
            name=name_of(environment),
            status=text_of(environment.get("status")) or "unknown",
            link=repository_link(text_of(environment.get("url"))),
            branch=text_of(environment.get("branch")),
            commit=text_of(environment.get("last_commit"))[:8],
            domain=domain,
            is_verified=environment.get("custom_domain_verified") is True,
            deployed=text_of(last.get("completed_at")) or text_of(last.get("started_at")),
            backup=newest.isoformat() if newest else "",
            backup_age=_age(newest, self.now) if found is not None else "",
            notes=[note for note in ENVIRONMENT_NOTES if applies[note]],
        )


def _last_deployment(environment: Fields) -> Fields:
    health = environment.get("health")
    last = health.get("last_deploy") if isinstance(health, Mapping) else None
    return last if isinstance(last, Mapping) else {}


def _age(newest: datetime | None, now: datetime) -> str:
    return f"{duration_text(max((now - newest).total_seconds(), 0))} ago" if newest else "never"
