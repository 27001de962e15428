# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Random sequences of what is done with environments, by the collection and by others, as in test_state_machine.py."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
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
from ansible_collections.oecsh.cloud.tests.emulator import Emulator
from ansible_collections.oecsh.cloud.tests.emulator.clock import from_iso
from hypothesis import strategies as st
from hypothesis.stateful import initialize, precondition, rule

PROJECT = "Client ERP"
NAMES = ("production", "{{ staging }}")
# The status after a task that has completed, and the task that leads to a state.
AFTER = {"deploy": "running", "start": "running", "restart": "running", "stop": "stopped"}
STARTED_BY = {"started": "start", "stopped": "stop"}
SETTLED_BY = {"started": "running", "stopped": "stopped"}
ENDED = ("completed", "failed", "cancelled")
ASSIGNED = ("id", "url", "created_at", "updated_at", "last_commit")

names = st.sampled_from(NAMES)
fields = st.sampled_from([{}, {}, {"branch": "18.0"}, {"branch": "main", "ram_mb": 4096}, {"cpu_cores": 0.5}])


@dataclass
class Expected:
    """What a run must do according to the documentation. All by the name of the environment."""

    is_rejected: bool = False
    after: dict[str, Object | None] = field(default_factory=dict)  # what it is once all tasks are over; None: gone
    tasks: dict[str, str] = field(default_factory=dict)  # the type of the one that is started
    changes: bool = False


@dataclass(frozen=True)
class Call:
    """A run of oec_environment for one name, or of oec_deployment for all names."""

    names: Sequence[str]
    options: Object

    @property
    def is_deployment(self) -> bool:
        return "since" in self.options

    @property
    def arguments(self) -> Object:
        if self.is_deployment:
            items = [{"project": PROJECT, "name": name} for name in self.names]
            return {"environments": items, "parallel": 2, **self.options}
        return {"project": PROJECT, "name": self.names[0], **self.options}


