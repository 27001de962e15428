# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import socket
import sys
import time
import traceback

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

FSN = "8e4f2a1c-1234-5678-abcd-ef0123456789"
ONE = "11111111-aaaa-4000-8000-000000000001"
TWO = "22222222-bbbb-4000-8000-000000000002"
TWIN = "11111111-aaaa-4000-8000-000000000009"


@pytest.fixture
def environment(emulator, monkeypatch):
    """A read-only key and the API's address, given as a job template would give them."""
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
    """inventory(flush_cache=False, **options): what Ansible makes of an inventory file."""

    def load(*, flush_cache=False, **options):
        return InventoryManager(loader=DataLoader(), sources=[source(**options)], cache=not flush_cache)

    return load


@pytest.fixture
def failure(source):
    """failure(**options): why the plugin could not read an inventory file."""

    def load(*, kind=AnsibleParserError, **options):
        plugin = inventory_loader.get(projects.InventoryModule.NAME)
        with pytest.raises(kind) as raised:
            plugin.parse(InventoryData(), DataLoader(), source(**options), cache=True)
        return raised.value

    return load


@pytest.fixture
def cached(tmp_path):
    """The options that make the cache a file, and how to read all that is in it."""

    class Cached(dict):
        def files(self):
            return sorted((tmp_path / "cache").glob("*"))

        def text(self):
            return "".join(f"{path}\n{path.read_text()}" for path in self.files())

    return Cached(cache=True, cache_plugin="ansible.builtin.jsonfile", cache_connection=str(tmp_path / "cache"))


def groups(inventory):
    """The hosts of each group that holds any."""
    found = {name: sorted(host.name for host in group.get_hosts()) for name, group in inventory.groups.items()}
    return {name: hosts for name, hosts in found.items() if hosts and name not in ("all", "ungrouped")}


def hosts(inventory):
    return sorted(inventory.hosts)


def rendered(inventory, host, text):
    """What a task on the host makes of a template of the playbook's."""
    loader = DataLoader()
    variables = VariableManager(loader=loader, inventory=inventory).get_vars(host=inventory.get_host(host))
    trusted = getattr(template, "trust_as_template", str)(text)
    return template.Templar(loader=loader, variables=variables).template(trusted)


# Hosts and their variables.


def test_a_project_is_a_host_with_its_fields_and_its_server_as_variables(inventory, emulator):
    project = emulator.add_project("Client ERP", odoo_version="17.0", git_repo_url="https://github.com/acme/erp")
    found = inventory()
    assert groups(found) == {"oec_projects": ["Client_ERP"]}
    variables = found.get_host("Client_ERP").vars
    assert {name: value for name, value in variables.items() if name.startswith("oec_")} == {
        **{f"oec_{field}": value for field, value in project.items()},
        "oec_server_name": "production-fsn1",
        "oec_server_provider": "hetzner",
    }


def test_tasks_on_a_host_run_here_with_the_python_that_ansible_runs_with(inventory, emulator):
    emulator.add_project("Client ERP")
    variables = inventory().get_host("Client_ERP").vars
    assert (variables["ansible_connection"], variables["ansible_python_interpreter"]) == ("local", sys.executable)


def test_the_python_can_be_another_one(inventory, emulator):
    emulator.add_project("Client ERP")
    found = inventory(compose={"ansible_python_interpreter": "'/usr/bin/python3'"})
    assert found.get_host("Client_ERP").vars["ansible_python_interpreter"] == "/usr/bin/python3"


@pytest.mark.parametrize("server_id", [None, TWO], ids=["on no server", "on a server that the API does not list"])
def test_a_project_whose_server_is_not_known_has_null_for_it(inventory, emulator, server_id):
    emulator.add_project("Client ERP", server_id=server_id)
    variables = inventory().get_host("Client_ERP").vars
    assert variables["oec_server_id"] == server_id
    assert (variables["oec_server_name"], variables["oec_server_provider"]) == (None, None)


