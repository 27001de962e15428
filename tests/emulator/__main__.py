# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run the emulator alone: `python -m tests.emulator`. Print lines for the shell, and serve until a signal comes."""

from __future__ import annotations

import argparse
import json
import signal
from pathlib import Path
from typing import Any

from .server import Emulator

END = {signal.SIGINT, signal.SIGTERM}


def switch(text: str) -> tuple[str, Any]:
    """Read `name=value`, or `name` alone: on. The value is JSON, or else a text."""
    name, _equals, value = text.partition("=")
    try:
        return name, json.loads(value or "true")
    except ValueError:
        return name, value


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.emulator", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0, the default, takes a free one")
    parser.add_argument("--state", type=Path, help="a JSON file to start with, as returned by GET /_emulator/state")
    parser.add_argument("--projects", type=int, default=0, help="how many projects to add at the start")
    parser.add_argument(
        "--environments", metavar="NAMES", help="running environments that each of them has, such as production,staging"
    )
    parser.add_argument("--reads", type=int, default=120, help="reads per key and window; 0 is no limit")
    parser.add_argument("--writes", type=int, default=20, help="writes per key and window; 0 is no limit")
    parser.add_argument("--window", type=float, default=60, help="the length of a window in seconds")
    parser.add_argument(
        "--set",
        metavar="SWITCH[=VALUE]",
        type=switch,
        action="append",
        default=[],
        help="any switch of README.md, such as single_bucket or rate_limit_style=nested",
    )
    parser.add_argument("--tls", action="store_true", help="https, with a certificate authority of its own")
    parser.add_argument(
        "--contract", action="store_true", help="end with status 1 after a request that the API does not document"
    )
    options = parser.parse_args()
    check = None
    if options.contract:
        from ..contract.contract import contract

        check = contract().problems

    # Blocked before a second thread starts, so that only sigwait receives them.
    signal.pthread_sigmask(signal.SIG_BLOCK, END)
    limits = {"reads": options.reads or None, "writes": options.writes or None, "window": options.window}
    switches = {**limits, **dict(options.set)}
    try:
        emulator = Emulator(host=options.host, port=options.port, tls=options.tls, check=check, **switches)
        if options.state:
            emulator.load(json.loads(options.state.read_text(encoding="utf-8")))
        emulator.fill(options.projects, environments=options.environments.split(",") if options.environments else ())
        emulator.start()
    except (LookupError, OSError, TypeError, ValueError) as error:
        raise SystemExit(f"{parser.prog}: {error}") from error
    print(f"export OECSH_API_URL={emulator.url}")
    print(f"export OECSH_API_KEY={emulator.keys.full}")
    for name, key in vars(emulator.keys).items():
        print(f"# {name.replace('_', '-')} key: {key}")
    if emulator.ca_path:
        print(f"# certificate authority: {emulator.ca_path}\n# another one: {emulator.wrong_ca_path}")
    print(f"# control: {emulator.root}/_emulator", flush=True)
    signal.sigwait(END)
    emulator.stop()
    if problems := emulator.log.take_problems():
        raise SystemExit("\n".join(["Requests that tests/contract does not allow:", *problems]))


if __name__ == "__main__":
    main()
