# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034,SC2154
technique=T1565.001
about="GTFOBins: vim writes another file"
attack() { in_vim ':w! /var/tmp/fidelity/marker/was-here'; }
effect() { [ -e "$marker" ]; }
