# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034,SC2154
technique=T1574
about="a user's folder for new mail leads to another folder"
before() {
	install -d -o joe /srv/elsewhere
	mv /home/joe/Maildir/new /home/joe/Maildir/kept
	ln -s /srv/elsewhere /home/joe/Maildir/new
}
attack() {
	smtp a@else.example joe@lab.example 10
	perhaps effect
}
effect() { [ -n "$(ls /srv/elsewhere)" ]; }
after() {
	rm /home/joe/Maildir/new
	mv /home/joe/Maildir/kept /home/joe/Maildir/new
	rm -rf /srv/elsewhere
	postsuper -d ALL
}
