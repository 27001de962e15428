# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json

import pytest
from ansible_collections.oecsh.cloud.plugins.plugin_utils._report import (
    Meter,
    csp_hash,
    gigabytes,
    meter,
    report_model,
    repository_link,
    version_number,
)

FIRST = "00000000-0000-4000-8000-000000000001"
SECOND = "00000000-0000-4000-8000-000000000002"
UNKNOWN = "00000000-0000-4000-8000-000000000003"


def project(**fields):
    return {
        "id": "p1",
        "name": "Bakery",
        "server_id": FIRST,
        "odoo_version": "18.0",
        "git_repo_url": "https://example.com/bakery.git",
        "default_branch": "main",
        "environment_count": 2,
        "created_at": "2026-01-02T03:04:05Z",
        **fields,
    }


def server(**fields):
    return {
        "id": FIRST,
        "name": "production",
        "provider": "hetzner",
        "region": "fsn1",
        "cpu_cores": 4,
        "ram_mb": 8192,
        "disk_gb": 160,
        "environment_count": 4,
        **fields,
    }


def row(**fields):
    return report_model([project(**fields)], [server()])["rows"][0]


def test_row_of_a_project_without_notes():
    assert row() == {
        "id": "p1",
        "name": "Bakery",
        "version": "18.0",
        "number": 18.0,
        "repository": "https://example.com/bakery.git",
        "link": "https://example.com/bakery.git",
        "branch": "main",
        "environments": 2,
        "server_id": FIRST,
        "server": "production",
        "created": "2026-01-02T03:04:05Z",
        "notes": [],
    }


def test_project_without_any_field():
    report = report_model([{}], [])
    assert report["rows"] == [
        {
            **dict.fromkeys(("id", "version", "repository", "link", "branch", "server_id", "server", "created"), ""),
            "name": "(no name)",
            "number": -1.0,
            "environments": 0,
            "notes": ["version", "repository", "environments", "server"],
        }
    ]


@pytest.mark.parametrize(
    ("field", "value", "key", "expected"),
    [
        ("name", " Bakery ", "name", "Bakery"),
        ("name", " \t", "name", "(no name)"),
        ("name", None, "name", "(no name)"),
        ("name", 17, "name", "17"),
        ("odoo_version", " 17.0 ", "version", "17.0"),
        ("odoo_version", 17.0, "version", "17.0"),
        ("odoo_version", "saas-17.2", "number", 17.2),
        ("odoo_version", "master", "number", -1.0),
        ("default_branch", None, "branch", ""),
        ("default_branch", "  ", "branch", ""),
        ("default_branch", 5, "branch", "5"),
        ("created_at", None, "created", ""),
        ("server_id", None, "server", ""),
        ("server_id", UNKNOWN, "server", ""),
        ("server_id", UNKNOWN, "server_id", UNKNOWN),
        ("environment_count", None, "environments", 0),
        ("environment_count", "3", "environments", 3),
        ("environment_count", 2.9, "environments", 2),
        ("environment_count", "many", "environments", 0),
        ("environment_count", [1], "environments", 0),
        ("environment_count", float("inf"), "environments", 0),
        ("git_repo_url", None, "repository", ""),
        ("git_repo_url", "ssh://bot:hunter2@example.com/x", "repository", "ssh://***@example.com/x"),
        ("git_repo_url", "ssh://git@example.com/x", "link", ""),
    ],
)
def test_field_of_a_row(field, value, key, expected):
    assert row(**{field: value})[key] == expected


@pytest.mark.parametrize(
    ("fields", "notes"),
    [
        ({"odoo_version": "17.0"}, []),
        ({"odoo_version": "17"}, []),
        ({"odoo_version": "16.9"}, ["old"]),
        ({"odoo_version": "0"}, ["old"]),
        ({"odoo_version": "9.0"}, ["old"]),
        ({"odoo_version": "saas~16.3"}, ["old"]),
        ({"odoo_version": "saas-17.2"}, []),
        ({"odoo_version": "master"}, []),
        ({"odoo_version": None}, ["version"]),
        ({"odoo_version": "  "}, ["version"]),
        ({"git_repo_url": ""}, ["repository"]),
        ({"environment_count": 0}, ["environments"]),
        ({"environment_count": None}, ["environments"]),
        ({"server_id": None}, ["server"]),
        ({"server_id": UNKNOWN}, ["server"]),
        ({"odoo_version": "16.0", "git_repo_url": None, "server_id": ""}, ["old", "repository", "server"]),
    ],
)
def test_notes(fields, notes):
    assert row(**fields)["notes"] == notes


@pytest.mark.parametrize(
    ("names", "duplicates"),
    [
        (["Twin", "Twin"], ["Twin", "Twin"]),
        (["Twin", "twin", "Twin "], []),
        (["Twin", "Other", "Twin", "Twin"], ["Twin", "Twin", "Twin"]),
        ([None, None], ["(no name)", "(no name)"]),
        ([" ", "  "], []),
    ],
)
def test_duplicates_are_exact_names(names, duplicates):
    rows = report_model([project(name=name) for name in names], [server()])["rows"]
    assert [row["name"] for row in rows if "duplicate" in row["notes"]] == duplicates


