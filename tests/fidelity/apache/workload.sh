# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash
# A web server with a guest book in CGI, which trusts its input.
about="apache httpd: pages, a CGI script in shell, graceful reload, log rotation"
site=/srv/book

prepare() {
	mkdir -p $site/www $site/cgi $site/data $site/log $site/run
	echo "<h1>book</h1>" >$site/www/index.html
	echo "<h1>rules</h1>" >$site/www/rules.html
	install -m 755 "$here/book.cgi" $site/cgi/book.cgi
	cp "$here/apache.conf" $site/apache.conf
	echo "first entry" >$site/data/entries
	chown -R www-data $site/data
}

ask() {
	rnd 2 250
	curl -sS --max-time 20 --interface "127.0.0.$REPLY" "$@"
}
book=http://127.0.0.1:8080/cgi/book.cgi

day() {
	local job
	begin
	shuffle reload rotate /index.html /rules.html /none / list add search count list add head
	for job in "${shuffled[@]}"; do
		jitter
		case $job in
		reload | rotate) tell "$job" ;;
		list) ask "$book?list" ;;
		count) ask "$book?count" ;;
		search) ask "$book?search=first" ;;
		add)
			letters 12
			ask --data "entry=$REPLY" "$book?add"
			;;
		head) ask -I http://127.0.0.1:8080/index.html ;;
		*) ask "http://127.0.0.1:8080$job" ;;
		esac >/dev/null
	done
	finish
}

# Has the CGI script run commands: what follows the entry is taken for shell.
inject() { curl -sS --max-time 10 --data-binary "$1" "$book?eval" >"$state/answer"; }
after() { :; }
