# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import sys
import traceback
from pathlib import Path

import pytest
import yaml
from ansible import template
from ansible.errors import AnsibleError, AnsibleParserError
from ansible.inventory.data import InventoryData
from ansible.inventory.manager import InventoryManager
from ansible.parsing.dataloader import DataLoader
from ansible.plugins.loader import inventory_loader
from ansible.vars.manager import VariableManager
from ansible_collections.oecsh.cloud.plugins.inventory import projects
from ansible_collections.oecsh.cloud.tests.emulator import Emulator
from ansible_collections.oecsh.cloud.tests.support import PRIVATE_REPO, REDACTED_REPO, REPO, SERVER_ID, UNKNOWN_ID

ONE = "11111111-aaaa-4000-8000-000000000001"
TWO = "22222222-bbbb-4000-8000-000000000002"


@pytest.fixture
def environment(emulator, monkeypatch):
    """A read-only key and the API's address, as a job template sets them."""
    monkeypatch.setenv("OECSH_API_KEY", emulator.keys.read_only)
    monkeypatch.setenv("OECSH_API_URL", emulator.url)
    return monkeypatch


@pytest.fixture
def source(environment, tmp_path):
    """source(name="clients.oec.yml", **options): the path of an inventory file."""

    def write(name="clients.oec.yml", /, **options):
        path = tmp_path / name
        path.write_text(yaml.safe_dump({"plugin": projects.InventoryModule.NAME, **options}))
        return str(path)

    return write


@pytest.fixture
def inventory(source):
    """inventory(flush_cache=False, **options): the inventory that Ansible reads from a file."""

    def load(*, flush_cache=False, **options):
        return InventoryManager(loader=DataLoader(), sources=[source(**options)], cache=not flush_cache)

    return load


@pytest.fixture
def failure(source):
    """failure(**options): the error that the plugin raises for an inventory file."""

    def load(*, kind=AnsibleParserError, **options):
        plugin = inventory_loader.get(projects.InventoryModule.NAME)
        with pytest.raises(kind) as raised:
            plugin.parse(InventoryData(), DataLoader(), source(**options), cache=True)
        return raised.value

    return load


@pytest.fixture
def cached(tmp_path):
    """The options for a cache in files."""
    return {"cache": True, "cache_plugin": "ansible.builtin.jsonfile", "cache_connection": str(tmp_path / "cache")}


def cache_text(options):
    files = sorted(Path(options["cache_connection"]).glob("*"))
    return "".join(f"{path}\n{path.read_text()}" for path in files)


def groups(inventory):
    """The hosts of each group that has any."""
    found = {name: sorted(host.name for host in group.get_hosts()) for name, group in inventory.groups.items()}
    return {name: hosts for name, hosts in found.items() if hosts and name not in ("all", "ungrouped")}


def hosts(inventory):
    return sorted(inventory.hosts)


def rendered(inventory, host, text):
    """The value of a playbook's template in a task on the host."""
    loader = DataLoader()
    variables = VariableManager(loader=loader, inventory=inventory).get_vars(host=inventory.get_host(host))
    trusted = getattr(template, "trust_as_template", str)(text)
    return template.Templar(loader=loader, variables=variables).template(trusted)


# Hosts and their variables.


def test_variables_are_the_fields_of_project_and_server(inventory, emulator):
    project = emulator.add_project("Client ERP", odoo_version="17.0", git_repo_url=REPO)
    found = inventory()
    assert groups(found) == {"oec_projects": ["Client_ERP"]}
    variables = found.get_host("Client_ERP").vars
    assert {name: value for name, value in variables.items() if name.startswith("oec_")} == {
        **{f"oec_{field}": value for field, value in project.items()},
        "oec_server_name": "production-fsn1",
        "oec_server_provider": "hetzner",
    }
    # Without braces it needs no mark, and ansible-inventory prints it without a wrapper.
    is_trusted = getattr(template, "is_trusted_as_template", lambda text: text.__class__ is str)
    assert is_trusted(variables["oec_name"])


@pytest.mark.parametrize(
    ("compose", "python"), [({}, sys.executable), ({"ansible_python_interpreter": "'/x/python'"}, "/x/python")]
)
def test_tasks_run_locally_with_a_python_that_can_be_set(inventory, emulator, compose, python):
    emulator.add_project("Client ERP")
    variables = inventory(compose=compose).get_host("Client_ERP").vars
    assert (variables["ansible_connection"], variables["ansible_python_interpreter"]) == ("local", python)


