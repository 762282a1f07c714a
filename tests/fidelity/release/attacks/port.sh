# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034,SC2154
technique=T1571
about="a plug-in of the release listens on another port"
before() { rm -f "$state/answer"; }
listens() {
	printf '#include <arpa/inet.h>
#include <sys/socket.h>
static int s;
const char *unit(void)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons(4444), .sin_addr = { htonl(INADDR_LOOPBACK) } };

	s = socket(AF_INET, SOCK_STREAM, 0);
	return bind(s, (struct sockaddr *)&at, sizeof(at)) || listen(s, 1) ? "no" : "listens";
}
' >"$state/listens.c"
	gcc -shared -fPIC -o "$1/plugins/kelvin.so" "$state/listens.c"
}
attack() {
	publish listens
	tell update
	perhaps runs
	ask 'unit kelvin' >"$state/answer"
}
effect() { grep -q listens "$state/answer"; }
