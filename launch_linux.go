package main

// The launch: command line -> policy -> rules -> enforcement -> execve.
//
// In the release build it runs before the Go runtime has started, on the kernel's own stack, in a process that has never
// had a second thread (entry_amd64.s, entry_arm64.s). So everything that launch reaches, here and in policy.go,
// landlock_linux.go, seccomp_linux.go and protection_linux.go, is a restricted context:
//
//   - No allocation: no heap exists. No maps, no append, no string concatenation, no closure or interface that escapes.
//   - No scheduler and no g of the runtime's: no goroutines, channels, locks, defer, panic, recover. System calls are made
//     by systemCall alone; the functions of packages syscall and x/sys/unix read g.m.
//   - No initialisation has run: a package variable that is read here is zero, a composite literal of constants, or a
//     function value.
//   - A failed bounds check is a SIGSEGV. It would run nothing, and it must be unreachable.
//   - A failure is a small value without pointers, never an error.
//
// In a plain go build and in tests main calls launch on a locked thread, and the same rules hold.

import (
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// path holds the path that is being opened or executed, NUL-terminated. After openFailed, ruleFailed and missingPath it
// holds the path that failed.
var path [unix.PathMax]byte

// outcome is what launch returned before the runtime started. The reason is noReason if it has not run.
var outcome failure

// entry is the ELF entry point of the release build (go build -ldflags "-E main.entry").
//
//lint:ignore U1000 named on the linker's command line
func entry()

//lint:ignore U1000 called by entry
var entryFunc = prelaunch

// prelaunch is called by entry with the address of what the kernel leaves on the stack: argc, argv, NULL, envp, NULL.
func prelaunch(stack *int) {
	argc := *stack
	argv := (**byte)(unsafe.Add(unsafe.Pointer(stack), unsafe.Sizeof(*stack)))
	envp := (**byte)(unsafe.Add(unsafe.Pointer(argv), (argc+1)*int(unsafe.Sizeof(argv))))
	n := 0
	for *(**byte)(unsafe.Add(unsafe.Pointer(envp), n*int(unsafe.Sizeof(envp)))) != nil {
		n++
	}
	outcome = launch(unsafe.Slice(argv, argc+1), unsafe.Slice(envp, n+1))
}

// launch does the whole job, in an order that is the security property. It returns only if the command does not run.
//
// argv and envp are the arrays that execve will pass on, each with its terminating nil.
func launch(argv, envp []*byte) failure {
	// The whole command line is valid before anything is opened or changed.
	var p policy
	if f := p.parse(argv); f.reason != noReason {
		return f
	}
	if f := checkKept(&p, argv); f.reason != noReason {
		return f
	}
	abi := 0
	if p.restricts() {
		// Inherited descriptors go first, so that none of ours can be among them.
		if f := closeDescriptors(&p, argv); f.reason != noReason {
			return f
		}
		if p.network == networkLocal && !holdsOnlyLocalSockets(&p, argv) {
			p.network = networkStrict
		}

		var errno syscall.Errno
		if abi, errno = landlockABI(); errno != 0 {
			if p.restrictWrites {
				return failure{reason: noLandlock, errno: errno}
			}
			abi = 0
		}
		if lacking := p.missing(abi) & p.mustHave(); lacking != 0 {
			return failure{reason: notEnforced, arg: lacking.first()}
		}
		rules := newRuleset(&p, abi)
		var program program
		filter := program.build(filterConfig(&p, abi, &rules))

		ruleset := -1
		if !rules.empty() {
			if ruleset, errno = createRuleset(&rules.handled); errno != 0 {
				return failure{reason: rulesetFailed, errno: errno}
			}
		}
		if p.restrictWrites {
			if f := addRules(ruleset, &rules, &p, argv, envp); f.reason != noReason {
				return f
			}
		}

		if errno := reduceCapabilities(); errno != 0 {
			return failure{reason: capabilitiesFailed, errno: errno}
		}
		if errno := setNoNewPrivs(); errno != 0 {
			return failure{reason: noNewPrivsFailed, errno: errno}
		}
		if ruleset >= 0 {
			if errno := restrictSelf(ruleset, p.landlockFlags(abi)); errno != 0 {
				return failure{reason: restrictFailed, errno: errno}
			}
		}
		if errno := installFilter(filter, p.filterFlags()); errno != 0 {
			return failure{reason: filterFailed, errno: errno}
		}
	}
	if p.statusFD != 0 {
		if errno := p.writeStatus(abi); errno != 0 {
			return failure{reason: statusFailed, errno: errno}
		}
	}
	return failure{reason: execFailed, errno: execute(argv, envp, p.command), arg: p.command}
}

// addRules adds a rule for each path that the policy has one for: what it allows depends on whether that is a directory.
func addRules(ruleset int, r *ruleset, p *policy, argv, envp []*byte) failure {
	var c cursor
	for name, use := p.nextPath(&c, argv, envp, path[:]); name != nil; name, use = p.nextPath(&c, argv, envp, path[:]) {
		flags, dir, file := uintptr(0), r.write, r.writeFile
		switch {
		case use == readEverything:
			dir, file = r.read, r.read
		case use == nullDevice:
			dir = r.writeFile
		case use == slashTmp:
			flags = unix.O_DIRECTORY
		}
		fd, errno := result(openAt(name, flags|unix.O_PATH))
		why := openFailed
		if errno != 0 {
			if use != readEverything && !exhausted(errno) {
				// It does not exist or cannot be opened: nothing is granted.
				if use != namedRoot || p.grammar != snibOptions {
					continue
				}
				why = missingPath
			}
		} else {
			why = ruleFailed
			errno = exactlyZero(addRule(ruleset, fd, dir))
			if errno == unix.EINVAL && file != dir {
				errno = exactlyZero(addRule(ruleset, fd, file))
			}
			closeFD(fd)
			if errno == unix.EBADFD && use != readEverything {
				// A pipe or a socket, by way of /proc/self/fd: Landlock has no rule for it, and restricts it nowhere.
				continue
			}
		}
		if errno != 0 {
			remember(name)
			return failure{reason: why, errno: errno}
		}
	}
	return failure{}
}

// exhausted tells whether an open failed for want of something that is no property of the path.
func exhausted(errno syscall.Errno) bool {
	return errno == unix.EMFILE || errno == unix.ENFILE || errno == unix.ENOMEM
}

// remember copies name to path, for the message, as far as it fits.
func remember(name *byte) {
	n := copy(path[:len(path)-1], text(name))
	path[n] = 0
}

// getenv returns the value of a variable, NUL-terminated, or nil if it is not set. name ends in "=".
func getenv(envp []*byte, name string) *byte {
	for _, entry := range envp[:len(envp)-1] {
		for i := 0; *(*byte)(unsafe.Add(unsafe.Pointer(entry), i)) == name[i]; i++ {
			if i == len(name)-1 {
				return (*byte)(unsafe.Add(unsafe.Pointer(entry), len(name)))
			}
		}
	}
	return nil
}

// checkKept tells whether the inherited descriptors that the command line names are open.
func checkKept(p *policy, argv []*byte) failure {
	for fd, arg := p.nextKept(argv, 0); fd >= 0; fd, arg = p.nextKept(argv, fd+1) {
		if !isOpen(fd) {
			return failure{reason: closedDescriptor, arg: arg}
		}
	}
	return failure{}
}

// closeDescriptors closes the inherited descriptors from 3 on, but for those that the command line asks to keep.
func closeDescriptors(p *policy, argv []*byte) failure {
	for low := 3; ; {
		kept, _ := p.nextKept(argv, low)
		last := kept - 1
		if kept < 0 {
			last = maxFD
		}
		if low <= last {
			if errno := closeRange(low, last); errno != 0 {
				return failure{reason: closingFailed, errno: errno}
			}
		}
		if kept < 0 {
			return failure{}
		}
		low = kept + 1
	}
}

// maxFD is the highest number that a descriptor can have (INT_MAX).
const maxFD = 1<<31 - 1

// closeRange closes the descriptors from first to last: with close_range(2), which Linux has since 5.9 and a container's
// filter may block; or else those that /proc/self/fd lists. Trying every number would not do: a descriptor may be above
// the limit, if that was lowered after it was opened.
func closeRange(first, last int) syscall.Errno {
	if systemCall(unix.SYS_CLOSE_RANGE, uintptr(first), uintptr(last), 0, 0, 0) == 0 {
		return 0
	}
	dir, errno := result(openAt(unsafe.StringData("/proc/self/fd\x00"), unix.O_RDONLY|unix.O_DIRECTORY))
	listed := false // dir itself: what does not list it is no list of descriptors
	for errno == 0 {
		var n int
		if n, errno = readDirectory(dir, path[:]); n <= 0 {
			closeFD(dir)
			break
		}
		// struct linux_dirent64 (getdents64(2)): d_reclen at 16, d_name at 19.
		for at := 0; at < n; at += int(path[at+16]) | int(path[at+17])<<8 {
			fd, is := number(text(&path[at+19]))
			listed = listed || is && fd == dir
			if is && fd >= first && fd <= last && fd != dir {
				closeFD(fd)
				if isOpen(fd) {
					errno = unix.EBADFD
				}
			}
		}
	}
	if errno == 0 && !listed {
		errno = unix.EBADFD
	}
	return errno
}

// holdsOnlyLocalSockets tells whether every descriptor that the command will inherit is no socket, or an AF_UNIX one
// that cannot name another receiver, nor listen to callers from outside, who could pass descriptors in. Where the kernel does
// not answer, it is not known to be.
func holdsOnlyLocalSockets(p *policy, argv []*byte) bool {
	for fd := range 3 {
		if !isLocalSocket(fd) {
			return false
		}
	}
	for fd, _ := p.nextKept(argv, 3); fd >= 0; fd, _ = p.nextKept(argv, fd+1) {
		if fd != p.statusFD && !isLocalSocket(fd) {
			return false
		}
	}
	return true
}

func isLocalSocket(fd int) bool {
	domain, errno := socketOption(fd, unix.SO_DOMAIN)
	if errno == unix.ENOTSOCK || errno == unix.EBADF {
		return true
	}
	if errno != 0 || domain != unix.AF_UNIX {
		return false
	}
	kind, errno := socketOption(fd, unix.SO_TYPE)
	if errno != 0 || kind != unix.SOCK_STREAM && kind != unix.SOCK_SEQPACKET {
		return false
	}
	listens, errno := socketOption(fd, unix.SO_ACCEPTCONN)
	return errno == 0 && listens == 0
}

// keptCapabilities are those that root keeps: what overrides the permissions of files and lets it become another user. Each
// of the others changes the machine, or leads around Landlock or the filter.
const keptCapabilities = 1<<unix.CAP_CHOWN | 1<<unix.CAP_DAC_OVERRIDE | 1<<unix.CAP_FOWNER | 1<<unix.CAP_KILL | 1<<unix.CAP_SETGID |
	1<<unix.CAP_SETUID | 1<<unix.CAP_SETPCAP | 1<<unix.CAP_NET_BIND_SERVICE | 1<<unix.CAP_SYS_CHROOT

var (
	capabilities      [2]unix.CapUserData
	capabilitiesAfter [2]unix.CapUserData
	capabilityHeader  unix.CapUserHeader
)

// reduceCapabilities leaves the calling thread none but those of keptCapabilities. With no_new_privs execve(2) gives none
// back (capabilities(7)).
func reduceCapabilities() syscall.Errno {
	if errno := capabilityCall(unix.SYS_CAPGET, &capabilities); errno != 0 {
		return errno
	}
	reduced := uint32(0)
	for i := range capabilities {
		c, kept := &capabilities[i], uint32(uint64(keptCapabilities)>>(32*uint(i)))
		reduced |= (c.Permitted | c.Inheritable) &^ kept
		c.Effective &= kept
		c.Permitted &= kept
		c.Inheritable &= kept
	}
	if reduced == 0 {
		return 0
	}
	if errno := capabilityCall(unix.SYS_CAPSET, &capabilities); errno != 0 {
		return errno
	}
	if errno := capabilityCall(unix.SYS_CAPGET, &capabilitiesAfter); errno != 0 {
		return errno
	}
	for i := range capabilities {
		after, want := &capabilitiesAfter[i], &capabilities[i]
		if after.Effective != want.Effective || after.Permitted != want.Permitted || after.Inheritable != want.Inheritable {
			return unix.EPROTO
		}
	}
	return 0
}

// capabilityCall makes capget(2) or capset(2) for the calling thread.
func capabilityCall(nr uintptr, data *[2]unix.CapUserData) syscall.Errno {
	capabilityHeader = unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	return exactlyZero(systemCall(nr, uintptr(unsafe.Pointer(&capabilityHeader)), uintptr(unsafe.Pointer(data)), 0, 0, 0))
}

// defaultPath is where commands are searched for without PATH: confstr(3)'s _CS_PATH.
const defaultPath = "/bin:/usr/bin"

// execute is execvp(3), but for the shell that execvp runs on ENOEXEC. It returns why nothing was executed.
func execute(argv, envp []*byte, command int) syscall.Errno {
	name := word(argv, command)
	if name == "" {
		return unix.ENOENT
	}
	for i := range len(name) {
		if name[i] == '/' {
			return execve(argv[command], &argv[command], &envp[0])
		}
	}
	list := defaultPath
	if value := getenv(envp, "PATH="); value != nil {
		list = text(value)
	}
	denied := false
	for {
		end := 0
		for end < len(list) && list[end] != ':' {
			end++
		}
		// An empty element is the current directory.
		if end+1+len(name)+1 <= len(path) {
			n := copy(path[:], list[:end])
			if n > 0 {
				path[n] = '/'
				n++
			}
			n += copy(path[n:], name)
			path[n] = 0
			switch errno := execve(&path[0], &argv[command], &envp[0]); errno {
			case unix.EACCES:
				denied = true
			case unix.ENOENT, unix.ENOTDIR, unix.ESTALE, unix.ENODEV, unix.ETIMEDOUT:
			default:
				return errno
			}
		}
		if end == len(list) {
			break
		}
		list = list[end+1:]
	}
	if denied {
		return unix.EACCES
	}
	return unix.ENOENT
}
