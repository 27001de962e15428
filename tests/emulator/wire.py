# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From a connection to the service and back: the FastAPI application, and the faults on the way."""

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

from .answers import Answer, ApiError, shaped
from .faults import Fault, Faults, altered, stand_in
from .log import LoggedRequest, RequestLog
from .service import ROUTES, Call, Operation, Service

BASE = "/api/public/v1"


class Protocol(H11Protocol):
    """Lets a response reach the connection it is sent on, so that it can cut it."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self.app_state = {**self.app_state, "transport": transport}
        super().connection_made(transport)


class Cut(Response):
    """Ends the connection: instead of an answer, or after the first half of one."""

    def __init__(self, half_of: Response | None = None) -> None:
        super().__init__()
        self.half_of = half_of

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        transport: asyncio.Transport = scope["state"]["transport"]
        if self.half_of and self.half_of.body:
            body = bytes(self.half_of.body)
            await send(
                {"type": "http.response.start", "status": self.half_of.status_code, "headers": self.half_of.raw_headers}
            )
            await send({"type": "http.response.body", "body": body[: len(body) // 2], "more_body": True})
            transport.close()  # and not abort, which could lose the half that was sent
        else:
            # No lingering: the client gets a reset, where closing alone would be an orderly end.
            linger = struct.pack("ii", 1, 0)
            transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            transport.abort()
        # uvicorn would still answer 500 if this returned before it knows that the connection is gone.
        while (await receive())["type"] != "http.disconnect":
            pass


class Exchange:
    """Takes a request through log, faults and service to its response."""

    def __init__(self, service: Service, faults: Faults, log: RequestLog) -> None:
        self.service = service
        self.state = service.state
        self.faults = faults
        self.log = log

    async def serve(self, request: Request, work: Operation | ApiError) -> Response:
        try:
            call = await _read(request)
        except ClientDisconnect:
            return Response()
        fault = self.faults.take(call.method, call.path)
        entry = self._note(call, fault)
        try:
            response = await self._answer(call, work, fault, entry)
        except Exception:
            # Not planned: show it, whatever the test makes of the 500.
            traceback.print_exc()
            response = Response(status_code=500)
        entry.status = None if isinstance(response, Cut) else response.status_code
        return response

    async def _answer(
        self, call: Call, work: Operation | ApiError, fault: Fault | None, entry: LoggedRequest
    ) -> Response:
        kind, given = (fault.kind, fault.parameters) if fault else ("", {})
        generation = self.state.generation
        if kind == "cut_before":
            return Cut()
        if kind == "delay":
            await asyncio.sleep(given["seconds"])
            if generation != self.state.generation:
                return Cut()
        answer = stand_in(kind, given, call, self.service.settings.error_shape)
        if answer is None or given.get("after"):
            done = self._do(call, work)
            entry.replayed = done.replayed
            answer = answer or altered(kind, given, done)
            if kind == "delay_after":
                await self._hold(done, given["seconds"])
        response = self._response(answer)
        if kind == "drop_header":
            del response.headers[given["name"]]
        if kind in ("cut_after", "cut_midway"):
            return Cut(half_of=response if kind == "cut_midway" else None)
        return response

    def _do(self, call: Call, work: Operation | ApiError) -> Answer:
        if isinstance(work, ApiError):
            return shaped(work, self.service.settings.error_shape)
        with self.state.lock:
            return self.service.perform(work, call)

    async def _hold(self, done: Answer, seconds: float) -> None:
        """Keep an answer back. Its idempotency key is in flight for as long."""
        slots = {done.idempotency} if done.idempotency else set()
        self.state.in_flight |= slots
        await asyncio.sleep(seconds)
        self.state.in_flight -= slots

    def _note(self, call: Call, fault: Fault | None) -> LoggedRequest:
        try:
            body = call.json()
        except ApiError:
            body = None
        now, kind = self.state.timestamp(), fault.kind if fault else None
        entry = LoggedRequest(now, call.method, call.path, call.query, call.headers, body, fault=kind)
        self.log.add(entry)
        return entry

    def _response(self, answer: Answer) -> Response:
        content = b"" if answer.status in (204, 304) else answer.content
        headers = {"Date": format_datetime(self.state.clock.now(), usegmt=True), **answer.headers}
        return Response(content, answer.status, headers, answer.media_type if content else None)


async def _read(request: Request) -> Call:
    return Call(
        request.method,
        request.scope["path"].removeprefix(BASE),
        dict(request.query_params),
        dict(request.headers),
        await request.body(),
        request.client.host if request.client else "",
        request.path_params,
    )


def application(exchange: Exchange) -> FastAPI:
    app = FastAPI(openapi_url=None, redirect_slashes=False)

    def endpoint(operations: dict[str, Operation]) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        async def serve(request: Request) -> Response:
            return await exchange.serve(request, operations[request.method])

        return serve

    for path, operations in ROUTES.items():
        app.add_api_route(BASE + path, endpoint(operations), methods=list(operations))

    @app.exception_handler(HTTPException)
    async def unrouted(request: Request, problem: HTTPException) -> Response:
        code = {404: "not_found", 405: "method_not_allowed"}.get(problem.status_code, "bad_request")
        if not request.scope["path"].startswith(BASE + "/"):
            return Response(status_code=problem.status_code)
        response = await exchange.serve(request, ApiError(problem.status_code, code, f"{problem.detail}."))
        response.headers.update(problem.headers or {})
        return response

    return app
