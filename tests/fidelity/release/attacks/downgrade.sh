# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034,SC2154
technique=T1601.002
about="an old release with a known hole is the newest again"
note="the update trusts its server; which release is newer is the update's affair"
attack() {
	old=$(cd "$server" && ls -t -- *.tar.gz | tail -n 1)
	echo "${old%.tar.gz}" >"$server/latest"
	tell update
	perhaps effect
}
effect() { grep -q "${old%.tar.gz}" $home/current/VERSION; }
