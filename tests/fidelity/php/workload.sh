# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash
# A forum in PHP: a pool of workers behind a web server, for which cgi-fcgi stands.
about="php-fpm: sessions, uploads, dates by locale and time zone, plug-ins, a pool that changes size, reload that executes itself"
forum=/srv/forum

prepare() {
	mkdir -p $forum/www/plugins $forum/uploads $forum/sessions $forum/cache $forum/tmp $forum/log
	cp "$here"/www/*.php $forum/www/
	cp "$here/fpm.conf" $forum/fpm.conf
	local name
	for name in smile code quote; do echo "<?php return fn(\$text) => '$name: ' . \$text;" >$forum/www/plugins/$name.php; done
	useradd -r -d $forum -s /usr/sbin/nologin forum
	chown forum $forum/uploads $forum/sessions $forum/cache $forum/tmp
	echo joe:secret >$forum/users
}

# What the web server asks for: METHOD SCRIPT QUERY [COOKIE] <BODY.
fcgi() {
	env -i REQUEST_METHOD="$1" SCRIPT_FILENAME="$forum/www/$2.php" SCRIPT_NAME="/$2.php" QUERY_STRING="$3" HTTP_COOKIE="$4" \
		CONTENT_TYPE="${type:-application/x-www-form-urlencoded}" CONTENT_LENGTH="${length:-0}" REMOTE_ADDR=127.0.0.1 \
		timeout 60 cgi-fcgi -bind -connect $forum/fpm.sock
}
get() { fcgi GET "$1" "$2" "$cookie" </dev/null; }
post() {
	printf '%s' "$3" >"$state/body"
	length=$(stat -c %s "$state/body") fcgi POST "$1" "$2" "$cookie" <"$state/body"
}
ready() { get index '' | grep -q forum; }
# True if no client is left that `crowd` started.
quiet() { ! pgrep cgi-fcgi; }

# A file by a form, as browsers send it.
upload() {
	{
		printf -- '--xyz\r\nContent-Disposition: form-data; name="file"; filename="%s"\r\nContent-Type: image/png\r\n\r\n' "$1"
		head -c $((RANDOM + 100)) /dev/urandom
		printf -- '\r\n--xyz--\r\n'
	} >"$state/form"
	type='multipart/form-data; boundary=xyz' length=$(stat -c %s "$state/form") fcgi POST upload '' "$cookie" <"$state/form"
}

day() {
	local job rare cookie=''
	begin
	in_turn collect rotate crowd slow
	rare=$REPLY
	in_turn crash date none
	shuffle login login write write read upload upload date plugin reload search "$rare" "$REPLY" image
	for job in "${shuffled[@]}"; do
		jitter
		letters 8
		case $job in
		login) get login "name=$REPLY" | sed -n 's/^Set-Cookie: \(SESSION=[^;]*\).*/\1/p' >"$state/cookie" && cookie=$(<"$state/cookie") ;;
		write) post write '' "text=$REPLY" ;;
		upload) upload "$REPLY.png" ;;
		date)
			pick de_DE en_GB fr_CH
			rare=$REPLY
			pick Europe/Berlin America/New_York Asia/Tokyo Australia/Sydney
			get date "locale=$rare&zone=$REPLY"
			;;
		plugin)
			pick smile code quote
			get plugin "name=$REPLY"
			;;
		crowd)
			for rare in 1 2 3 4; do get slow '' & done
			until_true quiet
			;;
		reload | rotate) tell "$job" && until_true ready ;;
		crash) ! get crash '' ;;
		none) get nothing '' ;;
		*) get "$job" "text=$REPLY" ;;
		esac >"$state/said" 2>&1 || fail "$job: $(<"$state/said")"
	done
	finish
}

# Runs PHP code in a worker: what a hole in an extension of the forum gives.
inject() { post hole '' "$1" >"$state/answer"; }
after() { :; }
