# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash
# Helpers for a workload's day: seeded random numbers, waiting, and the start and end of the workload in its domain. They
# do not know how Ambit should decide.

state=/var/tmp/fidelity
# The mark of a successful attack: a file here, or a text in an answer.
marker=$state/marker/was-here
mkdir -p $state
[ -p $state/never ] || mkfifo $state/never
exec {never}<>$state/never
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 HOME=/root TERM=xterm

# A number from LOW to HIGH.
rnd() { REPLY=$(($1 + RANDOM % ($2 - $1 + 1))); }

# One of the words.
pick() {
	rnd 1 $#
	REPLY=${!REPLY}
}

# One of the words, each day the next one: rare jobs take turns. `seed` is the day's number.
in_turn() {
	REPLY=$((seed % $# + 1))
	REPLY=${!REPLY}
}

# The words in another order, in `shuffled`.
shuffle() {
	local words=("$@") word left=$#
	shuffled=()
	while ((left > 0)); do
		rnd 0 $((left - 1))
		word=${words[REPLY]}
		words[REPLY]=${words[--left]}
		shuffled+=("$word")
	done
}

# A text of some letters.
letters() {
	local text='' count=$1
	while ((count-- > 0)); do
		rnd 0 25
		text+=${alphabet:REPLY:1}
	done
	REPLY=$text
}
alphabet=abcdefghijklmnopqrstuvwxyz

# Waits for seconds without another process: reads with a time limit from a pipe that is never written to.
nap() {
	local REPLY
	! read -rt "$1" -u "$never"
}

# Waits for up to a tenth of a second.
jitter() {
	rnd 0 99
	printf -v REPLY '0.0%02d' "$REPLY"
	nap "$REPLY"
}

fail() {
	echo "fidelity: $*" >&2
	echo "--- its output" >&2
	tail -n 30 "$state/out" >&2
	echo "--- its standard error" >&2
	tail -n 30 "$state/errors" | cut -c1-600 >&2
	exit 1
}

# Waits until a command succeeds.
until_true() {
	local tries=1800
	until "$@" >/dev/null 2>&1; do
		((tries-- > 0)) || fail "in vain: $*"
		nap 0.1
	done
}

# Waits until a port of 127.0.0.1 has a listener.
listening() {
	local port
	printf -v port ':%04X 00000000:0000 0A' "$1"
	until_true grep -q "$port" /proc/net/tcp
}

# Waits for a command that an attack may keep from succeeding, for 5 seconds at most.
perhaps() {
	local tries=50
	until "$@" >/dev/null 2>&1 || ((tries-- <= 0)); do nap 0.1; done
}

# Starts the workload in its domain: the script `inside` of its folder, which writes a line `started`.
begin() {
	rm -f "$state/in" "$state/out" "$state/errors"
	mkfifo "$state/in"
	: >"$state/out"
	# shellcheck disable=SC2086 # several words
	$AMBIT_RUN "$here/inside" "$@" <"$state/in" >"$state/out" 2>"$state/errors" &
	inside=$!
	exec {say}>"$state/in"
	await started
	until_true ready
}

# True if the workload can be used. A workload whose `started` comes too early has its own.
ready() { :; }

# Waits for a line in the output of the workload.
await() {
	local tries=3600
	local line
	while ((tries-- > 0)); do
		while read -r line; do [ "$line" = "$1" ] && return; done <"$state/out"
		[ -e "/proc/$inside" ] || fail "the workload ended and never said $1"
		nap 0.05
	done
	fail "the workload never said $1"
}

# Sends a command to the workload and waits for its answer, which an attack may prevent.
count=0
tell() {
	count=$((count + 1))
	echo "$count $*" >&"$say" || return
	await "did $count"
}

# Ends the workload. The status of the workload is the status of the day.
finish() {
	echo "0 stop" >&"$say"
	exec {say}>&-
	local tries=1800
	while [ -e "/proc/$inside" ] && ((tries-- > 0)); do nap 0.1; done
	[ -e "/proc/$inside" ] && fail "the workload does not end"
	wait "$inside" || fail "the workload ended with status $?"
}

# A day with an attack: nothing but start, attack and end, unless the workload's file says more.
attacked_day() {
	begin "$seed"
	attack
	ends_somehow
}

# The end of a day that an attack may have broken.
ends_somehow() {
	echo "0 stop" >&"$say"
	exec {say}>&-
	local tries=300
	while [ -e "/proc/$inside" ] && ((tries-- > 0)); do nap 0.1; done
	kill -9 "$inside" 2>/dev/null
	wait "$inside"
}
