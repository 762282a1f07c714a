# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034,SC2154
technique=T1005
about="a mail is a symbolic link to a file of the host"
attack() {
	ln -s /etc/passwd "$etc/mail/joe/Maildir/cur/1.evil.lab:2,S"
	imap joe secret-joe fetch >"$state/answer"
}
effect() { grep -q 'root:x' "$state/answer"; }
after() { rm -f "$etc/mail/joe/Maildir/cur/1.evil.lab:2,S"; }
