package main

// The launch: command line -> policy -> rules -> enforcement -> execve.
//
// In the release build it runs before the Go runtime has started, on the kernel's own stack, in a process that has never
// had a second thread (entry_amd64.s, entry_arm64.s). So everything that launch reaches, here and in every
// file that says so at its head, is a restricted context:
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

// outcome is what launch returned before the runtime started. The reason is noReason if it has not run.
var outcome failure

// stdoutClosed tells main that there is nowhere to print a report to.
var stdoutClosed bool

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

	// The runtime will open /dev/null in the place of a standard descriptor that is closed.
	_, errno := fcntl(1, unix.F_GETFD, 0)
	stdoutClosed = errno != 0
}

// launch does the whole job. It returns only if the command does not run.
//
// argv and envp are the arrays that execve will pass on, each with its terminating nil.
func launch(argv, envp []*byte) failure {
	var p policy
	if f := p.parse(argv); f.reason != noReason {
		return f
	}
	return p.run(argv, envp)
}

// run rewrites a policy of the codexProfile grammar, and carries out what it is then.
func (p *policy) run(argv, envp []*byte) failure {
	if p.grammar == codexProfile {
		if f := p.rewrite(argv, envp); f.reason != noReason {
			return f
		}
		command := p.commandAt
		*p = policy{}
		f := p.parse(rewritten())
		if p.rewritten, p.commandAt = true, command; f.reason != noReason {
			f.rewritten = true
			return f
		}
	}
	f := p.carryOut(argv, envp)
	f.rewritten = p.rewritten && f.reason != execFailed
	return f
}

// options are the words that the policy refers to.
func (p *policy) options(argv []*byte) []*byte {
	if p.rewritten {
		return rewritten()
	}
	return argv
}

// carryOut does what a valid policy asks for, in an order that is the security property, and becomes the command. It returns
// only if the command does not run. --explain rehearses it (explain.go).
func (p *policy) carryOut(argv, envp []*byte) failure {
	// The descriptors that the command line names.
	options := p.options(argv)
	if f := p.checkDescriptors(options); f.reason != noReason {
		return f
	}
	if p.restricts() {
		if f := p.restrict(options, envp); f.reason != noReason {
			return f
		}
	}

	// The caller learns that the command is about to run.
	if p.statusFD != 0 {
		if errno := p.writeStatus(); errno != 0 {
			return failure{reason: statusFailed, errno: errno, arg: p.statusAt}
		}
	}
	return failure{reason: execFailed, errno: execute(argv, envp, p.commandAt), arg: p.commandAt}
}

// restrict puts every restriction of the policy in force that this kernel can give.
func (p *policy) restrict(argv, envp []*byte) failure {
	// Inherited descriptors go first, so that none of ours can be among them.
	if f := p.closeDescriptors(argv); f.reason != noReason {
		return f
	}

	if p.namespaceAt != 0 {
		if f := p.enterNamespaces(argv, envp); f.reason != noReason {
			return f
		}
	}

	// What Landlock and the filter must do on this kernel.
	abi, errno := landlockABI()
	if errno != 0 && p.restrictWrites {
		return failure{reason: noLandlock, errno: errno}
	}
	switch {
	case p.network == networkPorts && abi < firstPorts:
		return failure{reason: noPorts, arg: abi}
	case p.unix && !p.unixAll && abi < confinesUnix:
		return failure{reason: noUnixPaths, arg: abi}
	}
	if fd := p.socketOut(argv, abi); fd >= 0 {
		// The strict mode would silently take away what an option asks for.
		if p.network != networkLocal || p.unix {
			return failure{reason: keptSocket, arg: fd}
		}
		p.network = networkStrict
	}
	if right := lost(p, abi); p.strict && right >= 0 {
		return failure{reason: notEnforced, arg: right}
	}
	rules := newRuleset(p, abi)
	code := buildFilter(&shared().filter, filterConfig(p, abi, !rules.empty()))

	// The ruleset, which opens the paths.
	ruleset := -1
	if !rules.empty() {
		if ruleset, errno = createRuleset(rules.handled); errno != 0 {
			return failure{reason: rulesetFailed, errno: errno}
		}
	}
	if p.restrictWrites {
		if f := p.addRules(ruleset, &rules, argv, envp); f.reason != noReason {
			return f
		}
	}
	if p.network == networkPorts {
		for value, next := p.nextOwn(argv, optConnect, 0); next != 0; value, next = p.nextOwn(argv, optConnect, next) {
			port, _ := number(value)
			if errno := addPort(ruleset, port); errno != 0 {
				return failure{reason: portFailed, errno: errno, arg: next - 1}
			}
		}
	}

	// From here on this process is restricted.
	if errno := reduceCapabilities(); errno != 0 {
		return failure{reason: capabilitiesFailed, errno: errno}
	}
	if errno := setNoNewPrivs(); errno != 0 {
		return failure{reason: noNewPrivsFailed, errno: errno}
	}
	if !rules.empty() {
		if errno := restrictSelf(ruleset, restrictFlags(p, abi)); errno != 0 {
			return failure{reason: restrictFailed, errno: errno}
		}
	}
	if errno := installFilter(code, filterFlags(p)); errno != 0 {
		return failure{reason: filterFailed, errno: errno}
	}
	return failure{}
}

