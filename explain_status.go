package main

// What this kernel can enforce, by trial.

import (
	"io"
	"os"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// kernelStatus is what this kernel can enforce, found out by trying.
type kernelStatus struct {
	release    string
	abi        int
	errno      syscall.Errno // why there is no Landlock
	errata     int
	actions    []string
	noNewPrivs bool
	filtered   bool
	tried      []trial
	spaces     []namespaceTrial
}

// trial is one protection, and whether it was seen to hold.
type trial struct {
	name      string
	holds     bool
	possible  bool // without the protection; where not, nothing was seen
	abi       int  // from which Landlock gives it; 0: it is not Landlock's
	essential bool // without it nothing runs
	how       string
}

// namespaceTrial is an option that takes namespaces, and why a launch with it failed here; empty: it did not.
type namespaceTrial struct{ option, why string }

// tryNamespaces tries each option that takes namespaces.
func tryNamespaces() (tried []namespaceTrial) {
	for _, options := range [][]string{{"--loopback"}, {"--protect", "/dev/zero", "-w", "/"}} {
		tried = append(tried, namespaceTrial{options[0], tryLaunch(options...)})
	}
	return tried
}

// tryLaunch launches this program, which prints its help then, with options. It tells why that failed; empty: it did not.
func tryLaunch(options ...string) string {
	said, err := ownOutput(append(options, "--", ownProgram, "--help"))
	why, failed := strings.CutPrefix(said, "snib: error: ")
	why, _, _ = strings.Cut(why, "\n")
	switch {
	case err != nil:
		why = err.Error()
	case !failed && strings.HasPrefix(said, "usage: snib "):
		why = ""
	}
	return why
}

// ownOutput runs this program, and returns its output. Its stdin is the pipe too: there may be no /dev/null, and it reads nothing.
func ownOutput(args []string) (string, error) {
	read, write, err := os.Pipe()
	if err != nil {
		return "", err
	}
	defer read.Close()
	pid, err := syscall.ForkExec(ownProgram, append([]string{"snib"}, args...), &syscall.ProcAttr{Files: []uintptr{read.Fd(), write.Fd(), write.Fd()}})
	write.Close()
	if err != nil {
		return "", err
	}
	said, err := io.ReadAll(read)
	if _, waited := syscall.Wait4(pid, nil, 0, nil); err == nil {
		err = waited
	}
	return string(said), err
}

// newKernelStatus restricts threads, which end with it, and has them try what they must not be able to do.
func newKernelStatus() *kernelStatus {
	s := &kernelStatus{}
	var uts unix.Utsname
	if unix.Uname(&uts) == nil {
		s.release = unix.ByteSliceToString(uts.Release[:])
	}
	s.abi, s.errno = landlockABI()
	if r, _, errno := syscall.RawSyscall(unix.SYS_LANDLOCK_CREATE_RULESET, 0, 0, unix.LANDLOCK_CREATE_RULESET_ERRATA); s.abi > 0 && errno == 0 {
		s.errata = int(r)
	}
	for _, action := range []struct {
		name  string
		value uint32
	}{{"kill_process", unix.SECCOMP_RET_KILL_PROCESS}, {"errno", unix.SECCOMP_RET_ERRNO}, {"log", unix.SECCOMP_RET_LOG}, {"allow", unix.SECCOMP_RET_ALLOW}} {
		if actionAvailable(action.value) {
			s.actions = append(s.actions, action.name)
		}
	}
	noNewPrivs, _ := unix.PrctlRetInt(unix.PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0)
	s.noNewPrivs = noNewPrivs == 1
	mode, err := unix.PrctlRetInt(unix.PR_GET_SECCOMP, 0, 0, 0, 0)
	s.filtered = err != nil || mode != 0
	s.try()
	s.spaces = tryNamespaces()
	return s
}

func actionAvailable(action uint32) bool {
	_, _, errno := syscall.RawSyscall(unix.SYS_SECCOMP, unix.SECCOMP_GET_ACTION_AVAIL, 0, uintptr(unsafe.Pointer(&action)))
	return errno == 0
}

// onThread runs f on a thread of its own, which ends with f and takes its restrictions along.
func onThread(f func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread()
		f()
	}()
	<-done
}

