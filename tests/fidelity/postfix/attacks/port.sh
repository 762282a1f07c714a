# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034,SC2154
technique=T1571
about="the server listens on another port"
attack() {
	echo '127.0.0.1:2601 inet n - y - - smtpd' >>/etc/postfix/master.cf
	configure biff=no
	timeout 10 python3 "$here/send.py" 2601 a@else.example joe@lab.example 10 && echo sent >"$state/answer"
}
before() { rm -f "$state/answer"; }
effect() { grep -q sent "$state/answer"; }
