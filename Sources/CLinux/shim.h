// SPDX-License-Identifier: Apache-2.0
#pragma once

// The few kernel interfaces that Swift's Glibc module does not carry. Header-only.

#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/magic.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <sys/timex.h>
#include <sys/un.h>

// Enumerators and macros that Swift would import with awkward types.
static const unsigned int nodekeep_rtm_groups =
    RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR | RTMGRP_IPV4_ROUTE | RTMGRP_IPV6_ROUTE;

// bind(2) takes a struct sockaddr *, which costs Swift a rebinding.
static inline int nodekeep_netlink_bind(int descriptor, unsigned int groups) {
    struct sockaddr_nl address = { .nl_family = AF_NETLINK, .nl_groups = groups };
    return bind(descriptor, (struct sockaddr *)&address, sizeof address);
}

// Asks for every link (without its statistics: RTEXT_FILTER_SKIP_STATS) or every address.
static inline long nodekeep_netlink_request_dump(int descriptor, unsigned short type) {
    struct {
        struct nlmsghdr header;
        struct ifinfomsg body;
        struct rtattr attribute;
        unsigned int filter;
    } request = {
        .header = {
            .nlmsg_len = sizeof request, .nlmsg_type = type, .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP, .nlmsg_seq = 1 },
        .body = { .ifi_family = AF_UNSPEC },
        .attribute = { .rta_len = 8, .rta_type = IFLA_EXT_MASK },
        .filter = 1 << 3,
    };
    if (type == RTM_GETADDR) {
        request.header.nlmsg_len = sizeof request.header + sizeof(struct ifaddrmsg);
    }
    return send(descriptor, &request, request.header.nlmsg_len, 0);
}

// sockaddr_un by path; -1 with ENAMETOOLONG where it does not fit.
static inline int nodekeep_connect_unix(int descriptor, const char *path) {
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    if (strlen(path) >= sizeof address.sun_path) {
        errno = ENAMETOOLONG;
        return -1;
    }
    strcpy(address.sun_path, path);
    return connect(descriptor, (struct sockaddr *)&address, sizeof address);
}

// The device numbers of a stat(2) as the macros split them.
static inline unsigned int nodekeep_major(unsigned long device) { return gnu_dev_major(device); }
static inline unsigned int nodekeep_minor(unsigned long device) { return gnu_dev_minor(device); }

#include <sys/prctl.h>

// prctl(2) is variadic, which Swift does not import. The kernel keeps the first 15 bytes.
static inline int nodekeep_set_thread_name(const char *name) { return prctl(PR_SET_NAME, name, 0, 0, 0); }

// statfs is the name of a struct and of a function; here it is only a struct's worth of numbers.
struct nodekeep_filesystem {
    unsigned long long unit, blocks, free, available, inodes, inodes_free;
    bool is_memory;
};

static inline int nodekeep_statfs(const char *path, struct nodekeep_filesystem *result) {
    struct statfs information;
    int status = statfs(path, &information);
    if (status == 0) {
        result->unit = information.f_frsize > 0 ? information.f_frsize : information.f_bsize;
        result->blocks = information.f_blocks;
        result->free = information.f_bfree;
        result->available = information.f_bavail;
        result->inodes = information.f_files;
        result->inodes_free = information.f_ffree;
        result->is_memory = information.f_type == TMPFS_MAGIC;
    }
    return status;
}

// 1 for tmpfs (TMPFS_MAGIC of <linux/magic.h>), 0 for others, -1 with errno.
static inline int nodekeep_is_tmpfs(const char *path) {
    struct statfs information;
    return statfs(path, &information) == 0 ? information.f_type == 0x01021994 : -1;
}

#include <sys/syscall.h>

// glibc has pidfd_open(2) from 2.36 on, without a declaration that Swift would see.
static inline int nodekeep_pidfd_open(pid_t process) { return (int)syscall(SYS_pidfd_open, process, 0); }

#include <malloc.h>

// glibc gives every thread an arena of its own, up to eight for each core.
static inline int nodekeep_limit_arenas(int count) { return mallopt(M_ARENA_MAX, count); }

// Both are glibc's since 2.28, behind _GNU_SOURCE, which Swift's importer does not define.
extern int renameat2(int old_directory, const char *old_name, int new_directory, const char *new_name, unsigned int flags);
extern int sync_file_range(int descriptor, __off64_t offset, __off64_t count, unsigned int flags);

// Fails with EEXIST where the new name is taken (RENAME_NOREPLACE).
static inline int nodekeep_rename_new(
    int old_directory, const char *old_name, int new_directory, const char *new_name) {
    return renameat2(old_directory, old_name, new_directory, new_name, 1);
}

// Begins to write what is dirty of a file, without waiting for it (SYNC_FILE_RANGE_WRITE).
static inline int nodekeep_begin_write_back(int descriptor) { return sync_file_range(descriptor, 0, 0, 2); }

// The file system's magic number; -1 with errno.
static inline long nodekeep_file_system_type(int descriptor) {
    struct statfs information;
    return fstatfs(descriptor, &information) == 0 ? (long)(unsigned int)information.f_type : -1;
}
