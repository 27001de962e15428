# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Random lives of an estate: declarations, outside changes, faults and time, each step judged against a small model."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any

from ansible_collections.oecsh.cloud.tests.chaos.later import LATER, add_server
from ansible_collections.oecsh.cloud.tests.emulator import SCOPED_PROJECT_ID, Emulator, Fault
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test

Object = dict[str, Any]

NAMES = ("Client ERP", "{{ Müller }} & Söhne", "🥐" * 60)
CHANGEABLE = ("name", "git_repo_url", "default_branch")
A_MINUTE_LATER = 61.0  # a refused create is asked for again under another key once the server's minute is over

names = st.sampled_from(NAMES)
wishes = st.sampled_from(
    [
        {"server": "production-fsn1"},
        {"server": "production-fsn1", "odoo_version": "17.0", "default_branch": "release/17.0", "git_repo_url": ""},
        {"server": "8E4F2A1C-1234-5678-ABCD-EF0123456789", "git_repo_url": "https://token@git.example/acme/erp"},
        {"server": LATER["id"], "odoo_version": "18.0"},
        {"server": "production-fsn1"},
        {"default_branch": "main"},
    ]
)
picks = st.integers(0, 9)
# The service's Date has whole seconds: of what happens within one it cannot be told what came first.
pauses = st.sampled_from([1.5, 2.25, 3.75])


AFTER_THE_WORK = [
    *({"kind": kind} for kind in ("cut_after", "cut_midway", "truncate")),
    *({"kind": "status", "status": status, "after": True} for status in (400, 403, 422, 500, 503)),
    {"kind": "html", "status": 502, "after": True},
    {"kind": "replace", "body": {}},
]
INSTEAD = [
    *({"kind": kind} for kind in ("cut_before", "in_flight", "redirect", "ip_blocked")),
    *({"kind": "status", "status": status} for status in (400, 401, 402, 403, 409, 422, 500, 503)),
    *({"kind": "html", "status": status} for status in (403, 404, 502, 504)),
    *({"kind": "rate_limit", "style": style, "retry_after": 40} for style in ("header", "body", "none")),
]
LISTS = [{"kind": kind} for kind in ("drop_header", "cursor_loop", "missing_cursor", "repeat_item")]
WRITE = "whatever the run has to write"
faults = st.builds(
    lambda what, method, times, skip: {
        **what,
        "method": "GET" if what in LISTS else method,
        "times": times,
        "skip": skip,
    },
    st.one_of(*map(st.sampled_from, [AFTER_THE_WORK, AFTER_THE_WORK, INSTEAD, INSTEAD, LISTS])),
    st.sampled_from([WRITE, WRITE, WRITE, None, "GET"]),
    st.sampled_from([1, 2, 7]),
    st.sampled_from([0, 0, 0, 1]),
)


@dataclass(frozen=True)
class Trouble:
    """What goes wrong during one run."""

    faults: Sequence[Object] = ()
    retries: int = 5
    victim: int | None = None  # the project that somebody else changes or deletes meanwhile, just before a write
    at_write: int = 0
    deletes: bool = False

    def __bool__(self) -> bool:
        return bool(self.faults) or self.victim is not None


troubles = st.one_of(
    st.just(Trouble()),
    st.builds(Trouble, st.lists(faults, min_size=1, max_size=2), st.sampled_from([5, 1, 0])),
    st.builds(Trouble, st.lists(faults, max_size=1), st.just(5), picks, st.sampled_from([0, 1, 2]), st.booleans()),
)


class Meanwhile(Fault):
    """Lets every request through, and calls `act` just before a write."""

    def __init__(self, act: Callable[[], None], at_write: int) -> None:
        super().__init__("cut_before")
        self.act = act
        self.left: int = at_write
        self.has_happened = False

    def matches(self, method: str, path: str) -> bool:
        if method != "GET" and not self.has_happened:
            self.has_happened = self.left == 0
            self.left -= 1
            if self.has_happened:
                self.act()
        return False


