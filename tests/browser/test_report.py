# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import re
import statistics
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

ReportRun = Callable[..., Path]

HOSTILE = {
    "script": "<script>window.hacked = 1</script>",
    "image": "\"><img src=x onerror='window.hacked = 1'>",
    "end of the style": "</style></title></textarea>--><b>bold</b>",
    "template": "{{ 7*7 }}{% raw %}{# #}",
    "quotes": "\"double\" & 'single' `back` &amp; &lt;",
    "long": "x" * 255,
    "right to left": "مشروع العميل",
    "overridden": "\u202egnp.exe",
    "emoji": "🚀👩‍👩‍👧 Rocket",
}

# The five visible texts with the least contrast to their background.
CONTRASTS = """(() => {
  const channels = color => color.match(/[\\d.]+/g).map(Number);
  const luminance = color => channels(color).slice(0, 3).map(value => value / 255)
    .map(value => value <= .04045 ? value / 12.92 : ((value + .055) / 1.055) ** 2.4)
    .reduce((sum, value, place) => sum + value * [.2126, .7152, .0722][place], 0);
  const ground = element => {
    const color = getComputedStyle(element).backgroundColor;
    return channels(color)[3] === 0 && element.parentElement ? ground(element.parentElement) : color;
  };
  const found = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || !element.checkVisibility() || element.matches("script, option")) continue;
    const [one, other] = [getComputedStyle(element).color, ground(element)].map(luminance).sort((a, b) => b - a);
    found.push([(one + .05) / (other + .05), walker.currentNode.data.trim()]);
  }
  return found.sort((a, b) => a[0] - b[0]).slice(0, 5);
})()"""


@pytest.fixture(scope="module")
def estate(emulator: Any, run_report: ReportRun) -> Path:
    """A small estate with one project for each thing that the page reports."""
    emulator.reset()
    good = {"odoo_version": "18.0", "environment_count": 2, "git_repo_url": "https://github.com/acme/good"}
    for name, server, fields in (
        ("Client 10", "production-fsn1", {}),
        ("Client 9", "production-nyc1", {"environment_count": 11}),
        ("Ärzte Nord", "production-fsn1", {"odoo_version": "9.0"}),
        ("Zebra", "production-fsn1", {"odoo_version": "16.0", "created_at": "2020-01-02T03:04:05Z"}),
        ("No repository", "production-fsn1", {"git_repo_url": None}),
        ("No version", "production-fsn1", {"odoo_version": None}),
        ("No environments", "production-fsn1", {"environment_count": 0}),
        ("Twin", "production-fsn1", {}),
        ("Twin", "production-nyc1", {}),
        ("Elsewhere", None, {"server_id": "11111111-2222-3333-4444-555555555555"}),
        ("Nowhere", None, {"server_id": None, "default_branch": None}),
        ("Credentials", "production-fsn1", {"git_repo_url": "https://bot:hunter2@gitlab.com/acme/x.git"}),
        ("Plain", "production-fsn1", {"git_repo_url": "http://example.com/plain"}),
        ("Script", "production-fsn1", {"git_repo_url": "javascript:window.hacked=1//https://example.com"}),
        ("Data", "production-fsn1", {"git_repo_url": "data:text/html,https://example.com"}),
        ("Split", "production-fsn1", {"git_repo_url": "https://example.com\\@evil.example/ x"}),
        ("SaaS", "production-fsn1", {"odoo_version": "saas~17.2"}),
    ):
        emulator.add_project(name, server, **{**good, **fields})
    by_name = {project["name"]: project["id"] for project in emulator.projects()}
    fresh = emulator.add_environment(by_name["Client 9"], "production", branch="main", custom_domain="erp.acme.example")
    emulator.add_backup(fresh["id"], 7 * 3600)
    staging = emulator.add_environment(by_name["Client 9"], "staging", branch="release")
    emulator.start_task(staging["id"], "deploy", outcome="failed")
    emulator.start_task(fresh["id"], "deploy")
    review = emulator.add_environment(by_name["Client 9"], "review", branch="next")
    emulator.start_task(review["id"], "deploy", outcome="cancelled")
    emulator.clock.advance(600)
    emulator.settings.max_environments = 2
    emulator.add_environment(by_name["Zebra"], "production", "stopped")
    return run_report(report_account="Acme GmbH", report_backups="true")