def test_no_projects_are_an_empty_group_and_one_request(inventory, emulator):
    found = inventory()
    assert (hosts(found), "oec_projects" in found.groups) == ([], True)
    assert [entry.path for entry in emulator.log.requests()] == ["/projects"]


def test_250_projects_take_three_pages_and_one_list_of_servers(inventory, emulator):
    emulator.fill(250)
    assert len(hosts(inventory())) == 250
    assert [entry.path for entry in emulator.log.requests()] == ["/projects"] * 3 + ["/servers"]


def test_a_field_that_the_api_adds_is_a_variable_if_it_can_be_one(inventory, emulator):
    project = emulator.add_project("Client ERP", server_id=None)
    answer = {"data": [{**project, "tier": ["gold"], "no-name": 1}], "pagination": {"has_more": False}}
    emulator.faults.add("replace", "GET", "/projects", body=answer)
    variables = inventory().get_host("Client_ERP").vars
    assert variables["oec_tier"] == ["gold"]
    assert "oec_no-name" not in variables


# Filters.

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
        ({"servers": [FSN]}, ["Client_A"]),
        ({"servers": "production-*"}, ["Client_A", "Client_B"]),
        ({"servers": ["nowhere"]}, []),
        ({"odoo_versions": ["17.0"]}, ["Client_B", "Client_C"]),
        ({"odoo_versions": [17.0]}, ["Client_B", "Client_C"]),
        ({"odoo_versions": ["16.*", "15.*"]}, ["Client_A"]),
        ({"odoo_versions": ["*"]}, ["Client_A", "Client_B", "Client_C"]),
        ({"names": ["Client *"]}, ["Client_A", "Client_B", "Client_C"]),
        ({"names": ["Client [AB]", "Int*"]}, ["Client_A", "Client_B", "Internal"]),
        ({"names": ["Client [C]"]}, ["Client_C"]),
        ({"names": ["client *"]}, []),
        ({"names": ["Client *"], "odoo_versions": ["17.0"], "servers": ["staging-*"]}, ["Client_C"]),
        ({"names": [], "odoo_versions": "", "servers": [""]}, ["Client_A", "Client_B", "Client_C", "Internal"]),
    ],
    ids=str,
)
def test_only_projects_that_match_every_filter_are_hosts(inventory, emulator, filters, expected):
    for name, (server, version) in ESTATE.items():
        emulator.add_project(name, server, odoo_version=version)
    assert hosts(inventory(**filters)) == expected


# What a host is called.


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("client-erp.example", "client-erp.example"),
        ("Client ERP (Ltd)", "Client_ERP_Ltd"),
        ("Müller & Söhne", "Müller_Söhne"),
        ("顧客", "顧客"),
        ("!a:b,c[1]", "a_b_c_1"),
        ("~&-lead", "lead"),
        ("../../etc/passwd", "etc_passwd"),
        ("{{ lookup('pipe', 'id') }}", "lookup_pipe_id"),
        ("two\nlines\t'\"`$", "two_lines"),
        ("True", "True"),
        ("[1,2]", "1_2"),
        ("", ONE),
        ("  ", ONE),
        ("***", ONE),
    ],
)
def test_a_host_is_called_so_that_ansible_finds_it_by_its_name(inventory, emulator, name, expected):
    emulator.add_project(name, id=ONE)
    emulator.add_project("Another", id=TWO)
    found = inventory()
    assert found.get_host(expected).vars["oec_name"] == name
    assert [host.name for host in found.get_hosts(expected)] == [expected]


@pytest.mark.parametrize(
    ("hostname", "expected"),
    [
        ("oec_id", ONE),
        ("oec_server_name ~ '-' ~ oec_name | lower", "production-fsn1-client_erp"),
        ("oec_odoo_version", ONE),
    ],
)
def test_a_host_can_be_called_by_something_else(inventory, emulator, hostname, expected):
    emulator.add_project("Client ERP", id=ONE)
    assert hosts(inventory(hostname=hostname)) == [expected]


