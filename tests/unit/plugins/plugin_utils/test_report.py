# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json

import pytest
from ansible_collections.oecsh.cloud.plugins.plugin_utils._report import report_model
from ansible_collections.oecsh.cloud.plugins.plugin_utils._report_values import (
    Meter,
    csp_hash,
    gigabytes,
    meter,
    name_of,
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
        "environment_rows": [],
        "notes": [],
    }


def test_project_without_any_field():
    report = report_model([{}], [])
    assert report["rows"] == [
        {
            **dict.fromkeys(("id", "version", "repository", "link", "branch", "server_id", "server", "created"), ""),
            "name": "(no visible name)",
            "number": -1.0,
            "environments": 0,
            "environment_rows": [],
            "notes": ["version", "repository", "server"],
        }
    ]


@pytest.mark.parametrize(
    ("field", "value", "key", "expected"),
    [
        ("name", " Bakery ", "name", "Bakery"),
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
        # That is normal for a new one.
        ({"environment_count": 0}, []),
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
        ([None, None], ["(no visible name) p1", "(no visible name) p1"]),
        ([" ", "  "], []),
    ],
)
def test_duplicates_are_exact_names(names, duplicates):
    rows = report_model([project(name=name) for name in names], [server()])["rows"]
    assert [row["name"] for row in rows if "duplicate" in row["notes"]] == duplicates


def test_rows_are_sorted_by_name_in_any_case():
    rows = report_model([project(name=name) for name in ("beta", "Gamma", "alpha", "Beta", None)], [server()])["rows"]
    assert [row["name"] for row in rows] == ["(no visible name) p1", "alpha", "beta", "Beta", "Gamma"]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (" Bakery ", "Bakery"),
        (17, "17"),
        ("🚀", "🚀"),
        ("\u202egnp.exe", "\u202egnp.exe"),
        *((name, f"(no visible name) {FIRST[:8]}") for name in ("", " \t", None, "\u200b\ufeff", "\u202e", "\u3000")),
    ],
)
def test_a_name_that_cannot_be_seen_has_its_id(name, expected):
    assert name_of({"id": FIRST, "name": name}) == expected


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
    assert [(version["name"], version["projects"], version["old"]) for version in versions] == expected


def test_meter_of_an_old_version_is_old():
    projects = [project(odoo_version=version) for version in ("18.0", "18.0", "16.0", None)]
    meters = [version["meter"] for version in report_model(projects, [server()])["versions"]]
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
        ({"name": " "}, "name", "(no visible name) 00000000"),
        ({}, "ram_per_environment", "2 GB"),
        ({"environment_count": 0}, "ram_per_environment", ""),
        ({"ram_mb": None}, "ram_per_environment", ""),
    ],
)
def test_text_of_a_server(fields, key, expected):
    assert report_model([], [server(**fields)])["places"][0][key] == expected


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, ("4", "8 GB", "160 GB", 4)),
        ({"cpu_cores": 2.5, "ram_mb": 4096, "disk_gb": 80.0}, ("2.5", "4 GB", "80 GB", 4)),
        ({"cpu_cores": None, "ram_mb": 0, "disk_gb": "much", "environment_count": "2"}, ("", "", "", 2)),
        ({"cpu_cores": float("inf"), "environment_count": [1]}, ("", "8 GB", "160 GB", 0)),
    ],
)
def test_capacity_of_a_server(fields, expected):
    (place,) = report_model([], [server(**fields)])["places"]
    assert tuple(place[key] for key in ("cores", "ram", "disk", "environments")) == expected


def test_load_compares_environments_for_each_gigabyte():
    servers = [server(), server(id=SECOND, ram_mb=16384), server(id=UNKNOWN, ram_mb=None)]
    loads = [place["load"]["fill"] for place in report_model([], servers)["places"]]
    assert loads == ["100.0%", "50.0%", ""]


@pytest.mark.parametrize(
    ("metrics", "used", "notes"),
    [
        ({"disk_percent": 84.9, "memory_percent": 71.2, "cpu_percent": 0}, (84, 71, 0), []),
        ({"disk_percent": 85}, (85, None, None), ["disk"]),
        ({"disk_percent": None, "memory_percent": "much"}, (None, None, None), []),
        ({"disk_percent": -1}, (None, None, None), []),
        (None, (None, None, None), []),
    ],
)
def test_what_a_server_uses(metrics, used, notes):
    report = report_model([], [server(metrics=metrics)])
    (place,) = report["places"]
    assert (place["disk_used"], place["ram_used"], place["cores_used"]) == used
    assert place["notes"] == notes
    objects = [each["objects"] for each in report["attention"]]
    assert objects == [[{"anchor": f"s-{FIRST}", "name": "production"}]] * len(notes)


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
        (place["id"], place["name"], place["projects"], place["old"], place["environments"])
        for place in report["places"]
    ] == [(FIRST, "production", 2, 1, 4), (SECOND, "staging", 1, 0, 4), ("", "Not on a known server", 2, 1, 4)]
    assert [report["places"][2][key] for key in ("cores", "ram", "disk")] == ["", "", ""]


