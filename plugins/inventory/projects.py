# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: projects
short_description: Projects on oec.sh, or their environments, as hosts
version_added: 1.0.0
description:
  - Adds one host for each project that the API key sees, to the group C(oec_projects). A read-only key is enough.
  - With O(hosts=environments) it adds one host for each environment instead, to the group C(oec_environments).
  - Reads a YAML file whose name ends with C(oec.yml) or C(oec.yaml).
  - Each field of a project becomes a variable of its host. These are C(oec_id), C(oec_name), C(oec_odoo_version),
    C(oec_git_repo_url), C(oec_default_branch), C(oec_environment_count), C(oec_server_id) and C(oec_created_at).
    C(oec_server_name) and C(oec_server_provider) describe its server. What a project does not have is V(null).
  - The host of an environment has those of its project, and each field of its own, such as C(oec_environment_id),
    C(oec_environment_name), C(oec_environment_status), C(oec_environment_url), C(oec_environment_branch),
    C(oec_environment_last_commit), C(oec_environment_odoo_version), C(oec_environment_server_id) and
    C(oec_environment_custom_domain).
  - Values of the API are never used as templates. Credentials in a Git URL are returned as V(***).
  - Projects are not SSH hosts. C(ansible_connection) is V(local), and C(ansible_python_interpreter) is the
    Python that Ansible itself runs with, so that a task with M(oecsh.cloud.oec_project) runs where Ansible does.
author:
  - oecsh.cloud contributors (@oecsh)
extends_documentation_fragment:
  - oecsh.cloud.api
  - ansible.builtin.constructed
  - ansible.builtin.inventory_cache
options:
  plugin:
    description: Marks the file as one of this plugin.
    type: str
    required: true
    choices: [oecsh.cloud.projects]
  api_key:
    # Required all the same: unlike Ansible, the message of the plugin says how to set it.
    required: false
    env:
      - name: OECSH_API_KEY
  api_url:
    env:
      - name: OECSH_API_URL
  validate_certs:
    # As a boolean, a template would be false, and every other word too.
    type: raw
  ca_path:
    # As a path, an empty one would become the folder in which Ansible is started.
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
  hosts:
    description:
      - Whether the hosts are projects or environments. To read the environments takes one request for each project.
      - The routes for environments are not in the published API reference. Older versions of the API hide
        an environment that is stopped or failed.
    type: str
    choices: [projects, environments]
    default: projects
  servers:
    description:
      - Only projects on one of these servers, given by its name, its UUID or a shell pattern like V(production-*).
    type: list
    elements: str
    default: []
  odoo_versions:
    description:
      - Only projects of one of these Odoo versions, given exactly or as a shell pattern like V(16.*).
    type: list
    elements: str
    default: []
  names:
    description:
      - Only projects with one of these names, given exactly or as a shell pattern like V(Client *).
        Upper and lower case differ.
      - Use a list if a name contains a comma.
    type: list
    elements: str
    default: []
  hostname:
    description:
      - The name of a host, as a Jinja expression over its variables, without braces.
        For example V(oec_server_name ~ '-' ~ oec_name).
      - The default of an environment is V(oec_name ~ '-' ~ (oec_environment_name or oec_environment_id\)).
      - Letters, digits, C(_), C(.) and C(-) are kept. Everything between them becomes one C(_), because whitespace,
        commas, colons, brackets and similar characters have a meaning in C(--limit) and in C(hosts).
        The project V(Client ERP (Ltd)) is the host C(Client_ERP_Ltd), and its C(oec_name) has the exact name.
      - If two projects would have the same host name, or one the name of a group or of a host of another source,
        each of them gets C(-) and the first eight characters of its UUID. Filters do not change this.
      - If nothing is left of the name, the host has the UUID of the project or environment as its name.
      - The default of a project is V(oec_name).
    type: str
