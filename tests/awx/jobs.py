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


class _UnsafeDumper(yaml.SafeDumper):
    """AWX's own dumper of extra variables: what comes from a survey is never a template."""

    def represent_data(self, data: Any) -> yaml.Node:
        return self.represent_scalar("!unsafe", data) if isinstance(data, str) else super().represent_data(data)


def load(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def emptied(role: str) -> dict[str, str]:
    """Return every variable of a role that may be omitted, as empty as a survey may leave it."""
    options = load(ROOT / "roles" / role / "meta" / "argument_specs.yml")["argument_specs"]["main"]["options"]
    return {name: "" for name, option in options.items() if not option.get("required")}


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

    def __post_init__(self) -> None:
        for name in ("env", "inventory", "cp", "home"):
            (self.folder / name).mkdir(parents=True)
        shutil.copytree(PROJECT, self.folder / "project")
        link_collection(self.folder / "requirements_collections")
        variables = {"awx_job_id": 1, "awx_job_launch_type": "manual", **(self.survey or {})}
        lines = [yaml.dump({name: value}, Dumper=_UnsafeDumper) for name, value in variables.items()]
        (self.folder / "env" / "extravars").write_text("".join(lines), encoding="utf-8")
        # AWX passes an inventory as a script that prints it; this one has no host.
        hosts = json.dumps({"_meta": {"hostvars": {}}, "all": {"vars": {}}})
        script = self.folder / "inventory" / "hosts"
        script.write_text(f"#! /usr/bin/env python3\nprint({hosts!r})\n", encoding="utf-8")
        script.chmod(0o700)

    def run(self, playbook: str) -> Job:
        return self._run(playbook=playbook, cmdline=shlex.join(["-u", "root", *self.arguments]))

    def update_inventory(self, source: str) -> Any:
        """Return what an inventory source imports: the JSON of ansible-inventory."""
        output, path = self.folder / "output.json", self.folder / "project" / source
        command = ["ansible-inventory", "--list", "--export", "-vvv", "-i", path, "--output", output]
        args = shlex.join(map(str, [*command, "--playbook-dir", path.parent]))
        (self.folder / "args").write_text(args, encoding="utf-8")
        self._run()
        return json.loads(output.read_text(encoding="utf-8")) if output.exists() else None

    def _run(self, **what: str) -> Job:
        """Use the interface that AWX calls. It passes on the environment of this process, too."""
        environment = {
            "ANSIBLE_COLLECTIONS_PATH": f"{self.folder}/requirements_collections:/usr/share/ansible/collections",
            "ANSIBLE_FORCE_COLOR": "True",
            "ANSIBLE_HOME": str(self.folder / "home"),
            "ANSIBLE_HOST_KEY_CHECKING": "False",
            "ANSIBLE_INVENTORY_UNPARSED_FAILED": "True",
            "ANSIBLE_RETRY_FILES_ENABLED": "False",
            "ANSIBLE_SSH_CONTROL_PATH_DIR": str(self.folder / "cp"),
            "AWX_PRIVATE_DATA_DIR": str(self.folder),
            "HOME": str(self.folder / "home"),
            "JOB_ID": "1",
            "MAX_EVENT_RES": "700000",
            # Not as AWX has it: these tasks end at once.
            "OECSH_WAIT_INTERVAL": "1",
            "PATH": clean()["PATH"],
            **self.env,
        }
        settings = {
            "job_timeout": PATIENCE,
            "suppress_ansible_output": True,
            "suppress_output_file": True,
            # Not as AWX has it: a runner asks every fifth second whether to cancel, and these jobs are shorter.
            "pexpect_timeout": 0.3,
        }
        folder = str(self.folder)
        ansible_runner.run(
            private_data_dir=folder, ident="1", envvars=environment, settings=settings, quiet=True, **what
        )
        return self

    # What the job leaves behind.

    @property
    def artifacts(self) -> Path:
        return self.folder / "artifacts" / "1"

    @property
    def status(self) -> str:
        return (self.artifacts / "status").read_text(encoding="utf-8")

    @property
    def events(self) -> list[dict[str, Any]]:
        files = (self.artifacts / "job_events").glob("*.json")
        found = [json.loads(file.read_text(encoding="utf-8")) for file in files]
        return sorted(found, key=lambda event: event["counter"])

    @property
    def printed(self) -> str:
        """What AWX displays in the output pane, without the colours of Ansible."""
        text = "\n".join(event["stdout"] for event in self.events)
        return re.sub(r"\x1b\[[0-9;]*m", "", text).replace("\r", "")

    @property
    def artifact_data(self) -> dict[str, Any]:
        """The job's artifacts: what set_stats passes to the next node of a workflow."""
        (stats,) = [event["event_data"] for event in self.events if event["event"] == "playbook_on_stats"]
        found: dict[str, Any] = stats.get("artifact_data", {})
        return found
