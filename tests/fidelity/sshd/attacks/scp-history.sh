# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034,SC2154
technique=T1552.003
about="scp fetches the shell's history"
before() { rm -f "$state/answer"; echo 'mysql -psecret' >$home/.bash_history; chown joe $home/.bash_history; }
attack() { carry joe@127.0.0.1:.bash_history "$state/answer"; }
effect() { grep -q secret "$state/answer"; }
after() { rm -f $home/.bash_history; }
