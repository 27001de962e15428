# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The control routes under /_emulator: what a test does in process, for an emulator that runs alone."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from fastapi import FastAPI, Request, Response

from .faults import Fault

if TYPE_CHECKING:
    from .server import Emulator


def add_control(app: FastAPI, emulator: Emulator) -> None:
    def route(method: str, path: str, act: Callable[[Request, Any], Any]) -> None:
        async def control(request: Request) -> Response:
            try:
                body = await request.body()
                result = act(request, json.loads(body) if body else {})
            except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
                return Response(json.dumps({"error": str(error)}), 400, media_type="application/json")
            return Response(json.dumps(result, indent=2) + "\n", media_type="application/json")

        app.add_api_route("/_emulator" + path, control, methods=[method])

    def settings(_request: Request, changes: Any) -> Any:
        for name, value in changes.items():
            setattr(emulator.settings, name, value)
        return vars(emulator.settings)

    def log(request: Request, _body: Any) -> Any:
        only_writes = request.query_params.get("writes") == "true"
        return [vars(entry) for entry in (emulator.log.writes if only_writes else emulator.log.requests())]

    def add_faults(_request: Request, body: Any) -> Any:
        # All are created before the first is added, so that an invalid one leaves nothing behind.
        emulator.faults += [Fault(**fault) for fault in (body if isinstance(body, list) else [body])]
        return describe_faults()

    def describe_faults(*_: Any) -> Any:
        return [fault.describe() for fault in emulator.faults]

    def running(_request: Request, body: Any) -> Any:
        emulator.set_running(body["id"], body["count"], body.get("pending", 0))

    def clock(_request: Request, body: Any) -> Any:
        emulator.clock.advance(body["advance"])
        return {"now": emulator.clock.now().isoformat()}

    route("GET", "/state", lambda _request, _body: emulator.dump())
    route("PUT", "/state", lambda _request, body: emulator.load(body))
    route("POST", "/reset", lambda _request, _body: emulator.reset())
    route("GET", "/log", log)
    route("DELETE", "/log", lambda _request, _body: emulator.log.clear())
    route("GET", "/faults", describe_faults)
    route("POST", "/faults", add_faults)
    route("DELETE", "/faults", lambda _request, _body: emulator.faults.clear())
    route("POST", "/clock", clock)
    route("GET", "/settings", settings)
    route("PATCH", "/settings", settings)
    route("POST", "/running", running)

    def environment(_request: Request, body: Any) -> Any:
        return emulator.edit_environment(body.pop("id"), **body)

    route("POST", "/environment", lambda _request, body: emulator.add_environment(**body))
    route("PATCH", "/environment", environment)
    route("GET", "/tasks", lambda request, _body: emulator.tasks(**request.query_params))
    route("POST", "/plan_task", lambda _request, body: emulator.plan_task(**body))
    route("POST", "/push", lambda _request, body: emulator.push(**body))
    route("POST", "/backup", lambda _request, body: emulator.add_backup(**body))
    route("GET", "/backups", lambda request, _body: emulator.backups(**request.query_params))
    route("POST", "/webhook", lambda _request, body: emulator.add_webhook(**body))
    route("GET", "/webhooks", lambda request, _body: emulator.webhooks(**request.query_params))
    route("POST", "/expire", lambda _request, body: emulator.expire(body["key"]))
    route("POST", "/scoped_project", lambda _request, _body: emulator.scoped_project)
