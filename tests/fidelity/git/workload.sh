# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash
# A developer's day: clone, change, commit, push to a local remote, fetch.
about="git over a local remote: clone, commit, branch, merge, push, fetch, log, gc"
work=/srv/git

prepare() {
	export HOME=$work/home
	mkdir -p $work/home
	git config --global user.name joe
	git config --global user.email joe@lab
	git config --global init.defaultBranch main
	git config --global gc.auto 0
}

fresh() {
	rm -rf $work/remote.git $work/clone $work/seed $work/history
	HOME=$work/home git init -q --bare $work/remote.git
	rm -f $work/remote.git/hooks/*
	HOME=$work/home git init -q $work/seed
	for name in README main.c list.c; do
		letters 50
		echo "$REPLY" >$work/seed/$name
	done
	(cd $work/seed && HOME=$work/home git add . && HOME=$work/home git commit -qm first && HOME=$work/home git push -q ../remote.git main)
}

day() {
	local job
	fresh
	begin
	tell clone
	shuffle commit commit log branch fetch status commit
	for job in "${shuffled[@]}"; do
		jitter
		if [ "$job" = commit ]; then
			pick README main.c list.c
			letters 30
			echo "$REPLY $RANDOM" >>$work/clone/README
		fi
		tell "$job" "$RANDOM"
	done
	tell gc
	finish
}
attacked_day() {
	fresh
	begin
	tell clone
	echo more >>$work/clone/README
	attack
	ends_somehow
}
after() { :; }
