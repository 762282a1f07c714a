# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034,SC2154
technique=T1489
about="a worker kills the primary process"
before() { rm -f "$state/answer"; }
attack() {
	primary=$(<$home/data/pid)
	inject 'process.kill(process.ppid, "SIGKILL"); return "sent"'
	perhaps killed
	! killed || echo killed >"$state/answer"
}
killed() { [ ! -e "/proc/$primary" ] || grep -q '^State:.*Z' "/proc/$primary/status"; }
effect() { grep -q killed "$state/answer"; }
