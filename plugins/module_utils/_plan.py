# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change at any time. Do not import it from elsewhere.

"""What is there + what is wanted -> what to do. Pure: nothing here reads or writes anything."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlsplit

from ansible_collections.oecsh.cloud.plugins.module_utils._client import Project, Server
from ansible_collections.oecsh.cloud.plugins.module_utils._errors import (
    MASK,
    InputError,
    PlanError,
    credentials_in,
    listed,
    masked,
    project_label,
    shown,
)
from ansible_collections.oecsh.cloud.plugins.module_utils._transport import is_printable_ascii, is_uuid

LONGEST_TEXT = 255
DEFAULT_BRANCH = "main"

_NAMED_AT_MOST = 12

CREATED, UPDATED, DELETED, UNCHANGED, FAILED = "created", "updated", "deleted", "unchanged", "failed"

# A database cannot hold the one, and UTF-8 cannot write the others.
_NO_TEXT = re.compile("[\0\ud800-\udfff]")

_FIXED = {"server_id": "server", "odoo_version": "odoo_version"}
_SHOWN = ("name", "server_id", "git_repo_url", "default_branch", "odoo_version")


@dataclass(frozen=True)
class Declaration:
    """What the user wants of one project. None: not given, so left alone. `server` is a name or a UUID."""

    state: str = "present"
    name: str | None = None
    project_id: str | None = None
    server: str | None = None
    git_repo_url: str | None = None
    default_branch: str | None = None
    odoo_version: str | None = None
    idempotency_key: str | None = None

    @classmethod
    def of(cls, options: Mapping[str, Any]) -> Declaration:
        """Takes the module's options, an empty string meaning not given. Raises InputError."""
        declared = cls(
            state=options.get("state") or "present",
            **{name: options.get(name) or None for name in cls.__dataclass_fields__ if name != "state"},
        )
        problem = _input_problem(declared)
        if problem:
            raise InputError(problem).of_project(declared.label)
        return declared

    @property
    def label(self) -> str:
        return self.name or self.project_id or ""

    @property
    def names_server(self) -> bool:
        """Whether the servers must be read to know which one is meant."""
        return self.state == "present" and self.server is not None and not is_uuid(self.server)

    @property
    def secrets(self) -> list[str]:
        return credentials_in(self.git_repo_url or "")


def _input_problem(declared: Declaration) -> str | None:
    if not declared.name and not declared.project_id:
        return "neither name nor project_id is given"
    if declared.project_id and not is_uuid(declared.project_id):
        return f"project_id {declared.project_id!r} is not a UUID"
    for option in ("name", "default_branch"):
        text = getattr(declared, option) or ""
        if len(text) > LONGEST_TEXT:
            return f"{option} has {len(text)} characters, and the API takes {LONGEST_TEXT} at most"
        if _NO_TEXT.search(text):
            return f"{option} has characters that are no text"
    if declared.git_repo_url and not _is_https(declared.git_repo_url):
        # Not shown: what is no URL may still hold a password.
        return "git_repo_url is not an https URL (https://host/path)"
    key = declared.idempotency_key or ""
    if not is_printable_ascii(key) or key != key.strip():
        return "idempotency_key has characters that a header cannot carry"
    return None


def _is_https(url: str) -> bool:
    try:
        parts = urlsplit(url)
        host, _port = parts.hostname, parts.port
    except ValueError:
        return False
    return parts.scheme == "https" and bool(host) and url.isprintable() and " " not in url


