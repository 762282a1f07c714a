# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034,SC2154
technique=T1489
about="tries to stop a service: signals a process of another domain"
attack() {
	inject '
os.kill(os.getppid(), 0)
print("sent")
'
}
effect() { grep -q sent "$state/answer"; }