NOW = "2026-12-01T12:00:00Z"


def environment(**fields):
    return {"id": "e1", "name": "production", "status": "running", "project_id": "p1", **fields}


def deployed(status, **fields):
    times = {"started_at": "2026-11-30T10:00:00Z", "completed_at": "2026-11-30T10:03:00Z"}
    return {"health": {"last_deploy": {"status": status, **times, **fields}}}


def environment_row(backups=None, max_age="", **fields):
    """The row of the environment. `backups`: None where they were not read."""
    read = None if backups is None else [{"item": {"id": "e1"}, "backups": backups}]
    others = {"environments": [environment(**fields)], "backups": read, "now": NOW, "backup_max_age": max_age}
    (row,) = report_model([project()], [server()], **others)["rows"]
    (found,) = row["environment_rows"]
    assert row["notes"] == found["notes"]
    return found


def test_row_of_an_environment():
    fields = {
        "url": "https://x.example",
        "branch": "main",
        "last_commit": "9be1d04aabb",
        "custom_domain": "erp.example",
    }
    backup = {"status": "completed", "completed_at": "2026-12-01T02:00:00Z"}
    assert environment_row([backup], **fields, custom_domain_verified=True, **deployed("completed")) == {
        "id": "e1",
        "name": "production",
        "status": "running",
        "link": "https://x.example",
        "branch": "main",
        "commit": "9be1d04a",
        "domain": "erp.example",
        "is_verified": True,
        "deployed": "2026-11-30T10:03:00Z",
        "backup": "2026-12-01T02:00:00+00:00",
        "backup_age": "10 h ago",
        "notes": [],
    }


@pytest.mark.parametrize(
    ("fields", "notes"),
    [
        ({"status": "failed"}, ["failed"]),
        ({"status": "Error", **deployed("failed")}, ["failed"]),
        (deployed("failed"), ["deployment"]),
        (deployed("cancelled"), ["deployment"]),
        (deployed("running", completed_at=None), []),
        (deployed("queued", completed_at=None, started_at=None), []),
        ({"health": None}, []),
        ({"health": {"last_deploy": None}}, []),
        ({"status": "stopped"}, ["stopped"]),
        ({"status": "paused"}, ["stopped"]),
        ({"status": "stopped", "name": "staging"}, []),
        ({"custom_domain": "erp.example", "custom_domain_verified": False}, ["domain"]),
        ({"custom_domain": "erp.example"}, []),
        ({"custom_domain": None, "custom_domain_verified": False}, []),
        ({"status": None, "name": None}, []),
    ],
)
def test_notes_of_an_environment(fields, notes):
    assert environment_row(**fields)["notes"] == notes


def completed(at, **fields):
    return {"status": "completed", "completed_at": at, **fields}


@pytest.mark.parametrize(
    ("backups", "max_age", "fields", "expected"),
    [
        (None, "", {}, ("", [])),
        ([], "", {}, ("never", ["backup"])),
        ([completed("2026-11-30T10:00:00Z")], "", {}, ("1 d 2 h ago", [])),
        ([completed("2026-11-30T09:59:59Z")], "", {}, ("1 d 2 h ago", ["backup"])),
        ([completed("2026-11-30T09:59:59Z")], "7d", {}, ("1 d 2 h ago", [])),
        ([completed("2026-11-01T00:00:00Z"), completed("2026-12-01T11:00:00Z")], "", {}, ("1 h ago", [])),
        ([completed("2026-12-01T11:00:00Z", expires_at="2026-12-01T11:30:00Z")], "", {}, ("never", ["backup"])),
        ([{**completed("2026-12-01T11:00:00Z"), "status": "failed"}], "", {}, ("never", ["backup"])),
        ([], "", {"name": "staging"}, ("never", [])),
        ([], "", {"status": "destroying"}, ("never", [])),
        ([], "", {"status": "pending"}, ("never", [])),
    ],
)
def test_backup_of_an_environment(backups, max_age, fields, expected):
    row = environment_row(backups, max_age, **fields)
    assert (row["backup_age"], row["notes"]) == expected


def test_names_of_productions_can_be_given():
    stopped = [environment(id=name, name=name, status="stopped") for name in ("live", "production")]
    report = report_model([project()], [server()], environments=stopped, production=["live"])
    assert [each["objects"] for each in report["attention"]] == [[{"anchor": "e-live", "name": "Bakery/live"}]]


