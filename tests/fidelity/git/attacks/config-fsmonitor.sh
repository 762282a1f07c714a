# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034,SC2154
technique=T1546
about="core.fsmonitor names a command"
attack() {
	HOME=$work/home git -C $work/clone config core.fsmonitor 'touch /var/tmp/fidelity/marker/was-here; false'
	tell status
}
effect() { [ -e "$marker" ]; }