@pytest.fixture(scope="module")
def hostile(emulator: Any, run_report: ReportRun) -> Path:
    """Every text from the API and from the user is hostile."""
    emulator.reset()
    state = emulator.dump()
    first = state["servers"]["acme"][0]
    servers, projects = [], []
    for number, text in enumerate(HOSTILE.values()):
        ident = f"00000000-0000-4000-8000-{number:012}"
        servers.append({**first, "id": ident, "name": text, "provider": text, "region": text})
        texts = dict.fromkeys(("name", "odoo_version", "git_repo_url", "default_branch", "created_at"), text)
        projects.append({**texts, "server_id": ident})
    emulator.load({"servers": {"acme": servers}, "projects": projects})
    for project in emulator.projects():
        text = project["name"]
        emulator.add_environment(project["id"], text, text, branch=text, custom_domain=text, last_commit=text)
    text = "".join(HOSTILE.values())
    return run_report(report_title=text.replace("{", "("), report_account=text.replace("{", "("))


@pytest.fixture(scope="module")
def empty(emulator: Any, run_report: ReportRun) -> Path:
    emulator.reset()
    emulator.load({"servers": {"acme": []}})
    return run_report()


@pytest.fixture(scope="module")
def large(emulator: Any, run_report: ReportRun) -> Path:
    emulator.reset()
    emulator.fill(500)
    for project in emulator.projects():
        for name in ("production", "staging"):
            emulator.add_environment(project["id"], name)
    return run_report()


@pytest.mark.parametrize("which", ["estate", "hostile", "empty", "large"])
def test_loads_nothing_else_without_errors(page: Any, which: str, request: pytest.FixtureRequest) -> None:
    path = request.getfixturevalue(which)
    page.open(path)
    assert page.requested_urls() == [path.as_uri()]
    assert page.console_messages() == []
    assert page.js("document.styleSheets.length") == 1


def test_content_security_policy(page: Any, estate: Path) -> None:
    page.open(estate)
    page.js("document.body.insertAdjacentHTML('beforeend', '<img src=\"https://example.invalid/x\">')")
    page.js("document.body.append(Object.assign(document.createElement('script'), {text: 'window.hacked = 1'}))")
    assert page.js("window.hacked") is None
    assert len([message for message in page.console_messages() if "Content Security Policy" in message]) == 2


def test_names_time_and_account_but_not_the_key(page: Any, estate: Path, empty: Path, emulator: Any) -> None:
    page.open(estate)
    (about,) = page.texts(".about")
    assert about.startswith("Acme GmbH")
    written = datetime.fromisoformat(page.js("document.querySelector('.about time').dateTime").replace("Z", "+00:00"))
    assert timedelta() <= datetime.now(timezone.utc) - written < timedelta(hours=1)
    assert page.open(empty).texts(".about")[0].startswith("Acme")
    for path in (estate, empty):
        assert emulator.keys.read_only not in path.read_text(encoding="utf-8")


def test_servers_have_capacity_and_load(page: Any, estate: Path) -> None:
    page.open(estate)
    rows = page.js(
        "[...document.querySelectorAll('.servers tbody tr')].map(row => [...row.cells].map(cell => cell.innerText))"
    )
    cells = [[" ".join(cell.split()) for cell in row] for row in rows]
    used = ["62 GB 25 % used", "477 GB 50 % used"]
    assert cells[0] == ["production-fsn1 hetzner · fsn1", "6 12 % used", *used, "13 2 old", "25", "2.5 GB RAM each"]
    assert [cells[1][0], *cells[1][4:]] == ["production-nyc1 digitalocean · nyc1", "2", "16", "2 GB RAM each"]
    assert [row[4:] for row in cells[2:]] == [["0", "0", "\u2013"], ["2", "4", "\u2013"]]
    assert cells[3][:4] == ["Not on a known server", *["\u2013 unknown"] * 3]
    widths = page.js(
        "[...document.querySelectorAll('.servers .bar')].map(bar =>"
        " [...bar.querySelectorAll('.fill, .old')].map(part => part.getBBox().width / bar.clientWidth))"
    )
    loads = [25 / 62, 16 / 32]
    assert widths == [[pytest.approx(load / max(loads), abs=0.01)] for load in loads]


