# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash
# A persistent cache: snapshots by a child process, and an append-only file that is rewritten.
about="redis: snapshots, append-only file, rewriting, Lua, restart"

prepare() {
	mkdir -p /srv/redis
	cp "$here/redis.conf" /srv/redis/redis.conf
	chown -R redis /srv/redis
}

# Speaks to it from outside its domain.
redis() { timeout 20 redis-cli -p 6390 "$@"; }

day() {
	local job
	begin
	shuffle set set get list save rewrite lua expire set restart big pipe info save
	for job in "${shuffled[@]}"; do
		jitter
		letters 8
		case $job in
		set) redis set "k:$REPLY" "$RANDOM" ;;
		get) redis get "k:$REPLY" ;;
		list) redis rpush queue "$REPLY" "$RANDOM" ;;
		save) redis bgsave && until_true idle ;;
		rewrite) redis bgrewriteaof && until_true idle ;;
		lua) redis eval 'return redis.call("incr", KEYS[1])' 1 "n:$REPLY" ;;
		expire) redis set "e:$REPLY" x ex 1 ;;
		big) redis set big "$(head -c 90000 /dev/urandom | base64 -w0)" ;;
		pipe) redis --pipe < <(for i in 1 2 3 4 5 6; do printf 'SET p%d %d\r\n' $i $RANDOM; done) ;;
		info) redis info ;;
		restart) tell restart ;;
		esac >/dev/null
	done
	finish
}
idle() {
	redis info persistence | tr -d '\r' | grep -q '^rdb_bgsave_in_progress:0' &&
		redis info persistence | tr -d '\r' | grep -q '^aof_rewrite_in_progress:0'
}
after() { :; }
