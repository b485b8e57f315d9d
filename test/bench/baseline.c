//go:build ignore

// baseline [--protect PATH] [--loopback] -w PATH... -- COMMAND [ARG]...
//
// The least that a launch can cost: the system calls that snib makes for the same command line, and nothing else. The
// rights, the capabilities, the filter and the namespaces are constants, in policy.h, which the benchmark writes from what
// snib itself passes to the kernel; it also checks that both make the same calls. With --protect that is but for those by
// which snib finds its path, twice, and judges where it and the open descriptors lead: here it is opened. COMMAND is a path.

#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/if.h>
#include <linux/landlock.h>
#include <linux/mount.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <linux/sockios.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "nolibc.h"
#include "policy.h"

static void must(long r)
{
	if (r < 0) {
		call(SYS_exit_group, 125, 0, 0, 0, 0);
		__builtin_unreachable();
	}
}

static void allow_beneath(long ruleset, const char *path, uint64_t access)
{
	long fd = call(SYS_openat, AT_FDCWD, (long)path, O_PATH | O_CLOEXEC, 0, 0);
	must(fd);
	struct landlock_path_beneath_attr attr = {.allowed_access = access, .parent_fd = fd};
	must(call(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, (long)&attr, 0, 0));
	call(SYS_close, fd, 0, 0, 0, 0);
}

static void set_mount(long fd, const char *path, long flags, struct mount_attr attr)
{
	must(call(SYS_mount_setattr, fd, (long)path, flags, (long)&attr, sizeof attr));
}

static void protect(const char *path)
{
	char directory[4096];

	set_mount(AT_FDCWD, "/", AT_RECURSIVE, (struct mount_attr){.propagation = MS_SLAVE});
	long fd = call(SYS_openat, AT_FDCWD, (long)path, O_PATH | O_CLOEXEC, 0, 0);
	must(fd);
	long tree = call(SYS_open_tree, fd, (long)"", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE | AT_EMPTY_PATH, 0, 0);
	must(tree);
	set_mount(tree, "", AT_EMPTY_PATH | AT_RECURSIVE,
		(struct mount_attr){.attr_set = MOUNT_ATTR_RDONLY, .propagation = MS_PRIVATE});
	must(call(SYS_move_mount, tree, (long)"", fd, (long)"", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH));
	call(SYS_close, tree, 0, 0, 0, 0);
	call(SYS_close, fd, 0, 0, 0, 0);
	must(call(SYS_getcwd, (long)directory, sizeof directory, 0, 0, 0));
	must(call(SYS_chdir, (long)directory, 0, 0, 0, 0));
}

static void raise_loopback(void)
{
	struct ifreq loopback = {.ifr_name = "lo", .ifr_flags = IFF_UP};
	long fd = call(SYS_socket, AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0, 0, 0);
	must(fd);
	must(call(SYS_ioctl, fd, SIOCSIFFLAGS, (long)&loopback, 0, 0));
	call(SYS_close, fd, 0, 0, 0, 0);
}

// enter_namespaces returns where the options after its own begin.
static char **enter_namespaces(char **argv)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct held[_LINUX_CAPABILITY_U32S_3];

	must(call(SYS_geteuid, 0, 0, 0, 0, 0));
	must(call(SYS_getegid, 0, 0, 0, 0, 0));
	must(call(SYS_capget, (long)&header, (long)held, 0, 0, 0));
	must(call(SYS_unshare, unshared, 0, 0, 0, 0));
	for (unsigned i = 0; i < sizeof maps / sizeof maps[0]; i++) {
		long fd = call(SYS_openat, AT_FDCWD, (long)maps[i].file, O_WRONLY | O_CLOEXEC, 0, 0);
		must(fd);
		must(call(SYS_write, fd, (long)maps[i].text, maps[i].size, 0, 0));
		call(SYS_close, fd, 0, 0, 0, 0);
	}
	if (unshared & CLONE_NEWNS) {
		protect(argv[1]);
		argv += 2;
	}
	if (unshared & CLONE_NEWNET) {
		raise_loopback();
		argv++;
	}
	return argv;
}

void start(long *stack)
{
	char **argv = (char **)(stack + 1);
	char **envp = argv + *stack + 1;

	must(call(SYS_close_range, 3, INT32_MAX, 0, 0, 0));
	argv++;
	if (unshared)
		argv = enter_namespaces(argv);
	must(call(SYS_landlock_create_ruleset, 0, 0, LANDLOCK_CREATE_RULESET_VERSION, 0, 0));
	for (int fd = 0; fd < 3; fd++) {
		int domain;
		socklen_t size = sizeof domain;
		call(SYS_getsockopt, fd, SOL_SOCKET, SO_DOMAIN, (long)&domain, (long)&size);
	}
	long ruleset = call(SYS_landlock_create_ruleset, (long)handled, sizeof handled, 0, 0, 0);
	must(ruleset);
	allow_beneath(ruleset, "/", access_slash);
	allow_beneath(ruleset, "/dev/null", access_null);
	for (; (*argv)[1] == 'w'; argv += 2)
		allow_beneath(ruleset, argv[1], access_root);
	argv++;

	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct held[_LINUX_CAPABILITY_U32S_3];
	must(call(SYS_capget, (long)&header, (long)held, 0, 0, 0));
	if (sizeof capabilities > 0) {
		must(call(SYS_capset, (long)&header, (long)capabilities, 0, 0, 0));
		must(call(SYS_capget, (long)&header, (long)held, 0, 0, 0));
	}
	must(call(SYS_prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	must(call(SYS_landlock_restrict_self, ruleset, 0, 0, 0, 0));
	struct sock_fprog program = {.len = sizeof filter / sizeof filter[0], .filter = (struct sock_filter *)filter};
	must(call(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, (long)&program, 0, 0));
	must(call(SYS_execve, (long)argv[0], (long)argv, (long)envp, 0, 0));
}