def test_the_plan_and_what_is_used_of_it(page: Any, estate: Path) -> None:
    page.open(estate)
    lines = [" ".join(text.split()) for text in page.texts("[aria-labelledby=plan] .chart li")]
    assert [line.split()[0] for line in lines] == ["Environments", "Cores", "RAM", "Disk"]
    assert lines[0] == "Environments 2 of 2, 100 %"


def test_versions_are_newest_first_and_old_ones_marked(page: Any, estate: Path) -> None:
    page.open(estate)
    lines = [" ".join(text.split()) for text in page.texts("[aria-labelledby=versions] .chart li")]
    assert lines == [
        "18.0 13 projects",
        "saas~17.2 1 project",
        "16.0 old 1 project",
        "9.0 old 1 project",
        "not set 1 project",
    ]
    assert page.js("document.querySelectorAll('.chart .is-old .old').length") == 2
    assert page.js("document.querySelectorAll('.chart li:not(.is-old) .old').length") == 0


def reasons(page: Any) -> dict[str, list[str]]:
    return page.js(
        "Object.fromEntries([...document.querySelectorAll('.reason')].map(reason =>"
        " [reason.querySelector('h3').lastChild.data.trim(),"
        " [...reason.querySelectorAll('a')].filter(a => a.checkVisibility()).map(a => a.textContent)]))"
    )


def test_attention_comes_first_and_names_what_needs_it(page: Any, estate: Path) -> None:
    page.open(estate)
    assert page.texts("h2")[0] == "Where attention is due"
    assert reasons(page) == {
        "Failed": ["Client 9/staging"],
        "Last deployment not completed": ["Client 9/review"],
        "Production stopped": ["Zebra/production"],
        "Domain not verified": ["Client 9/production"],
        "No fresh backup": ["Zebra/production"],
        "Plan nearly used": ["Environments"],
        "Odoo before 17.0": ["Zebra", "Ärzte Nord"],
        "No Odoo version": ["No version"],
        "No repository": ["No repository"],
        "Name used more than once": ["Twin", "Twin"],
        "Not on a known server": ["Elsewhere", "Nowhere"],
    }
    links = page.js("[...document.querySelectorAll('.reason a')].every(a => document.getElementById(a.hash.slice(1)))")
    assert links is True


def test_more_than_ten_names_unfold(page: Any, large: Path) -> None:
    page.open(large)
    old = reasons(page)["Odoo before 17.0"]
    assert len(old) == 10
    (more, *_others) = page.texts(".reason summary")
    assert re.fullmatch(r"and [0-9]+ more", more)
    page.click(".reason summary")
    assert len(reasons(page)["Odoo before 17.0"]) == 10 + int(more.split()[1])


@pytest.mark.parametrize("scripts", [True, False])
def test_the_figure_leads_to_what_needs_attention(page: Any, estate: Path, scripts: bool) -> None:
    page.open(estate, scripts=scripts)
    assert page.texts(".figures .alert dd")[-1] == "9"
    page.click(".figures a")
    assert page.js("location.hash") == "#projects"
    assert len(page.names()) == (9 if scripts else 17)


def test_environments_stand_below_their_project(page: Any, estate: Path) -> None:
    page.open(estate)
    lines = [" ".join(text.split()) for text in page.texts(".environments li")]
    assert [re.sub(r" [0-9a-f]{8}\b| \d{4}-\d\d-\d\d", "", line) for line in lines] == [
        "production running main erp.acme.example not verified deployed backup 7 h ago",
        "staging error release deployed",
        "review running next not deployed",
        "production stopped main backup never",
    ]


