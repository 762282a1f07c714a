# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034,SC2154
technique=T1036.005
about="the package's preinst diverts another package's program"
hostile() {
	printf '#!/bin/sh\ndpkg-divert --quiet --add --rename --divert /usr/bin/who.distrib /usr/bin/who\n' >$1/DEBIAN/preinst
	chmod 755 $1/DEBIAN/preinst
}
effect() { [ -e /usr/bin/who.distrib ]; }
after() { dpkg-divert --remove --rename /usr/bin/who; }
