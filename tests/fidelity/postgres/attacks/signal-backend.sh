# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034,SC2154
technique=T1489
about="pg_terminate_backend ends other sessions"
attack() {
	sql "select pg_sleep(20)" &
	nap 1
	sql "select pg_terminate_backend(pid) from pg_stat_activity where query like '%sleep(20)%' and pid <> pg_backend_pid()" >"$state/answer"
}
effect() { grep -q t "$state/answer"; }
