# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034,SC2154
technique=T1565.001
about="a forged entry is added in the same way as the script adds entries"
note="only operations that the script performs for each entry"
attack() { inject 'echo planted >>$data; sort $data -o $data'; }
effect() { grep -q planted $site/data/entries; }
after() { sed -i /planted/d $site/data/entries; chown www-data $site/data/entries; }
