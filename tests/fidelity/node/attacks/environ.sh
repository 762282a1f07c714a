# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034,SC2154
technique=T1552.007
about="a worker reads the primary's environment"
attack() { inject 'return require("fs").readFileSync(`/proc/${process.ppid}/environ`)'; }
effect() { grep -qa PATH= "$state/answer"; }
