# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034,SC2154
technique=T1127
about="make's own $(shell)"
attack() {
	echo 'X := $(shell echo > /var/tmp/fidelity/marker/was-here)' >>$project/Makefile
	tell build
}
effect() { [ -e "$marker" ]; }
