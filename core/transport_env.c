/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* transport_env.c: what the environment and the system say about proxies, trusted certificates and key logs. */
#include <config.h>

#include "transport_env.h"

#include <dirent.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define HASHED_FOLDER_MIN 20 /* a folder with fewer hashes is somebody's own, not the system's */

static const char *variable(const char *const names[])
{
	for (; *names; names++) {
		const char *value = secure_getenv(*names);

		if (value && *value)
			return value;
	}
	return NULL;
}

void env_proxy(const char **proxy, const char **exceptions)
{
	static const char *const proxies[] = { "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY", NULL };
	static const char *const spared[] = { "no_proxy", "NO_PROXY", NULL };

	*proxy = variable(proxies);
	*exceptions = variable(spared);
}

static bool hashed(const char *folder)
{
	DIR *dir = opendir(folder);
	const struct dirent *entry;
	int hashes = 0;

	while (dir && hashes < HASHED_FOLDER_MIN && (entry = readdir(dir)))
		hashes += strspn(entry->d_name, "0123456789abcdef") == 8 && !strcmp(entry->d_name + 8, ".0");
	if (dir)
		closedir(dir);
	return hashes >= HASHED_FOLDER_MIN;
}

static const char *system_folder(void)
{
	static const char *const folders[] = { "/etc/ssl/certs", "/etc/pki/ca-trust/extracted/pem/directory-hash" };
	const char *own = X509_get_default_cert_dir();

	if (hashed(own))
		return own;
	for (size_t i = 0; i < sizeof(folders) / sizeof(*folders); i++)
		if (hashed(folders[i]))
			return folders[i];
	return NULL;
}

void env_ca(const char **file, const char **folder)
{
	static const char *const files[] = { "SSL_CERT_FILE", NULL }, *const folders[] = { "SSL_CERT_DIR", NULL };

	*file = variable(files);
	*folder = variable(folders);
	if (!*file && !*folder)
		*folder = system_folder();
}

static char stand_in[] = "TOKEEP_HIDES_SSLKEYLOGFILE=";

bool env_has_key_log(void)
{
	return secure_getenv("SSLKEYLOGFILE") != NULL;
}

char *env_hide_key_log(void)
{
	static const char name[] = "SSLKEYLOGFILE=";

	for (char **p = environ; p && *p; p++) {
		char *hidden = *p;

		if (strncmp(hidden, name, strlen(name)))
			continue;
		*p = stand_in;
		return hidden;
	}
	return NULL;
}

void env_show_key_log(char *hidden)
{
	for (char **p = environ; hidden && p && *p; p++)
		if (*p == stand_in)
			*p = hidden;
}