@dataclass
class Foretold:
    """What a run is to do by the documentation: a second opinion, which shares no code with the collection."""

    refused: str = ""  # before its first write
    creates: dict[str, Object] = field(default_factory=dict)
    updates: dict[str, Object] = field(default_factory=dict)
    removes: set[str] = field(default_factory=set)
    stuck: set[str] = field(default_factory=set)  # the names to create, and ids, that the service will refuse

    @property
    def changes(self) -> bool:
        return bool(self.creates or self.updates or self.removes)

    def world(self, before: Mapping[str, Object]) -> tuple[dict[str, Object], dict[str, Object]]:
        """The projects that were there, as they are now, and the new ones by name."""
        gone = self.removes - self.stuck
        old = {ident: {**there, **self.updates.get(ident, {})} for ident, there in before.items() if ident not in gone}
        return old, {name: wanted for name, wanted in self.creates.items() if name not in self.stuck}


def foretell(
    items: Sequence[Object], there: Mapping[str, Object], machines: Sequence[Object], prune: bool, limit: int
) -> Foretold:
    expected = Foretold()
    hit: list[str] = []
    for item in items:
        ident, name = item.get("project_id"), item.get("name")
        found = [p for p in there.values() if (p["id"] == ident if ident else p["name"] == name)]
        absent = item.get("state") == "absent"
        if len(found) > 1:
            return Foretold("two projects have the name")
        hit += [project["id"] for project in found]
        given = {key: item[key] for key in ("odoo_version", "default_branch", "git_repo_url") if item.get(key)}
        if not absent and item.get("server"):
            given["server_id"] = next(
                (s["id"] for s in machines if item["server"] == s["name"]), item["server"].lower()
            )
        if absent:
            expected.removes |= {project["id"] for project in found}
        elif found:
            differs = {key: value for key, value in {"name": name, **given}.items() if value and found[0][key] != value}
            if set(differs) - set(CHANGEABLE):
                return Foretold("the service cannot change that")
            if differs:
                expected.updates[found[0]["id"]] = differs
        elif ident or "server_id" not in given:
            return Foretold("no such project, and it cannot be created")
        else:
            assert name
            expected.creates[name] = {"default_branch": "main", "odoo_version": None, "git_repo_url": None, **given}
            if given["server_id"] not in [machine["id"] for machine in machines]:
                expected.stuck.add(name)
    if len(set(hit)) < len(hit):
        return Foretold("a project is listed twice")
    if prune:
        pruned = set(there) - set(hit)
        if len(pruned) > limit:
            return Foretold("too many to prune")
        expected.removes |= pruned
    return expected


@dataclass
class Tally:
    sequences: int = 0
    runs: int = 0
    lost: int = 0
    duplicated: int = 0
    wrong: int = 0