@pytest.mark.parametrize("server_id", [None, UNKNOWN_ID])
def test_a_project_without_a_known_server(inventory, emulator, server_id):
    emulator.add_project("Client ERP", server_id=server_id)
    variables = inventory().get_host("Client_ERP").vars
    assert variables["oec_server_id"] == server_id
    assert (variables["oec_server_name"], variables["oec_server_provider"]) == (None, None)


def test_a_server_is_found_by_its_id_in_capitals(inventory, emulator):
    emulator.add_project("Client ERP")
    state = emulator.dump()
    for item, field in [(state["servers"]["acme"][0], "id"), (state["projects"][0], "server_id")]:
        item[field] = item[field].upper()
    emulator.load(state)
    assert inventory().get_host("Client_ERP").vars["oec_server_name"] == "production-fsn1"


@pytest.mark.parametrize(("count", "paths"), [(0, ["/projects"]), (250, ["/projects"] * 3 + ["/servers"])])
def test_requests_for_projects_and_servers(inventory, emulator, count, paths):
    emulator.fill(count)
    found = inventory()
    assert len(hosts(found)) == count
    assert "oec_projects" in found.groups
    assert [entry.path for entry in emulator.log.requests()] == paths


def test_fields_that_are_new_to_the_api_or_left_out(inventory, emulator):
    project = {"id": ONE, "name": "Client ERP", "tier": ["gold"], "no-name": 1}
    body = {"data": [project], "pagination": {"has_more": False}}
    emulator.faults.add("replace", "GET", "/projects", body=body)
    variables = inventory().get_host("Client_ERP").vars
    assert variables["oec_tier"] == ["gold"]
    assert (variables["oec_server_id"], variables["oec_odoo_version"]) == (None, None)
    assert "oec_no-name" not in variables


# Environments as hosts.

BY_ENVIRONMENT = {
    "hosts": "environments",
    "keyed_groups": [
        {"key": "oec_environment_name", "separator": ""},
        {"key": "oec_environment_odoo_version", "prefix": "odoo"},
    ],
}


def test_environments_are_hosts_with_the_variables_of_both(inventory, emulator):
    project = emulator.add_project("Client ERP", odoo_version="16.0")
    emulator.add_project("Without environments")
    other = emulator.add_project("Bakery", odoo_version="17.0")
    environment = emulator.add_environment(project["id"], "production", ram_mb=4096)
    emulator.add_environment(project["id"], "staging")
    emulator.add_environment(other["id"], "production")
    found = inventory(**BY_ENVIRONMENT)
    assert groups(found) == {
        "oec_environments": ["Bakery-production", "Client_ERP-production", "Client_ERP-staging"],
        "production": ["Bakery-production", "Client_ERP-production"],
        "staging": ["Client_ERP-staging"],
        "odoo_16_0": ["Client_ERP-production", "Client_ERP-staging"],
        "odoo_17_0": ["Bakery-production"],
    }
    assert [host.name for host in found.get_hosts("odoo_16_0:&production")] == ["Client_ERP-production"]
    variables = found.get_host("Client_ERP-production").vars
    assert variables.items() >= {f"oec_environment_{name}": value for name, value in environment.items()}.items()
    assert (variables["oec_name"], variables["oec_server_name"]) == ("Client ERP", "production-fsn1")
    paths = [entry.path for entry in emulator.log.requests()]
    assert (paths[:2], len(paths)) == (["/projects", "/servers"], 5)


def test_environments_of_one_name_are_different_hosts(inventory, emulator):
    for name, ident in [("Shop A", ONE), ("Shop_A", TWO)]:
        emulator.add_environment(emulator.add_project(name)["id"], "production", id=ident)
    assert hosts(inventory(hosts="environments")) == ["Shop_A-production-11111111", "Shop_A-production-22222222"]


def test_a_project_that_is_deleted_meanwhile_has_none(inventory, emulator):
    for name in ("Client ERP", "Bakery"):
        emulator.add_environment(emulator.add_project(name)["id"])
    emulator.faults.add("status", "GET", "/projects/[^/]+/environments", times=1, status=404)
    assert hosts(inventory(hosts="environments")) == ["Bakery-production"]


def test_filters_of_projects_select_their_environments(inventory, emulator):
    for name in ("Client ERP", "Bakery"):
        emulator.add_environment(emulator.add_project(name)["id"])
    assert hosts(inventory(hosts="environments", names=["Bak*"])) == ["Bakery-production"]


def test_projects_and_environments_have_caches_of_their_own(inventory, emulator, cached):
    emulator.add_environment(emulator.add_project("Client ERP")["id"])
    expected = {"projects": ["Client_ERP"], "environments": ["Client_ERP-production"]}
    for kind, names in expected.items():
        assert hosts(inventory(hosts=kind, **cached)) == names
    emulator.log.clear()
    for kind, names in expected.items():
        assert hosts(inventory(hosts=kind, **cached)) == names
    assert emulator.log.count() == 0


