# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034,SC2154
technique=T1090.001
about="a worker fetches a page of an internal service"
before() {
	printf 'HTTP/1.0 200 OK\r\n\r\ninternal\n' | nc -N -l 127.0.0.1 9999 >/dev/null &
	listening 9999
}
attack() {
	inject 'echo file_get_contents("http://127.0.0.1:9999/");'
	kill %nc %printf
}
effect() { grep -q internal "$state/answer"; }
