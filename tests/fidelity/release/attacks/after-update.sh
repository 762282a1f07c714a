# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034,SC2154
technique=T1546
about="the release brings a program that the update runs"
adds() {
	printf '#!/bin/sh\necho in >/var/tmp/fidelity/marker/was-here\n' >"$1/after-update"
	chmod 755 "$1/after-update"
}
attack() {
	publish adds
	tell update
	perhaps effect
}
effect() { [ -e "$marker" ]; }