# Filters. Their patterns are tested in test_validation.py.

ESTATE = {
    "Client A": ("production-fsn1", "16.0"),
    "Client B": ("production-nyc1", "17.0"),
    "Client [C]": ("staging-hel1", "17.0"),
    "Internal": ("staging-hel1", None),
}


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({"servers": ["staging-hel1"]}, ["Client_C", "Internal"]),
        ({"servers": [SERVER_ID]}, ["Client_A"]),
        ({"servers": "production-*"}, ["Client_A", "Client_B"]),
        ({"odoo_versions": [17.0]}, ["Client_B", "Client_C"]),
        ({"names": ["Client *"], "odoo_versions": ["17.0"], "servers": ["staging-*"]}, ["Client_C"]),
        ({"names": [], "odoo_versions": "", "servers": [""]}, ["Client_A", "Client_B", "Client_C", "Internal"]),
    ],
    ids=str,
)
def test_hosts_match_every_filter(inventory, emulator, filters, expected):
    for name, (server, version) in ESTATE.items():
        emulator.add_project(name, server, odoo_version=version)
    assert hosts(inventory(**filters)) == expected


# Host names. What is replaced in them, and what makes them unique, is tested in test_hosts.py.


@pytest.mark.parametrize("name", ["!a:b,c[1]", "{{ lookup('pipe', 'id') }}", "顧客"])
def test_ansible_finds_a_host_by_its_name(inventory, emulator, name):
    emulator.add_project(name)
    emulator.add_project("Another")
    found = inventory()
    (host,) = (host for host in found.hosts if found.get_host(host).vars["oec_name"] == name)
    assert [each.name for each in found.get_hosts(host)] == [host]


@pytest.mark.parametrize(
    ("hostname", "expected"),
    [
        ("oec_id", ONE),
        ("oec_server_name ~ '-' ~ oec_name | lower", "production-fsn1-client_erp"),
        ("oec_odoo_version", ONE),
        ("oec_environment_count", "0"),
    ],
)
def test_hostname_is_an_expression(inventory, emulator, hostname, expected):
    emulator.add_project("Client ERP", id=ONE)
    assert hosts(inventory(hostname=hostname)) == [expected]


@pytest.mark.parametrize("hostname", ["{{ oec_name }}", "oec_nmae", "1 +"])
def test_an_invalid_hostname_is_explained(failure, emulator, hostname):
    emulator.add_project("Client ERP")
    message = str(failure(hostname=hostname))
    assert repr(hostname) in message
    assert "such as oec_name" in message


def test_names_are_unique_whatever_is_selected(inventory, emulator):
    emulator.add_project("Shop", id=ONE)
    emulator.add_project("Shop!", "staging-hel1", id=TWO)
    emulator.add_project("Blog")
    assert hosts(inventory()) == ["Blog", "Shop-11111111", "Shop-22222222"]
    assert hosts(inventory(servers=["staging-hel1"])) == ["Shop-22222222"]


@pytest.mark.parametrize("name", ["all", "oec_projects", "localhost", "127.0.0.1", "my_group"])
def test_a_name_that_ansible_uses_itself(inventory, emulator, name):
    emulator.add_project(name, id=ONE)
    found = inventory(groups={"my-group": "true"})
    assert hosts(found) == [f"{name}-11111111"]
    assert "oec_id" not in found.groups["all"].vars


def test_a_host_of_another_source_is_left_alone(source, emulator, tmp_path):
    emulator.add_project("web1", id=ONE)
    other = tmp_path / "hosts.ini"
    other.write_text("web1 ansible_host=192.0.2.1\n")
    found = InventoryManager(loader=DataLoader(), sources=[str(other), source()])
    assert hosts(found) == ["web1", "web1-11111111"]
    assert "ansible_connection" not in found.get_host("web1").vars


def test_a_project_in_two_files_is_one_host(source, emulator):
    emulator.add_project("Client ERP", odoo_version="17.0")
    files = [source("a.oec.yml", odoo_versions=["17.*"]), source("b.oec.yaml", groups={"everyone": "true"})]
    found = InventoryManager(loader=DataLoader(), sources=files)
    assert groups(found) == {"oec_projects": ["Client_ERP"], "everyone": ["Client_ERP"]}


# Values of the API are text.