def test_only_https_repositories_become_links(page: Any, estate: Path) -> None:
    page.open(estate)
    links = page.js(
        "Object.fromEntries([...document.querySelectorAll('#table tbody tr')].map(row =>"
        " [row.cells[0].innerText, row.querySelector('a')?.getAttribute('href') ?? null]))"
    )
    assert links["Credentials"] == "https://gitlab.com/acme/x.git"
    assert links["Zebra"] == "https://github.com/acme/good"
    assert [links[name] for name in ("No repository", "Plain", "Script", "Data", "Split")] == [None] * 5
    assert "hunter2" not in estate.read_text(encoding="utf-8")
    assert "javascript:window.hacked=1//https://example.com" in page.texts("#table td.long")


def test_hostile_texts_are_escaped(page: Any, hostile: Path) -> None:
    page.open(hostile)
    assert page.js("window.hacked") is None
    assert page.js("document.querySelectorAll('img, b, textarea').length") == 0
    assert page.js("document.scripts.length") == 1
    assert sorted(page.names()) == sorted(HOSTILE.values())
    assert set(page.texts(".servers tbody th > bdi")) == set(HOSTILE.values())
    assert set(page.texts(".chart .label bdi")) == set(HOSTILE.values())
    assert set(page.texts("#table td.long bdi")) == set(HOSTILE.values())
    page.choose("version", HOSTILE["quotes"])
    assert page.names() == [HOSTILE["quotes"]]


def test_empty_account(page: Any, empty: Path) -> None:
    page.open(empty)
    assert page.texts(".figures dd") == ["0"] * 4
    assert page.texts(".empty") == [
        "Nothing.",
        "This account has no servers yet.",
        "Without projects there is nothing to draw.",
        "This account has no projects yet.",
    ]


def test_sorts_by_every_column(page: Any, estate: Path) -> None:
    page.open(estate)
    assert page.names()[:4] == ["Ärzte Nord", "Client 9", "Client 10", "Credentials"]
    assert page.js("document.querySelector('[aria-sort]').textContent") == "Project"
    page.sort_by("Project")
    assert page.js("document.querySelector('[aria-sort]').ariaSort") == "descending"
    assert page.names()[0] == "Zebra"
    page.sort_by("Odoo")
    assert (page.names()[0], page.names()[-1]) == ("Ärzte Nord", "No version")
    page.sort_by("Odoo")
    assert (page.names()[0], page.names()[-1]) == ("SaaS", "No version")
    page.sort_by("Environments")
    assert (page.names()[0], page.names()[-1]) == ("No environments", "Client 9")
    page.sort_by("Created")
    assert page.names()[0] == "Zebra"
    page.sort_by("Repository")
    assert page.names()[-1] == "No repository"
    page.sort_by("Branch")
    assert page.names()[-1] == "Nowhere"
    page.sort_by("Server")
    assert page.names()[-1] == "Nowhere"
    assert page.js("document.querySelectorAll('[aria-sort]').length") == 1


def test_filters_and_counts(page: Any, estate: Path) -> None:
    page.open(estate)
    assert page.texts("#count") == ["17 projects"]
    page.choose("text", "arzte")
    assert (page.names(), page.texts("#count")) == (["Ärzte Nord"], ["1 of 17 projects"])
    page.choose("text", "GOOD client")
    assert page.names() == ["Client 9", "Client 10"]
    page.choose("server", page.js("document.querySelector('#server option:nth-child(3)').value"))
    assert page.names() == ["Client 9"]
    page.choose("text", "no such project")
    assert (page.names(), page.texts("#count")) == ([], ["0 of 17 projects"])
    assert (page.texts("#nothing"), page.texts("#table")) == (["Nothing matches."], [])
    page.click("#clear")
    assert page.texts("#nothing") == []
    page.choose("text", "erp.acme release")
    assert page.names() == ["Client 9"]
    page.click("#clear")
    assert len(page.names()) == 17
    assert page.texts("#clear") == []
    page.choose("version", "16.0")
    assert page.names() == ["Zebra"]
    page.choose("version", "")
    page.choose("note", "duplicate")
    assert page.names() == ["Twin", "Twin"]
    page.choose("note", "attention")
    assert len(page.names()) == 9
    page.sort_by("Project")
    assert len(page.names()) == 9
    page.choose("note", "failed")
    assert page.names() == ["Client 9"]


