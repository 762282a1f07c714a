# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034,SC2154
technique=T1571
about="the server listens on another port"
attack() {
	configure <<-end
		service imap-login {
		  inet_listener evil {
		    port = 1144
		  }
		}
	end
	curl -sS --max-time 20 -u joe:secret-joe imap://127.0.0.1:1144/ >"$state/answer"
}
effect() { grep -q Drafts "$state/answer"; }
