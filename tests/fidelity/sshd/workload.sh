# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash
# Logins by key, commands, files by scp and sftp.
about="sshd: logins by key, commands, scp, sftp, a wrong key"
home=/home/joe

prepare() {
	mkdir -p /srv/ssh "$state/keys" /run/sshd
	useradd -m -s /bin/bash joe
	# No password, but not locked: sshd refuses logins to a locked account.
	usermod -p '*' joe
	rm -f "$state"/keys/* /srv/ssh/key
	ssh-keygen -qN '' -t ed25519 -f /srv/ssh/key
	ssh-keygen -qN '' -t ed25519 -f "$state/keys/good"
	ssh-keygen -qN '' -t ed25519 -f "$state/keys/bad"
	install -d -m 700 -o joe $home/.ssh
	install -m 600 -o joe "$state/keys/good.pub" $home/.ssh/authorized_keys
	install -d -o joe $home/files
	printf 'HostKey /srv/ssh/key\nPort 2222\nListenAddress 127.0.0.1\nPidFile /srv/ssh/pid\nUsePAM no\nSubsystem sftp /usr/lib/openssh/sftp-server\nPrintMotd no\n' >/srv/ssh/config
}

options=(-F none -q -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o BatchMode=yes)
remote() { timeout 90 ssh "${options[@]}" -i "$state/keys/${key:-good}" -p 2222 joe@127.0.0.1 "$@"; }
carry() { timeout 90 scp "${options[@]}" -i "$state/keys/good" -P 2222 "$@"; }

day() {
	local job
	begin
	shuffle list up down sftp bad list interactive up
	for job in "${shuffled[@]}"; do
		jitter
		pick report photo plan
		case $job in
		list) remote ls -l files ;;
		up)
			head -c $((RANDOM + 1)) /dev/urandom >"$state/$REPLY"
			carry "$state/$REPLY" joe@127.0.0.1:files/
			;;
		down) carry joe@127.0.0.1:.profile "$state/profile" ;;
		sftp) echo 'ls files' | timeout 90 sftp "${options[@]}" -i "$state/keys/good" -P 2222 -b - joe@127.0.0.1 ;;
		bad) ! key=bad remote true ;;
		interactive) echo 'ls files; exit' | remote -tt ;;
		esac >"$state/said" 2>&1 || fail "$job: $(<"$state/said")"
	done
	finish
}
after() { :; }
