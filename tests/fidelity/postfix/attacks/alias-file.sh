# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034,SC2154
technique=T1053.003
about="an alias is a file among the jobs of a scheduler"
before() {
	mkdir -p /srv/jobs
	chmod 777 /srv/jobs
	aliases 'evil: /srv/jobs/planted'
}
attack() {
	smtp a@else.example evil@lab.example 10
	perhaps effect
}
effect() { [ -e /srv/jobs/planted ]; }
after() {
	rm -rf /srv/jobs
	aliases
}
