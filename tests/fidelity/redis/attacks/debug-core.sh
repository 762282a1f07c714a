# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034,SC2154
technique=T1003
about="DEBUG SEGFAULT: the crash report writes memory contents to the log"
note="only the signals to its other threads are new, and they are refused; the report of its own thread goes to its own log"
attack() { redis debug segfault; perhaps effect; }
effect() { grep -q 'crashed by signal' /srv/redis/redis.log; }
after() { rm -f /srv/redis/redis.log; }
