# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the modules of awx.awx need of AWX: it stores, links and finds, and rejects what only AWX itself would find.

It follows awx/api/views and awx/api/serializers.py of AWX 24.6.
"""

from __future__ import annotations

import json
import re
import threading
from collections import defaultdict
from collections.abc import Iterable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

BASE = "/api/v2/"
TOKEN = "the-token-of-the-fake"
ENCRYPTED = "$encrypted$"
TEMPLATES = ("job_templates", "workflow_job_templates")

Item = dict[str, Any]


class FakeAwx:
    """`with FakeAwx(playbooks=[...]) as awx:` serves at `awx.url`; `playbooks` are what a checked out project holds."""

    def __init__(self, playbooks: Iterable[str]) -> None:
        self._playbooks = set(playbooks)
        self.items: dict[str, dict[int, Item]] = defaultdict(dict)
        self.surveys: dict[int, Item] = {}
        self.secrets: dict[int, Item] = {}
        self.writes: list[str] = []
        self._links: dict[str, list[int]] = defaultdict(list)
        self._checked_out: set[int] = set()
        self._last = 0
        self.add("organizations", name="Default")
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"awx": self}))
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> FakeAwx:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def add(self, endpoint: str, **fields: Any) -> Item:
        return self._keep(endpoint, {"id": self._last + 1, **fields})

    def _keep(self, endpoint: str, item: Item) -> Item:
        self._last = max(self._last, item["id"])
        self.items[endpoint][item["id"]] = item
        return item

    def named(self, endpoint: str) -> dict[str, Item]:
        """Return the items by their names; nodes of a workflow have an identifier instead."""
        return {item.get("identifier") or item["name"]: item for item in self.items[endpoint].values()}

    def linked(self, endpoint: str, item: Item, what: str) -> list[int]:
        return self._links[f"{endpoint}/{item['id']}/{what}"]

    def respond(self, method: str, path: str, query: dict[str, str], body: Item) -> tuple[int, Any]:
        if method != "GET":
            self.writes.append(f"{method} {path}")
        match method, path.split("/"):
            case "GET", ["project_updates", project]:
                self._checked_out.add(int(project))
                return 200, {"status": "successful"}
            case "GET", ["unified_job_templates"]:
                return 200, self._page(TEMPLATES, query)
            case "GET", [endpoint]:
                return 200, self._page([endpoint], query)
            case "POST", [endpoint]:
                return 201, self._store(endpoint, {"id": self._last + 1}, body)
            case "GET", [_endpoint, ident, "survey_spec"]:
                return 200, self.surveys.get(int(ident), {})
            case "POST", [_endpoint, ident, "survey_spec"]:
                check_survey(body)
                self.surveys[int(ident)] = body
                return 200, {}
            case "POST", ["workflow_job_template_nodes", ident, "create_approval_template"]:
                approval = self._store("workflow_approval_templates", {"id": self._last + 1}, body)
                self.items["workflow_job_template_nodes"][int(ident)]["unified_job_template"] = approval["id"]
                return 201, approval
            case "GET", [endpoint, ident]:
                return 200, self._rendered(endpoint, self.items[endpoint][int(ident)])
            case "PATCH", [endpoint, ident]:
                return 200, self._store(endpoint, self.items[endpoint][int(ident)], body)
            # AWX has no links of an approval itself: those of its node lead on.
            case "GET", [endpoint, _ident, _what] if endpoint != "workflow_approval_templates":
                return 200, _list([{"id": each} for each in self._links[path]])
            case "POST", [_endpoint, _ident, _what]:
                (self._links[path].remove if body.get("disassociate") else self._links[path].append)(body["id"])
                return 204, None
        return 404, {"detail": "Not found."}

    def _page(self, endpoints: Iterable[str], query: dict[str, str]) -> Item:
        found = [self._rendered(endpoint, item) for endpoint in endpoints for item in self.items[endpoint].values()]
        found = [item for item in found if all(str(item.get(name)) == value for name, value in query.items())]
        return _list(found)

    def _rendered(self, endpoint: str, item: Item) -> Item:
        url = f"{BASE}{endpoint}/{item['id']}/"
        related, summary = {"survey_spec": f"{url}survey_spec/"}, {}
        if endpoint == "projects":
            item.setdefault("scm_revision", "")
            if item["id"] not in self._checked_out:
                summary["current_update"] = {"id": item["id"]}
        if item.get("unified_job_template") in self.items["workflow_approval_templates"]:
            related["unified_job_template"] = f"{BASE}workflow_approval_templates/{item['unified_job_template']}/"
        kind = {"inventories": "inventory"}.get(endpoint, endpoint.removesuffix("s"))
        return {**item, "url": url, "type": kind, "related": related, "summary_fields": summary}

    def _store(self, endpoint: str, item: Item, body: Item) -> Item:
        if endpoint == "job_templates" and (
            body["project"] not in self._checked_out or body["playbook"] not in self._playbooks
        ):
            raise ValueError("Playbook not found for project.")
        if endpoint == "schedules":
            check_rule(body["rrule"])
        new = dict(body)
        if endpoint == "credentials" and "inputs" in new:
            self.secrets[item["id"]] = new["inputs"]
            fields = self.items["credential_types"][new["credential_type"]]["inputs"]["fields"]
            hidden = {field["id"] for field in fields if field.get("secret")}
            new["inputs"] = {name: ENCRYPTED if name in hidden else value for name, value in new["inputs"].items()}
        return self._rendered(endpoint, self._keep(endpoint, {**item, **new}))


def _list(found: list[Item]) -> Item:
    return {"count": len(found), "next": None, "results": found}


class _Handler(BaseHTTPRequestHandler):
    awx: FakeAwx

    def _serve(self) -> None:
        url, body = urlsplit(self.path), self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.headers.get("Authorization") != f"Bearer {TOKEN}":
            status, content = 401, {"detail": "Authentication credentials were not provided."}
        else:
            try:
                path = url.path.removeprefix(BASE).strip("/")
                status, content = self.awx.respond(
                    self.command, path, dict(parse_qsl(url.query)), json.loads(body or "{}")
                )
            except ValueError as error:
                status, content = 400, {"error": str(error)}
        sent = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("X-API-Product-Name", "AWX")
        self.send_header("X-API-Product-Version", "24.6.1")
        self.send_header("Content-Length", str(len(sent)))
        self.end_headers()
        if status != 204:
            self.wfile.write(sent)

    do_GET = do_POST = do_PATCH = _serve  # noqa: N815  # the names that http.server calls

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the name of http.server
        pass


def check_survey(survey: Item) -> None:
    """JobTemplateSurveySpec._validate_spec_data."""
    variables = [question["variable"] for question in survey["spec"]]
    if len(variables) != len(set(variables)) or survey["name"] is None or survey["description"] is None:
        raise ValueError("a variable is duplicated, or a name is missing")
    for question in survey["spec"]:
        limits = all(isinstance(question[name], int) for name in ("min", "max"))
        if not isinstance(question["default"], str) or not isinstance(question["required"], bool) or not limits:
            raise ValueError(f"a value of the wrong type: {question}")
        if question["type"] not in ("text", "textarea", "multiplechoice"):
            raise ValueError(f"unknown type: {question}")
        if question["type"] == "multiplechoice" and question["default"] not in ["", *question["choices"].splitlines()]:
            raise ValueError("the default is none of the choices")


def check_rule(rule: str) -> None:
    """SchedulePreviewSerializer.validate_rrule."""
    starts = re.findall(r"DTSTART(?:;TZID=[\w/+-]+:\d{8}T\d{6}(?!Z)|:\d{8}T\d{6}Z)", rule)
    if len(starts) != 1 or "RRULE:" not in rule or "INTERVAL=" not in rule or "SECONDLY" in rule:
        raise ValueError(f"not a rule that AWX takes: {rule}")