@dataclass(frozen=True)
class Action:
    """What is to be done about one project, foretold: check mode, diff, `changed` and the result all come from here."""

    kind: str
    name: str
    before: Project | None = None
    send: Mapping[str, str] | None = None
    after: Mapping[str, Any] | None = None
    idempotency_key: str | None = None
    is_pruned: bool = False

    @property
    def label(self) -> str:
        return project_label(self.name)

    @property
    def changed(self) -> bool:
        return self.kind != UNCHANGED

    @property
    def fields_before(self) -> Mapping[str, Any] | None:
        return self.before.fields if self.before else None

    @property
    def diff(self) -> dict[str, Any]:
        """{before, after, before_header, after_header}: the fields a user declares; {} where there is no project."""
        sides = {"before": self.fields_before, "after": self.after}
        sides_shown = {
            side: {name: fields.get(name) for name in _SHOWN} if fields else {} for side, fields in sides.items()
        }
        headers = {
            f"{side}_header": self.label if fields else f"{self.label} (absent)" for side, fields in sides_shown.items()
        }
        result: dict[str, Any] = masked({**sides_shown, **headers})
        before, after = (result[side].get("git_repo_url") for side in sides)
        if before == after and sides_shown["before"].get("git_repo_url") != sides_shown["after"].get("git_repo_url"):
            result["after"]["git_repo_url"] += " (other credentials)"
        return result

    def surprises(self, stored: Project) -> list[str]:
        """Where the API stored something else than it was asked to: the next run would change it again."""
        return [
            f"{self.label}: asked for {name} {shown(name, asked)!r}, "
            f"the API stored {shown(name, stored.fields.get(name))!r}. "
            "Declare what it stores, or the next run will try to change it again."
            for name, asked in (self.send or {}).items()
            if stored.fields.get(name) != asked
        ]


class RefusedPlanError(PlanError):
    """A plan in which something is wrong. `actions`: what could be planned all the same, to be shown only."""

    def __init__(self, problems: Sequence[PlanError], actions: Sequence[Action]) -> None:
        details = [{"project": problem.project, "message": problem.sentences} for problem in problems]
        super().__init__(listed([str(problem) for problem in problems]), details=details)
        self.actions = actions


def plan(
    declarations: Sequence[Declaration],
    projects: Iterable[Project],
    servers: Iterable[Server],
    *,
    prune: bool = False,
    prune_limit: int = 0,
) -> list[Action]:
    """One action for each declaration, in its order, and then for each project to prune.

    `servers` may be empty where no declaration names one. Raises RefusedPlanError with all that is wrong.
    """
    there = list(projects)
    by_id = {project.id.lower(): project for project in there}
    by_name: dict[str, list[Project]] = {}
    for project in there:
        by_name.setdefault(project.name, []).append(project)
    server_list = list(servers)
    alike = {project.name.strip(): project for project in there}

    problems = _repeats(declarations)
    actions: list[Action] = []
    named: list[str] = []
    for declared in declarations:
        if declared.project_id:
            found = [by_id[key] for key in [declared.project_id.lower()] if key in by_id]
        else:
            found = by_name.get(declared.name or "", [])
        named += [project.id for project in found]
        try:
            action = _plan_one(declared, _only(declared, found), server_list)
            if action.kind == CREATED and action.name.strip() in alike:
                raise _almost_there(alike[action.name.strip()])
            actions.append(action)
        except PlanError as problem:
            problems.append(problem.of_project(declared.label))
    said = {problem.project for problem in problems}
    problems += [
        PlanError(f"it is listed {count} times, as {project_id}", "List it once.").of_project(name)
        for project_id, count in Counter(named).items()
        if count > 1 and (name := by_id[project_id.lower()].name) not in said
    ]
    if prune:
        spared = set(named)
        pruned = [replace(_removal(project), is_pruned=True) for project in there if project.id not in spared]
        problems += _too_many(pruned, prune_limit)
        actions += pruned
    if problems:
        raise RefusedPlanError(problems, actions)
    return actions


def _repeats(declarations: Sequence[Declaration]) -> list[PlanError]:
    """Names and idempotency keys listed twice; a name only where no id tells one project from the other."""
    names = Counter(declared.name for declared in declarations if declared.name)
    vague = {declared.name for declared in declarations if declared.name and not declared.project_id}
    keys = Counter(declared.idempotency_key for declared in declarations if declared.idempotency_key)
    return [
        PlanError(f"it is listed {count} times", "List it once, or give each its project_id.").of_project(name)
        for name, count in names.items()
        if count > 1 and name in vague
    ] + [
        PlanError(f"{count} projects have the idempotency_key {key!r}", "Leave it out, or give each its own.")
        for key, count in keys.items()
        if count > 1
    ]


def _too_many(pruned: Sequence[Action], limit: int) -> list[PlanError]:
    if len(pruned) <= limit:
        return []
    names = _named([repr(action.name) for action in pruned], ", ")
    return [
        PlanError(
            f"prune would remove {len(pruned)} projects, and prune_limit is {limit}: {names}",
            "List those to keep, or raise prune_limit (provision_prune_limit of the role).",
        )
    ]


def _named(names: Sequence[str], separator: str) -> str:
    return separator.join([*names[:_NAMED_AT_MOST], *(["..."] if len(names) > _NAMED_AT_MOST else [])])


