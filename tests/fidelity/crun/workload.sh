# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash
# A container: crun starts busybox' web server in it, with namespaces of its own.
about="a privileged container under crun: busybox as init, web server and shell"
bundle=/srv/container

# crun executes itself again from a detached mount, so that a container cannot write to it. A file there has no path and
# therefore cannot be in a map. On a read-only mount, as on image-based systems, crun does not do this.
read_only() {
	mount --bind "$1" "$1"
	mount -o remount,bind,ro "$1"
}

prepare() {
	read_only /usr/bin/crun
	mkdir -p $bundle/root/{bin,proc,dev,sys,tmp,www,etc}
	cp /bin/busybox $bundle/root/bin/busybox
	local name
	for name in sh httpd cat sleep kill; do ln -sf busybox $bundle/root/bin/$name; done
	echo hello >$bundle/root/www/index.html
	echo rules >$bundle/root/www/rules.html
	mkdir -p $bundle/root/www/cgi-bin
	install -m 755 "$here/page.cgi" $bundle/root/www/cgi-bin/page
	jq '.process.args = ["/bin/sh", "-c", "httpd -f -p 8088 -h /www & echo up; read -r line; kill $!"] | .process.terminal = false | .root.path = "root"
		| .root.readonly = false
		| .process.capabilities |= map_values(. + ["CAP_SYS_ADMIN", "CAP_MKNOD"]) | .linux.readonlyPaths = [] | .linux.maskedPaths = [] | .linux.namespaces |= map(select(.type != "network" and .type != "cgroup"))' <(cd /tmp && rm -f config.json && crun spec && cat config.json) >$bundle/config.json
}

# The container reports that it is up before its server listens.
ready() { curl -sS --max-time 20 http://127.0.0.1:8088/; }

day() {
	local job
	begin
	shuffle / /rules.html /none /cgi-bin/page?list / /cgi-bin/page?sleep /rules.html
	for job in "${shuffled[@]}"; do
		jitter
		curl -sS --max-time 20 "http://127.0.0.1:8088$job" >/dev/null
	done
	rnd 1 3
	for ((i = 0; i < REPLY; i++)); do tell list; done
	finish
}
inject() { curl -sS --max-time 10 --data-binary "$1" "http://127.0.0.1:8088/cgi-bin/page?eval" >"$state/answer"; }
after() { :; }
