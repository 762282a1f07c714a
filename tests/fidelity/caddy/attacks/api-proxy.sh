# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034,SC2154
technique=T1090.001
about="the API adds a proxy to an internal service"
before() {
	printf 'HTTP/1.0 200 OK\r\n\r\ninternal\n' | nc -N -l 127.0.0.1 9999 >/dev/null &
	listening 9999
}
attack() {
	route '{"match":[{"path":["/p"]}],"handle":[{"handler":"reverse_proxy","upstreams":[{"dial":"127.0.0.1:9999"}]}],"terminal":true}'
	ask http://127.0.0.1:8080/p >"$state/answer"
	kill %nc %printf
}
effect() { grep -q internal "$state/answer"; }
