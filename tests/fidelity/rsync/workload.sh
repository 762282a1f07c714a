# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash
# A file server for photos and documents: each connection is confined by chroot to its module and changes its user.
about="an rsync daemon: photos with new names, albums, mirrors, documents, a module with passwords; chroot and user per module"
store=/srv/rsync
phone=/srv/phone
url=rsync://127.0.0.1:8730

prepare() {
	local name
	useradd -r -d $store/photos -s /usr/sbin/nologin photos
	mkdir -p $store/etc $store/photos $store/docs/2025 $store/inbox $phone
	for name in contract invoice manual 2025/report; do head -c 3000 /dev/urandom >$store/docs/$name.pdf; done
	chown photos $store/photos $store/inbox
	cp "$here/rsyncd.conf" $store/etc/rsyncd.conf
	echo joe:secret >$store/etc/secrets
	chmod 600 $store/etc/secrets
	# The phone has photos already when it is learned.
	RANDOM=77
	for name in 1 2 3 4; do photo $phone; done
}

# Takes a photo: a new name as cameras make them.
photo() {
	rnd 1000 9999
	head -c $((RANDOM + 1000)) /dev/urandom >"$1/IMG_$REPLY.jpg"
}

sync() { timeout 60 rsync -rt --timeout=30 "$@"; }
one_of() { pick "$1"/*.jpg; }

day() {
	local job rare
	begin
	in_turn delete backup checksum inplace partial
	rare=$REPLY
	in_turn list inbox wrong old
	shuffle push push album docs edit list "$rare" "$REPLY" push
	for job in "${shuffled[@]}"; do
		jitter
		case $job in
		push)
			photo $phone
			rnd 0 1
			[ "$REPLY" = 1 ] || photo $phone
			sync $phone/ $url/photos/camera/
			;;
		album)
			rm -rf "$state/album"
			rnd 10 28
			rare=$state/album/2026-11-$REPLY
			mkdir -p "$rare"
			photo "$rare"
			photo "$rare"
			sync "$state/album/" $url/photos/albums/
			;;
		edit)
			one_of $phone
			echo "edited $RANDOM" >>"$REPLY"
			sync $phone/ $url/photos/camera/
			;;
		delete)
			one_of $phone
			rm -f "$REPLY"
			sync --delete $phone/ $url/photos/camera/
			;;
		backup)
			one_of $phone
			echo "changed $RANDOM" >>"$REPLY"
			sync --backup $phone/ $url/photos/camera/
			;;
		checksum) sync -c $phone/ $url/photos/camera/ ;;
		inplace)
			head -c 300000 /dev/urandom >"$state/video.mp4"
			sync --inplace "$state/video.mp4" $url/photos/video.mp4
			;;
		partial)
			head -c 300000 /dev/urandom >"$state/film.mp4"
			sync --partial "$state/film.mp4" $url/photos/
			;;
		docs)
			rm -rf "$state/docs"
			sync $url/docs/ "$state/docs/"
			;;
		old) sync $url/docs/2025/report.pdf "$state/" ;;
		list) sync $url/ && sync $url/photos/ ;;
		inbox)
			letters 6
			echo "$RANDOM" >"$state/$REPLY.txt"
			RSYNC_PASSWORD=secret sync "$state/$REPLY.txt" rsync://joe@127.0.0.1:8730/inbox/
			;;
		wrong) ! RSYNC_PASSWORD=guess sync "$state/in" rsync://joe@127.0.0.1:8730/inbox/ ;;
		esac >"$state/said" 2>&1 || fail "$job: $(<"$state/said")"
	done
	finish
}

# The daemon reads its configuration again for each connection: an attacker with the right to write it adds a module.
configure() {
	cat "$here/rsyncd.conf" - >$store/etc/rsyncd.conf
}
after() { cp "$here/rsyncd.conf" $store/etc/rsyncd.conf; }
