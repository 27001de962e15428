# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change at any time. Do not import it from elsewhere.

"""What the modules share: argument specifications, and the way from options to a result or a failure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

from ansible.module_utils.basic import AnsibleModule, missing_required_lib
from ansible.module_utils.common.parameters import env_fallback
from ansible.module_utils.errors import AnsibleFallbackNotFound
from ansible_collections.oecsh.cloud.plugins.module_utils._client import Client, Listing, Project, Server
from ansible_collections.oecsh.cloud.plugins.module_utils._errors import (
    MASK,
    InputError,
    NoAnswerError,
    OecError,
    listed,
    masked,
    project_label,
)
from ansible_collections.oecsh.cloud.plugins.module_utils._plan import (
    CREATED,
    DELETED,
    FAILED,
    UNCHANGED,
    UPDATED,
    Action,
    Declaration,
    RefusedPlanError,
    plan,
)
from ansible_collections.oecsh.cloud.plugins.module_utils._transport import (
    DEFAULT_URL,
    REQUESTS_IMPORT_ERROR,
    SHORTEST_KEY,
    Settings,
    Transport,
    is_uuid,
)

Spec = Mapping[str, Mapping[str, Any]]

_UNANSWERED_AT_MOST = 3


def _number_in_environment(name: str) -> str:
    value: str = env_fallback(name)
    if not value.strip():
        # A field of a credential that is left blank, and no number.
        raise AnsibleFallbackNotFound
    return value


API_OPTIONS: Spec = {
    "api_key": {"type": "str", "required": True, "no_log": True, "fallback": (env_fallback, ["OECSH_API_KEY"])},
    "api_url": {"type": "str", "default": DEFAULT_URL, "fallback": (env_fallback, ["OECSH_API_URL"])},
    "api_timeout": {"type": "int", "default": 30, "fallback": (_number_in_environment, ["OECSH_API_TIMEOUT"])},
    "api_retries": {"type": "int", "default": 5, "fallback": (_number_in_environment, ["OECSH_API_RETRIES"])},
    "api_max_wait": {"type": "int", "default": 600, "fallback": (_number_in_environment, ["OECSH_API_MAX_WAIT"])},
    "validate_certs": {"type": "bool", "default": True},
    "ca_path": {"type": "path"},
}

PROJECT_OPTIONS: Spec = {
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "name": {"type": "str"},
    "project_id": {"type": "str", "aliases": ["id"]},
    "server": {"type": "str", "aliases": ["server_id"]},
    "git_repo_url": {"type": "str"},
    "default_branch": {"type": "str"},
    "odoo_version": {"type": "str"},
    "idempotency_key": {"type": "str", "no_log": False},
}

ESTATE_OPTIONS: Spec = {
    "projects": {"type": "list", "elements": "dict", "required": True, "options": PROJECT_OPTIONS},
    "prune": {"type": "bool", "default": False},
    "prune_limit": {"type": "int", "default": 10},
}

PROJECT_FILTERS: Spec = {
    "project_id": {"type": "str", "aliases": ["id"]},
    "name": {"type": "str"},
    "server": {"type": "str", "aliases": ["server_id"]},
    "odoo_version": {"type": "str"},
}

SERVER_FILTERS: Spec = {
    "server_id": {"type": "str", "aliases": ["id"]},
    "name": {"type": "str"},
    "provider": {"type": "str"},
    "region": {"type": "str"},
}


class OecModule(AnsibleModule):
    """An AnsibleModule that shows no secret: neither the API key nor credentials inside a URL, whatever it returns."""

    def __init__(self, options: Spec, **checks: Any) -> None:
        spec = {**API_OPTIONS, **options}
        # ansible-core does not annotate its constructor.
        super().__init__(argument_spec=spec, supports_check_mode=True, **checks)  # type: ignore[no-untyped-call]

    def _load_params(self) -> None:
        super()._load_params()  # type: ignore[no-untyped-call]  # see above
        # A survey field that is left blank is an empty string or null, whatever the option's type: it is not given.
        self.params = _without_blanks(self.params)

    def exit_json(self, **result: Any) -> NoReturn:
        super().exit_json(**self._hide_secrets(result))

    def fail_json(self, msg: str, **result: Any) -> NoReturn:
        super().fail_json(**self._hide_secrets({"msg": msg, **result}))

    def _hide_secrets(self, result: dict[str, Any]) -> dict[str, Any]:
        key = str(self.params.get("api_key") or "").strip()
        # What is shorter than any key is none, and may be a word of the result.
        secrets = [key] if len(key) >= SHORTEST_KEY else []
        # Ansible shows the options as `invocation`, also of a call that it refused itself.
        self.params = _without_odd_urls(masked(self.params, secrets))
        return masked(result, secrets)

    def client(self, secrets: Sequence[str] = ()) -> Client:
        settings = Settings(**{name: self.params[name] for name in API_OPTIONS})
        return Client(Transport(settings, secrets=secrets))


def _without_blanks(value: Any) -> Any:
    if isinstance(value, Mapping):
        kept = ((key, inner) for key, inner in value.items() if not _is_blank(inner) or key.startswith("_ansible"))
        return {key: _without_blanks(inner) for key, inner in kept}
    return [_without_blanks(inner) for inner in value] if isinstance(value, list) else value


def _is_blank(value: Any) -> bool:
    return value is None or (isinstance(value, str) and not value.strip())


def _without_odd_urls(value: Any) -> Any:
    """Blanks out what was given as git_repo_url and, being no URL, may hold a password in an unknown place."""
    if isinstance(value, Mapping):
        return {
            key: MASK
            if key == "git_repo_url" and "@" in str(inner).replace(f"//{MASK}@", "")
            else _without_odd_urls(inner)
            for key, inner in value.items()
        }
    return [_without_odd_urls(inner) for inner in value] if isinstance(value, list) else value


def run(task: Callable[[OecModule], dict[str, Any]], options: Spec, **checks: Any) -> None:
    """A module's whole main(): `task` returns the result, or raises an OecError that becomes the failure."""
    module = OecModule(options, **checks)
    if REQUESTS_IMPORT_ERROR:
        module.fail_json(msg=missing_required_lib("requests"), exception=REQUESTS_IMPORT_ERROR)
    try:
        result = task(module)
    except OecError as error:
        result = _failure(error)
    # Outside the except: inside, Ansible would add a traceback to a failure that needs none.
    if result.pop("failed", False):
        module.fail_json(**result)
    module.exit_json(**result)


