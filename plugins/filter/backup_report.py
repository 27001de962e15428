# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: backup_report
short_description: Summarize the backups of all environments
version_added: 1.0.0
description:
  - Joins the results of several tasks of M(oecsh.cloud.oec_backup), and judges each environment.
  - The role P(oecsh.cloud.backup#role) uses it for its line of progress after each batch, and for its table at the end.
author:
  - oecsh.cloud contributors (@oecsh)
positional: environments, seconds
options:
  _input:
    description: The results of the tasks of M(oecsh.cloud.oec_backup) so far, also of failed ones.
    type: list
    elements: dict
    required: true
  environments:
    description: All environments that are to have a backup, as M(oecsh.cloud.oec_environment_info) returns them.
    type: list
    elements: dict
    required: true
  seconds:
    description: How long it has taken so far, for the forecast. V(0) leaves the forecast out.
    type: float
    default: 0
seealso:
  - module: oecsh.cloud.oec_backup
  - plugin: oecsh.cloud.backup
    plugin_type: role
"""

EXAMPLES = r"""
- name: List the environments of all projects
  oecsh.cloud.oec_environment_info:
    name: production
  register: productions

- name: See to it that each has a fresh backup
  oecsh.cloud.oec_backup:
    environments: "{{ dict(ids | zip(names)) | dict2items(key_name='environment_id', value_name='name') }}"
    max_age: 24h
  vars:
    ids: "{{ productions.environments | map(attribute='id') }}"
    names: "{{ productions.environments | map(attribute='name') }}"
  register: taken
  failed_when: false

- name: Show them
  ansible.builtin.debug:
    msg: "{{ ([taken] | oecsh.cloud.backup_report(productions.environments)).table }}"
"""

RETURN = r"""
_value:
  description:
    - C(backups) has a row for each environment, as RV(oecsh.cloud.oec_backup#module:backups), with C(is_good) added.
      What was not tried has the outcome V(skipped).
    - C(summary) has C(environments), C(good), C(new) (of the good ones), C(failed) and C(not_tried), each a number.
    - C(progress) is a line, C(table) are lines, and C(failures) has a line for each environment without a good backup.
    - C(is_over) is whether going on is useless, since the next task would fail like the last one.
  type: dict
"""

from collections.abc import Callable
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.oecsh.cloud.plugins.plugin_utils import _backup


def backup_report(results: Any, environments: Any, seconds: Any = 0) -> dict[str, Any]:
    try:
        return _backup.backup_report(results, environments, float(seconds))
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise AnsibleFilterError(f"backup_report: results of oec_backup are required ({error})") from None


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"backup_report": backup_report}
