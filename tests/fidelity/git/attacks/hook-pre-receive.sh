# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034,SC2154
technique=T1195.002
about="a hook in the remote repository"
attack() {
	printf '#!/bin/sh\ntouch /var/tmp/fidelity/marker/was-here\n' >$work/remote.git/hooks/pre-receive
	chmod 755 $work/remote.git/hooks/pre-receive
	tell commit
}
effect() { [ -e "$marker" ]; }
