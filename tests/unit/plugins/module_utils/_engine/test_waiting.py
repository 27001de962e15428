# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from itertools import pairwise

import pytest
from ansible_collections.oecsh.cloud.plugins.module_utils._api.client import Client
from ansible_collections.oecsh.cloud.plugins.module_utils._api.http_client import Clock, HttpClient, RateLimit
from ansible_collections.oecsh.cloud.plugins.module_utils._api.settings import Settings
from ansible_collections.oecsh.cloud.plugins.module_utils._base.errors import NoResponseError, OecError
from ansible_collections.oecsh.cloud.plugins.module_utils._engine.waiting import Job, Poller, Wait, WaitOptions

LOST = NoResponseError("no_response", "lost")
GONE = OecError("not_found", "gone")


class Simulation:
    """A poller whose clock moves when it sleeps, and what its jobs did: (seconds, name, what)."""

    def __init__(self, reads=60_000, interval=5):
        self.seconds = 0.0
        self.log = []
        http = HttpClient(Settings("k" * 43), clock=Clock(self.now, self.now, self.sleep))
        http.read_limit = RateLimit(reads, 60)
        self.poller = Poller(Client(http), interval)

    def now(self):
        return self.seconds

    def sleep(self, seconds):
        assert seconds > 0
        self.seconds += seconds

    def run(self, jobs, parallel=99, per_group=99):
        return self.poller.run_all(jobs, parallel=parallel, per_group=per_group)

    def job(self, name, results=(), timeout=1000.0, group=None):
        """Return a job that waits once, for polls that give or raise `results` in turn, and None after those."""
        left = list(results)

        def poll():
            self.log.append((self.seconds, name, "poll"))
            if left and isinstance(left[0], OecError):
                raise left.pop(0)
            return left.pop(0) if left else None

        def steps():
            self.log.append((self.seconds, name, "begin"))
            try:
                result = yield Wait(timeout, poll)
            finally:
                self.log.append((self.seconds, name, "end"))
            return result

        return Job(steps(), group)

    def moments(self, what="poll"):
        return [seconds for seconds, _name, done in self.log if done == what]

    def names(self, what="poll"):
        return [name for _seconds, name, done in self.log if done == what]

    def most_at_once(self, names):
        changes = {"begin": 1, "end": -1}
        counts = [sum(changes.get(what, 0) for _s, name, what in self.log[:end] if name in names) for end in range(99)]
        return max(counts)


# How many at once.


@pytest.mark.parametrize(
    ("groups", "parallel", "per_group", "most", "most_of_a"),
    [
        ("AAAABBB", 4, 2, 4, 2),
        ("AAAABBB", 3, 2, 3, 2),
        ("AAAA", 4, 2, 2, 2),
        ("ABABAB", 1, 9, 1, 1),
        ("....", 3, 1, 3, 0),
        ("..A", 9, 9, 3, 1),
    ],
)
def test_no_more_jobs_than_allowed_are_under_way(groups, parallel, per_group, most, most_of_a):
    simulation = Simulation()
    # Some end at their first poll, and some at their third.
    jobs = [
        simulation.job(number, [None] * (number % 3) + [f"job {number}"], group=None if group == "." else group)
        for number, group in enumerate(groups)
    ]
    assert simulation.run(jobs, parallel, per_group) == [f"job {number}" for number in range(len(groups))]
    of_a = [number for number, group in enumerate(groups) if group == "A"]
    assert (simulation.most_at_once(range(9)), simulation.most_at_once(of_a)) == (most, most_of_a)


def test_the_group_with_most_left_is_next():
    simulation = Simulation()
    simulation.run([simulation.job(f"{group}{number}", [1], group=group) for number, group in enumerate("ABBBAC")], 1)
    assert simulation.names("begin") == ["B1", "A0", "B2", "B3", "A4", "C5"]


def test_no_jobs_have_no_results():
    assert Simulation().run([], parallel=0) == []


# How often.


@pytest.mark.parametrize(
    ("interval", "moments"),
    [(5, [5, 10, 15, 20, 25, 30, 40, 50, 60]), (7, [7, 14, 21, 28, 35, 45, 55]), (20, [20, 40, 60])],
)
def test_a_job_is_polled_at_a_slower_pace_after_half_a_minute(interval, moments):
    simulation = Simulation(interval=interval)
    assert simulation.run([simulation.job("a", timeout=65)]) == [None]
    assert simulation.moments() == moments


@pytest.mark.parametrize(("reads", "gap"), [(20, 15.0), (120, 2.5)])
def test_every_job_is_polled_in_turn(reads, gap):
    """All together use a fifth of the reads."""
    simulation = Simulation(reads=reads)
    simulation.run([simulation.job(name, timeout=6 + 8 * gap) for name in "abcd"])
    assert {after - before for before, after in pairwise(simulation.moments())} == {gap}
    assert "".join(simulation.names()) == "abcdabcda"


# How a wait ends.


@pytest.mark.parametrize(("timeout", "moments"), [(12, [5, 10]), (10, [5]), (3, [3]), (10.5, [5, 10])])
def test_a_wait_ends_in_time_and_without_another_poll(timeout, moments):
    simulation = Simulation()
    assert simulation.run([simulation.job("a", timeout=timeout)]) == [None]
    assert (simulation.moments(), simulation.seconds) == (moments, timeout)


@pytest.mark.parametrize(
    ("results", "expected", "seconds"),
    [
        (["done"], "done", 5),
        ([False], False, 5),
        ([LOST, "done"], "done", 10),
        ([LOST, LOST, "done"], "done", 15),
        ([LOST, LOST, None, LOST, LOST, "done"], "done", 30),
        ([LOST, LOST, LOST, "done"], "no_response", 15),
        ([GONE, "done"], "not_found", 5),
    ],
)
def test_three_failed_polls_in_a_row_end_a_wait(results, expected, seconds):
    """A final failure ends it at once. The job gets it, and may go on."""
    simulation = Simulation()
    waiting = simulation.job("a", results)

    def steps():
        try:
            return (yield from waiting.steps)
        except OecError as error:
            yield Wait(1)
            return error.failure.code

    assert simulation.poller.run(steps()) == expected
    assert simulation.seconds == seconds + (expected in ("no_response", "not_found"))


def test_jobs_pause_at_the_same_time():
    simulation = Simulation()

    def steps(seconds):
        found = yield Wait(seconds)
        return found, simulation.seconds

    assert simulation.run([Job(steps(seconds)) for seconds in (5, 3, 0)]) == [(None, 5), (None, 3), (None, 0)]


def test_what_a_job_raises_ends_all():
    simulation = Simulation()
    with pytest.raises(OecError) as caught:
        simulation.run([simulation.job("a", [None, "done"]), simulation.job("b", [GONE])])
    assert (caught.value, simulation.names()) == (GONE, ["a", "b"])


@pytest.mark.parametrize("option", ["wait_timeout", "wait_interval"])
@pytest.mark.parametrize("value", [0, -1])
def test_less_than_a_second_is_rejected(option, value):
    options = {"wait": True, "wait_timeout": 60, "wait_interval": 1}
    assert WaitOptions.parse(options) == WaitOptions(True, 60, 1)
    with pytest.raises(OecError, match=f"{option} is {value}, and must be 1 to 2592000 seconds"):
        WaitOptions.parse({**options, option: value})
