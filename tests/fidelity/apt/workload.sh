# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash
# An administrator installs, upgrades and removes a package of a local repository.
about="apt: update, install, upgrade and removal from a local repository"
repository=/srv/repository

prepare() {
	rm -rf /etc/apt/sources.list /etc/apt/sources.list.d/* /var/lib/apt/lists/*
	mkdir -p $repository /srv/build
	echo "deb [trusted=yes] file:$repository ./" >/etc/apt/sources.list
}

# Builds a package of a version; an attack may add files to it.
package() {
	local version=$1 tree=/srv/build/hello
	rm -rf $tree
	mkdir -p $tree/DEBIAN $tree/usr/bin $tree/usr/share/hello
	letters 40
	printf '#!/bin/sh\necho %s\n' "$REPLY" >$tree/usr/bin/hello
	chmod 755 $tree/usr/bin/hello
	echo "$REPLY" >$tree/usr/share/hello/text
	printf 'Package: hello\nVersion: %s\nArchitecture: all\nMaintainer: x <x@x>\nDescription: x\n' "$version" >$tree/DEBIAN/control
	printf '#!/bin/sh\nset -e\nif [ "$1" = configure ]; then echo configured >/usr/share/hello/state; fi\n' >$tree/DEBIAN/postinst
	printf '#!/bin/sh\nset -e\nrm -f /usr/share/hello/state\n' >$tree/DEBIAN/prerm
	chmod 755 $tree/DEBIAN/p*
	[ $# -gt 1 ] && "$2" $tree
	dpkg-deb -b --root-owner-group $tree $repository/hello.deb >/dev/null
	(cd $repository && apt-ftparchive packages . >Packages && apt-ftparchive release . >Release)
}

# Removes the remains of an interrupted installation: unpacked files, and the state "to be reinstalled".
afresh() {
	dpkg -P --force-remove-reinstreq hello >/dev/null 2>&1
	rm -rf /var/lib/dpkg/tmp.ci /usr/bin/hello.dpkg-* /usr/share/hello*
}

day() {
	afresh
	rnd 1 9
	package "1.$REPLY"
	begin
	tell update
	tell install
	[ -x /usr/bin/hello ] || fail "hello was not installed"
	package "2.$RANDOM"
	tell update
	tell upgrade
	rnd 1 2
	[ "$REPLY" = 1 ] && tell list
	tell list
	tell remove
	finish
}
attacked_day() {
	afresh
	package 3.0 hostile
	begin
	tell update
	tell install
	ends_somehow
}
attack() { :; }
after() { :; }
