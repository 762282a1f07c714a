# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034,SC2154
technique=T1114.002
about="all mail of a user is fetched with a stolen password"
note="a login like any other"
attack() {
	tell deliver joe loot
	imap joe secret-joe fetch >"$state/answer"
}
effect() { grep -q loot "$state/answer"; }
