# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: this file may change at any time. Do not import it from elsewhere.

"""The options that all modules share."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from ansible.module_utils.common.parameters import env_fallback
from ansible.module_utils.common.validation import check_type_bool, check_type_float, check_type_int
from ansible.module_utils.errors import AnsibleFallbackNotFound
from ansible_collections.oecsh.cloud.plugins.module_utils._api.kind import Spec
from ansible_collections.oecsh.cloud.plugins.module_utils._api.settings import DEFAULT_URL
from ansible_collections.oecsh.cloud.plugins.module_utils._base.errors import Failure, of_item
from ansible_collections.oecsh.cloud.plugins.module_utils._base.validation import unknown_option

_TYPE_NAMES = {bool: "boolean", list: "list", dict: "dictionary", str: "text"}
# Ansible's own checks, whose messages name no item.
_CHECKS: dict[str, tuple[Callable[[Any], Any], str]] = {
    "int": (check_type_int, "a whole number"),
    "float": (check_type_float, "a number"),
    "bool": (check_type_bool, "true or false"),
}


def _env_number(name: str) -> str:
    value: str = env_fallback(name)
    if not value.strip():
        # An empty field of a credential is not a number.
        raise AnsibleFallbackNotFound
    return value


API_OPTIONS: Spec = {
    "api_key": {"type": "str", "required": True, "no_log": True, "fallback": (env_fallback, ["OECSH_API_KEY"])},
    "api_url": {"type": "str", "default": DEFAULT_URL, "fallback": (env_fallback, ["OECSH_API_URL"])},
    "api_timeout": {"type": "int", "default": 30, "fallback": (_env_number, ["OECSH_API_TIMEOUT"])},
    "api_retries": {"type": "int", "default": 5, "fallback": (_env_number, ["OECSH_API_RETRIES"])},
    "api_max_wait": {"type": "int", "default": 600, "fallback": (_env_number, ["OECSH_API_MAX_WAIT"])},
    "validate_certs": {"type": "bool", "default": True},
    "ca_path": {"type": "path"},
}

WAIT_OPTIONS: Spec = {
    "wait": {"type": "bool", "default": True},
    "wait_timeout": {"type": "int", "default": 1800, "fallback": (_env_number, ["OECSH_WAIT_TIMEOUT"])},
    "wait_interval": {"type": "int", "default": 5, "fallback": (_env_number, ["OECSH_WAIT_INTERVAL"])},
}


def drop_empty_options(value: Any) -> Any:
    """Return the options without those that are null, empty or whitespace, as empty survey fields are."""
    if isinstance(value, Mapping):
        kept = ((key, inner) for key, inner in value.items() if not _is_empty(inner) or key.startswith("_ansible"))
        return {key: drop_empty_options(inner) for key, inner in kept}
    if isinstance(value, list):
        return [drop_empty_options(inner) for inner in value if inner is None or not _is_empty(inner)]
    return value


def _is_empty(value: Any) -> bool:
    return value is None or (isinstance(value, str) and not value.strip())


def option_failures(options: Mapping[str, Any], spec: Spec) -> Iterator[Failure]:
    """Yield what Ansible rejects without naming the item, or turns into a text that nobody meant: `['a', 'b']`."""
    arguments = {name: each for option, each in spec.items() for name in (option, *each.get("aliases", ()))}
    for option, value in options.items():
        argument = arguments.get(option)
        if argument is None:
            if not option.startswith("_ansible"):
                yield unknown_option(option, arguments)
        elif "options" in argument and argument["type"] == "dict" and isinstance(value, Mapping):
            for failure in option_failures(value, argument["options"]):
                yield replace(failure, message=f"{option}: {failure.message}")
        elif "options" in argument and isinstance(value, list):
            for number, item in enumerate(value, 1):
                name = str(item["name"]) if isinstance(item, Mapping) and item.get("name") else None
                for failure in _item_failures(item, argument["options"]):
                    yield of_item(failure, number, option.removesuffix("s"), name)
        else:
            yield from (Failure("invalid_input", f"{option} {each}") for each in _value_problems(value, argument))


def _value_problems(value: Any, argument: Mapping[str, Any]) -> Iterator[str]:
    """Yield what is wrong with the value of one option, as the end of a sentence."""
    kind = argument["type"]
    if kind == "list" and "options" in argument:
        yield f"is a {_type_name(value)}, and must be a list. Begin each item with a dash"
    elif kind in ("int", "float") and isinstance(value, bool):
        yield "is a boolean, and must be a number"
    elif kind in _CHECKS:
        check, expected = _CHECKS[kind]
        try:
            check(value)
        except TypeError:
            yield f"is {value!r}, and must be {expected}"
    elif "choices" in argument and isinstance(value, str) and value not in argument["choices"]:
        yield f"is {value!r}, and must be {' or '.join(argument['choices'])}"
    elif "str" in (kind, argument.get("elements")):
        for each in value if isinstance(value, list) and kind == "list" else [value]:
            if isinstance(each, (bool, list, dict)):
                yield f"is a {_type_name(each)}, and must be a text. Quote what you mean"
            elif isinstance(each, str) and "\0" in each:
                yield "contains NUL characters"


def _type_name(value: Any) -> str:
    return next((name for each, name in _TYPE_NAMES.items() if isinstance(value, each)), "number")


def split_lists(options: Mapping[str, Any], spec: Spec) -> dict[str, Any]:
    """Return the options with each list of texts that is given as one, as in a survey: `sale, stock`."""
    lists = {
        name for option, each in spec.items() if each["type"] == "list" for name in (option, *each.get("aliases", ()))
    }
    return {
        name: [part.strip() for part in value.split(",")] if name in lists and isinstance(value, str) else value
        for name, value in options.items()
    }


def _item_failures(item: Any, spec: Spec) -> Iterator[Failure]:
    if isinstance(item, Mapping):
        yield from option_failures(item, spec)
    else:
        hint = "Write it as `name: NAME`, with its other options below."
        yield Failure("invalid_input", "it is no dictionary of options", hint)
