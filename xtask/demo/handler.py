# SPDX-License-Identifier: Apache-2.0 OR MIT
"""The script behind the web server: greets by name, in capitals, and trusts whoever asks far too much."""

import http.server
import os
import select
import subprocess
import sys
import urllib.parse


def greeting(name):
    # The hole: what a visitor typed becomes part of a shell's command.
    command = f"echo hello {name} | tr a-z A-Z"
    shell = subprocess.Popen(
        ["/bin/sh", "-c", command],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    said = b""
    # A shell that says nothing for three seconds is left to itself.
    while select.select([shell.stdout], [], [], 3)[0]:
        part = os.read(shell.stdout.fileno(), 65536)
        if not part:
            shell.wait()
            break
        said += part
    return said


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        query = urllib.parse.urlsplit(self.path).query
        name = urllib.parse.parse_qs(query).get("name", ["stranger"])[0]
        body = greeting(name)
        self.send_response(200)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *words):
        pass


class Server(http.server.ThreadingHTTPServer):
    def server_bind(self):
        # Without asking for this machine's name.
        self.socket.setsockopt(1, 2, 1)
        self.socket.bind(self.server_address)
        self.server_name, self.server_port = self.server_address


Server(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
