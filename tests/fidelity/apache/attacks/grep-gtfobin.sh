# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034,SC2154
technique=T1005
about="GTFOBins: grep reads any file"
attack() { inject "grep '' /srv/book/apache.conf"; }
effect() { grep -q ServerRoot "$state/answer"; }
