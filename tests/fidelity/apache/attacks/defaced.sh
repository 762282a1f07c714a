# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034,SC2154
technique=T1491.001
about="the page is overwritten, or at least a page beside it is made"
before() { chmod 777 $site/www; }
attack() { inject 'echo owned > /srv/book/www/owned.html'; }
effect() { [ -e $site/www/owned.html ]; }
after() { rm -f $site/www/owned.html; }