@pytest.mark.parametrize("hostname", ["{{ oec_name }}", "oec_nmae", "1 +"])
def test_a_hostname_that_cannot_be_worked_out_says_what_it_must_be(failure, emulator, hostname):
    emulator.add_project("Client ERP")
    message = str(failure(hostname=hostname))
    assert repr(hostname) in message
    assert "such as oec_name" in message


def test_each_of_two_projects_of_one_name_has_a_part_of_its_id_in_its_host(inventory, emulator):
    emulator.add_project("Shop", id=ONE)
    emulator.add_project("Shop!", "staging-hel1", id=TWO)
    emulator.add_project("Blog")
    assert hosts(inventory()) == ["Blog", "Shop-11111111", "Shop-22222222"]
    assert hosts(inventory(servers=["staging-hel1"])) == ["Shop-22222222"]


@pytest.mark.parametrize("first", [ONE, TWO, TWIN])
def test_the_order_of_the_projects_makes_no_difference_to_their_names(inventory, emulator, first):
    names = {ONE: "Shop", TWO: "Shop-11111111", TWIN: "Shop"}
    for ident in sorted(names, key=lambda ident: ident != first):
        emulator.add_project(names[ident], id=ident)
    found = {host.vars["oec_id"]: name for name, host in inventory().hosts.items()}
    assert found == {
        ONE: f"Shop-11111111-{ONE}",
        TWO: f"Shop-11111111-{TWO}",
        TWIN: f"Shop-11111111-{TWIN}",
    }


@pytest.mark.parametrize("name", ["all", "oec_projects", "localhost", "127.0.0.1", "my_group"])
def test_a_project_called_like_something_of_ansibles_own_is_still_a_host(inventory, emulator, name):
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


def test_a_project_that_two_files_name_is_one_host(source, emulator):
    emulator.add_project("Client ERP", odoo_version="17.0")
    files = [source("a.oec.yml", odoo_versions=["17.*"]), source("b.oec.yaml", groups={"everyone": "true"})]
    found = InventoryManager(loader=DataLoader(), sources=files)
    assert groups(found) == {"oec_projects": ["Client_ERP"], "everyone": ["Client_ERP"]}


# What the API says is text.


@pytest.mark.parametrize("is_cached", [False, True], ids=["from the API", "from the cache"])
def test_what_the_api_says_is_never_a_template(inventory, emulator, cached, is_cached):
    emulator.add_project("{{ 6 * 7 }}", id=ONE, default_branch="{% raw %}", git_repo_url="https://x/{{ oec_id }}")
    options = {"compose": {"shouted": "oec_name ~ '!'"}, **(cached if is_cached else {})}
    inventory(**options)
    found = inventory(**options)
    assert hosts(found) == ["6_7"]
    for text, expected in {
        "{{ oec_name }}": "{{ 6 * 7 }}",
        "branch {{ oec_default_branch }}": "branch {% raw %}",
        "{{ oec_git_repo_url }}": "https://x/{{ oec_id }}",
        "{{ shouted }}": "{{ 6 * 7 }}!",
        "{{ inventory_hostname }}": "6_7",
    }.items():
        assert rendered(found, "6_7", text) == expected


def test_not_even_deep_inside_of_it(inventory, emulator):
    project = emulator.add_project("Client ERP", server_id=None)
    odd = {"tags": [{"{{ 6 * 7 }}": ["{{ 6 * 7 }}", 42]}]}
    answer = {"data": [{**project, **odd}], "pagination": {"has_more": False}}
    emulator.faults.add("replace", "GET", "/projects", body=answer)
    assert rendered(inventory(), "Client_ERP", "{{ oec_tags }}") == odd["tags"]


# Constructed groups and variables.


def test_groups_and_variables_are_made_as_declared(inventory, emulator):
    for name, (server, version) in ESTATE.items():
        repo = "https://github.com/acme/a" if name == "Client A" else None
        emulator.add_project(name, server, odoo_version=version, git_repo_url=repo)
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


