# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034,SC2154
technique=T1572
about="a port is opened on the server for a reverse tunnel"
tunnelled() { grep -q ':1E62 00000000:0000 0A' /proc/net/tcp; }
attack() {
	remote -f -N -R 127.0.0.1:7778:127.0.0.1:2222
	perhaps tunnelled
	timeout 10 bash -c 'exec 5<>/dev/tcp/127.0.0.1/7778 && read -r line <&5 && echo "$line"' >"$state/answer"
}
effect() { grep -q SSH "$state/answer"; }
after() { pkill -f 127.0.0.1:7778; }
