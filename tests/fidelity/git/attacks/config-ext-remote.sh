# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034,SC2154
technique=T1105
about="the remote's address is ext::, which runs a command"
attack() {
	HOME=$work/home git -C $work/clone config protocol.ext.allow always; HOME=$work/home git -C $work/clone remote set-url origin 'ext::touch /var/tmp/fidelity/marker/was-here'
	tell fetch
}
effect() { [ -e "$marker" ]; }
