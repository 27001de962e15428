# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Random sequences of declarations, outside changes, faults and time; each step is judged by a small model."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.oecsh.cloud.tests.chaos.machine import (
    A_MINUTE_LATER,
    NO_FAULTS,
    FaultPlan,
    Machine,
    Object,
    Tally,
    fault_plans,
    pauses,
    picks,
    run_machine,
)
from ansible_collections.oecsh.cloud.tests.chaos.ordered_server import ORDERED_SERVER, deliver
from ansible_collections.oecsh.cloud.tests.emulator import SCOPED_PROJECT_ID, Emulator
from ansible_collections.oecsh.cloud.tests.emulator.state import RATE_LIMIT_STYLES
from ansible_collections.oecsh.cloud.tests.support import SERVER_ID
from hypothesis import strategies as st
from hypothesis.stateful import initialize, precondition, rule

NAMES = ("Client ERP", "{{ Müller }} & Söhne", "🥐" * 60)
CHANGEABLE = ("name", "git_repo_url", "default_branch")

names = st.sampled_from(NAMES)
fields = st.sampled_from(
    [
        {"server": "production-fsn1"},
        {"server": "production-fsn1", "odoo_version": "17.0", "default_branch": "release/17.0", "git_repo_url": ""},
        {"server": SERVER_ID.upper(), "git_repo_url": "https://token@git.example/acme/erp"},
        {"server": ORDERED_SERVER["id"], "odoo_version": "18.0"},
        {"server": "production-fsn1"},
        {"default_branch": "main"},
    ]
)


@dataclass
class Expected:
    """What a run must do according to the documentation: a second opinion, without code of the collection."""

    rejection: str = ""  # before the first write
    creates: dict[str, Object] = field(default_factory=dict)
    updates: dict[str, Object] = field(default_factory=dict)
    deletes: set[str] = field(default_factory=set)
    prunes: set[str] = field(default_factory=set)
    rejected: set[str] = field(default_factory=set)  # the names to create, and ids, that the service will reject

    @property
    def changes(self) -> bool:
        return bool(self.creates or self.updates or self.all_deletes)

    @property
    def all_deletes(self) -> set[str]:
        return self.deletes | self.prunes

    def state_after(self, before: Mapping[str, Object]) -> tuple[dict[str, Object], dict[str, Object]]:
        """Return the projects that existed, as they are now, and the new ones by name."""
        # Nothing is pruned once a declared project has failed.
        deleted = (self.deletes if self.rejected - self.prunes else self.all_deletes) - self.rejected
        old = {ident: {**item, **self.updates.get(ident, {})} for ident, item in before.items() if ident not in deleted}
        return old, {name: project for name, project in self.creates.items() if name not in self.rejected}


def expected_of(
    items: Sequence[Object], existing: Mapping[str, Object], servers: Sequence[Object], prune: bool, limit: int
) -> Expected:
    expected = Expected()
    matched: list[str] = []
    for item in items:
        ident, name = item.get("project_id"), item.get("name")
        found = [p for p in existing.values() if (p["id"] == ident if ident else p["name"] == name)]
        absent = item.get("state") == "absent"
        if len(found) > 1:
            return Expected("two projects have the name")
        matched += [project["id"] for project in found]
        given = {key: item[key] for key in ("odoo_version", "default_branch", "git_repo_url") if item.get(key)}
        if not absent and item.get("server"):
            given["server_id"] = next((s["id"] for s in servers if item["server"] == s["name"]), item["server"].lower())
        if absent:
            expected.deletes |= {project["id"] for project in found}
        elif found:
            differs = {key: value for key, value in {"name": name, **given}.items() if value and found[0][key] != value}
            if set(differs) - set(CHANGEABLE):
                return Expected("the service cannot change that")
            if differs:
                expected.updates[found[0]["id"]] = differs
        elif ident or "server_id" not in given:
            return Expected("the project does not exist, and cannot be created")
        else:
            assert name
            expected.creates[name] = {"default_branch": "main", "odoo_version": None, "git_repo_url": None, **given}
            if given["server_id"] not in [server["id"] for server in servers]:
                expected.rejected.add(name)
    if len(set(matched)) < len(matched):
        return Expected("a project is declared twice")
    renamed = {ident for ident, update in expected.updates.items() if "name" in update}
    kept = [project["name"] for project in existing.values() if project["id"] not in expected.deletes | renamed]
    if any(update.get("name") in kept for update in expected.updates.values()):
        return Expected("another project has the name")
    if prune:
        expected.prunes = set(existing) - set(matched)
        if len(expected.prunes) > limit:
            return Expected("too many to prune")
        lost = {place(existing[ident]) for ident in expected.prunes} - {""}
        if any(place(project) in lost for project in expected.creates.values()):
            return Expected("a project that may be renamed would be lost")
    return expected


