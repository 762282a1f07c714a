# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash
# A service that updates itself: each release is a folder with a date, a new program and new plug-ins. It also crashes.
about="a service under runit that updates itself: releases with dates, a link to the newest, plug-ins by dlopen, crashes"
home=/srv/meter
server=$state/releases

prepare() {
	mkdir -p $home/releases $home/data $home/tmp $home/service "$server"
	install -m 755 "$here/run" $home/service/run
	install -m 755 "$here/update" $home/update
	echo http://127.0.0.1:8090 >$home/url
	useradd -r -d $home -s /usr/sbin/nologin meter
	chown meter $home/data
	RANDOM=78
	publish
	local version
	version=$(<"$server/latest")
	mkdir $home/releases/"$version"
	tar -xzf "$server/$version.tar.gz" -C $home/releases/"$version"
	ln -sfn releases/"$version" $home/current
}

# Publishes a release; the words are more arguments for the compiler, or a function that changes the tree.
publish() {
	local version tree=$state/tree unit
	version=
	while [ -z "$version" ] || [ -e "$server/$version.tar.gz" ]; do
		rnd 4096 32767
		printf -v version '%s-%04x%03x' "$(date +%Y%m%d)" "$REPLY" $((RANDOM % 4096))
	done
	rm -rf "$tree"
	mkdir -p "$tree/plugins"
	gcc -o "$tree/meterd" -DVERSION="\"$version\"" "$here/meterd.c"
	for unit in celsius kelvin; do gcc -shared -fPIC -o "$tree/plugins/$unit.so" -DUNIT="\"$unit $version\"" "$here/plugin.c"; done
	echo "$version" >"$tree/VERSION"
	[ $# -eq 0 ] || "$1" "$tree"
	tar -czf "$server/$version.tar.gz" -C "$tree" .
	(cd "$server" && sha256sum "$version.tar.gz" >"$version.sha256")
	echo "$version" >"$server/latest"
}

# The server of releases is another host, so to speak.
serve() {
	timeout 600 python3 -m http.server --bind 127.0.0.1 --directory "$server" 8090 >/dev/null 2>&1 &
	releases=$!
	listening 8090
}
ask() { echo "$1" | timeout 20 nc -N 127.0.0.1 8091; }
ready() { ask read | grep -q meter; }
runs() { ask version | grep -q "$(<"$server/latest")"; }

day() {
	local job
	serve
	begin
	in_turn crash killed release
	shuffle release read read unit unit none read "$REPLY"
	for job in "${shuffled[@]}"; do
		jitter
		case $job in
		release)
			publish
			tell update && until_true runs
			;;
		none) tell update ;;
		unit)
			pick celsius kelvin
			ask "unit $REPLY"
			;;
		crash)
			ask crash
			until_true ready
			;;
		killed) tell killed && until_true ready ;;
		*) ask read ;;
		esac >"$state/said" 2>&1 || fail "$job: $(<"$state/said")"
	done
	finish
	kill $releases
}
attacked_day() {
	kept=$(readlink $home/current)
	serve
	begin
	attack
	ends_somehow
	kill $releases
}
# The release from before the attack is the one that runs again.
after() {
	ln -sfn "$kept" $home/current
	find $home/releases -mindepth 1 -maxdepth 1 ! -name "${kept##*/}" -exec rm -r {} +
	find "$server" -newer "$state/in" -type f -delete
	echo "${kept##*/}" >"$server/latest"
}
