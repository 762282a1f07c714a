# SPDX-License-Identifier: Apache-2.0 OR MIT
"""A mail server of someone else that takes everything: `partner.py PORT`. Prints what it hears."""
import socketserver
import sys


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True


class Handler(socketserver.StreamRequestHandler):
    def answer(self, line):
        self.wfile.write(line + b"\r\n")

    def handle(self):
        self.answer(b"220 partner")
        body = False
        for line in self.rfile:
            print(line.decode(errors="replace").strip(), flush=True)
            if body:
                if line == b".\r\n":
                    body = False
                    self.answer(b"250 ok")
            elif line.upper().startswith(b"DATA"):
                body = True
                self.answer(b"354 go on")
            elif line.upper().startswith(b"QUIT"):
                self.answer(b"221 bye")
                return
            else:
                self.answer(b"250 ok")


Server(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
