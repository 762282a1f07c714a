# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034,SC2154
technique=T1485
about="the data set is thrown away, with redis' own means"
note="only commands that a client may give; redis' own access control is the place for that"
attack() { redis flushall; }
effect() { [ "$(redis-cli -p 6390 dbsize 2>/dev/null)" != 5 ]; }
