# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034,SC2154
technique=T1003
about="DEBUG SEGFAULT: the crash report tells of the memory, in the log"
note="only the signals that ask its other threads for theirs are new, and are refused; what it tells of itself it writes to its own log"
attack() { redis debug segfault; nap 2; }
effect() { grep -q 'crashed by signal' /srv/redis/redis.log; }
after() { rm -f /srv/redis/redis.log; }
