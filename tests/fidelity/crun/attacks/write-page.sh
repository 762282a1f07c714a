# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034,SC2154
technique=T1491.002
about="a page is planted"
attack() { inject '
echo owned > /www/owned.html
'; }
effect() { [ -e $bundle/root/www/owned.html ]; }
after() { rm -f $bundle/root/www/owned.html; }
