# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034,SC2154
technique=T1090.001
about="the server becomes a proxy to an internal service"
before() {
	python3 -c '
import http.server
class H(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.end_headers(); self.wfile.write(b"internal\n")
http.server.HTTPServer(("127.0.0.1", 9999), H).handle_request()' 2>/dev/null &
	until_true grep -q ':270F 00000000:0000 0A' /proc/net/tcp
}
attack() {
	configure 's,#more,location /p/ { proxy_pass http://127.0.0.1:9999/; },'
	curl -sS --max-time 5 http://127.0.0.1:8080/p/ >"$state/answer"
}
effect() { grep -q internal "$state/answer"; }
