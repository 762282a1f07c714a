# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash
# A web application in Python: notes in SQLite, and a subprocess that makes thumbnails of them, so to speak.
about="a Python web application: SQLite, temporary files, a subprocess"
app=http://127.0.0.1:8081

prepare() {
	mkdir -p /srv/app/data /srv/app/templates
	cp "$here/app.py" /srv/app/app.py
	echo "<p>%s</p>" >/srv/app/templates/note.html
	useradd -r -s /usr/sbin/nologin app
	chown -R app /srv/app/data
	# What caches Python makes, it makes now.
	python3 -c 'import http.server, socketserver, mmap, sqlite3, subprocess, tempfile, ctypes, json, urllib.parse'
}

day() {
	local job
	begin
	shuffle note note list pack digest get list pack digest note missing
	for job in "${shuffled[@]}"; do
		jitter
		rnd 1 3
		case $job in
		note)
			letters 20
			curl -sS --max-time 20 -d "$REPLY" $app/note
			;;
		get | missing) curl -sS --max-time 20 "$app/get?$REPLY" ;;
		*) curl -sS --max-time 20 "$app/$job" ;;
		esac >/dev/null
	done
	finish
}

# Runs Python code as the application: what a hole in a template or in pickle gives.
inject() { curl -sS --max-time 10 --data-binary "$1" $app/eval >"$state/answer"; }
after() { :; }
