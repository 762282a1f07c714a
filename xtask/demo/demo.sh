#!/bin/bash
# SPDX-License-Identifier: Apache-2.0 OR MIT
# Ambit's main job, shown on a small web service. Everything is done by the real commands; the first thing that does
# not come out as told ends the demo with an error.
set -u
here=$(cd "$(dirname "$0")" && pwd)
work=/tmp/ambit-demo
url=http://127.0.0.1:8765
run=

say() { printf '\n%s\n' "$*"; }
chapter() { printf '\n\n=== %s\n' "$*"; }
show() { printf '\n  $ %s\n' "$*"; }
indent() { sed 's/^/  | /'; }
fail() {
	printf '\nThe demo failed: %s\n' "$*" >&2
	[ -s "$work/log" ] && indent <"$work/log" >&2
	exit 1
}
cleanup() {
	[ -n "$run" ] && kill "$run" 2>/dev/null && wait "$run" 2>/dev/null
}
trap cleanup EXIT

# start COMMAND...: starts the service and waits until it answers.
start() {
	"$@" >"$work/log" 2>&1 </dev/null &
	run=$!
	for _ in $(seq 600); do
		# Not a request: the service shall see those that are shown, and no others.
		if (: </dev/tcp/127.0.0.1/8766 && : </dev/tcp/127.0.0.1/8765) 2>/dev/null; then return; fi
		kill -0 "$run" 2>/dev/null || fail "the service ended at once"
		sleep 0.1
	done
	fail "the service did not start within a minute"
}
stop() {
	kill -TERM "$run"
	wait "$run"
	run=
}
get() { curl -sS --max-time 60 "$url$1" 2>&1; }
ask() {
	show "curl '$url$1'"
	answer=$(get "$1")
	printf '%s\n' "$answer" | head -n "${2:-3}" | indent
}

rm -rf "$work" && mkdir -p "$work/www" || fail "cannot write to /tmp"
cp "$here/handler.py" "$here/serve.sh" "$work/"
echo "welcome" >"$work/www/index.html"
echo "about us" >"$work/www/about.html"
chmod 755 "$work" "$work/www"
cat >"$work/nginx.conf" <<-END
	daemon off;
	user www-data;
	worker_processes 1;
	pid $work/nginx.pid;
	error_log $work/error.log;
	events {}
	http {
	  access_log $work/access.log;
	  server {
	    listen 127.0.0.1:8765;
	    root $work/www;
	    location /hello { proxy_pass http://127.0.0.1:8766; }
	  }
	}
END
cd "$work" || fail "no $work"
serve="$work/serve.sh"
chmod 755 "$serve"
good='/hello?name=anna'
# The name ends the command, another one follows, and the rest is made a comment.
attack='/hello?name=x;cat%20/etc/shadow%20%23'
# The same without any program beside the shell, which then waits for more.
again='/hello?name=x;while%20read%20line;do%20echo%20$line;done</etc/shadow;read%20more%20%23'

chapter "1. A service with a hole"
say "This machine runs a small web service: nginx, and behind it a Python script that greets visitors.
It was written carelessly. The visitor's name becomes part of a shell command."
show "./serve.sh"
start "$serve" "$work"
ask "$good"
[ "$answer" = "HELLO ANNA" ] || fail "the service does not answer as it should"
say "An attacker sends a name that ends the shell's command, and adds one: cat /etc/shadow.
The answer has this machine's password file."
ask "$attack"
grep -q ^root: <<<"$answer" || fail "the attack did not work, so there is nothing to show"
stop

chapter "2. Learn what the service does"
say "Ambit starts the same service and writes down what it does: which programs it runs, which files each of them
opens, whom it talks to. A few ordinary requests are enough."
show "ambit run --learn -o web.map -- ./serve.sh"
start ambit run --learn -o web.map --domain web -- "$serve" "$work"
for request in / /about.html "$good" '/hello?name=bob' /missing; do
	ask "$request" 2
done
stop
[ -s web.map ] || fail "there is no map"
indent <log

say "What it learned is a file for people. Each program has its lines. This is what the shell may do:"
show "cat web.map"
awk '/^  - id:/ { if (part ~ /exe: \/usr\/bin\/dash/) exit; part = "" } { part = part $0 "\n" }
	END { if (part ~ /exe: \/usr\/bin\/dash/) printf "%s", part }' web.map | head -n 40 | indent
say "The whole map has $(grep -c '^  - id:' web.map) subjects (a program, and which program started it) with \
$(grep -c '^      - [a-z]*[. ]' web.map) lines."
show "ambit map check web.map"
ambit map check web.map 2>&1 | indent
[ "${PIPESTATUS[0]}" = 0 ] || fail "the map is not right"

chapter "3. Hold the service to it"
say "Now everything else is refused. Ordinary visitors don't notice."
show "ambit run -m web.map --enforce -- ./serve.sh"
start ambit run -m web.map --enforce -- "$serve" "$work"
ask '/hello?name=carla'
[ "$answer" = "HELLO CARLA" ] || fail "an ordinary request was disturbed"
ask /about.html
[ "$answer" = "about us" ] || fail "an ordinary request was disturbed"
for number in $(seq 10); do
	[ "$(get "/hello?name=visitor-$number")" = "HELLO VISITOR-$number" ] || fail "an ordinary request was disturbed"
done
refused=$(ambit explain --json | grep -c .)
say "That and ten more requests: $refused refusals."
[ "$refused" = 0 ] || { ambit explain; fail "something was refused that should not be"; }

chapter "4. The attacker comes back"
ask "$attack"
grep -q root: <<<"$answer" && fail "the password file got out"
grep -q 'not permitted' <<<"$answer" || fail "the attack was not refused"
say "The attacker's command reached the shell, but the kernel did not let it run cat: no shell of this service ever did,
so that is not in the map. The attacker tries again with what the shell can do by itself:"
ask "$again"
grep -q root: <<<"$answer" && fail "the password file got out"
grep -q 'not permitted' <<<"$answer" || fail "the attack was not refused"
say "The file was not opened. The shell still runs and waits for more, but it has lost its trust. Ambit remembers what
cost it that, whatever the shell starts inherits it, and a map can say what such a process may no longer do."
show "ambit trust ls"
ambit trust ls >trust 2>&1 || fail "ambit trust ls: $(cat trust)"
indent <trust
grep -q 'sh .*file.open r' trust || fail "the shell did not lose its trust"
say "Visitors are still served:"
ask '/hello?name=dora'
[ "$answer" = "HELLO DORA" ] || fail "an ordinary request was disturbed"
stop

chapter "5. What happened?"
show "ambit explain"
ambit explain >explained 2>&1 || fail "ambit explain: $(cat explained)"
indent <explained
grep -q '/usr/bin/cat' explained && grep -q 'file.open r /etc/shadow' explained || fail "the refusals are not explained"
say "If this had been an ordinary thing that learning missed, \`ambit accept\` would add that line to the map. It was
an attack. The map stays as it is."