class Estate(RuleBasedStateMachine):
    """The file in git (`declared`), the service, and what people do to both."""

    def __init__(self, emulator: Emulator, run_module: Callable[..., Object], tally: Tally) -> None:
        super().__init__()
        self.emulator = emulator
        self.run_module = run_module
        self.tally = tally
        self.declared: dict[str, Object] = {}
        self.running: set[str] = set()
        self.key = emulator.keys.full
        self.made_up = 0
        tally.sequences += 1
        emulator.reset()
        emulator.clock.freeze(datetime(2026, 1, 1, 12, 0, 0, 250_000, timezone.utc))

    @initialize(
        shape=st.sampled_from(["nested", "flat", "flat_detail", "loc", "text", "reason", "empty"]),
        style=st.sampled_from(["header", "body", "none"]),
        is_scoped=st.booleans(),
        others=st.integers(0, 3),
    )
    def begin(self, shape: str, style: str, is_scoped: bool, others: int) -> None:
        self.emulator.settings.error_shape = shape
        self.emulator.settings.rate_limit_style = style
        if is_scoped:
            assert self.emulator.scoped_project
        self.emulator.fill(others)

    # What the user does.

    @rule(name=names, wish=wishes, trouble=troubles, pause=pauses)
    def declare(self, name: str, wish: Object, trouble: Trouble, pause: float) -> None:
        """Anew, or as it was when it was declared first."""
        self.declared.setdefault(name, {"name": name, **wish})
        self.apply([self.declared[name]], trouble, pause)

    @rule(name=names, wish=wishes, trouble=troubles, pause=pauses)
    def declare_otherwise(self, name: str, wish: Object, trouble: Trouble, pause: float) -> None:
        self.declared[name] = {"name": name, **wish}
        self.apply([self.declared[name]], trouble, pause)

    @precondition(lambda self: self.declared)
    @rule(pick=picks, both=st.booleans(), trouble=troubles, pause=pauses)
    def change(self, pick: int, both: bool, trouble: Trouble, pause: float) -> None:
        item = self.pick_declared(pick)
        item["default_branch"] = self.another("branch")
        if both:
            item["git_repo_url"] = f"https://github.com/acme/{self.another('repository')}"
        self.apply([item], trouble, pause)

    @precondition(lambda self: self.declared)
    @rule(pick=picks, to=st.one_of(names, st.none()), trouble=troubles, pause=pauses)
    def rename(self, pick: int, to: str | None, trouble: Trouble, pause: float) -> None:
        item, to = self.pick_declared(pick), to or self.another("name")
        known = self.named(item["name"])
        if len(known) == 1 and to not in self.declared:
            self.declared = {to if item is each else name: each for name, each in self.declared.items()}
            item["name"] = to
            self.apply([{"project_id": known[0], "name": to}], trouble, pause)

    @precondition(lambda self: self.emulator.projects())
    @rule(pick=picks, by_id=st.booleans(), trouble=troubles, pause=pauses)
    def remove(self, pick: int, by_id: bool, trouble: Trouble, pause: float) -> None:
        project = self.pick_project(pick)
        item = {"project_id": project["id"]} if by_id else {"name": project["name"]}
        self.declared.pop(project["name"], None)
        self.apply([{"state": "absent", **item}], trouble, pause)

    @precondition(lambda self: self.declared)
    @rule(
        removed=st.sets(names, max_size=2),
        prune=st.booleans(),
        limit=st.sampled_from([4, 2, 0]),
        trouble=troubles,
        pause=pauses,
    )
    def apply_the_file(self, removed: set[str], prune: bool, limit: int, trouble: Trouble, pause: float) -> None:
        absent = [{"name": name, "state": "absent"} for name in sorted(removed - set(self.declared))]
        self.apply([*self.declared.values(), *absent], trouble, pause, prune=prune, prune_limit=limit)

    @precondition(lambda self: self.declared)
    @rule(trouble=troubles, pause=pauses)
    def apply_the_file_after_a_disaster(self, trouble: Trouble, pause: float) -> None:
        for project in self.emulator.projects():
            if project["name"] in self.declared:
                self.emulator.remove(project["id"])
        self.apply(list(self.declared.values()), trouble, pause, prune=False)

    @rule()
    def another_key_of_the_organisation(self) -> None:
        keys = self.emulator.keys
        self.key = keys.second if self.key == keys.full else keys.full

    @rule(
        name=names,
        wish=wishes,
        other=st.sampled_from(["read_only", "scoped", "expired"]),
        trouble=troubles,
        pause=pauses,
    )
    def declare_with_a_wrong_key(self, name: str, wish: Object, other: str, trouble: Trouble, pause: float) -> None:
        right, self.key = self.key, getattr(self.emulator.keys, other)
        self.declare(name=name, wish=wish, trouble=trouble, pause=pause)
        self.key = right

    # What others do, and time.

    @rule(name=st.one_of(st.none(), names), pause=pauses)
    def somebody_else_creates(self, name: str | None, pause: float) -> None:
        self.emulator.clock.advance(pause)
        self.emulator.add_project(name or self.another("name"))

    @precondition(lambda self: self.emulator.projects())
    @rule(pick=picks, pause=pauses)
    def somebody_else_edits(self, pick: int, pause: float) -> None:
        self.emulator.clock.advance(pause)
        self.emulator.edit(self.pick_project(pick)["id"], default_branch=self.another("branch"), git_repo_url=None)

    @precondition(lambda self: self.emulator.projects())
    @rule(pick=picks, to=st.one_of(st.none(), names), pause=pauses)
    def somebody_else_renames(self, pick: int, to: str | None, pause: float) -> None:
        self.emulator.clock.advance(pause)
        self.emulator.edit(self.pick_project(pick)["id"], name=to or self.another("name"))

    @precondition(lambda self: self.emulator.projects())
    @rule(pick=picks, pause=pauses)
    def somebody_else_deletes(self, pick: int, pause: float) -> None:
        self.emulator.clock.advance(pause)
        self.emulator.remove(self.pick_project(pick)["id"])

    @precondition(lambda self: self.emulator.projects())
    @rule(pick=picks)
    def environments_start_or_stop(self, pick: int) -> None:
        ident = self.pick_project(pick)["id"]
        self.running ^= {ident}
        self.emulator.set_running(ident, int(ident in self.running))

    @precondition(lambda self: LATER not in self.emulator.servers())
    @rule()
    def the_server_is_delivered(self) -> None:
        add_server(self.emulator)
        self.emulator.clock.advance(A_MINUTE_LATER)

    @rule(seconds=st.sampled_from([5.0, 61.0, 3600.0, 23.9 * 3600, 24.1 * 3600]))
    def time_passes(self, seconds: float) -> None:
        self.emulator.clock.advance(seconds)

    def pick_declared(self, pick: int) -> Object:
        return list(self.declared.values())[pick % len(self.declared)]

    def pick_project(self, pick: int) -> Object:
        projects = self.emulator.projects()
        return projects[pick % len(projects)]

    def named(self, name: str) -> list[str]:
        return [project["id"] for project in self.emulator.projects() if project["name"] == name]

    def another(self, what: str) -> str:
        self.made_up += 1
        return f"{what} {self.made_up}".replace(" ", "-" if what == "repository" else " ")

    # A run, and what is to be true of every one.

    def apply(self, items: Sequence[Object], trouble: Trouble, pause: float, **options: Any) -> None:
        self.emulator.clock.advance(pause)
        call = Call([{key: value for key, value in item.items() if value is not None} for item in items], options)
        known = self.idents()
        before = self.visible()
        succeeded, expected = self.attempt(call, trouble)
        if trouble and not (succeeded and trouble.victim is None):
            self.emulator.clock.advance(A_MINUTE_LATER)
            succeeded, again = self.attempt(call, Trouble())
            if trouble.victim is None:
                made = Counter(p["name"] for p in self.everything() if p["id"] not in known)
                self.must(max(made.values(), default=0) <= 1, "duplicated", f"two of one declaration: {made}")
                self.must(set(made) <= set(expected.creates), "wrong", f"made {made}, but {expected} was to be done")
                left = set(before) - set(self.visible())
                self.must(left <= expected.removes, "lost", f"removed {left}, but {expected} was to be done")
            expected = again
        if succeeded:
            self.emulator.clock.advance(pause)
            self.emulator.log.clear()
            repeated = self.run(call, Trouble())
            done = not repeated.get("failed") and not repeated["changed"] and not self.emulator.log.writes
            self.must(done, "wrong", f"a further run was to change nothing: {repeated}")
        elif expected.stuck:
            self.emulator.clock.advance(A_MINUTE_LATER)
        if self.key == self.emulator.keys.expired:
            self.emulator.clock.advance(20)  # ten refused keys in a minute would block the address

    def attempt(self, call: Call, trouble: Trouble) -> tuple[bool, Foretold]:
        """Check mode, then the real run, and everything that can be said of them; whether the run succeeded."""
        before, known, expected = self.visible(), self.idents(), self.foretell(call)
        others = {p["id"]: p for p in self.emulator.projects() if p["id"] not in before}
        self.emulator.log.clear()
        check = self.run(call, Trouble(), check=True)
        self.must(not self.emulator.log.writes, "wrong", "check mode wrote")
        meanwhile = self.install(trouble, expected)
        self.emulator.log.clear()
        real = self.run(call, trouble)
        self.emulator.faults.clear()
        failed = bool(real.get("failed"))
        is_disturbed = any(entry.fault for entry in self.emulator.log.requests()) or meanwhile.has_happened
        explained = f"{real.get('msg', '')} {call} {expected}"

        self.judge_writes(expected)
        for name, count in Counter(p["name"] for p in self.emulator.projects() if p["id"] not in known).items():
            self.must(count <= 1, "duplicated", f"{count} projects {name!r} from one declaration: {explained}")
        self.must("Traceback" not in str(real), "wrong", f"a traceback: {explained}")
        barred = self.is_barred(expected)
        if not is_disturbed:
            is_to_fail = bool(expected.refused or expected.stuck or barred)
            self.must(failed == is_to_fail, "wrong", f"failed is {failed}: {explained}")
            is_unforeseeable = self.key == self.emulator.keys.read_only or expected.stuck
            if not is_unforeseeable:
                self.must(
                    bool(check.get("failed")) == failed, "wrong", f"check mode foretold something else: {explained}"
                )
        if meanwhile.has_happened or (is_disturbed and failed):
            return False, expected

        old, new = ({}, {}) if expected.refused or barred else expected.world(before)
        if expected.refused or barred:
            old = before
        after = {p["id"]: p for p in self.emulator.projects()}
        for ident, there in {**old, **others}.items():
            self.must(ident in after, "lost", f"{there['name']!r} is gone: {explained}")
            self.must(after[ident] == there, "wrong", f"{after[ident]} was to be {there}: {explained}")
        made = {p["name"]: p for ident, p in after.items() if ident not in old and ident not in others}
        self.must(set(made) >= set(new), "lost", f"made {set(made)}, and declared are {set(new)}: {explained}")
        self.must(set(made) <= set(new), "wrong", f"made {set(made)}, and declared are {set(new)}: {explained}")
        for name, wanted in new.items():
            self.must(wanted.items() <= made[name].items(), "wrong", f"{made[name]} was to be {wanted}")
        if not failed:
            same = comparable(check) == comparable(real)
            self.must(same, "wrong", f"check mode foretold {comparable(check)}, and it was {comparable(real)}")
            self.must(real["changed"] == expected.changes, "wrong", f"changed is {real['changed']}: {explained}")
        return not failed, expected

    def judge_writes(self, expected: Foretold) -> None:
        """Nothing may even be asked for that was not declared."""
        allowed = Foretold() if expected.refused or self.is_barred(expected) else expected
        for write in self.emulator.log.writes:
            ident, sent = write.path.rpartition("/")[2], write.json
            if write.method == "DELETE":
                self.must(ident in allowed.removes, "lost", f"{ident} was asked to be removed, and {expected} declared")
            elif write.method == "PATCH":
                self.must(allowed.updates.get(ident) == sent, "wrong", f"{sent} sent to {ident}: {expected}")
            else:
                self.must(sent["name"] in allowed.creates, "duplicated", f"{sent} was to be created: {expected}")

    def is_barred(self, expected: Foretold) -> bool:
        """Whether the key lets the run do nothing at all."""
        keys = self.emulator.keys
        return self.key == keys.expired or (self.key == keys.read_only and expected.changes)

    def foretell(self, call: Call) -> Foretold:
        visible, options = self.visible(), call.options
        prune, limit = options.get("prune", False), options.get("prune_limit", 10)
        expected = foretell(call.items, visible, self.emulator.servers(), prune, limit)
        expected.stuck |= expected.removes & self.running
        if self.key == self.emulator.keys.scoped:
            expected.stuck |= expected.removes | set(expected.creates)
        return expected

    def visible(self) -> dict[str, Object]:
        """What the key in use is shown."""
        is_scoped = self.key == self.emulator.keys.scoped
        return {p["id"]: p for p in self.emulator.projects() if not is_scoped or p["id"] == SCOPED_PROJECT_ID}

    def everything(self) -> list[Object]:
        return [*self.emulator.projects(), *self.emulator.deleted()]

    def idents(self) -> set[str]:
        return {project["id"] for project in self.everything()}

    def install(self, trouble: Trouble, expected: Foretold) -> Meanwhile:
        def act() -> None:
            projects = self.emulator.projects()
            if not projects or trouble.victim is None:
                return
            victim = projects[trouble.victim % len(projects)]["id"]
            if trouble.deletes:
                self.emulator.remove(victim)
            else:
                self.emulator.edit(victim, name=self.another("name"), default_branch=self.another("branch"))

        meanwhile = Meanwhile(act, trouble.at_write)
        if trouble.victim is not None:
            self.emulator.faults.append(meanwhile)
        write = "POST" if expected.creates else "PATCH" if expected.updates else "DELETE"
        for fault in trouble.faults:
            method = write if fault["method"] == WRITE else fault["method"]
            self.emulator.faults.append(Fault(**{**fault, "method": method}))
        return meanwhile

    def run(self, call: Call, trouble: Trouble, check: bool = False) -> Object:
        self.tally.runs += 1
        return self.run_module(
            call.module, check=check, api_key=self.key, api_retries=trouble.retries, **call.arguments
        )

    def must(self, holds: bool, figure: str, words: str) -> None:
        if not holds:
            setattr(self.tally, figure, getattr(self.tally, figure) + 1)
            raise AssertionError(words)


