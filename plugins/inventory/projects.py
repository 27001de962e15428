# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: projects
short_description: The projects on oec.sh as hosts
description:
  - Makes one host of each project that the API key sees, in the group C(oec_projects). A read-only key is enough.
  - Reads a YAML file whose name ends with C(oec.yml) or C(oec.yaml).
  - Each field of a project becomes a variable of its host. These are C(oec_id), C(oec_name), C(oec_odoo_version),
    C(oec_git_repo_url), C(oec_default_branch), C(oec_environment_count), C(oec_server_id) and C(oec_created_at).
    C(oec_server_name) and C(oec_server_provider) say where it is. What a project does not have is V(null).
  - What the API says is never taken for a template. Credentials in a Git URL are shown as V(***).
  - A project is nothing to log in to. C(ansible_connection) is V(local), and C(ansible_python_interpreter) is the
    Python that Ansible itself runs with, so that a task with M(oecsh.cloud.oec_project) runs where Ansible does.
author:
  - oecsh.cloud contributors (@oecsh)
extends_documentation_fragment:
  - oecsh.cloud.api
  - ansible.builtin.constructed
  - ansible.builtin.inventory_cache
options:
  plugin:
    description: Says that the file is for this plugin.
    type: str
    required: true
    choices: [oecsh.cloud.projects]
  api_key:
    # Needed all the same; the message of the plugin says how to give it, and that of Ansible would not.
    required: false
    env:
      - name: OECSH_API_KEY
  api_url:
    env:
      - name: OECSH_API_URL
  ca_path:
    # As a path, a blank one would be the folder that Ansible is started in.
    type: str
  api_timeout:
    env:
      - name: OECSH_API_TIMEOUT
  api_retries:
    env:
      - name: OECSH_API_RETRIES
  api_max_wait:
    env:
      - name: OECSH_API_MAX_WAIT
  servers:
    description:
      - Only projects on one of these servers, each given by its name, its UUID or a shell pattern like V(production-*).
    type: list
    elements: str
    default: []
  odoo_versions:
    description:
      - Only projects of one of these Odoo versions, each to the letter or a shell pattern like V(16.*).
    type: list
    elements: str
    default: []
  names:
    description:
      - Only projects with one of these names, each to the letter or a shell pattern like V(Client *).
        Upper and lower case differ.
      - Give a list where a name holds a comma.
    type: list
    elements: str
    default: []
  hostname:
    description:
      - What a host is called, as a Jinja expression over its variables, without braces.
        For example V(oec_server_name ~ '-' ~ oec_name).
      - Letters, digits, C(_), C(.) and C(-) are kept. Whatever is between them becomes one C(_), because blanks,
        commas, colons, brackets and the like mean something else in C(--limit) and in C(hosts).
        The project V(Client ERP (Ltd)) is the host C(Client_ERP_Ltd), and its C(oec_name) has the name to the letter.
      - Where two projects would be called the same, or one like a group or like a host of another source,
        each of them gets C(-) and the first eight characters of its UUID. The filters make no difference to it.
      - Where nothing is left of it, the host is called by the project's UUID.
    type: str
    default: oec_name