def test_the_leading_separator_can_be_left_out(inventory, emulator):
    emulator.add_project("Client ERP", odoo_version="17.0")
    found = inventory(keyed_groups=[{"key": "'v' ~ oec_odoo_version"}], leading_separator=False)
    assert "v17_0" in groups(found)


BROKEN = [
    {"compose": {"label": "oec_nmae | upper"}},
    {"groups": {"old": "oec_nmae == '16.0'"}},
    {"keyed_groups": [{"key": "oec_nmae", "prefix": "x"}]},
]


@pytest.mark.parametrize("options", BROKEN, ids=str)
def test_an_expression_that_fails_is_passed_over(inventory, emulator, options):
    emulator.add_project("Client ERP")
    found = inventory(**options)
    assert groups(found) == {"oec_projects": ["Client_ERP"]}
    assert "label" not in found.get_host("Client_ERP").vars


@pytest.mark.parametrize("options", BROKEN, ids=str)
def test_an_expression_that_fails_is_an_error_where_strict(failure, emulator, options):
    emulator.add_project("Client ERP")
    assert "oec_nmae" in str(failure(kind=AnsibleError, strict=True, **options))


# The cache.


def test_a_fresh_cache_means_no_request(inventory, emulator, cached):
    emulator.fill(3)
    first = inventory(**cached)
    emulator.log.clear()
    second = inventory(**cached)
    assert emulator.log.count() == 0
    assert {name: host.vars for name, host in second.hosts.items()} == {
        name: host.vars for name, host in first.hosts.items()
    }


def test_a_fresh_cache_does_for_other_filters_and_groups(inventory, emulator, cached):
    emulator.fill(3)
    inventory(servers=["nowhere"], **cached)
    emulator.log.clear()
    found = inventory(keyed_groups=[{"key": "oec_odoo_version", "prefix": "odoo"}], **cached)
    assert len(groups(found)) == 4
    assert emulator.log.count() == 0


def test_a_fresh_cache_of_no_projects_means_no_request_either(inventory, emulator, cached):
    inventory(**cached)
    emulator.log.clear()
    inventory(**cached)
    assert emulator.log.count() == 0


def test_a_cache_that_is_flushed_is_read_again_from_the_api(inventory, emulator, cached):
    inventory(**cached)
    emulator.fill(1)
    assert hosts(inventory(**cached)) == []
    assert len(hosts(inventory(flush_cache=True, **cached))) == 1
    assert len(hosts(inventory(**cached))) == 1


def test_a_cache_that_has_expired_is_read_again_from_the_api(inventory, emulator, cached):
    inventory(cache_timeout=600, **cached)
    emulator.fill(1)
    for path in cached.files():
        os.utime(path, (time.time() - 601,) * 2)
    assert len(hosts(inventory(cache_timeout=600, **cached))) == 1


def test_a_cache_of_another_organisation_is_not_used(inventory, emulator, environment, cached):
    emulator.fill(1)
    inventory(**cached)
    environment.setenv("OECSH_API_KEY", emulator.keys.other_org)
    assert hosts(inventory(**cached)) == []


def test_without_a_cache_every_run_asks_the_api(inventory, emulator):
    inventory()
    inventory()
    assert emulator.log.count() == 2


# Secrets.


def test_the_key_and_credentials_are_in_no_variable_and_in_no_cache(inventory, emulator, cached):
    key = emulator.keys.read_only
    emulator.add_project(f"{key} was pasted here", git_repo_url="https://robot:hunter22@github.com/acme/erp")
    found = inventory(**cached)
    (host,) = found.hosts.values()
    shown = f"{host.name}{host.vars}{cached.text()}"
    assert host.vars["oec_git_repo_url"] == "https://***@github.com/acme/erp"
    assert "github.com/acme/erp" in cached.text()
    assert [secret for secret in (key, "robot", "hunter22") if secret in shown] == []


