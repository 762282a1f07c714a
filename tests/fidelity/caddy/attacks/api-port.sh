# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034,SC2154
technique=T1571
about="the API adds a server on another port"
attack() {
	api PUT /config/apps/http/servers/evil '{"listen":["127.0.0.1:4444"],"routes":[{"handle":[{"handler":"static_response","body":"evil"}]}]}'
	ask http://127.0.0.1:4444/ >"$state/answer"
}
effect() { grep -q evil "$state/answer"; }