def test_link_to_a_project_clears_the_filter(page: Any, estate: Path) -> None:
    page.open(estate)
    page.choose("text", "zebra")
    page.click(".reason:last-of-type a")
    assert len(page.names()) == 17
    assert page.js("document.querySelector(':target') !== null")


@pytest.mark.parametrize("width", [1280, 390])
def test_works_without_javascript(page: Any, estate: Path, width: int) -> None:
    page.open(estate, width=width, scripts=False)
    assert len(page.names()) == 17
    assert page.texts("#count") == ["17 projects"]
    assert page.texts(".tools") == []
    assert page.js("document.querySelectorAll('button:not([hidden], [hidden] *), .scripted').length") == 0
    assert page.js("[...document.querySelectorAll('#table tbody a')].filter(a => a.checkVisibility()).length") == 12
    assert len(page.texts(".environments li")) == 4
    assert page.console_messages() == []


@pytest.mark.parametrize("which", ["estate", "hostile", "empty"])
@pytest.mark.parametrize("width", [320, 375, 390, 700, 980, 1280])
def test_never_scrolls_sideways(page: Any, which: str, width: int, request: pytest.FixtureRequest) -> None:
    page.open(request.getfixturevalue(which), width=width)
    page.js("document.querySelectorAll('details').forEach(details => { details.open = true; })")
    page.js("document.querySelectorAll('.unfold').forEach(button => button.click())")
    assert page.js("innerWidth") == width
    assert page.js("document.documentElement.scrollWidth <= document.documentElement.clientWidth")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_contrast_of_texts(page: Any, estate: Path, scheme: str, width: int) -> None:
    page.open(estate, scheme=scheme, width=width)
    channels = re.findall(r"\d+", page.js("getComputedStyle(document.documentElement).backgroundColor"))
    assert (statistics.mean(map(int, channels)) < 128) is (scheme == "dark")
    least = page.js(CONTRASTS)
    assert least[0][0] >= 4.5, least


def test_print(page: Any, estate: Path) -> None:
    page.open(estate, scheme="dark", media="print")
    page.js("document.querySelectorAll('details').forEach(details => { details.open = false; })")
    assert page.js("getComputedStyle(document.documentElement).backgroundColor") == "rgb(255, 255, 255)"
    assert page.js(CONTRASTS)[0][0] >= 4.5
    assert page.texts(".tools, .skip, button") == []
    assert len(page.texts(".reason li")) == 14
    assert len(page.texts(".environments li")) == 4
    assert len(page.names()) == 17
    assert page.js("getComputedStyle(document.querySelector('#table thead')).display") == "table-header-group"
    assert page.command("Page.printToPDF")["data"]


@pytest.mark.parametrize("width", [390, 1280])
def test_accessibility_tree(page: Any, estate: Path, width: int) -> None:
    tree = page.open(estate, width=width).tree()
    roles = [role for role, _name in tree]
    assert [roles.count(role) for role in ("banner", "main", "contentinfo", "search")] == [1] * 4
    named = {role: [name for node_role, name in tree if node_role == role] for role in set(roles)}
    assert named["region"] == ["Where attention is due", "Servers", "Odoo versions", "Plan", "Projects"]
    assert [name for name in named["heading"] if name in named["region"]] == named["region"]
    assert [name.split(",")[0] for name in named["table"]] == ["What each server has", "All projects"]
    assert named["columnheader"][-7:] == [
        "Project",
        "Server",
        "Odoo",
        "Environments",
        "Repository",
        "Branch",
        "Created",
    ]
    assert len(named["rowheader"]) == 4 + 17
    # A narrow screen folds what a project has besides its server, version and number of environments.
    assert roles.count("cell") + roles.count("gridcell") == 4 * 6 + 17 * (6 if width == 1280 else 3) + 2 * (
        width == 1280
    )
    assert named["searchbox"] == ["Find"]
    assert named["combobox"] == ["Server", "Odoo", "Attention"]
    assert named["status"] is not None
    assert not {"image", "img", "SvgRoot", "graphics-document"} & set(roles), (
        "bars are hidden: their numbers say the same"
    )
    assert page.js("document.documentElement.lang") == "en"
    assert page.js("[...document.querySelectorAll('thead th')].every(th => th.scope === 'col')")
    assert page.js("[...document.querySelectorAll('tbody th')].every(th => th.scope === 'row')")
    assert page.js("new Set([...document.querySelectorAll('[id]')].map(e => e.id)).size") == page.js(
        "document.querySelectorAll('[id]').length"
    )


