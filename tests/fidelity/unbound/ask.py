# SPDX-License-Identifier: Apache-2.0 OR MIT
"""Asks a name server of 127.0.0.1: `ask.py PORT udp|tcp NAME TYPE`. Prints the answer's code, and its data as text."""
import os
import socket
import struct
import sys

TYPES = {"A": 1, "SOA": 6, "PTR": 12, "MX": 15, "TXT": 16, "AAAA": 28}
port, transport, name, kind = sys.argv[1:]
query = os.urandom(2) + b"\1\0\0\1\0\0\0\0\0\0"
for label in name.split("."):
    query += bytes([len(label)]) + label.encode()
query += b"\0" + struct.pack(">HH", TYPES[kind], 1)
if transport == "udp":
    to = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    to.settimeout(50)
    to.connect(("127.0.0.1", int(port)))
    to.send(query)
    answer = to.recv(4096)
else:
    to = socket.create_connection(("127.0.0.1", int(port)), 50)
    to.sendall(struct.pack(">H", len(query)) + query)
    answer = to.makefile("rb").read(struct.unpack(">H", to.recv(2, socket.MSG_WAITALL))[0])
print("code", answer[3] & 15, "answers", struct.unpack(">H", answer[6:8])[0])
print(".".join(str(byte) for byte in answer[-4:]), answer[len(query):])