@dataclass(frozen=True)
class Call:
    items: Sequence[Object]
    options: Object

    @property
    def module(self) -> str:
        return "oec_projects" if self.options else "oec_project"

    @property
    def arguments(self) -> Object:
        return {"projects": self.items, **self.options} if self.options else dict(self.items[0])


def comparable(result: Object) -> Object:
    """What check mode can know: all but what the server assigns."""

    def known(project: Object | None) -> Object | None:
        return project and {key: value for key, value in project.items() if key not in ("id", "created_at")}

    if "project" in result:
        return {"changed": result["changed"], "diff": result["diff"], "project": known(result["project"])}
    entries = [
        {**entry, "project": known(entry["project"]), "project_id": entry["action"] == "created" or entry["project_id"]}
        for entry in result["projects"]
    ]
    return {key: result[key] for key in ("changed", "diff", "summary")} | {"projects": entries}


def test_whatever_happens_the_estate_is_what_the_file_says(
    emulator: Emulator, run_module: Callable[..., Object], long_run: bool, record: Callable[..., None]
) -> None:
    tally = Tally()
    explain = (Phase.explicit, Phase.generate, Phase.shrink)
    try:
        run_state_machine_as_test(
            lambda: Estate(emulator, run_module, tally),
            settings=settings(
                max_examples=750 if long_run else 50,
                stateful_step_count=25,
                derandomize=not long_run,  # a long run tries others each time, and prints how to repeat what it finds
                database=None,
                deadline=None,
                phases=explain,
                print_blob=True,
                suppress_health_check=list(HealthCheck),
            ),
        )
    finally:
        what = "Sequences of declarations, outside changes, faults and time passing"
        record(what, tally.sequences, tally.lost, tally.duplicated, tally.wrong)
        print(f"{tally.sequences} sequences, {tally.runs} runs of a module")