notes:
  - If a source fails, Ansible only prints a warning and continues without its hosts.
    Set E(ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED=true) to make it fail.
  - With O(cache) and a persistent cache plugin, such as P(ansible.builtin.jsonfile#cache),
    a run with a fresh cache sends no request at all.
    The cache belongs to one O(api_url) and O(api_key), and contains all projects,
    so it stays valid when filters and groups change. C(ansible-playbook --flush-cache) reads the API again.
  - C(ansible-inventory --list) wraps a text that contains braces in C(__ansible_unsafe).
    Ansible reads that back as text, and C(--host) prints it unchanged.
  - O(api_key), O(api_url), O(validate_certs) and O(ca_path) may be templates, such as a lookup,
    or encrypted with Ansible Vault.
  - In AWX or the Automation Platform, add it as a source of the kind "Sourced from a Project" and type the file's path.
    A custom credential whose type sets E(OECSH_API_KEY) in the environment works for the source and for the jobs.
    If the jobs run in another execution environment than the source,
    set C(ansible_python_interpreter) to V({{ ansible_playbook_python }}) in the C(vars) of the play.
seealso:
  - module: oecsh.cloud.oec_project
  - module: oecsh.cloud.oec_projects
  - module: oecsh.cloud.oec_project_info
  - module: oecsh.cloud.oec_server_info
  - ref: ansible_collections.oecsh.cloud.docsite.inventory
    description: How to run tasks for each project.
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

# Only clients that still run 16.0 or older on the production servers.
servers:
  - production-*
odoo_versions:
  - "15.*"
  - "16.*"

# Cached for ten minutes.
cache: true
cache_plugin: ansible.builtin.jsonfile
cache_connection: ~/.cache/oec
cache_timeout: 600

# Host names that include the server.
hostname: oec_server_name ~ '-' ~ oec_name

# For a source in AWX, whose "Enabled variable" is then is_deployed, and the "Enabled value" True.
compose:
  is_deployed: oec_environment_count > 0

# Another file, with one host for each environment, in groups by name and version. So that
#   ansible-playbook -i erps.oec.yml site.yml --limit 'odoo_16_0:&production'
# takes the productions that run 16.0.
#
# plugin: oecsh.cloud.projects
# hosts: environments
# keyed_groups:
#   - key: oec_environment_name
#     separator: ""
#   - key: oec_environment_odoo_version
#     prefix: odoo

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
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields
from hashlib import sha256
from typing import Any

from ansible.constants import LOCALHOST
from ansible.errors import AnsibleError, AnsibleParserError
from ansible.module_utils.parsing.convert_bool import boolean
from ansible.plugins.inventory import BaseInventoryPlugin, Cacheable, Constructable
from ansible_collections.oecsh.cloud.plugins.module_utils._api.client import Client
from ansible_collections.oecsh.cloud.plugins.module_utils._api.http_client import REQUESTS_IMPORT_ERROR, HttpClient
from ansible_collections.oecsh.cloud.plugins.module_utils._api.settings import Settings
from ansible_collections.oecsh.cloud.plugins.module_utils._base.errors import OecError
from ansible_collections.oecsh.cloud.plugins.module_utils._base.validation import matches_any, unknown_option
from ansible_collections.oecsh.cloud.plugins.module_utils._resources.placement import (
    placed_environments,
    placed_projects,
)
from ansible_collections.oecsh.cloud.plugins.plugin_utils._hosts import (
    GROUPS,
    HOSTNAMES,
    IDENTS,
    host_name,
    host_variables,
    unique_host_names,
)

Variables = dict[str, Any]

_wrap_unsafe: Callable[[str], str] = str
_trust: Callable[[str], str] = str
try:
    # Since ansible-core 2.19 only trusted text is a template. Text that cannot be one is trusted, because
    # ansible-inventory, and AWX with it, wraps untrusted text.
    from ansible.template import trust_as_template as _trust
except ImportError:
    from ansible.utils.unsafe_proxy import wrap_var as _wrap_unsafe


class InventoryModule(BaseInventoryPlugin, Constructable, Cacheable):
    NAME = "oecsh.cloud.projects"

    def verify_file(self, path: str) -> bool:
        return bool(super().verify_file(path)) and path.endswith(("oec.yml", "oec.yaml"))

    def parse(self, inventory: Any, loader: Any, path: str, cache: bool = True) -> None:
        super().parse(inventory, loader, path, cache)
        config = self._read_config_data(path)
        unknown = [str(name) for name in config if name not in self._options]
        if unknown:
            raise AnsibleParserError(str(unknown_option(unknown[0], self._options)))
        self._kind = str(self.get_option("hosts"))
        self._ident = IDENTS[self._kind]
        try:
            hosts = self._hosts(path, read_cache=cache)
        except OecError as error:
            raise AnsibleParserError(str(error)) from None
        inventory.add_group(GROUPS[self._kind])
        names = self._host_names(inventory, hosts)
        selected = [host for host in hosts if self._is_selected(host)]
        for host in selected:
            self._add_host(inventory, names[host[self._ident]], host)
        for host in selected:
            self._construct(inventory, names[host[self._ident]])

    def _hosts(self, path: str, *, read_cache: bool) -> list[Variables]:
        """Return the variables of every host, selected or not; from the cache if that is fresh."""
        settings = self._settings()
        use_cache = self.get_option("cache")
        # Another key may see other projects; its hash identifies it, as a cache must not contain a key.
        account_hash = sha256(f"{settings.api_url} {settings.api_key} {self._kind}".encode()).hexdigest()
        cache_key = f"{self.get_cache_key(path)}_{account_hash[:16]}"
        hosts = self._cache.get(cache_key) if use_cache and read_cache else None
        if hosts is None:
            hosts = _read(settings, self._kind)
            if use_cache:
                self._cache[cache_key] = hosts
        return [_mark_unsafe(host) for host in hosts]

    def _settings(self) -> Settings:
        self.templar.available_variables = self._vars or {}
        options = {}
        for name in (field.name for field in fields(Settings)):
            try:
                options[name] = self.templar.template(self.get_option(name))
            except AnsibleError as error:
                raise OecError("invalid_input", f"the template of {name} fails: {error}") from None
        try:
            options["validate_certs"] = options["validate_certs"] in (None, "") or boolean(options["validate_certs"])
        except TypeError:
            raise OecError("invalid_input", "validate_certs is not a boolean", "Use true or false.") from None
        texts = {name: str(options[name] or "") for name in ("api_key", "api_url", "ca_path")}
        return Settings(**{**options, **texts, "ca_path": os.path.expanduser(texts["ca_path"].strip())})

    def _is_selected(self, project: Variables) -> bool:
        return (
            matches_any(self.get_option("servers"), project["oec_server_name"], project["oec_server_id"])
            and matches_any(self.get_option("odoo_versions"), project["oec_odoo_version"])
            and matches_any(self.get_option("names"), project["oec_name"])
        )

    def _host_names(self, inventory: Any, hosts: Iterable[Variables]) -> dict[str, str]:
        """Return a unique name for each host's id."""
        groups = {*inventory.groups, *map(self._sanitize_group_name, self.get_option("groups") or ())}

        def is_taken(name: str, ident: str) -> bool:
            # Ansible takes a host with the name of a group for that group.
            if name in groups or name in LOCALHOST:
                return True
            return name in inventory.hosts and inventory.hosts[name].vars.get(self._ident) != ident

        return unique_host_names({host[self._ident]: self._host_name(host) for host in hosts}, is_taken)

    def _host_name(self, host: Variables) -> str:
        expression = self.get_option("hostname") or _trust(HOSTNAMES[self._kind])
        try:
            name = self._compose(expression, host)
        except Exception as error:
            raise AnsibleParserError(
                f"hostname {expression!r} gives no name to the project {host['oec_name']!r} ({error}). "
                "It must be a Jinja expression over the host's variables, without braces, such as oec_name."
            ) from None
        return host_name(name, fallback=host[self._ident])

    def _add_host(self, inventory: Any, host: str, variables: Variables) -> None:
        inventory.add_host(host, GROUPS[self._kind])
        for name, value in variables.items():
            inventory.set_variable(host, name, value)
        inventory.set_variable(host, "ansible_connection", "local")
        # Ansible would find the system's Python, where requests may be missing.
        inventory.set_variable(host, "ansible_python_interpreter", sys.executable)

    def _construct(self, inventory: Any, host: str) -> None:
        variables, strict = inventory.get_host(host).get_vars(), self.get_option("strict")
        self._set_composite_vars(self.get_option("compose"), variables, host, strict=strict)
        self._add_host_to_composed_groups(self.get_option("groups"), variables, host, strict=strict)
        self._add_host_to_keyed_groups(self.get_option("keyed_groups"), variables, host, strict=strict)


def _read(settings: Settings, kind: str) -> list[Variables]:
    """Return the redacted variables of every project or environment, in the API's order."""
    if REQUESTS_IMPORT_ERROR:
        hint = f"Install it for the Python that Ansible runs with, {sys.executable}."
        raise OecError("missing_library", "the Python library requests is missing", hint)
    client = Client(HttpClient(settings))
    found = placed_environments(client) if kind == "environments" else placed_projects(client)
    return [host_variables(each, [settings.api_key]) for each in found]


def _mark_unsafe(value: Any) -> Any:
    """Return the same value, with all strings that could be templates marked as none."""
    if isinstance(value, str):
        return _wrap_unsafe(value) if "{" in value or "}" in value else _trust(value)
    if isinstance(value, Mapping):
        return {_mark_unsafe(key): _mark_unsafe(inner) for key, inner in value.items()}
    return [_mark_unsafe(inner) for inner in value] if isinstance(value, list) else value
