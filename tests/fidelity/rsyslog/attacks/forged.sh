# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034,SC2154
technique=T1565.001
about="a client writes the log of another host"
note="a sender says what host it is; the server believes it"
attack() {
	send router app forged-entry
	perhaps effect
}
effect() { grep -rqs forged-entry $etc/log/router; }
after() { rm -rf $etc/log/router; }
