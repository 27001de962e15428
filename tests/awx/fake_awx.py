# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The endpoints of AWX that awx.awx calls: stateful, and strict where a mistake of ours would be visible.

It follows awx/api/views, awx/main/fields.py (credential types) and awx/main/models (schedules) of AWX 24.6.
"""

from __future__ import annotations

import json
import re
import socket
import threading
import time
from collections.abc import Iterable
from typing import Any

import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from jinja2 import StrictUndefined
from jinja2.sandbox import ImmutableSandboxedEnvironment

BASE = "/api/v2"
TOKEN = "the-token-of-the-fake"
ENCRYPTED = "$encrypted$"

Item = dict[str, Any]

# What AWX returns for omitted fields; a None that is sent for one of the texts is stored as "".
DEFAULTS: dict[str, Item] = {
    "organizations": {},
    "notification_templates": {"organization": None},
    "execution_environments": {"organization": None},
    "credential_types": {"description": "", "kind": "cloud", "inputs": {}, "injectors": {}, "managed": False},
    "credentials": {"description": "", "organization": None, "credential_type": None, "inputs": {}},
    "projects": {
        "description": "",
        "organization": None,
        "scm_type": "",
        "scm_url": "",
        "scm_branch": "",
        "scm_update_on_launch": False,
        "credential": None,
        "scm_revision": "",
    },
    "inventories": {"description": "", "organization": None, "kind": "", "host_filter": None, "variables": ""},
    "inventory_sources": {
        "description": "",
        "inventory": None,
        "source": "",
        "source_path": "",
        "source_vars": "",
        "source_project": None,
        "credential": None,
        "execution_environment": None,
        "overwrite": False,
        "overwrite_vars": False,
    },
    "job_templates": {
        "description": "",
        "organization": None,
        "project": None,
        "playbook": "",
        "inventory": None,
        "execution_environment": None,
        "job_type": "run",
        "ask_job_type_on_launch": False,
        "ask_diff_mode_on_launch": False,
        "survey_enabled": False,
    },
    "schedules": {"description": "", "unified_job_template": None, "rrule": "", "enabled": True},
}
# Each of these is unique together with the name.
SCOPE = {
    "credentials": "organization",
    "projects": "organization",
    "inventories": "organization",
    "job_templates": "organization",
    "inventory_sources": "inventory",
    "schedules": "unified_job_template",
}
POINTS_TO = {
    "organization": ["organizations"],
    "credential_type": ["credential_types"],
    "credential": ["credentials"],
    "project": ["projects"],
    "source_project": ["projects"],
    "inventory": ["inventories"],
    "execution_environment": ["execution_environments"],
    "unified_job_template": ["job_templates", "projects"],
}
BLOCKED = {"PATH", "PYTHONPATH", "VIRTUAL_ENV", "JOB_ID", "CACHE", "AWX_HOST", "REST_API_URL", "REST_API_TOKEN"}


class ValidationError(Exception):
    def __init__(self, **fields: str) -> None:
        super().__init__(fields)
        self.fields = fields


class FakeAwx:
    """`with FakeAwx(playbooks=[...]) as awx:` serves at `awx.url`; `playbooks` are what a checked out project holds."""

    def __init__(self, playbooks: Iterable[str]) -> None:
        self.playbooks = set(playbooks)
        self.items: dict[str, dict[int, Item]] = {endpoint: {} for endpoint in DEFAULTS}
        self.surveys: dict[int, Any] = {}
        self.associated: dict[tuple[str, int, str], list[int]] = {}
        self.secrets: dict[int, Item] = {}
        self.checked_out: set[int] = set()
        self.writes: list[str] = []
        self._last = 0
        self.add("organizations", name="Default")
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        config = uvicorn.Config(self._application(), lifespan="off", log_config=None, log_level="critical")
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, kwargs={"sockets": [self._listener]}, daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def __enter__(self) -> FakeAwx:
        self._thread.start()
        while not self._server.started:
            time.sleep(0.01)
        return self

    def __exit__(self, *_error: object) -> None:
        self._server.should_exit = True
        self._thread.join(10)
        self._listener.close()

    def add(self, endpoint: str, **fields: Any) -> Item:
        self._last += 1
        item = {**DEFAULTS[endpoint], **fields, "id": self._last}
        self.items[endpoint][self._last] = item
        return item

    def named(self, endpoint: str) -> dict[str, Item]:
        return {item["name"]: item for item in self.items[endpoint].values()}

    # The requests.

    def _application(self) -> FastAPI:
        app = FastAPI(openapi_url=None)

        @app.api_route(BASE + "/{path:path}", methods=["GET", "POST", "PATCH"])
        async def serve(path: str, request: Request) -> JSONResponse:
            body = await request.body()
            if request.headers.get("authorization") != f"Bearer {TOKEN}":
                return JSONResponse({"detail": "Authentication credentials were not provided."}, 401)
            try:
                content, status = self._respond(
                    request.method, path.strip("/").split("/"), dict(request.query_params), json.loads(body or "{}")
                )
            except ValidationError as error:
                content, status = error.fields, 400
            headers = {"X-API-Product-Name": "AWX", "X-API-Product-Version": "24.6.1"}
            return JSONResponse(content, status, headers)

        return app

    def _respond(self, method: str, parts: list[str], query: dict[str, str], data: Item) -> tuple[Any, int]:
        if method != "GET":
            self.writes.append(f"{method} /{'/'.join(parts)}")
        match method, parts:
            case "GET", ["project_updates", update]:
                self.checked_out.add(int(update))
                return {"status": "successful"}, 200
            case "GET", ["unified_job_templates"]:
                found = [
                    self._rendered(kind, item) for kind in POINTS_TO["unified_job_template"] for item in self._all(kind)
                ]
                return self._page(found, query)
            case "GET", [endpoint] if endpoint in self.items:
                return self._page([self._rendered(endpoint, item) for item in self._all(endpoint)], query)
            case "POST", [endpoint] if endpoint in self.items:
                return self._create(endpoint, data), 201
            case "GET", ["job_templates", ident, "survey_spec"]:
                return self.surveys.get(int(ident), {}), 200
            case "POST", ["job_templates", ident, "survey_spec"]:
                check_survey(data)
                self.surveys[int(ident)] = data
                return {}, 200
            case "GET", [endpoint, ident]:
                return self._rendered(endpoint, self.items[endpoint][int(ident)]), 200
            case "PATCH", [endpoint, ident]:
                item = self.items[endpoint][int(ident)]
                self._store(endpoint, item, data)
                return self._rendered(endpoint, item), 200
            case "GET", [endpoint, ident, what]:
                return self._page([{"id": each} for each in self._associations(endpoint, ident, what)], {})
            case "POST", [endpoint, ident, what]:
                associated = self._associations(endpoint, ident, what)
                assert data["id"] in self.items["notification_templates" if what.startswith("notif") else what]
                (associated.remove if data.get("disassociate") else associated.append)(data["id"])
                return None, 204
        return {"detail": "Not found."}, 404

    def _all(self, endpoint: str) -> list[Item]:
        return list(self.items[endpoint].values())

    def _associations(self, endpoint: str, ident: str, what: str) -> list[int]:
        return self.associated.setdefault((endpoint, int(ident), what), [])

    def _page(self, found: list[Item], query: dict[str, str]) -> tuple[Item, int]:
        for name, value in query.items():
            if found and not any(name in item for item in found):
                raise ValidationError(detail=f"{name} is no field to filter by")
            found = [item for item in found if str(item.get(name)) == value]
        return {"count": len(found), "next": None, "previous": None, "results": found}, 200

    def _rendered(self, endpoint: str, item: Item) -> Item:
        url = f"{BASE}/{endpoint}/{item['id']}/"
        related = {"survey_spec": f"{url}survey_spec/"} if endpoint == "job_templates" else {}
        summary: Item = {}
        if endpoint == "projects" and item["id"] not in self.checked_out:
            summary["current_update"] = {"id": item["id"]}
        kind = {"inventories": "inventory"}.get(endpoint, endpoint.removesuffix("s"))
        return {**item, "url": url, "type": kind, "related": related, "summary_fields": summary}

    def _create(self, endpoint: str, data: Item) -> Item:
        scope = SCOPE.get(endpoint)
        for item in self._all(endpoint):
            if item["name"] == data["name"] and (scope is None or item[scope] == data.get(scope)):
                raise ValidationError(__all__="an object of this name exists already")
        self._check(endpoint, {**DEFAULTS[endpoint], **data})
        item = self.add(endpoint, name=data["name"])
        self._store(endpoint, item, data)
        return self._rendered(endpoint, item)

    def _store(self, endpoint: str, item: Item, data: Item) -> None:
        new: Item = {name: "" if value is None and item.get(name) == "" else value for name, value in data.items()}
        self._check(endpoint, {**item, **new})
        if endpoint == "credentials" and "inputs" in new:
            inputs: Item = data["inputs"]
            self.secrets[item["id"]] = inputs
            fields = self.items["credential_types"][data["credential_type"]]["inputs"]["fields"]
            hidden = {field["id"] for field in fields if field.get("secret")}
            new["inputs"] = {name: ENCRYPTED if name in hidden else value for name, value in inputs.items()}
        item.update(new)

    def _check(self, endpoint: str, item: Item) -> None:
        for name, value in item.items():
            if name not in DEFAULTS[endpoint] and name not in ("id", "name"):
                raise ValidationError(**{name: "the fake does not know this field"})
            kinds = POINTS_TO.get(name, [])
            if kinds and value is not None and not any(value in self.items[kind] for kind in kinds):
                raise ValidationError(**{name: f"there is no {name} {value!r}"})
        if endpoint == "credential_types":
            check_credential_type(item)
        if endpoint == "credentials":
            known = {
                field["id"] for field in self.items["credential_types"][item["credential_type"]]["inputs"]["fields"]
            }
            if set(item["inputs"]) - known:
                raise ValidationError(inputs="the credential type has no such field")
        if endpoint == "job_templates":
            if item["project"] not in self.checked_out:
                raise ValidationError(project="it is not checked out yet, so it has no playbooks")
            if item["playbook"] not in self.playbooks:
                raise ValidationError(playbook="Playbook not found for project.")
        if endpoint == "inventory_sources" and item["source"] == "scm" and not item["source_project"]:
            raise ValidationError(source_project="Project required for scm type sources.")
        if endpoint == "schedules":
            check_rule(item["rrule"])


def check_credential_type(item: Item) -> None:
    """CredentialTypeInputField and CredentialTypeInjectorField."""
    if item["kind"] not in ("cloud", "net") or set(item["inputs"]) - {"fields", "required"}:
        raise ValidationError(kind="cloud or net, with fields and required")
    known = {
        "type",
        "format",
        "choices",
        "id",
        "label",
        "help_text",
        "multiline",
        "secret",
        "ask_at_runtime",
        "default",
    }
    for field in item["inputs"].get("fields", []):
        if set(field) - known or not {"id", "label"} <= set(field) or field.get("type", "string") != "string":
            raise ValidationError(inputs=f"not a field: {field}")
    names = {field["id"]: "EXAMPLE" for field in item["inputs"].get("fields", [])}
    if set(item["inputs"].get("required", [])) - set(names) or set(item["injectors"]) - {"env", "file", "extra_vars"}:
        raise ValidationError(injectors="unknown names")
    for name, template in item["injectors"].get("env", {}).items():
        if name.startswith("ANSIBLE_") or name in BLOCKED or not re.fullmatch("[a-zA-Z_][a-zA-Z0-9_]*", name):
            raise ValidationError(injectors=f"Environment variable {name} is not allowed to be used in credentials.")
        rendered = ImmutableSandboxedEnvironment(undefined=StrictUndefined).from_string(template).render(names)
        if rendered == template or "EXAMPLE" not in rendered:
            raise ValidationError(injectors=f"{name} is {template!r}, which injects nothing")


def check_survey(spec: Item) -> None:
    """JobTemplateSurveySpec._validate_spec_data; with a message of its own for each error."""
    kinds = {"text", "textarea", "password", "multiplechoice", "multiselect", "integer", "float"}
    if not (isinstance(spec.get("name"), str) and isinstance(spec.get("description"), str) and spec.get("spec")):
        raise ValidationError(error="name, description or spec is missing from survey spec.")
    seen = set()
    for question in spec["spec"]:
        texts = all(isinstance(question.get(name), str) for name in ("type", "question_name", "variable"))
        if not texts or not isinstance(question.get("required"), bool) or question["type"] not in kinds:
            raise ValidationError(error=f"not a question: {question}")
        if question["variable"] in seen or any(not isinstance(question.get(name, 0), int) for name in ("min", "max")):
            raise ValidationError(error=f"duplicate variable, or a limit that is no integer: {question}")
        seen.add(question["variable"])
        expected = {"integer": int, "float": float}.get(question["type"], str)
        if question.get("default", "") != "" and not isinstance(question["default"], expected):
            raise ValidationError(error=f"the default must be of the type of the answer: {question}")
        if question["type"].startswith("multi"):
            if not question.get("choices"):
                raise ValidationError(error=f"choices are missing: {question}")
            if any(each not in question["choices"] for each in question.get("default", "").splitlines()):
                raise ValidationError(error="Default choice must be answered from the choices listed.")


def check_rule(rule: str) -> None:
    """SchedulePreviewSerializer.validate_rrule."""
    starts = re.findall(r"DTSTART(?:;TZID=[\w/+-]+:\d{8}T\d{6}(?!Z)|:\d{8}T\d{6}Z)", rule)
    if len(starts) != 1 or "RRULE:" not in rule or "INTERVAL=" not in rule or "SECONDLY" in rule:
        raise ValidationError(rrule=f"not a rule that AWX takes: {rule}")