def test_a_phone_has_two_lines_a_project_that_unfold(page: Any, estate: Path) -> None:
    page.open(estate, width=390)
    height = "document.querySelector('#table tbody').offsetHeight"
    folded = page.js(height)
    assert folded < 90
    assert page.texts(".environments li") == []
    names = page.names()
    page.click(f"#table tbody:nth-of-type({names.index('Client 9') + 1}) .unfold")
    assert len(page.texts(".environments li")) == 3
    assert page.js("document.querySelectorAll('[aria-expanded=true]').length") == 1
    page.click(".reason a")
    assert page.js("document.querySelector(':target').checkVisibility()")


def test_a_phone_begins_with_fifty_projects(page: Any, large: Path) -> None:
    page.open(large, width=390)
    assert (len(page.names()), page.texts("#count"), page.texts("#more")) == (50, ["500 projects"], ["50 more"])
    assert page.js("document.querySelector('#table').offsetHeight") < 6000
    page.click("#more")
    assert len(page.names()) == 100
    page.choose("text", "client-49")
    assert (len(page.names()), page.texts("#more")) == (10, [])
    page.choose("text", "")
    assert len(page.names()) == 50
    page.open(large, width=1280)
    assert (len(page.names()), page.texts("#more")) == (500, [])


def test_filter_and_head_stay_in_sight(page: Any, large: Path) -> None:
    page.open(large)
    page.js("scrollTo(0, document.querySelector('#table tbody:nth-of-type(200)').offsetTop + 2000)")
    tops = page.js(
        "['.tools', '#table thead th'].map(each => document.querySelector(each).getBoundingClientRect().top)"
    )
    height = page.js("document.querySelector('.tools').offsetHeight")
    assert tops == [0, pytest.approx(height, abs=1)]
    page.open(large, width=390)
    page.js("scrollTo(0, document.body.scrollHeight - 2500)")
    assert page.js("document.querySelector('.find').getBoundingClientRect().top") == 0


@pytest.mark.parametrize("width", [390, 1280])
def test_names_of_servers_do_not_break(page: Any, hostile: Path, width: int) -> None:
    page.open(hostile, width=width)
    names = "[...document.querySelectorAll('.servers th > bdi, td.server bdi')].filter(each => each.checkVisibility())"
    assert page.js(f"{names}.length") == 2 * len(HOSTILE)
    assert page.js(f"Math.max(...{names}.map(each => each.offsetHeight))") < 40


@pytest.mark.parametrize("width", [390, 1280])
def test_500_projects_with_1000_environments_load_in_two_seconds(page: Any, large: Path, width: int) -> None:
    times = []
    for _attempt in range(3):
        page.open(large, width=width)
        times.append(page.js("performance.getEntriesByType('navigation')[0].loadEventEnd"))
    assert min(times) < 2000, times
    assert page.js("document.querySelectorAll('.environments li').length") == 1000
    duration = page.js(
        "(() => { const start = performance.now(); const field = document.getElementById('text'); field.value = '49';"
        " field.dispatchEvent(new Event('input')); document.body.offsetHeight; return performance.now() - start; })()"
    )
    assert duration < 500


def test_check_mode_writes_nothing(empty: Path, run_report: ReportRun) -> None:
    assert empty.stat().st_mode & 0o777 == 0o644
    assert not run_report("--check", "--diff").exists()