// try fills in s.tried. Each protection counts only if the same was possible without.
func (s *kernelStatus) try() {
	p := &policy{restrictWrites: true, network: networkLocal}
	// An operation that is not possible anyway shows nothing. It counts if the restriction itself could not be applied.
	hold := func(name string, abi int, how string, applied, denied, possible bool) {
		s.tried = append(s.tried, trial{name, applied && denied && possible, possible || !applied, abi, name == "files" || name == "filter", how})
	}

	writable := "/dev/null"
	if closing(unix.Open(writable, unix.O_WRONLY, 0)) != nil {
		writable = "/proc/thread-self/comm" // where there is no /dev
	}
	openWritable := func() error { return closing(unix.Open(writable, unix.O_WRONLY, 0)) }
	ioctlNull := func() error {
		fd, err := unix.Open("/dev/null", unix.O_RDONLY, 0)
		if err != nil {
			return err
		}
		defer unix.Close(fd)
		_, err = unix.IoctlGetInt(fd, unix.TIOCGPGRP)
		return err
	}
	bindLoopback := func(kind int) func() error {
		return func() error {
			fd, err := unix.Socket(unix.AF_INET, kind, 0)
			if err != nil {
				return err
			}
			defer unix.Close(fd)
			return unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}})
		}
	}
	inet := func() error { return closing(unix.Socket(unix.AF_INET, unix.SOCK_STREAM, 0)) }

	// Threads of one process may always signal each other, so this signals the parent, with signal 0.
	signalParent := func() error {
		if parent := unix.Getppid(); parent > 0 {
			return unix.Kill(parent, 0)
		}
		return unix.ESRCH // it is in another PID namespace
	}

	var opened, ioctled, tcp, udp, abstract, signalled, socketed error
	server, address := abstractServer()
	if server >= 0 {
		defer unix.Close(server)
	}
	landlocked := false
	onThread(func() {
		rules := newRuleset(p, s.abi)
		ruleset, errno := createRuleset(rules.handled)
		if s.abi == 0 || errno != 0 {
			return
		}
		defer unix.Close(ruleset)
		slash, errno := result(openat(unix.AT_FDCWD, unsafe.StringData("/\x00"), unix.O_PATH))
		if errno != 0 {
			return
		}
		defer unix.Close(slash)
		if addRule(ruleset, slash, rules.read) != 0 || setNoNewPrivs() != 0 || restrictSelf(ruleset, 0) != 0 {
			return
		}
		landlocked = true
		opened, ioctled, tcp, udp = openWritable(), ioctlNull(), bindLoopback(unix.SOCK_STREAM)(), bindLoopback(unix.SOCK_DGRAM)()
		abstract, signalled = connectAbstract(address), signalParent()
	})
	filtered := false
	onThread(func() {
		if setNoNewPrivs() != 0 || installFilter(buildFilter(&shared().filter, filterConfig(p, s.abi, false)), 0) != 0 {
			return
		}
		filtered = true
		socketed = inet()
	})

	hold("files", 1, "opening "+writable+" for writing", landlocked, opened == unix.EACCES, openWritable() == nil)
	hold("device ioctls", 5, "an ioctl on /dev/null", landlocked, ioctled == unix.EACCES, ioctlNull() == unix.ENOTTY)
	hold("filter", 0, "making an internet socket", filtered, socketed == unix.EPERM, inet() != unix.EPERM)
	hold("tcp", 4, "binding a TCP socket to loopback, by Landlock alone", landlocked, tcp == unix.EACCES, bindLoopback(unix.SOCK_STREAM)() == nil)
	hold("udp", 10, "binding a UDP socket to loopback, by Landlock alone", landlocked, udp == unix.EACCES, bindLoopback(unix.SOCK_DGRAM)() == nil)
	hold("abstract sockets", 6, "connecting to an abstract socket, by Landlock alone", landlocked, abstract == unix.EPERM,
		server >= 0 && connectAbstract(address) == nil)
	hold("signals", 6, "signalling the parent process, by Landlock alone", landlocked, signalled == unix.EPERM, signalParent() == nil)
	hold("log", 7, "Landlock ABI 7 and seccomp's log action", s.abi >= logsExec, actionAvailable(unix.SECCOMP_RET_LOG), true)
}

func closing(fd int, err error) error {
	if err == nil {
		unix.Close(fd)
	}
	return err
}

// abstractServer listens on an abstract AF_UNIX socket whose name the kernel chooses, and returns its descriptor, which
// the caller owns, or -1.
func abstractServer() (fd int, address unix.Sockaddr) {
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM, 0)
	if err != nil {
		return -1, nil
	}
	if unix.Bind(fd, &unix.SockaddrUnix{}) == nil && unix.Listen(fd, 4) == nil {
		if address, err = unix.Getsockname(fd); err == nil {
			return fd, address
		}
	}
	unix.Close(fd)
	return -1, nil
}

