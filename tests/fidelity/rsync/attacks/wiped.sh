# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034,SC2154
technique=T1485
about="a client mirrors an empty folder: all photos of the camera are gone"
note="deletions as the owner's own mirrors make them"
attack() {
	mkdir -p "$state/empty"
	sync --delete "$state/empty/" $url/photos/camera/
}
before() {
	cp -a $store/photos/camera "$state/kept-camera"
}
effect() { [ -z "$(ls $store/photos/camera)" ]; }
after() {
	cp -a "$state/kept-camera/." $store/photos/camera/
	rm -rf "$state/kept-camera"
}
