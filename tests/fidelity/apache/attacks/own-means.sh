# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034,SC2154
technique=T1565.001
about="an entry that nobody wrote is added, as the script adds entries"
note="only what the script does for each entry"
attack() { inject 'echo planted >>$data; sort $data -o $data'; }
effect() { grep -q planted $site/data/entries; }
after() { sed -i /planted/d $site/data/entries; chown www-data $site/data/entries; }
