#!/usr/bin/env bash
# Copyright (c) 2026, oecsh.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Use every playbook, module and plugin once, and fail if Ansible calls something deprecated. ansible-test hides such warnings.
set -eux -o pipefail

OECSH_API_URL=$(sed -n 's/^oecsh_api_url: //p' ../../integration_config.yml)
OECSH_API_KEY=$(sed -n 's/^oecsh_api_key: //p' ../../integration_config.yml)
export ANSIBLE_DEPRECATION_WARNINGS=true OECSH_API_URL OECSH_API_KEY

estate=@../../../../examples/estate.yml
printf 'plugin: oecsh.cloud.projects\n' >"$OUTPUT_DIR/oec.yml"
{
    ansible-playbook oecsh.cloud.provision -e "$estate" -e provision_wait=false
    ansible-playbook oecsh.cloud.drift -e "$estate"
    ansible-playbook oecsh.cloud.export -e "export_path=$OUTPUT_DIR/estate.yml"
    ansible-playbook oecsh.cloud.report -e "report_path=$OUTPUT_DIR/report.html"
    ansible localhost -m oecsh.cloud.oec_project_info
    ansible localhost -m oecsh.cloud.oec_server_info
    ansible localhost -m oecsh.cloud.oec_project -a 'name="Demo for prospects" state=absent'
    ansible localhost -m oecsh.cloud.oec_environment -a 'project="Harbour Logistics" name=staging wait=false'
    ansible localhost -m oecsh.cloud.oec_environment_info
    # Adopts the first deployment.
    ansible localhost -m oecsh.cloud.oec_deployment -a 'project="Harbour Logistics" name=production since=2026-01-01 wait=false'
    ansible localhost -m oecsh.cloud.oec_task_info -a 'project="Harbour Logistics" environment=production'
    ansible localhost -m oecsh.cloud.oec_log_info -a 'project="Harbour Logistics" environment=production'
    ansible localhost -m oecsh.cloud.oec_backup -a 'project="Harbour Logistics" name=production max_age=1h' --check
    ansible-playbook oecsh.cloud.backup --check
    ansible localhost -m oecsh.cloud.oec_backup_info -a 'project="Harbour Logistics" environment=production'
    # It does not exist.
    if ansible localhost -m oecsh.cloud.oec_backup_restore -a 'backup_id=4f6d21b9-8c05-4e7a-b3d9-a1e05c72f848' --check; then
        exit 1
    fi
    ansible localhost -m oecsh.cloud.oec_webhook -a 'url=https://ci.example.com/oec events=deploy.failed'
    ansible localhost -m oecsh.cloud.oec_webhook_info
    ansible localhost -m oecsh.cloud.oec_organization_info
    ansible-inventory -i "$OUTPUT_DIR/oec.yml" --list
} 2>&1 | tee "$OUTPUT_DIR/printed"
if grep -E 'DEPRECATION WARNING|DeprecationWarning' "$OUTPUT_DIR/printed"; then
    exit 1
fi
