# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From a connection to the service and back: the FastAPI application, and the faults in between."""

from __future__ import annotations

import asyncio
import socket
import struct
import traceback
from collections.abc import Callable, Coroutine
from email.utils import format_datetime
from typing import Any

from fastapi import FastAPI, Request, Response
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from . import backups, environments, organization, service, webhooks
from .faults import Fault, Faults, corrupt, faulty_response
from .log import LoggedRequest, RequestLog
from .responses import ApiError, ApiResponse, page
from .service import BASE, ApiRequest, Endpoint, Service


class Protocol(H11Protocol):
    """Gives a response the connection it is sent on, so that it can cut it."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self.app_state = {**self.app_state, "transport": transport}
        super().connection_made(transport)


class Cut(Response):
    """Ends the connection: instead of a response, or after the first half of one."""

    def __init__(self, half_of: Response | None = None) -> None:
        super().__init__()
        self.half_of = half_of

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        transport: asyncio.Transport = scope["state"]["transport"]
        if self.half_of and self.half_of.body:
            body, status = bytes(self.half_of.body), self.half_of.status_code
            await send({"type": "http.response.start", "status": status, "headers": self.half_of.raw_headers})
            await send({"type": "http.response.body", "body": body[: len(body) // 2], "more_body": True})
            transport.close()  # and not abort, which could lose the half that was sent
        else:
            # No lingering: the client gets a reset, where closing alone would be a regular end.
            linger = struct.pack("ii", 1, 0)
            transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            transport.abort()
        # uvicorn would still respond with 500 if this returned before it knows that the connection is gone.
        while (await receive())["type"] != "http.disconnect":
            pass


class Exchange:
    """Takes a request through log, faults and service to its response."""

    def __init__(self, service: Service, faults: Faults, log: RequestLog) -> None:
        self.service = service
        self.state = service.state
        self.faults = faults
        self.log = log

    async def serve(self, received: Request, work: Endpoint | ApiError) -> Response:
        try:
            request = await _read(received)
        except ClientDisconnect:
            return Response()
        fault = self.faults.take(request.method, request.path)
        entry = self._add_to_log(request, fault)
        try:
            response = await self._respond(request, work, fault, entry)
        except Exception:
            # A defect of the emulator: print it, whatever the test makes of the 500.
            traceback.print_exc()
            response = Response(status_code=500)
        entry.status = None if isinstance(response, Cut) else response.status_code
        return response

    async def _respond(
        self, request: ApiRequest, work: Endpoint | ApiError, fault: Fault | None, entry: LoggedRequest
    ) -> Response:
        kind, parameters = (fault.kind, fault.parameters) if fault else ("", {})
        generation = self.state.generation
        if kind == "cut_before":
            return Cut()
        if kind == "delay":
            await asyncio.sleep(parameters["seconds"])
            if generation != self.state.generation:
                return Cut()
        result = faulty_response(kind, parameters, request, self.service.settings.error_shape)
        if result is None or parameters.get("after"):
            regular = self._perform(request, work)
            entry.replayed = regular.replayed
            result = result or corrupt(kind, parameters, regular)
            if kind == "delay_after":
                await self._delay(regular, parameters["seconds"])
        response = self._to_http(result)
        if kind == "drop_header":
            del response.headers[parameters["name"]]
        if kind in ("cut_after", "cut_midway"):
            return Cut(half_of=response if kind == "cut_midway" else None)
        return response

    def _perform(self, request: ApiRequest, work: Endpoint | ApiError) -> ApiResponse:
        if isinstance(work, ApiError):
            return self.service.render(work)
        with self.state.up_to_date():
            return self.service.perform(work, request)

    async def _delay(self, response: ApiResponse, seconds: float) -> None:
        """Delay a response. Its idempotency key is in flight meanwhile."""
        slots = {response.idempotency} if response.idempotency else set()
        self.state.in_flight |= slots
        await asyncio.sleep(seconds)
        self.state.in_flight -= slots

    def _add_to_log(self, request: ApiRequest, fault: Fault | None) -> LoggedRequest:
        try:
            body = request.json()
        except ApiError:
            body = None
        now, kind = self.state.timestamp(), fault.kind if fault else None
        entry = LoggedRequest(now, request.method, request.path, request.query, request.headers, body, fault=kind)
        self.log.add(entry)
        return entry

    def _to_http(self, response: ApiResponse) -> Response:
        content = b"" if response.status in (204, 304) else response.content
        headers = {"Date": format_datetime(self.state.clock.now(), usegmt=True), **response.headers}
        return Response(content, response.status, headers, response.media_type if content else None)


async def _read(received: Request) -> ApiRequest:
    return ApiRequest(
        received.method,
        received.scope["path"].removeprefix(BASE),
        dict(received.query_params),
        dict(received.headers),
        await received.body(),
        received.client.host if received.client else "",
        received.path_params,
    )


def application(exchange: Exchange) -> FastAPI:
    app = FastAPI(openapi_url=None, redirect_slashes=False)

    def serve_path(path: str, endpoints: dict[str, Endpoint]) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        async def serve(request: Request) -> Response:
            missing = exchange.service.missing_route(request.method, path)
            return await exchange.serve(request, missing or endpoints[request.method])

        return serve

    for part in (service, environments, backups, webhooks, organization):
        for path, endpoints in part.ROUTES.items():
            app.add_api_route(BASE + path, serve_path(path, endpoints), methods=list(endpoints))

    async def erp(request: Request) -> Response:
        """Serve an environment itself, as its users see it: neither with a key nor in the log."""
        with exchange.state.up_to_date() as state:
            displayed = page(*state.environments.erp_page(f"/_erp/{request.path_params['slug']}"))
        return Response(displayed.content, displayed.status, media_type=displayed.media_type)

    for path in ("/_erp/{slug}", "/_erp/{slug}/{below:path}"):
        app.add_api_route(path, erp, methods=["GET", "HEAD"])

    @app.exception_handler(HTTPException)
    async def unrouted(request: Request, error: HTTPException) -> Response:
        code = {404: "not_found", 405: "method_not_allowed"}.get(error.status_code, "bad_request")
        if not request.scope["path"].startswith(BASE + "/"):
            return Response(status_code=error.status_code)
        response = await exchange.serve(request, ApiError(error.status_code, code, f"{error.detail}."))
        response.headers.update(error.headers or {})
        return response

    return app
