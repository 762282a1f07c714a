# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034,SC2154
technique=T1571
about="the configuration listens on another port"
attack() {
	configure 's/#more/listen 127.0.0.1:4444;/'
	curl -sS --max-time 5 http://127.0.0.1:4444/index.html >"$state/answer"
}
effect() { grep -q index "$state/answer"; }
