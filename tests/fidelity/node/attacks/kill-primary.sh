# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034,SC2154
technique=T1489
about="a worker kills the primary process"
attack() {
	primary=$(<$home/data/pid)
	inject 'process.kill(process.ppid, "SIGKILL"); return "sent"'
	perhaps effect
}
effect() { [ ! -e "/proc/$primary" ] || grep -q '^State:.*Z' "/proc/$primary/status"; }
