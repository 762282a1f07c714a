# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034,SC2154
technique=T1574
about="the loader is called as a program, to run another"
attack() { inject '/lib64/ld-linux-x86-64.so.2 /usr/bin/touch /var/tmp/fidelity/marker/was-here'; }
effect() { [ -e "$marker" ]; }