def _failure(error: OecError) -> dict[str, Any]:
    return {"failed": True, "msg": str(error), "error": error.as_error()}


def _diffs(actions: Iterable[Action]) -> list[dict[str, Any]]:
    return [action.diff for action in actions if action.changed]


@dataclass(frozen=True)
class Outcome:
    """What became of an action, or in check mode would become: the project after it, or why it failed."""

    action: Action
    project: Mapping[str, Any] | None
    error: OecError | None = None

    def as_result(self) -> dict[str, Any]:
        """One entry of `projects` in the result of oec_projects."""
        before, after = self.action.before, self.project
        return {
            "name": self.action.name,
            "project_id": (after or {}).get("id") or (before.id if before else None),
            "action": FAILED if self.error else self.action.kind,
            "changed": self.action.changed and not self.error,
            "project": after,
            "error": self.error.as_error() if self.error else None,
        }


def ensure_project(module: OecModule) -> dict[str, Any]:
    """oec_project: the plan of one."""
    declared = Declaration.of(module.params)
    client = module.client(declared.secrets)
    if declared.project_id:
        found = client.project(declared.project_id)
        listing = Listing([found] if found else [], None)
    else:
        listing = client.projects()
    actions = plan([declared], listing.projects, _servers_for([declared], client))
    (outcome,) = _carry_out(module, client, actions, listing)
    if outcome.error:
        raise outcome.error
    result = {"changed": outcome.action.changed, "project": outcome.project}
    return {**result, "diff": outcome.action.diff} if module._diff else result


def ensure_projects(module: OecModule) -> dict[str, Any]:
    """oec_projects: the whole estate, planned before anything of it is written."""
    declarations = _declarations(module.params["projects"])
    if module.params["prune_limit"] < 0:
        raise InputError("prune_limit is below 0", "It is the number of projects that may be pruned.")
    if module.params["prune"] and not declarations:
        raise InputError("prune with an empty list of projects would remove every project", "List those to keep.")
    client = module.client([secret for declared in declarations for secret in declared.secrets])
    listing = client.projects()
    servers = _servers_for(declarations, client)
    limits = {"prune": module.params["prune"], "prune_limit": module.params["prune_limit"]}
    try:
        actions = plan(declarations, listing.projects, servers, **limits)
    except RefusedPlanError as refused:
        return {**_failure(refused), "diff": _diffs(refused.actions)} if module._diff else _failure(refused)
    outcomes = list(_carry_out(module, client, actions, listing))
    entries = [outcome.as_result() for outcome in outcomes]
    counts = Counter(entry["action"] for entry in entries)
    result: dict[str, Any] = {
        "changed": any(entry["changed"] for entry in entries),
        "projects": entries,
        "summary": {kind: counts[kind] for kind in (CREATED, UPDATED, DELETED, UNCHANGED, FAILED)},
    }
    if module._diff:
        result["diff"] = _diffs(outcome.action for outcome in outcomes if not outcome.error)
    failures = [outcome.error for outcome in outcomes if outcome.error]
    if failures:
        first = listed([str(error) for error in failures])
        msg = f"{len(failures)} of {len(entries)} projects failed, and the others are done. {first}"
        result.update(_failure(failures[0]), msg=msg)
    return result


