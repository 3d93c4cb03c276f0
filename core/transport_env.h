/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* transport_env.h: what the environment and the system say about proxies, trusted certificates and key logs. None of it
 * counts in a setuid program. */
#ifndef TOKEEP_CORE_TRANSPORT_ENV_H
#define TOKEEP_CORE_TRANSPORT_ENV_H

#include <stdbool.h>

/* https_proxy and its kin, no_proxy. Never http_proxy, which a CGI client can set. NULL: none. */
void env_proxy(const char **proxy, const char **exceptions);

/* SSL_CERT_FILE and SSL_CERT_DIR, else the system's folder of hashed certificates: reading its bundle costs ten times what
 * a look into the folder does. Both NULL: as libcurl was built. */
void env_ca(const char **file, const char **folder);

/*
 * libcurl opens the file of SSLKEYLOGFILE when it is initialised. A library must not change its process'
 * environment, so the variable is only out of sight for that moment: one pointer is exchanged and put back. What hide
 * returns is show's.
 */
bool env_has_key_log(void);
char *env_hide_key_log(void);
void env_show_key_log(char *hidden);
#endif
