# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A job as AWX prepares it for ansible-runner: the private data directory, and what can be read of it afterwards.

It follows awx/main/tasks/jobs.py and CredentialType.inject_credential of AWX 24.6.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ansible_runner
import yaml
from jinja2.sandbox import ImmutableSandboxedEnvironment

from tests.support import ROOT, clean_environment

PROJECT = ROOT / "examples" / "awx"
BIN = Path(sys.executable).parent
PATIENCE = 240

_COLOUR = re.compile(r"\x1b\[[0-9;]*m")


class Loader(yaml.SafeLoader):  # type: ignore[misc]  # PyYAML is not annotated
    """Reads !unsafe as the text that it marks."""


class _UnsafeDumper(yaml.SafeDumper):  # type: ignore[misc]  # see above
    """AWX's own dumper of extra variables: what comes from a survey is never a template."""

    def represent_data(self, data: Any) -> yaml.Node:
        return self.represent_scalar("!unsafe", data) if isinstance(data, str) else super().represent_data(data)


Loader.add_constructor("!unsafe", lambda loader, node: loader.construct_scalar(node))


def load(path: Path) -> Any:
    return yaml.load(path.read_text(encoding="utf-8"), Loader=Loader)


def injected(credential_type: Mapping[str, Any], inputs: Mapping[str, str]) -> dict[str, str]:
    """Return the environment that a credential gives a job; an empty input counts as omitted."""
    given = {name: value for name, value in inputs.items() if value}
    jinja = ImmutableSandboxedEnvironment()
    env: dict[str, str] = credential_type["injectors"]["env"]
    return {name: jinja.from_string(template).render(**given) for name, template in env.items()}


def clean(**more: str) -> dict[str, str]:
    """Return this process's environment without the settings of Ansible, an API key or an AWX."""
    kept = clean_environment()
    path = os.pathsep.join([str(BIN), kept.get("PATH", "")])
    return {**kept, "LC_ALL": "C.UTF-8", "PATH": path, "PYTHONDONTWRITEBYTECODE": "1", **more}


def link_collection(folder: Path) -> Path:
    """Return a collections path on which oecsh.cloud is this repository."""
    (folder / "ansible_collections" / "oecsh").mkdir(parents=True)
    (folder / "ansible_collections" / "oecsh" / "cloud").symlink_to(ROOT, target_is_directory=True)
    return folder