def test_backups_that_could_not_be_read_are_unknown():
    failed = {"item": {"id": "e1"}, "msg": "No.", "failed": True}
    others = {"environments": [environment()], "backups": [failed], "now": NOW}
    (row,) = report_model([project()], [server()], **others)["rows"]
    assert (row["environment_rows"][0]["backup_age"], row["notes"]) == ("", [])


ORGANIZATION = {
    "organization": {"id": "o1", "name": "Acme", "max_environments": 20, "max_ram_mb": 65536, "max_disk_gb": 800}
}


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        ({"environments_running": 17}, [("Environments", "17", "20", 85, [])]),
        ({"environments_running": 18}, [("Environments", "18", "20", 90, ["limit"])]),
        ({"environments_running": 30}, [("Environments", "30", "20", 150, ["limit"])]),
        (
            {"ram_mb_used": 9216, "disk_gb_used": 90.5, "cpu_used": 3},
            [("RAM", "9 GB", "64 GB", 14, []), ("Disk", "90.5 GB", "800 GB", 11, [])],
        ),
        ({"environments_running": None}, []),
    ],
)
def test_limits_of_the_plan(usage, expected):
    report = report_model([], [], organization={**ORGANIZATION, "usage": usage})
    keys = ("name", "used", "most", "percent", "notes")
    assert [tuple(limit[key] for key in keys) for limit in report["limits"]] == expected
    assert report["account"] == "Acme"
    assert all(float(limit["meter"]["fill"].rstrip("%")) <= 100 for limit in report["limits"])
    noted = [each["note"] for each in report["attention"]]
    assert noted == ["limit"] * any(each[-1] for each in expected)


@pytest.mark.parametrize("organization", [None, {}, {"failed": True, "msg": "No."}, {"organization": None}, "text"])
def test_without_an_organization_it_has_no_limits(organization):
    report = report_model([], [], organization=organization)
    assert (report["account"], report["limits"]) == ("", [])


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
        project(id="a", name="Archive", odoo_version=None, git_repo_url=None),
        project(id="c"),
    ]
    assert [
        (reason["note"], reason["title"], reason["objects"])
        for reason in report_model(projects, [server()])["attention"]
    ] == [
        ("version", "No Odoo version", [{"anchor": "p-a", "name": "Archive"}, {"anchor": "p-b", "name": "Bakery"}]),
        ("repository", "No repository", [{"anchor": "p-a", "name": "Archive"}]),
        (
            "duplicate",
            "Name used more than once",
            [{"anchor": "p-b", "name": "Bakery"}, {"anchor": "p-c", "name": "Bakery"}],
        ),
    ]


def test_empty_account():
    report = report_model([], [])
    assert set(report["figures"].values()) == {0}
    assert [report[key] for key in ("rows", "places", "versions", "limits", "attention")] == [[]] * 5


def test_report_is_json_and_input_is_unchanged():
    projects, servers = [project(server_id=UNKNOWN)], [server()]
    report = report_model(iter(projects), tuple(servers), environments=[environment()])
    assert json.loads(json.dumps(report)) == report
    assert (projects, servers) == ([project(server_id=UNKNOWN)], [server()])


MODULES = {
    "projects": "oecsh.cloud.oec_project_info",
    "servers": "oecsh.cloud.oec_server_info",
    "environments": "oecsh.cloud.oec_environment_info",
    "backups": "oecsh.cloud.oec_backup_info",
}
# None of the others means that they were not asked for.
OTHER_TYPES = ["text", b"bytes", 5, {"projects": []}, ["text"], [None], [[]]]


@pytest.mark.parametrize(
    ("name", "value"),
    [("projects", None), ("servers", None), *((name, value) for name in MODULES for value in OTHER_TYPES)],
)
def test_input_of_another_type_is_rejected(name, value):
    with pytest.raises(TypeError) as raised:
        report_model(**{"projects": [], "servers": [], "now": NOW, name: value})
    assert str(raised.value) == f"{name} is not a list of {name}. Use '{name}' of the result of {MODULES[name]}."


@pytest.mark.parametrize("oldest", ["latest", "-", True])
def test_oldest_supported_without_a_number_is_rejected(oldest):
    with pytest.raises(ValueError, match="which is not a version such as"):
        report_model([], [], oldest)


@pytest.mark.parametrize("fields", [{"backup_max_age": "soon"}, {"backups": [{"item": {}}], "now": "later"}])
def test_times_that_are_none_are_rejected(fields):
    with pytest.raises(ValueError, match=r"is not a time|a time in ISO 8601"):
        report_model([], [], **fields)


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
