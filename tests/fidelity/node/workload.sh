# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash
# A shop in JavaScript: workers that a primary process starts, replaces one by one, and starts again after a crash.
about="a node.js cluster: JIT, threads, uploads, invoices by locale, rolling reload, crash of a worker"
home=/srv/shop
shop=http://127.0.0.1:8082

prepare() {
	mkdir -p $home/app $home/data/uploads $home/data/orders $home/log $home/plugins
	cp "$here/primary.js" "$here/shop.js" "$here/thumbnail.js" $home/app/
	useradd -r -d $home -s /usr/sbin/nologin shop
	echo 'module.exports = (text) => text.toUpperCase();' >$home/plugins/upper.js
	echo 'module.exports = (text) => [...text].reverse().join("");' >$home/plugins/reverse.js
	echo 'module.exports = (text) => text.length;' >$home/plugins/size.js
	chown -R shop $home/data $home/log
}

ask() { curl -sS --max-time 60 "$@"; }
ready() { curl -sS --max-time 5 $shop/catalogue; }
# True if the primary has so many workers.
workers() { [ "$(pgrep -c -P "$(<$home/data/pid)")" = "$1" ]; }

day() {
	local job rare
	begin
	in_turn crash export plugin zip
	rare=$REPLY
	in_turn invoice plugin thread
	shuffle catalogue order order invoice upload hash reload wasm "$rare" "$REPLY" order missing
	for job in "${shuffled[@]}"; do
		jitter
		letters 8
		case $job in
		order) ask -d "{\"item\": \"$REPLY\", \"count\": $RANDOM}" $shop/order ;;
		upload)
			head -c $((RANDOM + 100)) /dev/urandom >"$state/body"
			ask --data-binary "@$state/body" "$shop/upload?$REPLY.png"
			;;
		invoice)
			pick de-DE en-GB fr-CH ja-JP pt-BR
			rare=$REPLY
			pick Europe/Berlin America/New_York Asia/Tokyo
			ask "$shop/invoice?$rare,$REPLY"
			;;
		plugin)
			pick upper reverse size
			ask "$shop/plugin?$REPLY"
			;;
		reload) tell reload ;;
		crash) ask $shop/crash || until_true workers 2 ;;
		*) ask "$shop/$job?$REPLY" ;;
		esac >"$state/said" 2>&1 || fail "$job: $(<"$state/said")"
	done
	finish
}

# Runs JavaScript in a worker: what a template or a prototype that a request can change gives.
inject() { curl -sS --max-time 20 --data-binary "$1" $shop/eval >"$state/answer"; }
after() { :; }