@dataclass
class Job:
    """`Job(folder, env).run("drift.yml")`; `folder` must not exist yet, `env` is what the credential injects."""

    folder: Path
    env: Mapping[str, str]
    survey: Mapping[str, Any] | None = None
    arguments: Sequence[str] = ()
    ident: str = "1"

    def __post_init__(self) -> None:
        for name in ("env", "inventory", "cp", "home"):
            (self.folder / name).mkdir(parents=True)
        shutil.copytree(PROJECT, self.folder / "project")
        link_collection(self.folder / "requirements_collections")
        variables = {"awx_job_id": int(self.ident), "awx_job_launch_type": "manual", **(self.survey or {})}
        self._write(
            "env/extravars", "".join(yaml.dump({k: v}, Dumper=_UnsafeDumper) for k, v in variables.items()), 0o600
        )
        self._write("env/cmdline", shlex.join(["-u", "root", *self.arguments]), 0o600)
        settings = {
            "job_timeout": 0,
            "suppress_ansible_output": True,
            "suppress_output_file": True,
            # Not as AWX has it: a runner asks every fifth second whether to cancel, and these jobs are shorter.
            "pexpect_timeout": 0.3,
        }
        self._write("env/settings", json.dumps(settings), 0o600)
        # AWX passes an inventory as a script that prints it; this one has no host.
        hosts = json.dumps({"_meta": {"hostvars": {}}, "all": {"vars": {}}})
        self._write("inventory/hosts", f"#! /usr/bin/env python3\nprint({hosts!r})\n", 0o700)

    def _write(self, name: str, text: str, mode: int) -> None:
        path = self.folder / name
        path.touch(mode=mode)
        path.write_text(text, encoding="utf-8")

    @property
    def environment(self) -> dict[str, str]:
        return {
            "ANSIBLE_COLLECTIONS_PATH": f"{self.folder}/requirements_collections:/usr/share/ansible/collections",
            "ANSIBLE_FORCE_COLOR": "True",
            "ANSIBLE_HOME": str(self.folder / "home"),
            "ANSIBLE_HOST_KEY_CHECKING": "False",
            "ANSIBLE_INVENTORY_UNPARSED_FAILED": "True",
            "ANSIBLE_RETRY_FILES_ENABLED": "False",
            "ANSIBLE_SSH_CONTROL_PATH_DIR": str(self.folder / "cp"),
            "AWX_PRIVATE_DATA_DIR": str(self.folder),
            "HOME": str(self.folder / "home"),
            "JOB_ID": self.ident,
            "MAX_EVENT_RES": "700000",
            # Not as AWX has it: these tasks end at once.
            "OECSH_WAIT_INTERVAL": "1",
            "PATH": clean()["PATH"],
            **self.env,
        }

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        self._write("env/envvars", json.dumps(self.environment), 0o600)
        return subprocess.Popen(
            [BIN / "ansible-runner", "run", self.folder, "--ident", self.ident, *arguments],
            env=clean(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def end(self, process: subprocess.Popen[str]) -> Job:
        try:
            printed, _errors = process.communicate(timeout=PATIENCE)
        finally:
            process.kill()
        assert (self.artifacts / "rc").exists(), printed
        return self

    def run(self, playbook: str) -> Job:
        return self.end(self.start("--playbook", playbook))

    def run_here(self, **more: Any) -> ansible_runner.Runner:
        """Use the interface that AWX calls. It passes on the environment of this process, too."""
        return ansible_runner.run(
            private_data_dir=str(self.folder), ident=self.ident, envvars=self.environment, quiet=True, **more
        )

    def update_inventory(self, source: str, *more: str) -> Any:
        """Return what an inventory source imports: the JSON of ansible-inventory."""
        output = self.artifacts / "output.json"
        path = self.folder / "project" / source
        command = ["ansible-inventory", "--list", "--export", "-i", path, "--output", output]
        self._write("args", shlex.join(map(str, [*command, "--playbook-dir", path.parent, *more])), 0o600)
        (self.folder / "env" / "cmdline").unlink()
        self.artifacts.mkdir(parents=True)
        # The command line of ansible-runner only runs playbooks, modules and roles; AWX does not use it either.
        self.run_here()
        return json.loads(output.read_text(encoding="utf-8")) if output.exists() else None

    # What the job leaves behind.

    @property
    def artifacts(self) -> Path:
        return self.folder / "artifacts" / self.ident

    @property
    def status(self) -> str:
        return (self.artifacts / "status").read_text(encoding="utf-8")

    @property
    def events(self) -> list[dict[str, Any]]:
        files = (self.artifacts / "job_events").glob("*.json")
        found = [json.loads(file.read_text(encoding="utf-8")) for file in files]
        return sorted(found, key=lambda event: event["counter"])

    @property
    def coloured(self) -> str:
        return "\n".join(event["stdout"] for event in self.events)

    @property
    def printed(self) -> str:
        """What AWX displays in the output pane, without the colours of Ansible."""
        return _COLOUR.sub("", self.coloured).replace("\r", "")

    @property
    def statistics(self) -> dict[str, int]:
        """ok, changed, failures, ignored, skipped of localhost, as AWX reads them."""
        (stats,) = [event["event_data"] for event in self.events if event["event"] == "playbook_on_stats"]
        names = ("ok", "changed", "failures", "ignored", "skipped")
        return {name: stats[name].get("localhost", 0) for name in names}

    @property
    def artifact_data(self) -> dict[str, Any]:
        """The job's artifacts: what set_stats passes to the next node of a workflow."""
        (stats,) = [event["event_data"] for event in self.events if event["event"] == "playbook_on_stats"]
        data: dict[str, Any] = stats.get("artifact_data", {})
        return data

    def holding(self, text: str) -> set[str]:
        """Return the files in artifacts/ that contain a text, except the noted `command`."""
        files = [file for file in self.artifacts.rglob("*") if file.is_file() and file.name != "command"]
        assert files
        return {str(file.relative_to(self.artifacts)) for file in files if text.encode() in file.read_bytes()}
