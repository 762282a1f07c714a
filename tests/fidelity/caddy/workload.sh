# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash
# A web server in Go that makes its own certificates and takes a new configuration while it serves.
about="caddy, a Go program: pages, proxy, templates, certificates of its own, new sites, reload by its API, restart, kill"
home=/srv/caddy
seconds=300
# The server makes a key for each site.
accepted="/srv/caddy/data/certificates/local/{tmp}.lab"

prepare() {
	mkdir -p $home/www/docs $home/www/live $home/private $home/log $home/config $home/data
	local page
	for page in index about prices docs/manual docs/history; do echo "<h1>$page</h1>" >$home/www/$page.html; done
	head -c 200000 /dev/urandom | base64 >$home/www/docs/table.csv
	echo '<p>{{now | date "2006"}} {{include "/about.html"}}</p>' >$home/www/live/today.html
	cp "$here/Caddyfile" $home/Caddyfile
	chown -R caddy $home/log $home/config $home/data
}

ask() { curl -sS --max-time 60 "$@"; }
ready() { curl -sS --max-time 5 http://127.0.0.1:8080/index.html; }
secure() { ask -k --resolve "$1:8443:127.0.0.1" "https://$1:8443/"; }
works() { secure "$1" | grep -q site; }

day() {
	local job rare
	cp "$here/Caddyfile" $home/Caddyfile
	timeout 600 python3 -m http.server --bind 127.0.0.1 --directory $home/www/docs 9000 >/dev/null 2>&1 &
	backend=$!
	listening 9000
	begin
	in_turn restart killed browse
	rare=$REPLY
	in_turn range api404 head config
	shuffle index about prices docs/manual docs/history table template secure api reload site "$rare" "$REPLY" none secure
	for job in "${shuffled[@]}"; do
		jitter
		letters 7
		case $job in
		table) ask --compressed http://127.0.0.1:8080/docs/table.csv ;;
		range) ask -r 100-2000 http://127.0.0.1:8080/docs/table.csv ;;
		template) ask http://127.0.0.1:8080/live/today.html ;;
		browse) ask http://127.0.0.1:8080/docs/ ;;
		head) ask -I http://127.0.0.1:8080/index.html ;;
		secure) works shop.lab ;;
		api) ask http://127.0.0.1:8080/api/manual.html ;;
		api404) ask "http://127.0.0.1:8080/api/$REPLY" ;;
		config) ask http://127.0.0.1:2019/config/ ;;
		site)
			printf 'https://%s.lab:8443 {\n\tbind 127.0.0.1\n\ttls internal\n\trespond "site %s"\n}\n' "$REPLY" "$REPLY" | cat "$here/Caddyfile" - >$home/Caddyfile
			tell reload && until_true works "$REPLY.lab"
			;;
		reload | restart | killed) tell "$job" && until_true ready ;;
		*) ask "http://127.0.0.1:8080/$job.html" ;;
		esac >"$state/said" 2>&1 || fail "$job: $(<"$state/said")"
	done
	finish
	kill $backend
}

# What an attacker with access to the API does: a request with METHOD PATH JSON.
api() { curl -sS --max-time 20 -X "$1" -H 'Content-Type: application/json' -d "$3" "http://127.0.0.1:2019$2"; }
# A route before all others of the first server: JSON.
route() {
	local server
	server=$(curl -sS --max-time 20 http://127.0.0.1:2019/config/apps/http/servers/ | python3 -c 'import json, sys; print([k for k, v in json.load(sys.stdin).items() if ":8080" in v["listen"][0]][0])')
	api PUT "/config/apps/http/servers/$server/routes/0" "$1"
}
after() { cp "$here/Caddyfile" $home/Caddyfile; }