@pytest.mark.parametrize("is_cached", [False, True], ids=["from the API", "from the cache"])
def test_values_of_the_api_are_never_templates(inventory, emulator, cached, is_cached):
    fields = {"default_branch": "{% raw", "git_repo_url": "https://x/{{ oec_id }}", "id": ONE, "server_id": None}
    tags = [{"{{ 6 * 7 }}": ["{{ 6 * 7 }}", 42]}]
    project = {**emulator.add_project("{{ 6 * 7 }}", **fields), "tags": tags}
    body = {"data": [project], "pagination": {"has_more": False}}
    emulator.faults.add("replace", "GET", "/projects", body=body, times=2)
    options = {"compose": {"loud": "oec_name ~ '!'"}, **(cached if is_cached else {})}
    inventory(**options)
    found = inventory(**options)
    assert hosts(found) == ["6_7"]
    for text, expected in {
        "{{ oec_name }}": "{{ 6 * 7 }}",
        "branch {{ oec_default_branch }}": "branch {% raw",
        "{{ oec_git_repo_url }}": "https://x/{{ oec_id }}",
        "{{ oec_tags }}": tags,
        "{{ loud }}": "{{ 6 * 7 }}!",
        "{{ inventory_hostname }}": "6_7",
    }.items():
        assert rendered(found, "6_7", text) == expected


# Constructed groups and variables.


def test_constructed_groups_and_variables(inventory, emulator):
    for name, (server, version) in ESTATE.items():
        emulator.add_project(name, server, odoo_version=version, git_repo_url=REPO if name == "Client A" else None)
    found = inventory(
        keyed_groups=[
            {"key": "oec_odoo_version", "prefix": "odoo"},
            {"key": "oec_server_provider", "separator": ""},
        ],
        groups={"without_repository": "oec_git_repo_url is none", "big": "is_deployed"},
        compose={"is_deployed": "oec_environment_count > 0", "label": "oec_name | upper"},
    )
    assert groups(found) == {
        "oec_projects": ["Client_A", "Client_B", "Client_C", "Internal"],
        "odoo_16_0": ["Client_A"],
        "odoo_17_0": ["Client_B", "Client_C"],
        "hetzner": ["Client_A", "Client_C", "Internal"],
        "digitalocean": ["Client_B"],
        "without_repository": ["Client_B", "Client_C", "Internal"],
    }
    assert found.get_host("Client_B").vars["label"] == "CLIENT B"
    assert found.get_host("Client_B").vars["is_deployed"] is False


@pytest.mark.parametrize(
    "options",
    [
        {"compose": {"label": "oec_nmae | upper"}},
        {"groups": {"old": "oec_nmae == '16.0'"}},
        {"keyed_groups": [{"key": "oec_nmae", "prefix": "x"}]},
    ],
    ids=str,
)
def test_a_failing_expression_is_an_error_only_if_strict(inventory, failure, emulator, options):
    emulator.add_project("Client ERP")
    found = inventory(**options)
    assert groups(found) == {"oec_projects": ["Client_ERP"]}
    assert "label" not in found.get_host("Client_ERP").vars
    assert "oec_nmae" in str(failure(kind=AnsibleError, strict=True, **options))


# The cache.


@pytest.mark.parametrize("count", [0, 3])
def test_a_fresh_cache_needs_no_request(inventory, emulator, cached, count):
    emulator.fill(count)
    first = inventory(**cached)
    emulator.log.clear()
    second = inventory(**cached)
    assert emulator.log.count() == 0
    assert {name: host.vars for name, host in second.hosts.items()} == {
        name: host.vars for name, host in first.hosts.items()
    }


def test_a_cache_serves_other_filters_and_groups(inventory, emulator, cached):
    emulator.fill(3)
    inventory(servers=["nowhere"], **cached)
    emulator.log.clear()
    found = inventory(keyed_groups=[{"key": "oec_odoo_version", "prefix": "odoo"}], **cached)
    assert len(groups(found)) == 4
    assert emulator.log.count() == 0


def test_a_flushed_cache_is_written_again(inventory, emulator, cached):
    inventory(**cached)
    emulator.fill(1)
    assert hosts(inventory(**cached)) == []
    assert len(hosts(inventory(flush_cache=True, **cached))) == 1
    assert len(hosts(inventory(**cached))) == 1


def test_the_cache_of_another_organization_is_not_used(inventory, emulator, environment, cached):
    emulator.fill(1)
    inventory(**cached)
    environment.setenv("OECSH_API_KEY", emulator.keys.other_org)
    assert hosts(inventory(**cached)) == []


def test_each_run_without_a_cache_reads_the_api(inventory, emulator):
    inventory()
    inventory()
    assert emulator.log.count() == 2


