// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <errno.h>
#include <linux/capability.h>
#include <malloc.h>
#include <seccomp.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

// What follows is variadic (prctl, syscall), a macro, or reaches into the machine context: out of Swift's reach.

static inline int nodekeep_prctl(int option, unsigned long first, unsigned long second) {
    return prctl(option, first, second, 0UL, 0UL);
}

/// Empties the calling thread's effective, permitted and inheritable capability sets.
static inline int nodekeep_drop_capabilities(void) {
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];
    struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3];
    memset(none, 0, sizeof none);
    memset(data, 0, sizeof data);
    // The packaged service has none, and its filter denies the call that gives them up.
    if (syscall(SYS_capget, &header, data) == 0 && memcmp(data, none, sizeof data) == 0) {
        return 0;
    }
    memset(data, 0, sizeof data);
    return (int)syscall(SYS_capset, &header, data);
}

static inline int nodekeep_close_range(unsigned int first, unsigned int last) {
    return (int)syscall(SYS_close_range, first, last, 0);
}

/// An anonymous file; the C library declares it only with _GNU_SOURCE, as the Glibc module is not built.
static inline int nodekeep_memory_file(const char *name) { return (int)syscall(SYS_memfd_create, name, 0); }

struct nodekeep_resource_limit {
    uint64_t soft;
    uint64_t hard;
};

// The numbers of RLIMIT_FSIZE, RLIMIT_CORE and RLIMIT_NOFILE where this runs; <sys/resource.h> gives its
// constants another type with every feature macro, which modules do not survive.
enum nodekeep_resource { NODEKEEP_FILE_SIZE = 1, NODEKEEP_CORE = 4, NODEKEEP_DESCRIPTORS = 7 };

/// Sets both limits to `limit`, or to the present hard limit where that is lower.
static inline int nodekeep_lower_limit(enum nodekeep_resource resource, uint64_t limit) {
    struct nodekeep_resource_limit value;
    if (syscall(SYS_prlimit64, 0, resource, NULL, &value) != 0) {
        return -1;
    }
    if (limit > value.hard) {
        limit = value.hard;
    }
    value.soft = limit;
    value.hard = limit;
    return (int)syscall(SYS_prlimit64, 0, resource, &value, NULL);
}

// The count of denied calls. These are `static`, so every object file that uses them has a copy of its own:
// only DeniedCalls.swift may.
struct nodekeep_denied {
    volatile uint64_t count;
    volatile int32_t last;
};

static inline struct nodekeep_denied *nodekeep_denied_calls(void) {
    static struct nodekeep_denied denied = {0, -1};
    return &denied;
}

/// Makes the trapped system call return -EPERM and remembers its number. One thread and a synchronous signal: no
/// other code runs while this does.
static inline void nodekeep_denied_handler(int signal, siginfo_t *info, void *context) {
    (void)signal;
    ucontext_t *machine = (ucontext_t *)context;
    struct nodekeep_denied *denied = nodekeep_denied_calls();
    denied->count += 1;
    denied->last = info->si_syscall;
#if defined(__x86_64__)
    machine->uc_mcontext.gregs[13 /* REG_RAX */] = -EPERM;
#elif defined(__aarch64__)
    machine->uc_mcontext.regs[0] = (unsigned long long)-EPERM;
#else
#error "no return register known for this architecture"
#endif
}

static inline int nodekeep_install_denied_handler(void) {
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_sigaction = nodekeep_denied_handler;
    action.sa_flags = SA_SIGINFO;
    return sigaction(SIGSYS, &action, NULL);
}

/// Any system call by number, for the probe that checks the filter from inside.
static inline long nodekeep_system_call(int number, unsigned long first, unsigned long second, unsigned long third,
                                        unsigned long fourth, unsigned long fifth) {
    return syscall(number, first, second, third, fourth, fifth, 0UL);
}
