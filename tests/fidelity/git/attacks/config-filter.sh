# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034,SC2154
technique=T1546
about="a clean filter names a command"
attack() {
	HOME=$work/home git -C $work/clone config filter.x.clean 'touch /var/tmp/fidelity/marker/was-here; cat'; echo 'README filter=x' >$work/clone/.gitattributes
	tell commit
}
effect() { [ -e "$marker" ]; }
