# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034,SC2154
technique=T1571
about="a worker opens the debugger's port"
attack() {
	inject 'require("inspector").open(9339, "127.0.0.1"); return "open"'
	curl -sS --max-time 5 http://127.0.0.1:9339/json/version >"$state/answer"
}
effect() { grep -q Protocol "$state/answer"; }
