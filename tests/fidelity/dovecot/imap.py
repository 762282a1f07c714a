# SPDX-License-Identifier: Apache-2.0 OR MIT
"""A mail program: `imap.py USER PASSWORD JOB [WORD]`. Prints what the server answered."""
import imaplib
import sys

user, password, job = sys.argv[1:4]
word = sys.argv[4] if len(sys.argv) > 4 else "word"
server = imaplib.IMAP4("127.0.0.1", 1143, timeout=90)
server.login(user, password)


def done(answer):
    code, data = answer
    print(code, data)
    if code != "OK":
        sys.exit(1)
    return data


def text(size=20):
    return f"From: {user}@lab\r\nSubject: {word}\r\n\r\n{word}\r\n".encode() + b"0123456789\r\n" * size


if job == "noop":
    done(server.noop())
    server.logout()
    sys.exit()
done(server.select("INBOX"))
numbers = done(server.search(None, "ALL"))[0].split()
if job == "read":
    for number in numbers[-3:]:
        done(server.fetch(number, "(RFC822)"))
elif job == "append":
    done(server.append("Drafts", None, None, text()))
elif job == "big":
    done(server.append("INBOX", None, None, text(20000)))
elif job == "move":
    server.create("Archive")
    if numbers:
        done(server.copy(numbers[0], "Archive"))
        done(server.store(numbers[0], "+FLAGS", "\\Deleted"))
        done(server.expunge())
elif job == "search":
    done(server.search(None, "TEXT", word))
elif job == "flag":
    if numbers:
        done(server.store(numbers[-1], "+FLAGS", "\\Seen \\Flagged Later"))
elif job == "expunge":
    for number in numbers[:-4]:
        done(server.store(number, "+FLAGS", "\\Deleted"))
    done(server.expunge())
elif job == "folder":
    done(server.create(f"Project.{word}"))
    done(server.append(f"Project.{word}", None, None, text()))
elif job == "rename":
    done(server.create(f"Old.{word}"))
    done(server.rename(f"Old.{word}", f"New.{word}"))
elif job == "purge":
    for line in done(server.list("Project", "*")):
        # The name of a deleted folder with folders below it stays without being one.
        if line and rb"\Noselect" not in line:
            done(server.delete(line.decode().split()[-1]))
elif job == "lists":
    done(server.list())
    done(server.subscribe("Drafts"))
    done(server.status("INBOX", "(MESSAGES UNSEEN)"))
elif job == "idle":
    server.send(b"x IDLE\r\n")
    print(server.readline())
    server.send(b"DONE\r\n")
    print(server.readline())
elif job == "fetch":
    for number in numbers:
        print(server.fetch(number, "(RFC822)"))
server.logout()
