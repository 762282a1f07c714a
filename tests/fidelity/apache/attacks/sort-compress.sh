# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034,SC2154
technique=T1218
about="GTFOBins: sort --compress-program runs a program"
attack() {
	inject 'printf "#!/bin/bash\necho > /var/tmp/fidelity/marker/was-here\n" > /srv/book/data/entries
	(for ((i = 0; i < 30000; i++)); do echo $RANDOM$RANDOM; done) | sort -S 32b --compress-program=/usr/bin/gzip >/dev/null; [ "${PIPESTATUS[1]}" = 0 ] && : > /var/tmp/fidelity/marker/was-here'
}
effect() { [ -e "$marker" ]; }