func connectAbstract(address unix.Sockaddr) error {
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM, 0)
	if err != nil || address == nil {
		return err
	}
	defer unix.Close(fd)
	return unix.Connect(fd, address)
}

// exitCode is 0 when nothing that snib promises was seen to be left open, 1 when a part of it is, and 125 when not even
// writing can be restricted or the network cut.
func (s *kernelStatus) exitCode() int {
	code := 0
	if len(s.open()) > 0 {
		code = 1
	}
	for _, t := range s.tried {
		switch {
		case t.holds || !t.possible:
		case t.essential:
			return exitFailed
		case t.abi > s.abi:
		default:
			code = 1
		}
	}
	return code
}

// open lists the rights that snib's own options ask for, and that this kernel leaves open.
func (s *kernelStatus) open() []string {
	return protections(&policy{restrictWrites: true, network: networkLocal}, s.abi).lost
}

// newestABI is the highest ABI in the table of rights.
func newestABI() (abi int) {
	for _, t := range rights {
		abi = max(abi, t.abi)
	}
	return abi
}

// text renders the status, for programs or for people.
func (s *kernelStatus) text(asJSON bool) string {
	if asJSON {
		var o jsonWriter
		o.string("schema", "snib-kernel-2")
		o.string("snib", version)
		o.string("kernel", s.release)
		o.number("landlock_abi", s.abi)
		o.number("landlock_errata", s.errata)
		o.list("seccomp_actions", s.actions)
		o.bool("no_new_privs", s.noNewPrivs)
		o.bool("inside_filter", s.filtered)
		o.list("missing", s.open())
		o.raw("tried", jsonList(s.tried, func(t trial) string {
			var o jsonWriter
			o.string("name", t.name)
			o.bool("holds", t.holds)
			o.bool("possible", t.possible)
			o.number("abi", t.abi)
			o.string("how", t.how)
			return o.String()
		}))
		o.raw("namespaces", jsonList(s.spaces, func(t namespaceTrial) string {
			var o jsonWriter
			o.string("option", t.option)
			o.bool("available", t.why == "")
			o.string("error", t.why)
			return o.String()
		}))
		o.number("exit", s.exitCode())
		return o.String() + "\n"
	}
	yesNo := map[bool]string{true: "yes", false: "no"}
	landlock := "ABI " + strconv.Itoa(s.abi) + " of " + strconv.Itoa(newestABI()) + " known, errata " + hexNumber(uint32(s.errata))
	if s.errno != 0 {
		landlock = "not available: " + s.errno.Error()
	}
	out := "kernel            " + s.release + "\n" +
		"landlock          " + landlock + "\n" +
		"seccomp actions   " + strings.Join(orNothing(s.actions), " ") + "\n" +
		"no_new_privs      " + yesNo[s.noNewPrivs] + "\n" +
		"inside a filter   " + yesNo[s.filtered] + "\n" +
		"left open         " + strings.Join(orNothing(s.open()), " ") + "\n"
	for _, t := range s.spaces {
		verdict := "available"
		if t.why != "" {
			verdict = "not available: " + t.why
		}
		out += t.option + strings.Repeat(" ", 18-len(t.option)) + verdict + "\n"
	}
	for _, t := range s.tried {
		verdict := "NOT DENIED"
		switch {
		case t.holds:
			verdict = "denied"
		case !t.possible:
			verdict = "not possible here anyway"
		case t.abi > s.abi:
			verdict = "left to the filter before ABI " + strconv.Itoa(t.abi)
			if t.name == "device ioctls" || t.name == "signals" {
				verdict = "NOT DENIED before ABI " + strconv.Itoa(t.abi)
			}
		}
		out += t.name + strings.Repeat(" ", 18-len(t.name)) + verdict + ": " + t.how + "\n"
	}
	return out + "\n" + s.verdict() + "\n"
}

// verdict says in one line what the exit code means.
func (s *kernelStatus) verdict() string {
	switch code := s.exitCode(); {
	case code == exitFailed && s.abi == 0:
		return "snib cannot restrict writing here: Landlock is not available"
	case code == exitFailed:
		return "snib cannot restrict a command here: what should be denied is not"
	case code != 0 && len(s.open()) > 0:
		return "snib works here, but this kernel leaves open: " + strings.Join(s.open(), " ")
	case code != 0:
		return "snib works here, but something that should be denied is not"
	}
	return "snib works here, and this kernel enforces everything that it promises"
}
