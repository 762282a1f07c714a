# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034,SC2154
technique=T1564
about="another folder is bind-mounted over a known one, from outside"
note="a map names paths: mounts made outside the domain decide which files they refer to"
before() { mkdir -p /srv/other; echo secret >/srv/other/letter; mount --bind /srv/other $data/docs; }
attack() {
	tell backup
	tar -xzOf /srv/backup/full.tar.gz docs/letter >"$state/answer"
}
effect() { grep -q secret "$state/answer"; }
after() { umount $data/docs; }