def test_rows_are_sorted_by_name_in_any_case():
    rows = report_model([project(name=name) for name in ("beta", "Gamma", "alpha", "Beta", None)], [server()])["rows"]
    assert [row["name"] for row in rows] == ["(no name)", "alpha", "beta", "Beta", "Gamma"]


@pytest.mark.parametrize(
    ("url", "link"),
    [
        ("https://example.com/x?y#z", "https://example.com/x"),
        ("HTTPS://Example.com:8443/x", "HTTPS://Example.com:8443/x"),
        ("https://***@example.com/x", "https://example.com/x"),
        ("https://bot:hunter2@example.com/x", "https://example.com/x"),
        ("https://bot:hunt@er2@example.com/x", "https://example.com/x"),
        ("https://bot:hun/ter2@example.com/x", "https://example.com/x"),
        ("http://example.com/x", ""),
        ("ssh://***@example.com/x", ""),
        ("git@example.com:x.git", ""),
        ("javascript:alert(1)//https://example.com", ""),
        ("data:text/html,https://example.com", ""),
        ("//example.com/x", ""),
        ("https://", ""),
        ("https:///x", ""),
        ("https://***@", ""),
        ("https://example.com:99999/x", ""),
        ("https://example.com/a b", ""),
        ("https://example.com/a\nb", ""),
        ("https://example.com/a\u3000b", ""),
        ("https://example.com/\u202egnp.exe", ""),
        ("https://example.com\\evil", ""),
        ("x https://example.com", ""),
        ("", ""),
    ],
)
def test_repository_link(url, link):
    assert repository_link(url) == link


@pytest.mark.parametrize(
    ("version", "number"), [("18.0", 18), ("saas-17.2", 17.2), ("1.2.3", 1.2), ("v9", 9), ("", -1), ("٣", -1)]
)
def test_version_number(version, number):
    assert version_number(version) == number


@pytest.mark.parametrize(
    ("megabytes", "text"), [(63488, "62 GB"), (512, "0.5 GB"), (513, "0.5 GB"), (2662.4, "2.6 GB"), (0, "0 GB")]
)
def test_gigabytes(megabytes, text):
    assert gigabytes(megabytes) == text


@pytest.mark.parametrize(
    ("value", "largest", "old", "expected"),
    [
        (6, 8, 0, Meter("75.0%", "", "")),
        (1, 3, 0, Meter("33.33%", "", "")),
        (13, 13, 2, Meter("84.62%", "15.38%", "84.62%")),
        (2, 4, 2, Meter("", "50.0%", "0.0%")),
        (0, 0, 0, Meter("", "", "")),
    ],
)
def test_meter(value, largest, old, expected):
    assert meter(value, largest, old) == expected


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (["16.0", "18.0", "9.0", "18.0"], [("18.0", 2, False), ("16.0", 1, True), ("9.0", 1, True)]),
        (["master", None, "17.0", " "], [("17.0", 1, False), ("master", 1, False), ("", 2, False)]),
        (["Master", "master"], [("Master", 1, False), ("master", 1, False)]),
        ([], []),
    ],
)
def test_versions_are_counted_newest_first(given, expected):
    versions = report_model([project(odoo_version=version) for version in given], [server()])["versions"]
    assert [(version["name"], version["projects"]["value"], version["old"]) for version in versions] == expected


def test_meter_of_an_old_version_is_old():
    projects = [project(odoo_version=version) for version in ("18.0", "18.0", "16.0", None)]
    meters = [version["projects"]["meter"] for version in report_model(projects, [server()])["versions"]]
    assert [(meter["fill"], meter["old"]) for meter in meters] == [("100.0%", ""), ("", "50.0%"), ("50.0%", "")]


@pytest.mark.parametrize(
    ("oldest", "label", "notes"),
    [
        ("18.0", "18.0", ["old"]),
        (18, "18", ["old"]),
        ("saas~17.4", "saas~17.4", ["old"]),
        ("", "17.0", []),
        (None, "17.0", []),
        ("16.0", "16.0", []),
    ],
)
def test_oldest_supported(oldest, label, notes):
    report = report_model([project(odoo_version="17.0")], [server()], oldest)
    assert (report["oldest_supported"], report["rows"][0]["notes"]) == (label, notes)
    assert [reason["title"] for reason in report["attention"]] == [f"Odoo before {label}"] * len(notes)


