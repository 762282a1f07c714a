# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash
# A project is built: make, gcc, a library, tests.
about="make and gcc build a library and a program, run its test, install it"
project=/srv/project

prepare() { mkdir -p $project/src /srv/installed; }

sources() {
	local name
	for name in main list text; do
		letters 10
		rnd 1 500
		echo "int ${name}_value(void) { const char *text = \"$REPLY\"; return text[0] + $REPLY; }" >$project/src/$name.c
	done
	echo '#include <stdio.h>
int main(void) { return printf("built\n") != 6; }' >>$project/src/main.c
	cp "$here/project.mk" $project/Makefile
}

day() {
	local job
	sources
	begin
	shuffle clean install change parallel
	tell build
	for job in "${shuffled[@]}"; do
		jitter
		if [ "$job" = change ]; then
			echo "int more_$RANDOM(void) { return $RANDOM; }" >>$project/src/list.c
			tell build
		else
			tell "$job"
		fi
	done
	tell clean
	finish
}

# A build with a changed makefile or source file.
attacked_day() {
	sources
	begin
	attack
	ends_somehow
}
# Adds a recipe that the build runs.
recipe() { printf 'all: planted\nplanted:\n\t%s\n' "$1" >>$project/Makefile; tell build; }
after() { :; }