// checkDescriptors prepares the descriptor for the status, which nothing executed keeps, and tells whether the inherited
// descriptors that the command line names are open.
func (p *policy) checkDescriptors(argv []*byte) failure {
	if p.statusFD != 0 {
		if !inherited(p.statusFD) {
			return failure{reason: closedDescriptor, arg: p.statusAt}
		}
		flags, errno := fcntl(p.statusFD, unix.F_GETFL, 0)
		if errno != 0 || flags&unix.O_ACCMODE == unix.O_RDONLY || flags&unix.O_PATH != 0 {
			return failure{reason: statusNotWritable, arg: p.statusAt}
		}
		if errno := exactlyZero(systemCall(unix.SYS_FCNTL, uintptr(p.statusFD), unix.F_SETFD, unix.FD_CLOEXEC, 0, 0)); errno != 0 {
			return failure{reason: statusFailed, errno: errno, arg: p.statusAt}
		}
		statusFD = p.statusFD
	}
	for fd, arg := p.nextKept(argv, 0); fd >= 0; fd, arg = p.nextKept(argv, fd+1) {
		if arg != p.statusAt && !inherited(fd) {
			return failure{reason: closedDescriptor, arg: arg}
		}
	}
	return failure{}
}

// inherited tells whether a descriptor is the caller's. One that is close-on-exec was opened by the runtime of a plain build.
func inherited(fd int) bool {
	flags, errno := fcntl(fd, unix.F_GETFD, 0)
	return errno == 0 && flags&unix.FD_CLOEXEC == 0
}

// statusFD is the descriptor for the status once it is known to be the caller's; main writes a failure to it. 0: there is none.
var statusFD int

// writeStatus says that the command is about to be executed. After an execve that succeeds its reader sees only the end of the file.
// SIGPIPE is blocked meanwhile, so that a reader who is gone is a failure that can be reported; then it stays blocked.
func (p *policy) writeStatus() syscall.Errno {
	said := "{\"schema\":\"snib-status-2\",\"status\":\"unrestricted\"}\n"
	if p.restricts() {
		said = "{\"schema\":\"snib-status-2\",\"status\":\"sandboxed\"}\n"
	}
	if errno := blockSIGPIPE(); errno != 0 {
		return errno
	}
	if errno := write(p.statusFD, said); errno != 0 {
		return errno
	}
	return unblockSIGPIPE()
}

// closeDescriptors closes the inherited descriptors from 3 on, but for those that the command line names.
func (p *policy) closeDescriptors(argv []*byte) failure {
	const maxFD = 1<<31 - 1 // the kernel's INT_MAX
	for low := 3; low <= maxFD; {
		kept, _ := p.nextKept(argv, low)
		if kept < 0 {
			kept = maxFD + 1
		}
		if low < kept {
			if errno := closeRange(low, kept-1); errno != 0 {
				return failure{reason: closingFailed, errno: errno}
			}
		}
		low = kept + 1
	}
	return failure{}
}

// socketOut returns a descriptor that the command will inherit and that is a socket by which the policy could be left; -1: there is
// none. Where the kernel does not say what a descriptor is, it counts as one.
func (p *policy) socketOut(argv []*byte, abi int) int {
	if p.network == networkStrict || p.network == networkOn && p.grammar != snibOptions {
		return -1
	}
	for fd := range 3 {
		if p.leadsOut(fd, abi) {
			return fd
		}
	}
	for fd, _ := p.nextKept(argv, 3); fd >= 0; fd, _ = p.nextKept(argv, fd+1) {
		if fd != p.statusFD && p.leadsOut(fd, abi) {
			return fd
		}
	}
	return -1
}