def test_a_failure_leaves_the_cache_alone(inventory, emulator, environment, cached):
    emulator.fill(1)
    inventory(**cached)
    before = cache_text(cached)
    emulator.faults.add("status", "GET", "/projects", status=500)
    environment.setenv("OECSH_API_RETRIES", "0")
    inventory(flush_cache=True, **cached)
    assert cache_text(cached) == before


def test_no_secret_in_variables_or_cache(inventory, emulator, cached):
    key = emulator.keys.read_only
    emulator.add_project(f"{key} was pasted here", git_repo_url=PRIVATE_REPO)
    found = inventory(**cached)
    (host,) = found.hosts.values()
    assert host.vars["oec_git_repo_url"] == REDACTED_REPO
    assert REDACTED_REPO in cache_text(cached)
    assert [text for text in (key, "robot", "hunter22") if text in f"{host.name}{host.vars}{cache_text(cached)}"] == []


# Options.


def test_options_in_the_file_override_the_environment(inventory, emulator, environment):
    emulator.fill(1)
    environment.setenv("OECSH_API_KEY", "wrong")
    environment.setenv("OECSH_API_URL", "https://api.invalid")
    assert len(hosts(inventory(api_key=emulator.keys.full, api_url=emulator.url))) == 1


@pytest.mark.parametrize("key", ["{{ lookup('env', 'SECRETS_KEY') }}", "{{ extra_key }}"])
def test_the_key_may_be_a_template(inventory, emulator, environment, key):
    name = emulator.scoped_project["name"]
    emulator.fill(1)
    environment.setenv("SECRETS_KEY", emulator.keys.scoped)
    extra = {"extra_key": emulator.keys.scoped}
    environment.setattr("ansible.plugins.inventory.load_extra_vars", lambda _loader: extra)
    found = inventory(api_key=key)
    assert [host.vars["oec_name"] for host in found.hosts.values()] == [name]


@pytest.mark.parametrize(
    ("name", "is_read"),
    [
        ("oec.yml", True),
        ("clients.oec.yaml", True),
        ("clients-oec.yml", True),
        ("clients.yml", False),
        ("oec.json", False),
        ("oec.yml.bak", False),
    ],
)
def test_only_files_with_the_documented_names_are_read(source, tmp_path, name, is_read):
    plugin = inventory_loader.get(projects.InventoryModule.NAME)
    assert not plugin.verify_file(str(tmp_path / name))
    assert plugin.verify_file(source(name)) is is_read


# Failures.


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"api_key": "oec_live_ro_" + 43 * "x"}, ["401", "OECSH_API_KEY"]),
        ({"api_key": ""}, ["OECSH_API_KEY"]),
        ({"api_key": "  "}, ["OECSH_API_KEY"]),
        ({"api_key": "{{ api_kye }}"}, ["template of api_key", "api_kye"]),
        ({"api_url": "http://api.oec.sh"}, ["https"]),
        ({"ca_path": "~/none.pem"}, [str(Path.home() / "none.pem")]),
        ({"validate_certs": "ture"}, ["validate_certs", "true or false"]),
        ({"odoo_version": "17.0"}, ["'odoo_version'", "'odoo_versions'"]),
    ],
    ids=str,
)
def test_a_failure_says_what_to_do(failure, emulator, options, words):
    """It has no other error behind it, and no key in it."""
    error = failure(**options)
    assert [each for each in words if each not in str(error)] == []
    printed = "".join(traceback.format_exception(error))
    assert printed.count("Traceback") == 1
    assert "xxx" not in printed


@pytest.mark.parametrize(
    ("validate_certs", "is_checked"),
    [("yes", True), ("{{ 1 == 1 }}", True), ("", True), (None, True), ("{{ 1 == 2 }}", False), (False, False)],
)
def test_certificates_are_checked_unless_that_is_off(inventory, failure, validate_certs, is_checked):
    with Emulator(tls=True) as server:
        server.fill(1)
        options = {"api_url": server.url, "validate_certs": validate_certs}
        if is_checked:
            assert "is not trusted" in str(failure(**options))
        else:
            assert len(hosts(inventory(**options))) == 1


def test_a_missing_key(failure, emulator, environment):
    environment.delenv("OECSH_API_KEY")
    assert "OECSH_API_KEY" in str(failure())
    assert emulator.log.count() == 0


def test_missing_requests(failure, monkeypatch):
    inventory_loader.get(projects.InventoryModule.NAME)
    monkeypatch.setattr(projects, "REQUESTS_IMPORT_ERROR", "No module named 'requests'")
    message = str(failure())
    assert "requests" in message
    assert sys.executable in message
