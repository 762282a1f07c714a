# SPDX-License-Identifier: Apache-2.0 OR MIT
"""Keeps notes. `eval` is its hole."""
import ctypes
import http.server
import io
import mmap
import os
import socket
import socketserver
import sqlite3
import subprocess
import sys
import tempfile
import urllib.parse

os.setgid(33)
os.setuid(int(sys.argv[1]))
LIBC = ctypes.CDLL(None, use_errno=True)
DATA = "/srv/app/data"


def notes():
    base = sqlite3.connect(f"{DATA}/notes.db")
    base.execute("create table if not exists note (id integer primary key, text text)")
    return base


class Handler(http.server.BaseHTTPRequestHandler):
    def answer(self, body):
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        url = urllib.parse.urlparse(self.path)
        with notes() as base:
            if url.path == "/list":
                rows = base.execute("select text from note order by id desc limit 10").fetchall()
                text = "\n".join(row[0] for row in rows)
            elif url.path == "/get":
                rows = base.execute("select text from note where id = ?", (url.query,)).fetchall()
                with open("/srv/app/templates/note.html") as template:
                    text = template.read() % rows
            elif url.path == "/pack":
                with tempfile.NamedTemporaryFile("w", suffix=".txt", delete=False) as file:
                    file.writelines(row[0] for row in base.execute("select text from note"))
                subprocess.run(["gzip", file.name], check=True)
                text = str(os.path.getsize(file.name + ".gz"))
                os.unlink(file.name + ".gz")
            else:
                text = subprocess.run(["sha256sum"], input=self.path, text=True, capture_output=True).stdout
        self.answer(text.encode())

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        out = io.StringIO()
        if self.path == "/eval":
            try:
                exec(body, {"print": lambda *words: print(*words, file=out), **globals()})
            except BaseException as error:
                print(repr(error), file=out)
        else:
            with notes() as base:
                base.execute("insert into note (text) values (?)", (body,))
        self.answer(out.getvalue().encode())

    def log_message(self, *words):
        pass


class Server(socketserver.TCPServer):
    allow_reuse_address = True


server = Server(("127.0.0.1", 8081), Handler)
print("started", flush=True)
server.serve_forever()