def place(project: Mapping[str, Any]) -> str:
    """Return where the repository is, without its credentials."""
    return (project["git_repo_url"] or "").rpartition("@")[2].removeprefix("https://")


@dataclass(frozen=True)
class Call:
    items: Sequence[Object]
    options: Object

    @property
    def module(self) -> str:
        return "oec_projects" if self.options else "oec_project"

    @property
    def arguments(self) -> Object:
        # The service itself counts the environments: it lists none of which a backup could be.
        age = {"absent_backup_max_age": "0"}
        return {"projects": self.items, "defaults": age, **self.options} if self.options else {**self.items[0], **age}


class Estate(Machine):
    """The file in git (`declared`), the service, and what people do to both."""

    def __init__(self, emulator: Emulator, run_module: Callable[..., Object], tally: Tally) -> None:
        super().__init__(emulator, run_module, tally)
        self.declared: dict[str, Object] = {}
        self.running: set[str] = set()
        self.key = emulator.keys.full

    @initialize(
        shape=st.sampled_from(["loc", "nested", "flat", "flat_detail", "text", "empty"]),
        style=st.sampled_from(RATE_LIMIT_STYLES),
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

    @rule(name=names, declared=fields, plan=fault_plans, pause=pauses)
    def declare(self, name: str, declared: Object, plan: FaultPlan, pause: float) -> None:
        """Declare a new project, or one as it was declared first."""
        self.declared.setdefault(name, {"name": name, **declared})
        self.apply([self.declared[name]], plan, pause)

    @rule(name=names, declared=fields, plan=fault_plans, pause=pauses)
    def declare_otherwise(self, name: str, declared: Object, plan: FaultPlan, pause: float) -> None:
        self.declared[name] = {"name": name, **declared}
        self.apply([self.declared[name]], plan, pause)

    @precondition(lambda self: self.declared)
    @rule(pick=picks, both=st.booleans(), plan=fault_plans, pause=pauses)
    def change(self, pick: int, both: bool, plan: FaultPlan, pause: float) -> None:
        item = self.pick_declared(pick)
        item["default_branch"] = self.another("branch")
        if both:
            item["git_repo_url"] = f"https://github.com/acme/{self.another('repository')}"
        self.apply([item], plan, pause)

    @precondition(lambda self: self.declared)
    @rule(pick=picks, to=st.one_of(names, st.none()), plan=fault_plans, pause=pauses)
    def rename(self, pick: int, to: str | None, plan: FaultPlan, pause: float) -> None:
        item, to = self.pick_declared(pick), to or self.another("name")
        known = self.named(item["name"])
        if len(known) == 1 and to not in self.declared:
            if to not in [project["name"] for project in self.visible().values()]:
                self.declared = {to if item is each else name: each for name, each in self.declared.items()}
                item["name"] = to
            self.apply([{"project_id": known[0], "name": to}], plan, pause)

    @precondition(lambda self: self.emulator.projects())
    @rule(pick=picks, by_id=st.booleans(), plan=fault_plans, pause=pauses)
    def delete(self, pick: int, by_id: bool, plan: FaultPlan, pause: float) -> None:
        project = self.pick_project(pick)
        item = {"project_id": project["id"]} if by_id else {"name": project["name"]}
        self.declared.pop(project["name"], None)
        self.apply([{"state": "absent", **item}], plan, pause)

    @precondition(lambda self: self.declared)
    @rule(
        removed=st.sets(names, max_size=2),
        prune=st.booleans(),
        limit=st.sampled_from([4, 2, 0]),
        plan=fault_plans,
        pause=pauses,
    )
    def apply_the_file(self, removed: set[str], prune: bool, limit: int, plan: FaultPlan, pause: float) -> None:
        absent = [{"name": name, "state": "absent"} for name in sorted(removed - set(self.declared))]
        self.apply([*self.declared.values(), *absent], plan, pause, prune=prune, prune_limit=limit)

    @precondition(lambda self: self.declared)
    @rule(plan=fault_plans, pause=pauses)
    def apply_the_file_after_a_disaster(self, plan: FaultPlan, pause: float) -> None:
        for project in self.emulator.projects():
            if project["name"] in self.declared:
                self.emulator.remove(project["id"])
        self.apply(list(self.declared.values()), plan, pause, prune=False)

    @rule()
    def use_another_key_of_the_organization(self) -> None:
        keys = self.emulator.keys
        self.key = keys.second if self.key == keys.full else keys.full

    @rule(
        name=names,
        declared=fields,
        other=st.sampled_from(["read_only", "scoped", "expired"]),
        plan=fault_plans,
        pause=pauses,
    )
    def declare_with_a_wrong_key(self, name: str, declared: Object, other: str, plan: FaultPlan, pause: float) -> None:
        right, self.key = self.key, getattr(self.emulator.keys, other)
        self.declare(name=name, declared=declared, plan=plan, pause=pause)
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

    @precondition(lambda self: ORDERED_SERVER not in self.emulator.servers())
    @rule()
    def the_server_is_delivered(self) -> None:
        deliver(self.emulator)
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

    # A run, and what must be true of each.

    def apply(self, items: Sequence[Object], plan: FaultPlan, pause: float, **options: Any) -> None:
        self.emulator.clock.advance(pause)
        call = Call([{key: value for key, value in item.items() if value is not None} for item in items], options)
        known, before = self.all_ids(), self.visible()
        succeeded, expected = self.attempt(call, plan)
        if plan and not (succeeded and plan.victim is None):
            self.emulator.clock.advance(A_MINUTE_LATER)
            succeeded, again = self.attempt(call, NO_FAULTS)
            if plan.victim is None:
                created = count_new(self.everything(), known)
                self.must(max(created.values(), default=0) <= 1, "duplicated", f"two of one declaration: {created}")
                self.must(set(created) <= set(expected.creates), "wrong", f"created {created} instead of {expected}")
                deleted = set(before) - set(self.visible())
                self.must(deleted <= expected.all_deletes, "lost", f"deleted {deleted} instead of {expected}")
            expected = again
        if succeeded:
            self.emulator.clock.advance(pause)
            self.emulator.log.clear()
            repeated = self.run(call, NO_FAULTS)
            is_unchanged = not repeated.get("failed") and not repeated["changed"] and not self.emulator.log.writes
            self.must(is_unchanged, "wrong", f"another run should change nothing: {repeated}")
        elif expected.rejected:
            self.emulator.clock.advance(A_MINUTE_LATER)
        if self.key == self.emulator.keys.expired:
            # Ten rejected keys, each within a minute of the last, would block the address.
            self.emulator.clock.advance(A_MINUTE_LATER)

    def attempt(self, call: Call, plan: FaultPlan) -> tuple[bool, Expected]:
        """Judge check mode and the real run; return whether the latter succeeded, and what was expected of it."""
        before, known, expected = self.visible(), self.all_ids(), self.expect(call)
        others = {p["id"]: p for p in self.emulator.projects() if p["id"] not in before}
        self.emulator.log.clear()
        check = self.run(call, NO_FAULTS, check=True)
        self.must(not self.emulator.log.writes, "wrong", "check mode wrote")
        write = "POST" if expected.creates else "PATCH" if expected.updates else "DELETE"
        concurrent = self.install(plan, write, self.act_for_somebody_else)
        self.emulator.log.clear()
        real = self.run(call, plan)
        self.emulator.faults.clear()
        failed = bool(real.get("failed"))
        is_disturbed = any(entry.fault for entry in self.emulator.log.requests()) or concurrent.has_happened
        context = f"{real.get('msg', '')} {call} {expected}"

        self.judge_writes(expected)
        for name, count in count_new(self.emulator.projects(), known).items():
            self.must(count <= 1, "duplicated", f"{count} projects {name!r} from one declaration: {context}")
        self.must("Traceback" not in str(real), "wrong", f"a traceback: {context}")
        writes_nothing = self.writes_nothing(expected)
        if not is_disturbed:
            is_to_fail = writes_nothing or bool(expected.rejected)
            self.must(failed == is_to_fail, "wrong", f"failed is {failed}: {context}")
            is_predictable = self.key != self.emulator.keys.read_only and not expected.rejected
            if is_predictable:
                self.must(bool(check.get("failed")) == failed, "wrong", f"check mode predicted otherwise: {context}")
        if concurrent.has_happened or (is_disturbed and failed):
            return False, expected

        old, new = (before, {}) if writes_nothing else expected.state_after(before)
        after = {p["id"]: p for p in self.emulator.projects()}
        for ident, project in {**old, **others}.items():
            self.must(ident in after, "lost", f"{project['name']!r} is gone: {context}")
            self.must(after[ident] == project, "wrong", f"{after[ident]} instead of {project}: {context}")
        created = {p["name"]: p for ident, p in after.items() if ident not in old and ident not in others}
        self.must(set(created) >= set(new), "lost", f"created {set(created)} instead of {set(new)}: {context}")
        self.must(set(created) <= set(new), "wrong", f"created {set(created)} instead of {set(new)}: {context}")
        for name, project in new.items():
            self.must(project.items() <= created[name].items(), "wrong", f"{created[name]} instead of {project}")
        if not failed:
            predicted, returned = predictable(check), predictable(real)
            if any(entry.fault for entry in self.emulator.log.requests("GET", "/servers")):
                # A server whose name cannot be read is displayed by its id.
                predicted["diff"] = returned["diff"]
            self.must(predicted == returned, "wrong", f"check mode predicted {predicted}, the run returned {returned}")
            self.must(real["changed"] == expected.changes, "wrong", f"changed is {real['changed']}: {context}")
        return not failed, expected

    def judge_writes(self, expected: Expected) -> None:
        """No request may ask for anything that was not declared."""
        allowed = Expected() if self.writes_nothing(expected) else expected
        for write in self.emulator.log.writes:
            ident, sent = write.path.rpartition("/")[2], write.json
            if write.method == "DELETE":
                self.must(ident in allowed.all_deletes, "lost", f"asked to delete {ident}: {expected}")
            elif write.method == "PATCH":
                self.must(allowed.updates.get(ident) == sent, "wrong", f"{sent} sent to {ident}: {expected}")
            else:
                self.must(sent["name"] in allowed.creates, "duplicated", f"asked to create {sent}: {expected}")

    def writes_nothing(self, expected: Expected) -> bool:
        """Whether the run must fail before its first write: because of the plan, or because of its key."""
        keys = self.emulator.keys
        is_read_only = self.key == keys.read_only and expected.changes
        return bool(expected.rejection) or self.key == keys.expired or is_read_only

    def expect(self, call: Call) -> Expected:
        options = call.options
        prune, limit = options.get("prune", False), options.get("prune_limit", 10)
        expected = expected_of(call.items, self.visible(), self.emulator.servers(), prune, limit)
        expected.rejected |= expected.all_deletes & self.running
        if self.key == self.emulator.keys.scoped:
            expected.rejected |= expected.all_deletes | set(expected.creates)
        return expected

    def visible(self) -> dict[str, Object]:
        """Return the projects that the key in use can see."""
        is_scoped = self.key == self.emulator.keys.scoped
        return {p["id"]: p for p in self.emulator.projects() if not is_scoped or p["id"] == SCOPED_PROJECT_ID}

    def everything(self) -> list[Object]:
        return [*self.emulator.projects(), *self.emulator.deleted()]

    def all_ids(self) -> set[str]:
        return {project["id"] for project in self.everything()}

    def act_for_somebody_else(self, plan: FaultPlan) -> None:
        projects = self.emulator.projects()
        if not projects or plan.victim is None:
            return
        victim = projects[plan.victim % len(projects)]["id"]
        if plan.deletes:
            self.emulator.remove(victim)
        else:
            self.emulator.edit(victim, name=self.another("name"), default_branch=self.another("branch"))

    def run(self, call: Call, plan: FaultPlan, check: bool = False) -> Object:
        self.tally.runs += 1
        options = {"api_key": self.key, "api_retries": plan.retries, **call.arguments}
        return self.run_module(call.module, check=check, **options)


def count_new(projects: Sequence[Object], known: set[str]) -> Counter[str]:
    """Count the projects that are not among the known ids, by name."""
    return Counter(project["name"] for project in projects if project["id"] not in known)


def predictable(result: Object) -> Object:
    """Return what check mode can know of a result: everything but what the service assigns."""

    def known(project: Object | None) -> Object | None:
        return project and {key: value for key, value in project.items() if key not in ("id", "created_at")}

    if "project" in result:
        return {"changed": result["changed"], "diff": result["diff"], "project": known(result["project"])}
    entries = [
        {**entry, "project": known(entry["project"]), "project_id": entry["action"] == "created" or entry["project_id"]}
        for entry in result["projects"]
    ]
    return {key: result[key] for key in ("changed", "diff", "drift", "summary")} | {"projects": entries}


def test_the_estate_is_always_as_the_file_declares_it(
    emulator: Emulator, run_module: Callable[..., Object], long_run: bool, record: Callable[..., None]
) -> None:
    what = "Sequences of declarations, outside changes, faults and time passing"
    run_machine(what, Estate, 750 if long_run else 50, emulator, run_module, long_run, record)
