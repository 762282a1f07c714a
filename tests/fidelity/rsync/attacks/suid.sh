# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034,SC2154
technique=T1548.001
about="a client replaces a photo by a program with the SUID bit"
attack() {
	one_of $phone
	photo=${REPLY##*/}
	cp /usr/bin/true "$state/$photo"
	chmod 4755 "$state/$photo"
	sync -p "$state/$photo" $url/photos/camera/
}
effect() { [ -u "$store/photos/camera/$photo" ]; }
after() { chmod u-s "$store/photos/camera/$photo"; }