@pytest.mark.parametrize(
    ("fields", "key", "expected"),
    [
        ({}, "location", "hetzner · fsn1"),
        ({"provider": None}, "location", "fsn1"),
        ({"region": " "}, "location", "hetzner"),
        ({"name": " "}, "name", "(no name)"),
        ({"name": None}, "name", "(no name)"),
        ({}, "ram_per_environment", "2 GB"),
        ({"environment_count": 0}, "ram_per_environment", ""),
        ({"ram_mb": None}, "ram_per_environment", ""),
    ],
)
def test_text_of_a_server(fields, key, expected):
    assert report_model([], [server(**fields)])["places"][0][key] == expected


@pytest.mark.parametrize(
    ("field", "value", "key", "expected"),
    [
        ("cpu_cores", 4, "cores", (4, "4", "50.0%")),
        ("cpu_cores", None, "cores", (0, "0", "")),
        ("ram_mb", 4096, "ram", (4096, "4 GB", "50.0%")),
        ("disk_gb", 80, "disk", (80, "80 GB", "50.0%")),
        ("environment_count", 8, "environments", (8, "8", "100.0%")),
        ("environment_count", "2", "environments", (2, "2", "25.0%")),
    ],
)
def test_amount_of_a_server(field, value, key, expected):
    largest = server(id=SECOND, cpu_cores=8, ram_mb=8192, disk_gb=160, environment_count=8)
    amount = report_model([], [server(**{field: value}), largest])["places"][0][key]
    assert (amount["value"], amount["text"], amount["meter"]["fill"]) == expected


def test_projects_of_each_server_and_of_none():
    projects = [
        project(),
        project(odoo_version="16.0"),
        project(server_id=SECOND),
        project(server_id=UNKNOWN, environment_count=3, odoo_version="9.0"),
        project(server_id=None, environment_count=1),
    ]
    report = report_model(projects, [server(), server(id=SECOND, name="staging")])
    assert [
        (place["id"], place["name"], place["projects"]["value"], place["old"], place["environments"]["value"])
        for place in report["places"]
    ] == [(FIRST, "production", 2, 1, 4), (SECOND, "staging", 1, 0, 4), ("", "Not on a known server", 2, 1, 4)]
    assert report["places"][0]["projects"]["meter"] == {"fill": "50.0%", "old": "50.0%", "old_start": "50.0%"}
    assert [report["places"][2][key]["value"] for key in ("cores", "ram", "disk")] == [0, 0, 0]


def test_figures():
    projects = [project(), project(name="Old", odoo_version="16.0"), project(name="Elsewhere", server_id=UNKNOWN)]
    assert report_model(projects, [server()])["figures"] == {
        "projects": 3,
        "servers": 1,
        "environments": 4 + 2,
        "old": 1,
        "attention": 2,
    }


def test_attention_names_the_projects_of_each_note():
    projects = [
        project(id="b", name="Bakery", odoo_version=None),
        project(id="a", name="Archive", odoo_version=None, environment_count=0),
        project(id="c"),
    ]
    assert [
        (reason["note"], reason["title"], reason["projects"])
        for reason in report_model(projects, [server()])["attention"]
    ] == [
        ("version", "No Odoo version", [{"id": "a", "name": "Archive"}, {"id": "b", "name": "Bakery"}]),
        ("environments", "No environments", [{"id": "a", "name": "Archive"}]),
        ("duplicate", "Name used more than once", [{"id": "b", "name": "Bakery"}, {"id": "c", "name": "Bakery"}]),
    ]


def test_empty_account():
    report = report_model([], [])
    assert set(report["figures"].values()) == {0}
    assert [report[key] for key in ("rows", "places", "versions", "attention")] == [[], [], [], []]


def test_report_is_json_and_input_is_unchanged():
    projects, servers = [project(server_id=UNKNOWN)], [server()]
    report = report_model(iter(projects), tuple(servers))
    assert json.loads(json.dumps(report)) == report
    assert (projects, servers) == ([project(server_id=UNKNOWN)], [server()])


@pytest.mark.parametrize("value", [None, "text", b"bytes", 5, {"projects": []}, ["text"], [None], [[]]])
@pytest.mark.parametrize(
    ("name", "module"), [("projects", "oecsh.cloud.oec_project_info"), ("servers", "oecsh.cloud.oec_server_info")]
)
def test_input_of_another_type_is_rejected(name, module, value):
    with pytest.raises(TypeError) as raised:
        report_model(**{"projects": [], "servers": [], name: value})
    assert str(raised.value) == f"{name} is not a list of {name}. Use '{name}' of the result of {module}."


@pytest.mark.parametrize("oldest", ["latest", "-", True])
def test_oldest_supported_without_a_number_is_rejected(oldest):
    with pytest.raises(ValueError, match="which is not a version such as"):
        report_model([], [], oldest)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="),
        ("alert(1)", "sha256-bhHHL3z2vDgxUt0W3dWQOrprscmda2Y5pLsLg4GF+pI="),
        ("é", "sha256-SplVfkAzw1Od4utlRyAXytX5VX96BiWgnxw/biumnEw="),
    ],
)
def test_csp_hash(text, expected):
    assert csp_hash(text) == expected
