# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034,SC2154
technique=T1546
about="a post-commit hook, which a shell runs"
attack() {
	printf '#!/bin/sh\n: >/var/tmp/fidelity/marker/was-here\n' >$work/clone/.git/hooks/post-commit
	chmod 755 $work/clone/.git/hooks/post-commit
	tell commit
}
effect() { [ -e "$marker" ]; }