def _almost_there(project: Project) -> PlanError:
    """A blank that was copied with a name is no wish for a second project."""
    return PlanError(
        f"{project_label(project.name)} is there, which differs in blanks around the name only ({project.id})",
        "Give the name as it is there.",
    )


def _only(declared: Declaration, found: Sequence[Project]) -> Project | None:
    if len(found) > 1:
        ids = ", ".join(project.id for project in found)
        raise PlanError(f"{len(found)} projects have this name: {ids}", "Say which one with project_id.")
    if not found and declared.project_id and declared.state == "present":
        raise PlanError(
            f"there is no project {declared.project_id}",
            "A project cannot be created with a given id: leave project_id out, or correct it.",
        )
    return found[0] if found else None


def _plan_one(declared: Declaration, before: Project | None, servers: Sequence[Server]) -> Action:
    if declared.state == "absent":
        return _removal(before) if before else Action(UNCHANGED, declared.label)
    wanted = {
        "name": declared.name,
        "server_id": _server_id(declared.server, servers),
        "git_repo_url": declared.git_repo_url,
        "default_branch": declared.default_branch,
        "odoo_version": declared.odoo_version,
    }
    given = {name: value for name, value in wanted.items() if value is not None}
    if before is None:
        return _creation(declared, given)
    return _change(before, given, {server.id: server.name for server in servers})


def _creation(declared: Declaration, given: dict[str, str]) -> Action:
    if "server_id" not in given:
        raise PlanError(
            "it does not exist yet, and to create it server must be given", "Give server, or correct the name."
        )
    _refuse_mask(given)
    foretold = {
        "id": None,
        "odoo_version": None,
        "git_repo_url": None,
        "default_branch": DEFAULT_BRANCH,
        "environment_count": 0,
        "created_at": None,
    }
    return Action(CREATED, given["name"], None, given, {**foretold, **given}, declared.idempotency_key)


def _change(before: Project, given: dict[str, str], server_names: Mapping[str, str]) -> Action:
    differs = {name: value for name, value in given.items() if not _is_same(name, before.fields.get(name), value)}
    fixed = [
        f"{option} is {_text(before.fields.get(name), server_names)}, {_text(differs[name], server_names)} is wanted"
        for name, option in _FIXED.items()
        if name in differs
    ]
    if fixed:
        raise PlanError(
            f"{'; '.join(fixed)}: the API cannot change that",
            "Declare what is there, or remove the project and create it anew.",
        )
    if not differs:
        return Action(UNCHANGED, before.name, before, None, before.fields)
    _refuse_mask(differs)
    return Action(UPDATED, differs.get("name", before.name), before, differs, {**before.fields, **differs})


def _text(value: str | None, server_names: Mapping[str, str]) -> str:
    return repr(server_names.get(value or "", value))


def _removal(project: Project) -> Action:
    return Action(DELETED, project.name, project)


def _is_same(name: str, there: Any, wanted: str) -> bool:
    if name == "server_id":
        return isinstance(there, str) and there.lower() == wanted.lower()
    # What a module shows of a URL has its credentials masked; declared again, that means: those that are there.
    return bool(there == wanted or (name == "git_repo_url" and _has_mask(wanted) and shown(name, there) == wanted))


def _has_mask(url: str) -> bool:
    return f"//{MASK}@" in url


def _refuse_mask(send: Mapping[str, str]) -> None:
    if _has_mask(send.get("git_repo_url", "")):
        raise PlanError(
            f"git_repo_url has {MASK} where its credentials would be, as in what modules show",
            "Give the real credentials, or leave git_repo_url out.",
        )


def _server_id(server: str | None, servers: Sequence[Server]) -> str | None:
    if server is None or is_uuid(server):
        return server and server.lower()
    found = [candidate.id for candidate in servers if candidate.name == server]
    if len(found) != 1:
        # Should there be many, those of the name are the first to be read.
        in_order = sorted(servers, key=lambda candidate: candidate.name != server)
        known = _named([f"{candidate.name!r} ({candidate.id})" for candidate in in_order], "; ") or "none"
        what = f"{len(found)} servers are named {server!r}" if found else f"there is no server {server!r}"
        raise PlanError(f"{what}; the servers are: {known}", "Give one of those names, or a server's id.")
    return found[0]
