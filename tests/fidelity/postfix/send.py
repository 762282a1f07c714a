# SPDX-License-Identifier: Apache-2.0 OR MIT
"""Sends a mail: `send.py PORT FROM TO SIZE`."""
import smtplib
import sys

port, sender, to, size = sys.argv[1:]
text = f"From: {sender}\r\nTo: {to}\r\nSubject: {size}\r\n\r\n" + "0123456789abcdef\r\n" * (int(size) // 18)
with smtplib.SMTP("127.0.0.1", int(port), timeout=50) as server:
    server.sendmail(sender, to, text)
