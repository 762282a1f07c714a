// SPDX-License-Identifier: Apache-2.0 OR MIT
// A meter that answers one line a connection: read, version, unit NAME (a plug-in, by dlopen), crash.
#include <arpa/inet.h>
#include <dlfcn.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int readings;

static void keep(void)
{
	FILE *file = fopen("/srv/meter/data/state.new", "w");

	if (!file)
		return;
	fprintf(file, "%d\n", readings);
	fclose(file);
	rename("/srv/meter/data/state.new", "/srv/meter/data/state");
}

static void answer(int to, char *line)
{
	char text[300];

	line[strcspn(line, "\n")] = 0;
	if (!strcmp(line, "crash"))
		abort();
	if (!strcmp(line, "version")) {
		dprintf(to, "meter %s\n", VERSION);
	} else if (!strncmp(line, "unit ", 5) && !strchr(line, '/')) {
		snprintf(text, sizeof(text), "/srv/meter/current/plugins/%s.so", line + 5);
		void *plugin = dlopen(text, RTLD_NOW);
		const char *(*unit)(void) = plugin ? (const char *(*)(void))dlsym(plugin, "unit") : 0;

		dprintf(to, "%s\n", unit ? unit() : "unknown");
	} else {
		readings++;
		keep();
		dprintf(to, "meter %d\n", readings);
	}
}

int main(void)
{
	int one = 1, s = socket(AF_INET, SOCK_STREAM, 0);
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons(8091), .sin_addr = { htonl(INADDR_LOOPBACK) } };
	FILE *file = fopen("/srv/meter/data/state", "r");

	if (file) {
		if (fscanf(file, "%d", &readings) != 1)
			readings = 0;
		fclose(file);
	}
	setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(s, (struct sockaddr *)&at, sizeof(at)) || listen(s, 8))
		return 1;
	for (;;) {
		char line[200] = "";
		int peer = accept(s, 0, 0);

		if (peer < 0)
			continue;
		if (read(peer, line, sizeof(line) - 1) > 0)
			answer(peer, line);
		close(peer);
	}
}
