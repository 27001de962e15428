# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: this file may change at any time. Do not import it from elsewhere.

"""Create an object exactly once, even when called repeatedly or concurrently (reference: Create Project)."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

from ansible_collections.oecsh.cloud.plugins.module_utils._api.client import Listing, ResourceApi
from ansible_collections.oecsh.cloud.plugins.module_utils._api.kind import Object
from ansible_collections.oecsh.cloud.plugins.module_utils._base.errors import (
    NoResponseError,
    OecError,
    RejectedError,
)
from ansible_collections.oecsh.cloud.plugins.module_utils._base.validation import parse_timestamp

_BASE = "https://api.oec.sh/api/public/v1"


def create_once(api: ResourceApi, body: Mapping[str, Any], idempotency_key: str | None = None) -> Object:
    """Return the one object with this body.

    `api.known` was read before, and has no object of that name. The key is derived from the body, so that equal
    declarations ask for one object; `idempotency_key` is the user's own, and sent unchanged.
    """
    key = idempotency_key or derived_key(api.collection, api.kind.request_body(body))
    replayed: set[str] = set()
    while True:
        created = _post(api, body, key, api.known, is_derived=idempotency_key is None)
        current = _verify_current(api, created)
        if current is not None and (idempotency_key is None or current["id"] not in api.known.ids):
            return current
        if idempotency_key is not None or created["id"] in replayed:
            raise OecError(
                "invalid_response",
                f"the API repeated its response to an earlier create: {created['id']}, which is not the declared one",
                "Set another idempotency_key, or none." if idempotency_key else "Run this again in 24 hours.",
            )
        replayed.add(created["id"])
        key = _next_key(key, created["id"])


def derived_key(path: str, body: Mapping[str, Any]) -> str:
    """Return the idempotency key of a create: every version of the collection must derive the same."""
    canonical = json.dumps(body, sort_keys=True, separators=(",", ":"))
    return str(uuid5(uuid5(NAMESPACE_URL, f"{_BASE}{path}"), canonical))


def _next_key(key: str, salt: str) -> str:
    return str(uuid5(UUID(key), salt))


def _post(
    api: ResourceApi,
    body: Mapping[str, Any],
    key: str,
    before: Listing,
    *,
    is_derived: bool,
    stop_retrying: Callable[[], bool] | None = None,
) -> Object:
    try:
        return api.create(body, key, stop_retrying)
    except NoResponseError:
        adopted = _find_created(api, before, body)
        if adopted is None:
            raise
        return adopted
    except RejectedError as error:
        if not is_derived or not error.is_about_the_request:
            raise
        return _retry_rejected(api, body, key, before, error)


def _retry_rejected(
    api: ResourceApi, body: Mapping[str, Any], key: str, before: Listing, error: RejectedError
) -> Object:
    """Read the list again, and retry once: the rejection may be a stored response from before its cause was fixed.

    With a new key; after a 409 with the same one, as that may mean "still in progress", and a new one creates a second.
    What was rejected for one API key may be allowed to another.
    """
    try:
        again = api.list()
    except OecError:
        # What matters to the user is why the create was rejected.
        raise error from None
    adopted = _single_new_match(api, again, before, body)
    if adopted is not None:
        return adopted
    if error.failure.status != HTTPStatus.CONFLICT:
        salt = (again.date or api.now()).strftime("%Y-%m-%dT%H:%M")
        key = _next_key(key, f"{salt} {api.key_fingerprint}" if error.is_about_the_key else salt)

    def is_created() -> bool:
        # In the next minute another job asks with another key.
        return _find_created(api, again, body) is not None

    return _post(api, body, key, again, is_derived=False, stop_retrying=is_created)


def _find_created(api: ResourceApi, before: Listing, body: Mapping[str, Any]) -> Object | None:
    try:
        return _single_new_match(api, api.list(), before, body)
    except OecError:
        # What matters to the user is why the create got no response; the caller reports that.
        return None


def _single_new_match(api: ResourceApi, again: Listing, before: Listing, body: Mapping[str, Any]) -> Object | None:
    kind = api.kind
    name, parent_id = body[kind.key], body.get(kind.parent[0].name) if kind.parent else None
    named = [item for item in again.objects if kind.identity(item[kind.key]) == kind.identity(name)]
    alike = [item for item in named if kind.belongs_to(item, parent_id)]
    new = [item for item in alike if item["id"] not in before.ids]
    return new[0] if len(new) == 1 else None


def _verify_current(api: ResourceApi, created: Object) -> Object | None:
    """Return the object, unless it is older than `api.known` and is gone or renamed since.

    Raise `wrong_state` where the API only hides it.
    """
    moment = parse_timestamp(created.get("created_at"))
    if moment is not None and api.known.date is not None and moment >= api.known.date:
        return created
    found = api.get(created["id"])
    if found is None and api.is_hidden(created["id"]):
        message = f"it exists as {created['id']}, and this version of the API hides it: it is stopped, or failed"
        hint = f"Start it with state=started and {api.kind.id_option}."
        raise OecError("wrong_state", message, hint)
    if found is None or found[api.kind.key] != created[api.kind.key]:
        return None
    # They are in the response to the create alone.
    return {**found, **{name: created[name] for name in api.kind.secrets if name in created}}
