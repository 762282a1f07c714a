# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash
# A web server: static pages, uploads, reload, log rotation.
about="nginx: pages, uploads, reload, log rotation"
accepted="/srv/web/upload/{tmp}"
site=/srv/web

prepare() {
	mkdir -p $site/www/img $site/private $site/upload $site/log
	local page
	for page in index about news faq contact; do echo "<h1>$page</h1>" >$site/www/$page.html; done
	for page in a b c; do head -c 20000 /dev/urandom >$site/www/img/$page.png; done
	echo secret >$site/private/key
	echo "user:{PLAIN}pass" >$site/passwords
	chown www-data $site/upload
	cp "$here/nginx.conf" $site/nginx.conf
	cp $site/nginx.conf $site/nginx.conf.good
}

ask() {
	rnd 2 250
	curl -sS --max-time 20 --interface "127.0.0.$REPLY" "$@"
}

day() {
	local job size
	begin
	shuffle reload rotate /index.html /about.html /news.html /faq.html /contact.html /img/a.png /img/b.png \
		/img/c.png / /none /login upload big head post
	for job in "${shuffled[@]}"; do
		jitter
		case $job in
		reload | rotate) tell "$job" ;;
		upload | big)
			size=$((100 + RANDOM))
			[ $job = big ] && size=$((size + 300000))
			head -c $size /dev/urandom >"$state/body"
			letters 8
			ask -T "$state/body" "http://127.0.0.1:8080/upload/$REPLY"
			;;
		head) ask -I http://127.0.0.1:8080/index.html ;;
		post) ask -d "a=$RANDOM" http://127.0.0.1:8080/index.html ;;
		/login) ask -u user:pass http://127.0.0.1:8080/login/ ;;
		*) ask "http://127.0.0.1:8080$job?q=$RANDOM" -A "browser $RANDOM" >/dev/null ;;
		esac >/dev/null
	done
	finish
}

# The processes that serve the configuration from before a reload end after it.
ended() {
	local worker
	for worker in "$@"; do [ ! -e "/proc/$worker" ] || return; done
}

# What an attacker with the right to write the server's configuration does.
configure() {
	local workers
	mapfile -t workers < <(pgrep -P "$(cat /run/web.pid)")
	sed "$1" $site/nginx.conf.good >$site/nginx.conf
	tell reload
	perhaps ended "${workers[@]}"
}
after() { cp $site/nginx.conf.good $site/nginx.conf; }
