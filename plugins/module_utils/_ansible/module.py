# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: this file may change at any time. Do not import it from elsewhere.

"""From options to a result or a failure. The only user of AnsibleModule."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from typing import Any, NoReturn

from ansible.module_utils.basic import AnsibleModule, missing_required_lib
from ansible_collections.oecsh.cloud.plugins.module_utils._ansible.arguments import (
    API_OPTIONS,
    drop_empty_options,
    option_failures,
    split_lists,
)
from ansible_collections.oecsh.cloud.plugins.module_utils._api.client import Client
from ansible_collections.oecsh.cloud.plugins.module_utils._api.http_client import REQUESTS_IMPORT_ERROR, HttpClient
from ansible_collections.oecsh.cloud.plugins.module_utils._api.kind import Spec
from ansible_collections.oecsh.cloud.plugins.module_utils._api.settings import MIN_KEY_LENGTH, Settings
from ansible_collections.oecsh.cloud.plugins.module_utils._base.errors import Failure, OecError, reject_all
from ansible_collections.oecsh.cloud.plugins.module_utils._base.redact import MASK, Redaction
from ansible_collections.oecsh.cloud.plugins.module_utils._base.result import Mode, Options, Result

try:
    from ansible.module_utils.secrets import register_secrets
except ImportError:
    # Before ansible-core 2.22 only no_log hides what a module returns.
    register_secrets = None

# The parts of a diff are redacted field by field before, and a name in them may look like a URL.
_DIFF = Redaction(names=frozenset({"before", "after", "before_header", "after_header"}))

Entry = Callable[[Options, Client, Mode], Result]


class OecModule(AnsibleModule):
    """An AnsibleModule that returns no secret, and an error with a code, also where Ansible rejects the options."""

    def __init__(self, options: Spec, redaction: Redaction, **checks: Any) -> None:
        self._redaction = redaction
        spec = {**API_OPTIONS, **options}
        # ansible-core does not annotate its constructor.
        super().__init__(argument_spec=spec, supports_check_mode=True, **checks)  # type: ignore[no-untyped-call]

    def _load_params(self) -> None:
        super()._load_params()  # type: ignore[no-untyped-call]  # see above
        self.params = split_lists(drop_empty_options(self.params), self.argument_spec)
        if failures := list(option_failures(self.params, self.argument_spec)):
            self.fail(reject_all(failures))

    @property
    def redaction(self) -> Redaction:
        # Only at the end the key is certain: Ansible may reject the options before it reads the environment.
        keys = [str(key).strip() for key in (self.params.get("api_key"), os.environ.get("OECSH_API_KEY")) if key]
        # A shorter text is no key, and may be a word of the result.
        return (self._redaction | _DIFF).hiding(key for key in keys if len(key) >= MIN_KEY_LENGTH)

    def exit_json(self, **result: Any) -> NoReturn:
        super().exit_json(**self._redact(result))

    def fail_json(self, msg: str, **result: Any) -> NoReturn:
        if "error" not in result:
            if re.match(r"missing required arguments:.*\bapi_key\b", msg):
                msg = f"{msg}. Set api_key, or the environment variable OECSH_API_KEY."
            result["error"] = Failure("invalid_input", msg).as_error()
        super().fail_json(**self._redact({"msg": msg, **result}))

    def _redact(self, result: dict[str, Any]) -> dict[str, Any]:
        redact = self.redaction
        # Ansible returns the options as `invocation`, also of a call that it rejects itself.
        self.params = redact.options(redact(self.params))
        if not isinstance(self.params.get("api_key") or "", str):
            self.params["api_key"] = MASK
        return redact(result)

    def fail(self, failure: Failure, **values: Any) -> NoReturn:
        self.fail_json(msg=str(failure), error=failure.as_error(), **values)


def run(entry: Entry, options: Spec, redaction: Redaction, **checks: Any) -> None:
    """Be a module's whole main(): call `entry` with the options, and return its result or failure.

    `redaction`: what is secret in the options and in the result, besides the API key.
    """
    module = OecModule(options, redaction, **checks)
    if REQUESTS_IMPORT_ERROR:
        failure = Failure("missing_library", missing_required_lib("requests"))
        module.fail_json(msg=failure.message, error=failure.as_error(), exception=REQUESTS_IMPORT_ERROR)
    try:
        settings = Settings(**{name: module.params[name] for name in API_OPTIONS})
        mode = Mode(check=module.check_mode, diff=module._diff)
        result = entry(module.params, Client(HttpClient(settings)), mode)
    except OecError as error:
        result = Result({}, error.failure)
    # Outside the except: inside, Ansible adds a traceback to a failure that needs none.
    for warning in result.warnings:
        module.warn(module.redaction(warning))
    if result.secrets and register_secrets:
        register_secrets(result.secrets)
    if result.failure:
        module.fail(result.failure, **result.values)
    module.exit_json(**result.values)