def _declarations(items: Sequence[Mapping[str, Any]]) -> list[Declaration]:
    """Every item's declaration, or one InputError with all that is wrong in any of them."""
    declarations, problems = [], []
    for number, item in enumerate(items, 1):
        try:
            declarations.append(Declaration.of(item))
        except InputError as problem:
            problems.append(f"item {number}: {problem}")
    if problems:
        raise InputError(listed(problems), details=problems)
    return declarations


def _servers_for(declarations: Sequence[Declaration], client: Client) -> list[Server]:
    return client.servers() if any(declared.names_server for declared in declarations) else []


def _carry_out(module: OecModule, client: Client, actions: Sequence[Action], listing: Listing) -> Iterator[Outcome]:
    """The one place that decides whether the plan is applied."""
    if module.check_mode or not any(action.changed for action in actions):
        return (Outcome(action, action.after) for action in actions)
    client.require_full_access()
    return _apply_all(module, client, actions, listing)


def _apply_all(module: OecModule, client: Client, actions: Sequence[Action], listing: Listing) -> Iterator[Outcome]:
    first: OecError | None = None
    barrier: OecError | None = None
    unanswered = 0
    for action in actions:
        try:
            # What nobody has named stays once something named has failed: it may be that, under another name.
            if action.changed and (obstacle := barrier or (first if action.is_pruned else None)):
                raise _not_tried(obstacle)
            stored = _apply(client, action, listing)
        except OecError as error:
            yield Outcome(action, action.fields_before, error.of_project(action.name))
            first = first or error
            unanswered = unanswered + 1 if isinstance(error, NoAnswerError) else 0
            if error.concerns_the_account or unanswered == _UNANSWERED_AT_MOST:
                barrier = barrier or error
        else:
            unanswered = 0 if action.changed else unanswered
            for surprise in action.surprises(stored) if stored else ():
                module.warn(surprise)
            yield Outcome(action, stored.fields if stored else action.after)


def _not_tried(barrier: OecError) -> OecError:
    """For what is left once going on would only get the address blocked, or wait for hours, or prune too much."""
    message = f"not tried, because of what happened to {project_label(barrier.project)}: {barrier.message}"
    return OecError(message, barrier.hint, status=barrier.status, code=barrier.code, details=barrier.details)


def _apply(client: Client, action: Action, listing: Listing) -> Project | None:
    """Does it, and returns the project as the API stored it; None where there is none, or nothing was to be done."""
    if action.kind == CREATED:
        return client.create(action.send or {}, listing, action.idempotency_key)
    if action.before and action.kind == UPDATED:
        return client.update(action.before.id, action.send or {})
    if action.before and action.kind == DELETED:
        client.delete(action.before.id)
    return None


def list_projects(module: OecModule) -> dict[str, Any]:
    """oec_project_info."""
    project_id, server = _uuid_filter(module, "project_id"), module.params["server"]
    client = module.client()
    if project_id:
        found = client.project(project_id)
        projects = [found] if found else []
    else:
        projects = client.projects().projects
    if server:
        ids = [server.lower()] if is_uuid(server) else [there.id for there in client.servers() if there.name == server]
        projects = [project for project in projects if (project.server_id or "").lower() in ids]
    return _matching(module, "projects", projects, ("name", "odoo_version"))


def list_servers(module: OecModule) -> dict[str, Any]:
    """oec_server_info."""
    server_id = _uuid_filter(module, "server_id")
    servers = [there for there in module.client().servers() if server_id in (None, there.id.lower())]
    return _matching(module, "servers", servers, ("name", "provider", "region"))


def _uuid_filter(module: OecModule, option: str) -> str | None:
    value: str | None = module.params[option]
    if value and not is_uuid(value):
        raise InputError(f"{option} {value!r} is not a UUID", "Copy it from the list of all: leave the filter out.")
    return value and value.lower()


def _matching(module: OecModule, key: str, items: Sequence[Project | Server], filters: Sequence[str]) -> dict[str, Any]:
    wanted = {name: module.params[name] for name in filters if module.params[name]}
    found = [item.fields for item in items if all(getattr(item, name) == value for name, value in wanted.items())]
    return {"changed": False, key: found}
