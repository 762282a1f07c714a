# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034,SC2154
technique=T1496
about="takes all the processor: priority and affinity are set"
undecided="what a task does to its own priority and processors is its affair; cgroups limit these"
attack() {
	inject '
os.sched_setaffinity(0, {0})
os.nice(1)
print("set")
'
}
effect() { grep -q set "$state/answer"; }
