# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run the playbook against the emulator, and open its page in a browser (Debian: chromium, chromium-driver)."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
DRIVER = shutil.which("chromedriver")
ARGUMENTS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--window-size=1280,900",
)

# The tests also run in a plain clone, which is not below ansible_collections.
sys.path.insert(0, str(ROOT))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    # The workflow has it, and a skipped test must not look as if it had passed there.
    if not (CHROMIUM and DRIVER) and "GITHUB_ACTIONS" not in os.environ:
        reason = "Chromium is missing: apt-get install chromium chromium-driver"
        for item in items:
            item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture(scope="session")
def emulator() -> Iterator[Any]:
    from tests.emulator import Emulator

    with Emulator(reads=None) as emulator:
        yield emulator


@pytest.fixture(scope="session")
def run_report(emulator: Any, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Return run_report(*arguments, **variables), which returns the path of the page that the playbook wrote."""
    folder = tmp_path_factory.mktemp("report")
    (folder / "ansible_collections" / "oecsh").mkdir(parents=True)
    (folder / "ansible_collections" / "oecsh" / "cloud").symlink_to(ROOT, target_is_directory=True)
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("ANSIBLE_", "OECSH_"))}
    environment |= {
        "ANSIBLE_COLLECTIONS_PATH": str(folder),
        "ANSIBLE_INVENTORY_UNPARSED_WARNING": "0",
        "ANSIBLE_LOCALHOST_WARNING": "0",
        "ANSIBLE_NOCOLOR": "1",
        "OECSH_API_KEY": emulator.keys.read_only,
        "OECSH_API_URL": emulator.url,
    }

    def run(*arguments: str, **variables: str) -> Path:
        path = folder / f"{len(list(folder.glob('*.json')))}.html"
        extra = path.with_suffix(".json")
        extra.write_text(json.dumps({"report_path": path.name, **variables}), encoding="utf-8")
        command = [sys.executable, "-m", "ansible", "playbook", "oecsh.cloud.report", "-e", f"@{extra}", *arguments]
        done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        assert "WARNING" not in done.stderr, done.stderr
        return path

    return run


class Page:
    """A browser with one report open in it."""

    def __init__(self, driver: Any) -> None:
        self.driver = driver

    def command(self, name: str, **parameters: Any) -> Any:
        return self.driver.execute_cdp_cmd(name, parameters)

    def open(
        self, path: Path, *, width: int = 1280, scheme: str = "light", media: str = "", scripts: bool = True
    ) -> Page:
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        self.command("Emulation.setEmulatedMedia", media=media, features=features)
        self.command(
            "Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=width < 500
        )
        self.command("Emulation.setScriptExecutionDisabled", value=not scripts)
        self.driver.get("about:blank")
        self.driver.get_log("performance")
        self.driver.get_log("browser")
        self.driver.get(path.as_uri())
        return self

    def js(self, expression: str) -> Any:
        """Return the value of a JavaScript expression, even if the scripts of the page are disabled."""
        response = self.command("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in response, response
        return response["result"].get("value")

    def texts(self, selector: str) -> list[str]:
        """Return the texts of the visible elements."""
        return self.js(
            f"[...document.querySelectorAll({json.dumps(selector)})].filter(e => e.checkVisibility())"
            ".map(e => e.textContent.trim())"
        )

    def names(self) -> list[str]:
        return self.texts("#table tbody th bdi")

    def choose(self, field: str, value: str) -> None:
        self.js(
            f"(() => {{ const field = document.getElementById({json.dumps(field)}); field.value = {json.dumps(value)};"
            " field.dispatchEvent(new Event('input', {bubbles: true})); })()"
        )

    def click(self, selector: str) -> None:
        from selenium.webdriver.common.by import By

        element = self.driver.find_element(By.CSS_SELECTOR, selector)
        self.driver.execute_script("arguments[0].scrollIntoView({block: 'center'})", element)
        element.click()

    def sort_by(self, header: str) -> None:
        column = self.texts("#table thead th").index(header) + 1
        self.click(f"#table thead th:nth-child({column}) button")

    def tree(self) -> list[tuple[str, str]]:
        """Return role and name of each node that assistive technology reads."""
        nodes = self.command("Accessibility.getFullAXTree")["nodes"]
        return [
            (node["role"]["value"], node.get("name", {}).get("value", "")) for node in nodes if not node.get("ignored")
        ]

    def requested_urls(self) -> list[str]:
        messages = [json.loads(entry["message"])["message"] for entry in self.driver.get_log("performance")]
        sent = [message["params"] for message in messages if message["method"] == "Network.requestWillBeSent"]
        return [parameters["request"]["url"] for parameters in sent]

    def console_messages(self) -> list[str]:
        return [entry["message"] for entry in self.driver.get_log("browser")]


@pytest.fixture(scope="session")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    selenium = pytest.importorskip("selenium.webdriver")
    options = selenium.ChromeOptions()
    options.binary_location = str(CHROMIUM)
    for argument in (*ARGUMENTS, f"--user-data-dir={tmp_path_factory.mktemp('chromium')}"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = selenium.Chrome(options=options, service=selenium.ChromeService(str(DRIVER)))
    try:
        yield Page(driver)
    finally:
        driver.quit()