# Options.


def test_the_options_in_the_file_come_before_the_environment(inventory, emulator, environment):
    emulator.fill(1)
    environment.setenv("OECSH_API_KEY", "wrong")
    environment.setenv("OECSH_API_URL", "https://api.invalid")
    assert len(hosts(inventory(api_key=emulator.keys.full, api_url=emulator.url))) == 1


def test_the_key_may_be_a_lookup(inventory, emulator, environment):
    emulator.fill(1)
    environment.setenv("SECRETS_KEY", emulator.keys.scoped)
    name = emulator.scoped_project["name"]
    found = inventory(api_key="{{ lookup('env', 'SECRETS_KEY') }}")
    assert [host.vars["oec_name"] for host in found.hosts.values()] == [name]


def test_a_template_that_fails_says_which_option_it_is(failure, emulator):
    assert "the template of api_key fails: 'api_kye' is undefined" in str(failure(api_key="{{ api_kye }}"))


@pytest.mark.parametrize(
    ("name", "accepted"),
    [
        ("oec.yml", True),
        ("clients.oec.yaml", True),
        ("clients-oec.yml", True),
        ("clients.yml", False),
        ("oec.json", False),
        ("oec.yml.bak", False),
    ],
)
def test_only_files_with_the_documented_names_are_read(source, name, accepted):
    assert inventory_loader.get(projects.InventoryModule.NAME).verify_file(source(name)) is accepted


def test_a_file_that_is_not_there_is_not_read(tmp_path):
    assert not inventory_loader.get(projects.InventoryModule.NAME).verify_file(str(tmp_path / "oec.yml"))


# Failures.


def test_a_key_that_is_refused_says_what_to_do(failure, emulator, environment):
    environment.setenv("OECSH_API_KEY", "oec_live_ro_" + 43 * "x")
    error = failure()
    assert "401" in str(error)
    assert "Check api_key (or OECSH_API_KEY)" in str(error)
    assert "oec_live_ro_xxx" not in "".join(traceback.format_exception(error))


@pytest.mark.parametrize("key", [None, "", "  "])
def test_a_missing_key_says_how_to_give_it(failure, emulator, environment, key):
    environment.delenv("OECSH_API_KEY")
    if key is not None:
        environment.setenv("OECSH_API_KEY", key)
    assert "Set api_key, or the environment variable OECSH_API_KEY." in str(failure())
    assert emulator.log.count() == 0


def test_an_api_that_cannot_be_reached_says_how_long_it_was_tried(failure):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    message = str(failure(api_url=f"http://127.0.0.1:{port}", api_retries=0))
    assert "GET /projects got no usable answer: sent once" in message
    assert "api_retries" in message


def test_an_api_that_fails_on_a_later_page_makes_no_half_an_inventory(failure, emulator):
    emulator.fill(150)
    emulator.faults.add("status", "GET", "/projects", skip=1)
    assert "503" in str(failure(api_retries=0))


def test_a_missing_requests_says_where_to_install_it(failure, monkeypatch):
    inventory_loader.get(projects.InventoryModule.NAME)
    monkeypatch.setattr(projects, "REQUESTS_IMPORT_ERROR", "No module named 'requests'")
    message = str(failure())
    assert "requests is missing" in message
    assert sys.executable in message


def test_an_error_has_no_other_behind_it(failure, environment):
    environment.setenv("OECSH_API_URL", "http://api.oec.sh")
    error = failure()
    assert "is not an https URL" in str(error)
    assert len("".join(traceback.format_exception(error)).split("Traceback")) == 2


def test_a_failure_leaves_the_cache_as_it_was(inventory, failure, emulator, cached):
    emulator.fill(1)
    inventory(**cached)
    before = cached.text()
    emulator.faults.add("status", "GET", "/projects", status=500)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OECSH_API_RETRIES", "0")
        inventory(flush_cache=True, **cached)
    assert cached.text() == before
