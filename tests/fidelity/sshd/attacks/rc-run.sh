# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034,SC2154
technique=T1546.004
about="~/.ssh/rc is there, planted from elsewhere; the login runs it"
before() { echo 'echo > /var/tmp/fidelity/marker/was-here' >$home/.ssh/rc; }
attack() { remote ls files; }
effect() { [ -e "$marker" ]; }
after() { rm -f $home/.ssh/rc; }