notes:
  - Ansible takes a source that fails for a warning, and goes on without its hosts.
    Set E(ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED=true) to stop there.
  - With O(cache) and a cache plugin that keeps something, such as P(ansible.builtin.jsonfile#cache),
    a run with a fresh cache sends no request at all.
    The cache belongs to one O(api_url) and O(api_key), and holds all projects,
    so that changed filters and groups need no new one. C(ansible-playbook --flush-cache) reads the API again.
  - C(ansible-inventory --list) wraps a text that holds braces in C(__ansible_unsafe).
    Ansible reads that back as text, and C(--host) shows it as it is.
  - O(api_key), O(api_url) and O(ca_path) may be templates, such as a lookup, or encrypted with Ansible Vault.
  - In AWX or the Automation Platform, add it as a source of the kind "Sourced from a Project" and type the file's path.
    A custom credential whose type sets E(OECSH_API_KEY) in the environment does for the source as for the jobs.
    Where the jobs run in another execution environment than the source,
    set C(ansible_python_interpreter) to V({{ ansible_playbook_python }}) in the C(vars) of the play.
"""

EXAMPLES = r"""
# clients.oec.yml, with OECSH_API_KEY in the environment. The first line is enough:
#   ansible-inventory -i clients.oec.yml --graph
plugin: oecsh.cloud.projects

# Groups by Odoo version (odoo_17_0) and by server (server_production_fsn1), and one of those without a repository.
keyed_groups:
  - key: oec_odoo_version
    prefix: odoo
  - key: oec_server_name
    prefix: server
groups:
  without_repository: oec_git_repo_url is none

# Only who still runs 16.0 or older on the production servers.
servers:
  - production-*
odoo_versions:
  - "15.*"
  - "16.*"

# Kept for ten minutes.
cache: true
cache_plugin: ansible.builtin.jsonfile
cache_connection: ~/.cache/oec
cache_timeout: 600

# The hosts' names say the server too.
hostname: oec_server_name ~ '-' ~ oec_name

# For a source in AWX, whose "Enabled variable" is then is_deployed, and the "Enabled value" True.
compose:
  is_deployed: oec_environment_count > 0

# A play over the hosts: clients who run 16.0, a few at a time, onto another branch.
#
# - hosts: odoo_16_0
#   gather_facts: false
#   serial: 5
#   tasks:
#     - name: Move to the release branch
#       oecsh.cloud.oec_project:
#         project_id: "{{ oec_id }}"
#         default_branch: release/16.0
"""

# mypy: allow-untyped-calls
# ansible-core annotates the base classes in parts.

import os
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields
from fnmatch import fnmatchcase
from hashlib import sha256
from typing import Any

from ansible.constants import LOCALHOST
from ansible.errors import AnsibleError, AnsibleParserError
from ansible.plugins.inventory import BaseInventoryPlugin, Cacheable, Constructable
from ansible_collections.oecsh.cloud.plugins.module_utils._client import Client
from ansible_collections.oecsh.cloud.plugins.module_utils._errors import InputError, OecError, masked
from ansible_collections.oecsh.cloud.plugins.module_utils._transport import REQUESTS_IMPORT_ERROR, Settings, Transport

Variables = dict[str, Any]

GROUP = "oec_projects"

_ODD_IN_A_HOST_NAME = re.compile(r"[^\w.-]+")

_with_braces: Callable[[str], str] = str
_without_braces: Callable[[str], str] = str
try:
    # Since ansible-core 2.19 nothing is a template that is not declared to be one. What cannot be one is declared so,
    # because ansible-inventory, and AWX with it, would show it in a wrapper.
    from ansible.template import trust_as_template as _without_braces
except ImportError:
    from ansible.utils.unsafe_proxy import wrap_var as _with_braces


class InventoryModule(BaseInventoryPlugin, Constructable, Cacheable):
    NAME = "oecsh.cloud.projects"

    def verify_file(self, path: str) -> bool:
        return bool(super().verify_file(path)) and path.endswith(("oec.yml", "oec.yaml"))

    def parse(self, inventory: Any, loader: Any, path: str, cache: bool = True) -> None:
        super().parse(inventory, loader, path, cache)
        self._read_config_data(path)
        try:
            projects = self._projects(path, read_cache=cache)
        except OecError as error:
            raise AnsibleParserError(str(error)) from None
        inventory.add_group(GROUP)
        hosts = self._host_names(inventory, projects)
        wanted = [project for project in projects if self._is_wanted(project)]
        for project in wanted:
            self._add_host(inventory, hosts[project["oec_id"]], project)
        for project in wanted:
            self._construct(inventory, hosts[project["oec_id"]])

    def _projects(self, path: str, *, read_cache: bool) -> list[Variables]:
        """The variables of every project, whether it is wanted or not; from the cache where that is fresh."""
        settings = self._settings()
        use_cache = self.get_option("cache")
        # Another key may see other projects; its hash has to do, for the cache is no place for a key.
        whose = sha256(f"{settings.api_url} {settings.api_key}".encode()).hexdigest()
        cache_key = f"{self.get_cache_key(path)}_{whose[:16]}"
        projects: list[Variables] | None = None
        if use_cache and read_cache:
            projects = self._cache.get(cache_key)
        if projects is None:
            projects = _read(settings)
            if use_cache:
                self._cache[cache_key] = projects
        return [_never_a_template(project) for project in projects]

    def _settings(self) -> Settings:
        self.templar.available_variables = self._vars or {}
        options = {}
        for name in (field.name for field in fields(Settings)):
            try:
                options[name] = self.templar.template(self.get_option(name))
            except AnsibleError as error:
                raise InputError(f"the template of {name} fails: {error}") from None
        texts = {name: str(options[name] or "") for name in ("api_key", "api_url", "ca_path")}
        return Settings(**{**options, **texts, "ca_path": os.path.expanduser(texts["ca_path"].strip())})

    def _is_wanted(self, project: Variables) -> bool:
        return (
            _matches(self.get_option("servers"), project["oec_server_name"], project["oec_server_id"])
            and _matches(self.get_option("odoo_versions"), project["oec_odoo_version"])
            and _matches(self.get_option("names"), project["oec_name"])
        )

    def _host_names(self, inventory: Any, projects: Iterable[Variables]) -> dict[str, str]:
        """The host's name for each project's id: all different, whatever the order of the projects."""
        groups = {*inventory.groups, *map(self._sanitize_group_name, self.get_option("groups") or ())}

        def is_taken(name: str, ident: str) -> bool:
            # Ansible takes what is called like a group for that group.
            if name in groups or name in LOCALHOST:
                return True
            return name in inventory.hosts and inventory.hosts[name].vars.get("oec_id") != ident

        def clashing() -> list[str]:
            times = Counter(names.values())
            return [ident for ident, name in names.items() if times[name] > 1 or is_taken(name, ident)]

        names = {project["oec_id"]: self._host_name(project) for project in projects}
        length: int | None = 8
        while clashes := clashing():
            names.update({ident: f"{names[ident]}-{ident[:length]}" for ident in clashes})
            length = None
        return names

    def _host_name(self, project: Variables) -> str:
        expression = self.get_option("hostname")
        try:
            name = self._compose(expression, project)
        except Exception as error:
            raise AnsibleParserError(
                f"hostname {expression!r} gives no name to the project {project['oec_name']!r} ({error}). "
                "It must be a Jinja expression over the host's variables, without braces, such as oec_name."
            ) from None
        return _ODD_IN_A_HOST_NAME.sub("_", "" if name is None else str(name)).strip("._-") or str(project["oec_id"])

    def _add_host(self, inventory: Any, host: str, project: Variables) -> None:
        inventory.add_host(host, GROUP)
        for name, value in project.items():
            inventory.set_variable(host, name, value)
        inventory.set_variable(host, "ansible_connection", "local")
        # Ansible would look for one by itself, and find the system's, where requests may be missing.
        inventory.set_variable(host, "ansible_python_interpreter", sys.executable)

    def _construct(self, inventory: Any, host: str) -> None:
        variables, strict = inventory.get_host(host).get_vars(), self.get_option("strict")
        self._set_composite_vars(self.get_option("compose"), variables, host, strict=strict)
        self._add_host_to_composed_groups(self.get_option("groups"), variables, host, strict=strict)
        self._add_host_to_keyed_groups(self.get_option("keyed_groups"), variables, host, strict=strict)


def _read(settings: Settings) -> list[Variables]:
    """Every project's host variables from the API, without secrets, in the API's order."""
    if REQUESTS_IMPORT_ERROR:
        raise InputError(
            "the Python library requests is missing",
            f"Install it for the Python that Ansible runs with, {sys.executable}.",
        )
    client = Client(Transport(settings))
    projects = client.projects().projects
    servers = {}
    if any(project.server_id for project in projects):
        servers = {server.id.lower(): server for server in client.servers()}
    found = []
    for project in projects:
        server = servers.get((project.server_id or "").lower())
        # Ansible refuses variables that are no identifiers.
        variables = {f"oec_{name}": value for name, value in project.fields.items() if name.isidentifier()}
        where = {
            "oec_odoo_version": project.odoo_version,
            "oec_server_id": project.server_id,
            "oec_server_name": server and server.name,
            "oec_server_provider": server and server.provider,
        }
        found.append({**variables, **where})
    return masked(found, [settings.api_key])


def _matches(patterns: Iterable[Any], *values: str | None) -> bool:
    """Whether any of the values is, or matches, any of the patterns. YAML makes a number of an unquoted 17.0."""
    wanted = [str(pattern) for pattern in patterns if pattern not in (None, "")]
    found = [value for value in values if value is not None]
    return not wanted or any(value == one or fnmatchcase(value, one) for value in found for one in wanted)


def _never_a_template(value: Any) -> Any:
    """The same value, with all strings that could be templates marked as none."""
    if isinstance(value, str):
        return _with_braces(value) if "{" in value or "}" in value else _without_braces(value)
    if isinstance(value, Mapping):
        return {_never_a_template(key): _never_a_template(inner) for key, inner in value.items()}
    return [_never_a_template(inner) for inner in value] if isinstance(value, list) else value
