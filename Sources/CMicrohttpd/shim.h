// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <microhttpd.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/socket.h>

// Variadic in the library, so not importable: one small function per piece of information.

static inline struct MHD_Daemon *nodekeep_mhd_start(unsigned int flags, MHD_AccessHandlerCallback handler, void *context,
                                                    const struct MHD_OptionItem *options) {
    return MHD_start_daemon(flags, 0, NULL, NULL, handler, context, MHD_OPTION_ARRAY, options, MHD_OPTION_END);
}

static inline int nodekeep_mhd_epoll_descriptor(struct MHD_Daemon *daemon) {
    const union MHD_DaemonInfo *info = MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_EPOLL_FD);
    return info == NULL ? -1 : info->epoll_fd;
}

static inline int nodekeep_mhd_socket(struct MHD_Connection *connection) {
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    return info == NULL ? -1 : info->connect_fd;
}

static inline void *nodekeep_mhd_socket_context(struct MHD_Connection *connection) {
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    return info == NULL ? NULL : info->socket_context;
}

static inline const struct sockaddr *nodekeep_mhd_client_address(struct MHD_Connection *connection) {
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    return info == NULL ? NULL : info->client_addr;
}

/// The connection's gnutls_session_t; NULL without TLS.
static inline void *nodekeep_mhd_tls_session(struct MHD_Connection *connection) {
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_GNUTLS_SESSION);
    return info == NULL ? NULL : info->tls_session;
}

static inline size_t nodekeep_mhd_header_size(struct MHD_Connection *connection) {
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);
    return info == NULL ? 0 : info->header_size;
}

// The library's log callback takes a va_list, which Swift cannot receive on every architecture.
struct nodekeep_mhd_log {
    void (*write)(void *context, const char *line);
    void *context;
};

static inline void nodekeep_mhd_format_log(void *log, const char *format, va_list arguments) {
    char line[512];
    const struct nodekeep_mhd_log *sink = (const struct nodekeep_mhd_log *)log;
    if (vsnprintf(line, sizeof line, format, arguments) >= 0) {
        sink->write(sink->context, line);
    }
}

static inline intptr_t nodekeep_mhd_log_function(void) { return (intptr_t)nodekeep_mhd_format_log; }

// struct ucred needs _GNU_SOURCE, which a module's includer cannot rely on: three 32-bit numbers by ABI.
struct nodekeep_credentials {
    int32_t process;
    uint32_t user;
    uint32_t group;
};

static inline int nodekeep_peer_credentials(int descriptor, struct nodekeep_credentials *credentials) {
    socklen_t size = sizeof *credentials;
    return getsockopt(descriptor, SOL_SOCKET, 17 /* SO_PEERCRED */, credentials, &size);
}
