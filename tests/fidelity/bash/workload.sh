# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash
# A person at a terminal: a shell with history and completion, and an editor.
about="an interactive bash with history and completion, and vim, in a terminal"
home=/srv/person

prepare() {
	mkdir -p $home/notes
	: >$home/.bashrc
	: >$home/.vimrc
	printf 'milk\nbread\n' >$home/notes/list
	echo plan >$home/notes/plan
}

# Keys go to the terminal of `script`, which is the workload's own.
begin() {
	rm -f "$state/in" "$state/out" "$state/errors"
	mkfifo "$state/in"
	: >"$state/out"
	exec {say}<>"$state/in"
	# shellcheck disable=SC2086 # several words
	(cd $home && exec env -i HOME=$home TERM=xterm LC_ALL=C PATH=/usr/bin:/bin script -qfc "stty cols 200; $AMBIT_RUN /bin/bash -i" -E never \
		"$state/out") <"$state/in" >/dev/null 2>"$state/script.errors" &
	inside=$!
	shell started
}
# The shell reports through its own words: a line that is not an echo of the keys.
shell() {
	count=$((count + 1))
	printf 'echo di""d-%s\r' "$count" >&"$say"
	local tries=1200
	until grep -qa "^did-$count\|[^\"]did-$count" "$state/out"; do
		[ -e "/proc/$inside" ] || fail "the shell ended"
		((tries-- > 0)) || fail "the shell did not answer"
		nap 0.1
	done
}
keys() { printf "$1" >&"$say"; nap 0.3; }

edit() {
	keys "vim notes/$1\r"
	nap 1.5
	letters 8
	keys "Go$REPLY\033"
	nap 0.5
	keys ':wq\r'
	shell
}

day() {
	local job
	begin
	shuffle list edit cat history edit complete grep cd
	for job in "${shuffled[@]}"; do
		jitter
		pick list plan
		case $job in
		list) keys 'ls -l notes\r' ;;
		edit) edit "$REPLY" ;;
		cat) keys "cat notes/$REPLY\r" ;;
		history) keys '\033[A\033[B\r' ;;
		complete) keys 'cat notes/l\t\r' ;;
		grep) keys "grep -c $RANDOM notes/$REPLY\r" ;;
		cd) keys 'cd notes; pwd; cd ..\r' ;;
		esac
		shell
	done
	finish
}
finish() {
	keys 'exit\r'
	local tries=300
	while [ -e "/proc/$inside" ] && ((tries-- > 0)); do nap 0.1; done
	[ -e "/proc/$inside" ] && fail "the shell does not end"
	cat "$state/out" >"$state/errors"
	return 0
}
# Waits a while for the shell's end.
gone() {
	local tries=50
	while [ -e "/proc/$inside" ] && ((tries-- > 0)); do nap 0.1; done
	[ ! -e "/proc/$inside" ]
}
attacked_day() {
	begin
	attack
	keys 'exit\r'
	gone || keys '\003\r exit\r'
	gone
	kill "$inside" 2>/dev/null
	cat "$state/out" >"$state/errors"
}
# Types a command.
type_in() { printf '%s\r' "$1" >&"$say"; nap 1.5; }
# Types a command of vim's.
in_vim() {
	keys 'vim notes/list\r'
	nap 2
	printf '%s\r' "$1" >&"$say"
	nap 1.5
	printf '\r:qa!\r' >&"$say"
	nap 0.5
}
after() { : >$home/.vimrc; : >$home/.bashrc; }
