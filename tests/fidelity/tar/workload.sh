# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash
# A nightly backup.
about="a backup with tar and gzip: full, incremental, rotation, a test of the archive"
data=/srv/files

prepare() {
	mkdir -p $data/docs $data/mail /srv/backup
	local name
	for name in letter offer plan; do echo "$name" >$data/docs/$name; done
	for name in inbox sent; do echo "$name" >$data/mail/$name; done
	install -m 755 "$here/backup" /srv/backup/backup
}

day() {
	local name
	for name in docs/letter docs/offer docs/plan mail/inbox mail/sent; do
		rnd 1 3
		[ "$REPLY" = 1 ] || head -c $((RANDOM + 10)) /dev/urandom >$data/$name
	done
	begin
	shuffle backup backup incremental check
	tell backup
	for name in "${shuffled[@]}"; do
		jitter
		tell "$name"
	done
	finish
}
after() { :; }