class Environments(Machine):
    """The environments of one project."""

    def __init__(self, emulator: Emulator, run_module: Callable[..., Object], tally: Tally) -> None:
        super().__init__(emulator, run_module, tally)
        emulator.settings.reads = emulator.settings.writes = None
        self.project_id = emulator.add_project(PROJECT)["id"]
        self.since = emulator.clock.now().isoformat(timespec="seconds")
        self.started_by_others: set[str] = set()

    @initialize(
        switches=st.fixed_dictionaries(
            {
                "conflict_has_task_id": st.booleans(),
                "delete_has_task_id": st.booleans(),
                "patch_conflicts": st.booleans(),
                "late_last_deploy": st.sampled_from([0, 5]),
                "failure_word": st.sampled_from(["error", "failed"]),
                "error_shape": st.sampled_from(["loc", "nested", "flat"]),
            }
        )
    )
    def begin(self, switches: Object) -> None:
        for name, value in switches.items():
            setattr(self.emulator.settings, name, value)

    # What the user does.

    @rule(name=names, declared=fields, plan=fault_plans, pause=pauses)
    def declare(self, name: str, declared: Object, plan: FaultPlan, pause: float) -> None:
        self.apply(Call([name], declared), plan, pause)

    @rule(name=names, state=st.sampled_from(list(STARTED_BY)), declared=fields, plan=fault_plans, pause=pauses)
    def start_or_stop(self, name: str, state: str, declared: Object, plan: FaultPlan, pause: float) -> None:
        self.apply(Call([name], {"state": state, **declared}), plan, pause)

    @rule(name=names, plan=fault_plans, pause=pauses)
    def destroy(self, name: str, plan: FaultPlan, pause: float) -> None:
        self.apply(Call([name], {"state": "absent", "absent_backup_max_age": "0"}), plan, pause)

    @rule(
        chosen=st.sampled_from([NAMES, NAMES[:1], NAMES[1:]]),
        is_new=st.booleans(),
        branch=st.sampled_from([None, None, "main", "18.0"]),
        plan=fault_plans,
        pause=pauses,
    )
    def deploy(self, chosen: Sequence[str], is_new: bool, branch: str | None, plan: FaultPlan, pause: float) -> None:
        """Begin a release, or resume the last one."""
        if is_new:
            self.since = self.emulator.clock.now().isoformat(timespec="seconds")
        self.apply(Call(chosen, {"since": self.since, **({"branch": branch} if branch else {})}), plan, pause)

    # What others do, and time.

    @precondition(lambda self: self.emulator.environments())
    @rule(pick=picks, task=st.sampled_from(["deploy", "stop", "start", "restart"]))
    def somebody_else_starts_a_task(self, pick: int, task: str) -> None:
        self.start_for_others(pick, task)

    @precondition(lambda self: self.emulator.environments())
    @rule(pick=picks, to=st.one_of(names, st.none()), is_removed=st.booleans())
    def somebody_else_renames_or_removes(self, pick: int, to: str | None, is_removed: bool) -> None:
        ident = self.pick(pick)["id"]
        if is_removed:
            self.emulator.remove_environment(ident)
        else:
            self.emulator.edit_environment(ident, name=to or self.another("name"))

    @rule(outcome=st.sampled_from(["failed", "cancelled", "never_started"]))
    def the_next_task_will_fail(self, outcome: str) -> None:
        self.emulator.plan_task(outcome=outcome)

    @rule(seconds=st.sampled_from([5.0, 61.0, 400.0, 24.1 * 3600]))
    def time_passes(self, seconds: float) -> None:
        self.emulator.clock.advance(seconds)

    def pick(self, pick: int) -> Object:
        environments = self.emulator.environments()
        return environments[pick % len(environments)]

    def start_for_others(self, pick: int, task: str) -> None:
        ident = self.pick(pick)["id"]
        if not self.task_in_progress(ident):
            self.started_by_others.add(self.emulator.start_task(ident, task)["id"])

    def act_for_somebody_else(self, plan: FaultPlan) -> None:
        if plan.victim is not None and self.emulator.environments():
            if plan.deletes:
                self.emulator.remove_environment(self.pick(plan.victim)["id"])
            else:
                self.start_for_others(plan.victim, "deploy")

    # A run, and what must be true of each.

    def apply(self, call: Call, plan: FaultPlan, pause: float) -> None:
        self.emulator.clock.advance(pause)
        before = self.ids()
        tasks_before = {task["id"] for task in self.emulator.tasks()}
        succeeded, is_disturbed = self.attempt(call, plan)
        if is_disturbed:
            self.emulator.clock.advance(A_MINUTE_LATER)
            succeeded, _is_disturbed = self.attempt(call, NO_FAULTS)
            if plan.victim is None:
                self.must(len(self.ids() - before) <= 1, "duplicated", f"created {self.ids() - before}: {call}")
                started = [task for task in self.emulator.tasks() if task["id"] not in tasks_before]
                done = Counter(task["environment_id"] for task in started if task["status"] == "completed")
                self.must(max(done.values(), default=0) <= 1, "duplicated", f"done twice: {started}: {call}")
        if succeeded:
            self.emulator.log.clear()
            again = self.run(call, NO_FAULTS)
            is_unchanged = not again.get("failed") and not again["changed"] and not self.emulator.log.writes
            self.must(is_unchanged, "wrong", f"another run should change nothing: {call} {again}")

    def attempt(self, call: Call, plan: FaultPlan) -> tuple[bool, bool]:
        """Judge check mode and the real run. Return whether it succeeded, and whether anything came in between."""
        before, expected = self.final(), self.expect(call)
        is_busy = any(task["status"] not in ENDED for task in self.emulator.tasks())
        tasks_before = {task["id"] for task in self.emulator.tasks()}
        self.emulator.log.clear()
        check = self.run(call, NO_FAULTS, check=True)
        self.must(not self.emulator.log.writes, "wrong", "check mode wrote")
        write = "POST" if expected.tasks else "PATCH"
        if call.options.get("state") == "absent":
            write = "DELETE"
        concurrent = self.install(plan, write, self.act_for_somebody_else)
        self.emulator.log.clear()
        failures_before = self.failed_tasks()
        real = self.run(call, plan)
        self.emulator.faults.clear()
        failed = bool(real.get("failed"))
        # How a run ends is open where somebody else, or a task that fails, gets in between.
        is_open = concurrent.has_happened or self.failed_tasks() > failures_before
        is_disturbed = is_open or any(each.fault for each in self.emulator.log.requests())
        context = f"{real.get('msg', '')} {call} {expected}"
        self.must("Traceback" not in str(real), "wrong", f"a traceback: {context}")

        started = [
            task
            for task in self.emulator.tasks()
            if task["id"] not in tasks_before and task["id"] not in self.started_by_others
        ]
        after = self.final()
        new = {ident: each for ident, each in after.items() if ident not in before}
        if not concurrent.has_happened:
            found = {
                (before.get(task["environment_id"]) or new[task["environment_id"]])["name"]: task["type"]
                for task in started
            }
            counts = Counter(task["environment_id"] for task in started)
            self.must(max(counts.values(), default=0) <= 1, "duplicated", f"started {started}: {context}")
            self.must(found.items() <= expected.tasks.items(), "wrong", f"started {found}: {context}")
            for ident, each in before.items():
                if each["name"] not in call.names:
                    self.must(after.get(ident) == each, "lost", f"{each} has become {after.get(ident)}: {context}")
        if is_open or (is_disturbed and failed):
            return False, True

        self.must(failed == expected.is_rejected, "wrong", f"failed is {failed}: {context}")
        if not failed:
            self.must(found == expected.tasks, "lost", f"started {found}: {context}")
            for name, desired in expected.after.items():
                named = [each for each in after.values() if each["name"] == name]
                self.must(len(named) == (desired is not None), "lost", f"{named} instead of {desired}: {context}")
                is_right = desired is None or desired.items() <= named[0].items()
                self.must(is_right, "wrong", f"{named} instead of {desired}: {context}")
            if not is_busy:
                self.must(real["changed"] == expected.changes, "wrong", f"changed is {real['changed']}: {context}")
        if not is_busy:
            predicted, returned = predictable(check, check), predictable(real, check)
            if any(entry.fault for entry in self.emulator.log.requests("GET", "/servers")):
                # A server whose name cannot be read is displayed by its id.
                for side in (predicted, returned):
                    side.pop("diff", None)
            self.must(predicted == returned, "wrong", f"check mode predicted {predicted}, the run returned {returned}")
        return not failed, is_disturbed

    def expect(self, call: Call) -> Expected:
        state, final = call.options.get("state", "present"), self.final()
        given = {key: value for key, value in call.options.items() if key in ("branch", "ram_mb", "cpu_cores")}
        expected = Expected()
        for name in call.names:
            named = [each for each in final.values() if each["name"] == name]
            if len(named) > 1 or (not named and (call.is_deployment or state in STARTED_BY)):
                return Expected(is_rejected=True)
            if state == "absent":
                expected.after[name] = None
                if named:
                    expected.tasks[name] = "destroy"
            elif not named:
                expected.after[name], expected.tasks[name] = {"status": "running", "branch": "main", **given}, "deploy"
            else:
                (existing,) = named
                task = self.needed_task(call, state, existing, given)
                if task == "wrong":
                    return Expected(is_rejected=True)
                if task:
                    expected.tasks[name] = task
                status = AFTER[task] if task else existing["status"]
                expected.after[name] = {**given, "status": status}
                expected.changes |= any(existing[key] != value for key, value in given.items())
        expected.changes |= bool(expected.tasks)
        return expected

    def needed_task(self, call: Call, state: str, existing: Object, given: Mapping[str, Any]) -> str | None:
        """Return the type of the task that is needed; `wrong` where the state does not allow it."""
        if call.is_deployment:
            deploys = self.emulator.tasks(existing["id"], "deploy")
            newest = deploys[-1] if deploys else None
            since = datetime.fromisoformat(call.options["since"])
            is_saved = given.get("branch") in (None, existing["branch"])
            is_good = newest and newest["status"] not in ("failed", "cancelled")
            is_since = newest and (not newest["started_at"] or from_iso(newest["started_at"]) >= since)
            return None if is_saved and is_good and is_since else "deploy"
        if state == "present" or existing["status"] == SETTLED_BY[state]:
            return None
        return STARTED_BY[state] if existing["status"] in SETTLED_BY.values() else "wrong"

    def run(self, call: Call, plan: FaultPlan, check: bool = False) -> Object:
        self.tally.runs += 1
        module = "oec_deployment" if call.is_deployment else "oec_environment"
        return self.run_module(module, check=check, api_retries=plan.retries, wait_interval=30, **call.arguments)

    # What there is.

    def ids(self) -> set[str]:
        """Return all environments that have ever been there."""
        return {environment["id"] for environment in self.emulator.dump()["environments"]}

    def failed_tasks(self) -> set[str]:
        return {task["id"] for task in self.emulator.tasks() if task["status"] in ENDED[1:]}

    def task_in_progress(self, ident: str) -> Object | None:
        tasks = self.emulator.tasks(ident)
        return tasks[-1] if tasks and tasks[-1]["status"] not in ENDED else None

    def final(self) -> dict[str, Object]:
        """Return the environments as they will be once all tasks are over, by id."""
        environments = {}
        for each in self.emulator.environments(self.project_id):
            task = self.task_in_progress(each["id"])
            if not task or task["type"] in AFTER:
                environments[each["id"]] = {**each, "status": AFTER[task["type"]] if task else each["status"]}
        for each in environments.values():
            del each["updated_at"], each["last_commit"]
        return environments


def predictable(result: Object, check: Object) -> Object:
    """Return what check mode can know of a result: everything but what the service assigns."""
    unknown = {*ASSIGNED, *(key for key, value in (check.get("environment") or {}).items() if value is None)}
    if result.get("failed"):
        return {"code": result["error"]["code"]}
    if "deployments" in result:
        return {"changed": result["changed"], "outcomes": [each["outcome"] for each in result["deployments"]]}
    environment = result["environment"]
    known = environment and {key: value for key, value in environment.items() if key not in unknown}
    return {"environment": known, **{key: result[key] for key in ("changed", "pending", "diff")}}


def test_each_environment_is_always_as_it_was_declared(
    emulator: Emulator, run_module: Callable[..., Object], long_run: bool, record: Callable[..., None]
) -> None:
    what = "Sequences of what is done with environments, with faults and time passing"
    run_machine(what, Environments, 500 if long_run else 30, emulator, run_module, long_run, record)
