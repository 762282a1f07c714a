# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034,SC2154
technique=T1559
about="the API adds a proxy to a local socket of another program"
before() {
	rm -f /srv/other.sock
	printf 'HTTP/1.0 200 OK\r\n\r\ninternal\n' | nc -N -U -l /srv/other.sock >/dev/null &
	until_true chmod 777 /srv/other.sock
}
attack() {
	route '{"match":[{"path":["/p"]}],"handle":[{"handler":"reverse_proxy","upstreams":[{"dial":"unix//srv/other.sock"}]}],"terminal":true}'
	ask http://127.0.0.1:8080/p >"$state/answer"
	kill %nc %printf
}
effect() { grep -q internal "$state/answer"; }
after() { rm -f /srv/other.sock; }
