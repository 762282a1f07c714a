# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034,SC2154
technique=T1552.007
about="reads the environment of the container's first process"
attack() { inject '
cat /proc/1/environ
'; }
effect() { grep -qa PATH "$state/answer"; }