// leadsOut tells whether a descriptor is a socket other than a connected AF_UNIX one: a datagram socket can name a receiver, and
// callers from outside can pass descriptors to one that listens. A socket of TCP is no matter where Landlock knows the ports, and an
// internet one where the network is on. There, Landlock keeps AF_UNIX clients inside, so that only one that listens is left.
func (p *policy) leadsOut(fd, abi int) bool {
	domain, errno := socketOption(fd, unix.SO_DOMAIN)
	switch {
	case errno == unix.ENOTSOCK || errno == unix.EBADF:
		return false
	case errno != 0:
		return true
	case domain != unix.AF_UNIX && p.network == networkOn:
		return domain != unix.AF_INET && domain != unix.AF_INET6 && domain != unix.AF_NETLINK
	}
	kind, errno := socketOption(fd, unix.SO_TYPE)
	if errno != 0 {
		return true
	}
	if domain != unix.AF_UNIX {
		protocol, errno := socketOption(fd, unix.SO_PROTOCOL)
		return p.network != networkPorts || errno != 0 || protocol != unix.IPPROTO_TCP ||
			domain != unix.AF_INET && domain != unix.AF_INET6 || kind != unix.SOCK_STREAM
	}
	listens, errno := socketOption(fd, unix.SO_ACCEPTCONN)
	switch {
	case errno != 0 || listens != 0:
		return true
	case p.network == networkOn && !p.unix && abi >= confinesUnix:
		return false
	case kind != unix.SOCK_STREAM && kind != unix.SOCK_SEQPACKET:
		return true
	case p.network == networkLocal && !p.unix:
		return false // connect is denied, or Landlock keeps it inside
	}
	// EINVAL: the peer's address, which is there, is not as long as an int.
	_, errno = socketOption(fd, unix.SO_PEERNAME)
	return errno != 0 && errno != unix.EINVAL
}

// addRules adds a rule for each path that the policy has one for: what it allows depends on whether that is a directory.
func (p *policy) addRules(ruleset int, r *ruleset, argv, envp []*byte) failure {
	if p.hides {
		if f := p.findHidden(argv); f.reason != noReason {
			return f
		}
	}
	if p.dev {
		if errno := findRoot(); errno != 0 {
			setPath("/")
			return failure{reason: openFailed, errno: errno}
		}
	}
	var c pathCursor
	for name, use := p.nextPath(&c, argv, envp, shared().path[:]); name != nil; name, use = p.nextPath(&c, argv, envp, shared().path[:]) {
		flags, dir, file := uintptr(0), r.write, r.writeFile
		switch {
		case use == readEverything:
			dir, file = r.read, r.read
		case use == readSystem || use == namedRead:
			dir, file = r.read, r.read&^r.list
		case use == namedList:
			flags, dir, file = unix.O_DIRECTORY, r.list, r.list
		case use == nullDevice:
			dir = r.writeFile
		case use == slashTmp:
			flags = unix.O_DIRECTORY
		case use == unixPath:
			dir, file = r.unix, r.unix
		}
		fd, errno := result(openat(unix.AT_FDCWD, name, flags|unix.O_PATH))
		if errno == 0 && use == devPath {
			errno = exceptRoot(fd) // a variable may lead there
		}
		why := openFailed
		if errno != 0 {
			if use != readEverything && !exhausted(errno) {
				// It does not exist or cannot be opened: nothing is granted.
				switch {
				case use == namedList && errno == unix.ENOTDIR:
					why = listNoDirectory
				case ownPaths[use] != 0 && p.grammar == snibOptions:
					why = missingPath
				default:
					continue
				}
			}
		} else {
			if p.hides {
				var f failure
				if dir, f = p.aroundHidden(ruleset, r, name, fd, use, dir); f.reason != noReason || dir == 0 {
					closeFD(fd)
					if f.reason != noReason {
						return f
					}
					continue
				}
			}
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
			setPath(text(name))
			return failure{reason: why, errno: errno}
		}
	}
	if p.hides {
		forgetHidden()
	}
	return failure{}
}

// defaultPath is where commands are searched for without PATH: confstr(3)'s _CS_PATH.
const defaultPath = "/bin:/usr/bin"

// execute is execvp(3), but for the shell that execvp runs on ENOEXEC. It returns why nothing was executed.
func execute(argv, envp []*byte, command int) syscall.Errno {
	name := word(argv, command)
	if name == "" {
		return unix.ENOENT
	}
	if len(baseName(name)) != len(name) {
		return execve(argv[command], &argv[command], &envp[0])
	}
	list := defaultPath
	if value := getenv(envp, "PATH="); value != nil {
		list = text(value)
	}
	why := syscall.Errno(unix.ENOENT)
	for {
		end := 0
		for end < len(list) && list[end] != ':' {
			end++
		}
		// An empty element is the current directory.
		if end+1+len(name)+1 <= len(shared().path) {
			n := copy(shared().path[:], list[:end])
			if n > 0 {
				shared().path[n] = '/'
				n++
			}
			n += copy(shared().path[n:], name)
			shared().path[n] = 0
			switch errno := execve(&shared().path[0], &argv[command], &envp[0]); errno {
			case unix.EACCES:
				why = errno
			case unix.ENOENT, unix.ENOTDIR, unix.ESTALE, unix.ENODEV, unix.ETIMEDOUT:
			default:
				return errno
			}
		}
		if end == len(list) {
			return why
		}
		list = list[end+1:]
	}
}
