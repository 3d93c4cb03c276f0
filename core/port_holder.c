/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* port_holder.c: who listens at a TCP port of this host, by what Linux shows in /proc. */
#include <ctype.h>
#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "listener_socket.h"

#define STATE_LISTEN 0x0a

/* The inode of the socket, and whose it is. 0: nobody listens there. */
static unsigned long find_socket(const char *table, int port, unsigned int *uid)
{
	FILE *file = fopen(table, "re");
	unsigned long inode = 0, found = 0;
	unsigned int local, state, owner;
	char line[512];

	/*  sl  local_address rem_address   st tx_queue:rx_queue tr:tm->when retrnsmt   uid  timeout inode */
	while (file && !found && fgets(line, sizeof(line), file))
		if (sscanf(line, " %*d: %*[0-9A-Fa-f]:%x %*s %x %*s %*s %*s %u %*d %lu", &local, &state, &owner,
			   &inode) == 4 &&
		    (int)local == port && state == STATE_LISTEN) {
			found = inode;
			*uid = owner;
		}
	if (file)
		fclose(file);
	return found;
}

static bool has_socket(const char *pid, const char *link)
{
	char path[64 + 2 * sizeof(((struct dirent *)0)->d_name)], target[64];
	struct dirent *entry;
	bool found = false;
	DIR *folder;

	snprintf(path, sizeof(path), "/proc/%s/fd", pid);
	folder = opendir(path);
	while (folder && !found && (entry = readdir(folder))) {
		ssize_t n;

		snprintf(path, sizeof(path), "/proc/%s/fd/%s", pid, entry->d_name);
		n = readlink(path, target, sizeof(target) - 1);
		if (n > 0) {
			target[n] = '\0';
			found = !strcmp(target, link);
		}
	}
	if (folder)
		closedir(folder);
	return found;
}

static void name_process(const char *pid, char text[PORT_HOLDER_MAX])
{
	char path[64 + sizeof(((struct dirent *)0)->d_name)], name[20] = "?";
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%s/comm", pid);
	file = fopen(path, "re");
	if (file && fgets(name, sizeof(name), file))
		name[strcspn(name, "\n")] = '\0';
	if (file)
		fclose(file);
	snprintf(text, PORT_HOLDER_MAX, "process %.20s (%s)", pid, name);
}

static bool find_process(unsigned long inode, char text[PORT_HOLDER_MAX])
{
	DIR *folder = opendir("/proc");
	struct dirent *entry;
	bool found = false;
	char link[64];

	snprintf(link, sizeof(link), "socket:[%lu]", inode);
	while (folder && !found && (entry = readdir(folder)))
		if (isdigit((unsigned char)*entry->d_name) && has_socket(entry->d_name, link)) {
			name_process(entry->d_name, text);
			found = true;
		}
	if (folder)
		closedir(folder);
	return found;
}

const char *port_holder(int port, char text[PORT_HOLDER_MAX])
{
	static const char *const tables[] = { "/proc/net/tcp", "/proc/net/tcp6" };

	*text = '\0';
	for (size_t i = 0; i < sizeof(tables) / sizeof(*tables); i++) {
		unsigned int uid = 0;
		unsigned long inode = find_socket(tables[i], port, &uid);

		if (!inode)
			continue;
		/* What a process of another user has open isn't shown. */
		if (!find_process(inode, text))
			snprintf(text, PORT_HOLDER_MAX, "a process of the user with the id %u", uid);
		break;
	}
	return text;
}
