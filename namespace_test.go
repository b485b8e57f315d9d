package main

// Namespaces: a network that holds nothing but a loopback interface, what a command sees of its namespaces, and what is said where
// there are none to be had.

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

// The command's own processes reach each other over loopback.
func TestLoopback(t *testing.T) {
	t.Parallel()
	needNamespaces(t)
	for _, c := range []struct{ network, address string }{{"tcp4", "127.0.0.1"}, {"tcp6", "::1"}, {"udp4", "127.0.0.1"}, {"udp6", "::1"}} {
		op := []string{"talk", c.network, c.address}
		try(t, sandbox("--loopback"), "ok", op...)
		if kernelABI() >= 6 {
			try(t, sandbox("--loopback", "--strict"), "ok", op...)
		}
		try(t, sandbox(), "EPERM", op...)
		if release.outcome(t, nil, op...) == "ok" { // a machine may have no IPv6
			try(t, sandbox("--network"), "ok", op...)
		}
	}
	try(t, sandbox("--loopback"), "lo", "interfaceNames")
	if got := release.outcome(t, nil, "interfaceNames"); !strings.Contains(got, "lo") {
		t.Errorf("control: interfaces %s", got)
	}
	// Other families may know no network namespace.
	for _, family := range []int{unix.AF_VSOCK, unix.AF_PACKET, unix.AF_ALG, unix.AF_BLUETOOTH} {
		try(t, sandbox("--loopback"), "EPERM", "socket", fmt.Sprint(family), fmt.Sprint(unix.SOCK_DGRAM))
	}
	try(t, sandbox("--loopback"), "ok", "socket", fmt.Sprint(unix.AF_NETLINK), fmt.Sprint(unix.SOCK_RAW))
}

// Nothing outside is reached, not even a server on this machine's loopback. The listener tells what it heard first.
func TestLoopbackReach(t *testing.T) {
	t.Parallel()
	needNamespaces(t)
	dir := scratch(t)
	inside := "EPERM" // AF_UNIX in pairs only
	if kernelABI() >= confinesUnix {
		inside = "EACCES"
	}
	for _, c := range []struct{ network, addr, probe, kind, want, open string }{
		{"tcp", "127.0.0.1:0", "connect", "stream", "ECONNREFUSED", "--network"},
		{"udp", "127.0.0.1:0", "sendto", "datagram", "ok", "--network"}, // but to nobody
		{"unix", dir + "/socket", "connect", "stream", inside, "--unix"},
		{"unix", "@snib-" + strconv.Itoa(os.Getpid()), "connect", "stream", inside, ""}, // its names belong to a network namespace, too
	} {
		server := listen(t, c.network, c.addr)
		want := c.want
		if strings.HasPrefix(c.addr, "@") && kernelABI() >= confinesUnix {
			want = "ECONNREFUSED"
		}
		try(t, sandbox("--loopback"), want, c.probe, c.kind, server.addr, "from inside")
		switch c.open {
		case "--network":
			try(t, sandbox("--network"), "ok", c.probe, c.kind, server.addr, "with a network")
			hear(t, server, "with a network")
		case "--unix":
			try(t, sandbox("--loopback", "--unix", "/"), "ok", c.probe, c.kind, server.addr, "with its socket")
			hear(t, server, "with its socket")
		default:
			try(t, sandbox("--network", "--unix", "/"), "ok", c.probe, c.kind, server.addr, "in the same network")
			hear(t, server, "in the same network")
			try(t, sandbox("--loopback", "--unix", "/"), "ECONNREFUSED", c.probe, c.kind, server.addr, "from inside")
		}
		try(t, nil, "ok", c.probe, c.kind, server.addr, "without a sandbox")
		hear(t, server, "without a sandbox")
	}
	for process, want := range map[string]string{strconv.Itoa(os.Getpid()): "EACCES", "self": "EPERM"} {
		try(t, sandbox("--loopback"), want, "setnsNet", process)
		if os.Geteuid() == 0 {
			try(t, nil, "ok", "setnsNet", process)
		}
	}
}

// An inherited socket that leads to another network is a failure.
func TestLoopbackKept(t *testing.T) {
	t.Parallel()
	needNamespaces(t)
	server := listen(t, "tcp", "127.0.0.1:0")
	for name, c := range map[string]struct {
		domain, kind int
		connected    bool
		refused      bool
	}{
		"TCP":                 {unix.AF_INET, unix.SOCK_STREAM, false, true},
		"connected TCP":       {unix.AF_INET, unix.SOCK_STREAM, true, true},
		"UDP":                 {unix.AF_INET, unix.SOCK_DGRAM, false, true},
		"TCP by IPv6":         {unix.AF_INET6, unix.SOCK_STREAM, false, true},
		"netlink":             {unix.AF_NETLINK, unix.SOCK_RAW, false, true},
		"AF_UNIX pair":        {unix.AF_UNIX, unix.SOCK_STREAM, true, false},
		"AF_UNIX unconnected": {unix.AF_UNIX, unix.SOCK_STREAM, false, true},
		"AF_UNIX datagram":    {unix.AF_UNIX, unix.SOCK_DGRAM, true, true},
	} {
		var fds [2]int
		var err error
		if c.domain == unix.AF_UNIX && c.connected {
			fds, err = unix.Socketpair(c.domain, c.kind|unix.SOCK_CLOEXEC, 0)
		} else {
			fds[0], err = unix.Socket(c.domain, c.kind|unix.SOCK_CLOEXEC, 0)
			fds[1], _ = unix.Dup(0)
		}
		if err == unix.EAFNOSUPPORT {
			continue
		}
		if err == nil && c.connected && c.domain == unix.AF_INET {
			var port int
			fmt.Sscanf(server.addr, "127.0.0.1:%d", &port)
			err = unix.Connect(fds[0], &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}, Port: port})
		}
		if err != nil {
			t.Fatal(err)
		}
		file := os.NewFile(uintptr(fds[0]), name)
		for _, way := range []struct {
			options []string
			pass    func(cmd *exec.Cmd)
			fd      int
		}{
			{nil, func(cmd *exec.Cmd) { cmd.Stdin = file }, 0},
			{[]string{"--keep-fd", "4"}, func(cmd *exec.Cmd) { cmd.ExtraFiles = []*os.File{nil, file} }, 4},
		} {
			want := run{stdout: "ok\n"}
			if c.refused {
				want = run{code: exitFailed, stderr: fmt.Sprintf("snib: error: descriptor %d is a socket that leads out of what the options allow\n"+
					"snib: hint: close it, or redirect it: %d<>/dev/null\n", way.fd, way.fd)}
			}
			argv := slices.Concat([]string{"snib", "--loopback"}, way.options, []string{"--", probePath, "open", fmt.Sprint(way.fd)})
			if got := start(t, release.path, argv, way.pass); got != want {
				t.Errorf("%s: %+v, want %+v", name, got, want)
			}
		}
		file.Close()
		unix.Close(fds[1])
	}
}

// Where namespaces cannot be had, nothing runs, and what is said tells why.
func TestNamespaceRefused(t *testing.T) {
	needABI(t, 1)
	r := scratch(t)
	if err := os.Mkdir(r+"/p", 0o755); err != nil {
		t.Fatal(err)
	}
	refused := func(name string, launcher []string, prepare func(*exec.Cmd), want ...string) {
		t.Helper()
		for _, options := range [][]string{{"--loopback"}, {"-w", r, "--protect", r + "/p"}} {
			argv := slices.Concat([]string{"snib"}, options, []string{"--", probePath, "true"})
			if launcher != nil {
				argv = slices.Concat(launcher, []string{release.path}, argv[1:])
			}
			got := start(t, release.path, argv, prepare)
			if got.code != exitFailed || got.stdout != "" || !slices.ContainsFunc(want, func(s string) bool { return strings.Contains(got.stderr, s) }) || !strings.Contains(got.stderr, "snib: hint: ") {
				t.Errorf("%s: %q: %+v", name, options, got)
			}
		}
	}
	if err := haveNamespaces(); err != nil {
		refused("here", nil, nil, "namespace: unshare: "+syscallError(err)+"\n")
		return
	}
	refused("in a sandbox", []string{"snib", "-w", r, "--"}, nil, "needs a user namespace: map the user: permission denied\n", "needs a user namespace: map the user: operation not permitted\n", "function not implemented\n")
	refused("at a limit", nil, func(cmd *exec.Cmd) {
		cmd.Path, cmd.Args = rolePath("limited"), append([]string{"limited", release.path}, cmd.Args...)
		cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWUSER,
			UidMappings: []syscall.SysProcIDMap{{HostID: os.Geteuid(), Size: 1}}, GidMappings: []syscall.SysProcIDMap{{HostID: os.Getegid(), Size: 1}}}
	}, "namespace: unshare: no space left on device\n")
}

func syscallError(err error) string {
	for {
		unwrapped, is := err.(interface{ Unwrap() error })
		if !is {
			return err.Error()
		}
		err = unwrapped.Unwrap()
	}
}

func init() {
	// limited executes a binary where no namespace can be made.
	roles["limited"] = func(args []string) int {
		for _, kind := range []string{"user", "mnt", "net"} {
			if err := os.WriteFile("/proc/sys/user/max_"+kind+"_namespaces", []byte("0"), 0); err != nil {
				fmt.Println(err)
				return 1
			}
		}
		fmt.Println(unix.Exec(args[0], args[1:], os.Environ()))
		return 1
	}
	// chrooted mounts /proc in a directory and executes a binary as a user whose root that is.
	roles["chrooted"] = func(args []string) int {
		err := unix.Mount("proc", args[0]+"/proc", "proc", 0, "")
		if err == nil {
			err = unix.Chroot(args[0])
		}
		if err == nil {
			err = os.Chdir("/")
		}
		if uid := atoi(args[1]); err == nil && uid != 0 {
			err = errors.Join(unix.Setgroups(nil), unix.Setresgid(uid, uid, uid), unix.Setresuid(uid, uid, uid))
		}
		if err == nil {
			err = unix.Exec(args[2], args[3:], nil)
		}
		fmt.Println(err)
		return 1
	}
}

// A chroot is refused: by unshare for a user, and for root because mounts of its own need a root that is one.
func TestNamespaceChroot(t *testing.T) {
	needRoot(t)
	needNamespaces(t)
	dir := scratch(t)
	for _, name := range []string{"/r/p", "/proc"} {
		if err := os.MkdirAll(dir+name, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	copyProgram(t, release.path, dir+"/snib")
	tiny := tinyProgram(t, dir+"/tiny")
	for _, c := range []struct {
		uid  uint32
		want string
	}{
		{0, "snib: error: option \"--protect\" needs a mount namespace: mount_setattr: invalid argument\n" +
			"snib: hint: the root directory is no mount point, as in a chroot: bind it onto itself first\n"},
		{65534, "snib: error: option \"--protect\" needs a namespace: unshare: operation not permitted\n" +
			"snib: hint: a container's seccomp filter, a chroot or kernel.unprivileged_userns_clone forbids it: have it allow unshare(2), or leave the option out\n"},
	} {
		inside := func(proc bool, options ...string) run {
			argv := slices.Concat([]string{"snib", "-w", "/r"}, options, []string{"--", "/tiny"})
			if proc {
				argv = append([]string{"chrooted", dir, fmt.Sprint(c.uid), "/snib"}, argv...)
				return start(t, rolePath("chrooted"), argv, func(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Unshareflags: unix.CLONE_NEWNS} })
			}
			return start(t, "/snib", argv, func(cmd *exec.Cmd) {
				cmd.Dir = "/"
				cmd.SysProcAttr = &syscall.SysProcAttr{Chroot: dir, Credential: &syscall.Credential{Uid: c.uid, Gid: c.uid}}
			})
		}
		for _, proc := range []bool{false, true} {
			want := c.want
			if !proc {
				want = "snib: error: protect \"/r/p\": its absolute path cannot be told: no such file or directory\nsnib: hint: mount /proc\n"
			}
			if got := inside(proc); got.code != tinyCode {
				t.Errorf("%d: control: %s: %+v", c.uid, tiny, got)
			}
			if got := inside(proc, "--protect", "/r/p"); got != (run{code: exitFailed, stderr: want}) {
				t.Errorf("%d: %+v, want %s", c.uid, got, want)
			}
		}
	}
}

// The plain build has threads, with which nobody makes a user namespace.
func TestNamespacePlain(t *testing.T) {
	needNamespaces(t)
	if !slices.Contains(builds, &plain) {
		t.Skip("needs the plain build")
	}
	got := plain.snib(t, "--loopback", "--", probePath, "true")
	if os.Geteuid() == 0 {
		if got != (run{stdout: "ok\n"}) {
			t.Errorf("%+v", got)
		}
		return
	}
	want := "snib: error: option \"--loopback\" needs a namespace: unshare: invalid argument\n" +
		"snib: hint: this kernel has no such namespaces, or this snib is the plain build, which has threads: build it as CGO_ENABLED=0 go build -trimpath -ldflags \"-s -w -E main.entry\"\n"
	if got != (run{code: exitFailed, stderr: want}) {
		t.Errorf("%+v, want %s", got, want)
	}
}

// namespaceScene is a policy that takes namespaces, and what is mounted where the command runs.
type namespaceScene struct {
	options  []string
	readOnly []string
	parents  []string
	refused  bool
}

// namespaceScenes are launches that together make every call of namespace_linux.go and protect_linux.go.
func namespaceScenes(t testing.TB) []namespaceScene {
	p, r := protectable(t)
	fd, err := unix.Open(r+"/a/f", unix.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(fd) })
	above := []string{r, filepath.Dir(r)} // beneath /var/tmp, which is one of --dev
	return []namespaceScene{
		{[]string{"--loopback", "--keep-fd", fmt.Sprint(fd), "-w", r, "--protect", p}, []string{p}, []string{r + "/a", r + "/a/b"}, false},
		{[]string{"--loopback"}, nil, nil, false},
		{[]string{"-w", r + "/a/b", "-w", r, "-w", r + "/f", "--protect", p + "/config", "--protect", p + "/hooks"},
			[]string{p + "/config", p + "/hooks"}, []string{r + "/a", r + "/a/b", p}, false},
		{[]string{"-w", r, "--dev", "--protect", p, "--protect", p, "--protect", r + "/f"}, []string{p, r + "/f"}, append(above, r+"/a", r+"/a/b"), false},
		{[]string{"-w", r, "--protect", r}, nil, nil, true},
		{[]string{"-w", r, "-w", p + "/hooks/sample", "--protect", p}, nil, nil, true},
		{[]string{"-w", r + "/z", "--protect", p}, nil, nil, true},
		{[]string{"-w", r, "-w", r + "/none", "--protect", p}, nil, nil, true},
		{[]string{"-w", r, "--protect", r + "/none"}, nil, nil, true},
	}
}

// namespaceCalls are made only where namespaces are taken.
var namespaceCalls = []uintptr{unix.SYS_GETEUID, unix.SYS_GETEGID, unix.SYS_UNSHARE, unix.SYS_SOCKET, unix.SYS_IOCTL, unix.SYS_OPENAT2,
	unix.SYS_OPEN_TREE, unix.SYS_MOUNT_SETATTR, unix.SYS_MOVE_MOUNT, unix.SYS_GETCWD, unix.SYS_CHDIR}

// namespaceFault is one wrong answer of the kernel, and what a launch with it did.
var namespaceFault namespaceLaunch

type namespaceLaunch struct {
	at, calls int
	answer    uintptr
	nr        uintptr // of the call that got it
	root      bool    // the caller may administer the system
	log       []uintptr
	sites     map[string]bool // lines of calls; nil: not wanted

	flags    uintptr // of the unshare that succeeded
	maps     []string
	file     string // that was opened for writing
	slave    bool
	trees    map[uintptr]identity // clones that are not mounted yet
	locked   map[uintptr]bool     // which are read-only
	mounted  map[identity]bool    // and whether read-only
	cwd, lo  bool
	ruleset  bool
	disorder string
}

func namespaceFaultyKernel(nr, a1, a2, a3, a4, a5 uintptr) uintptr {
	k := &namespaceFault
	at := k.calls
	k.calls++
	k.log = append(k.log, nr)
	if k.sites != nil {
		for _, line := range strings.Fields(callSite()) {
			k.sites[line] = true
		}
	}
	answer := uintptr(0)
	switch {
	case at == k.at:
		k.nr, answer = nr, k.answer
		if nr == unix.SYS_CLOSE {
			rehearsed(nr, a1, a2, a3, a4, a5)
		}
	case nr == unix.SYS_CAPGET && rehearsing.capabilities == nil:
		data := [2]unix.CapUserData{}
		if k.root {
			data[0] = unix.CapUserData{Effective: ^uint32(0), Permitted: ^uint32(0)}
		}
		*(*[2]unix.CapUserData)(memory(a2)) = data
	case nr == unix.SYS_GETEUID:
		answer = 12345
	case nr == unix.SYS_GETEGID:
		answer = 1 << 31
	default:
		answer = rehearsed(nr, a1, a2, a3, a4, a5)
	}
	value, errno := result(answer)
	if errno != 0 {
		return answer
	}
	expect := func(holds bool) {
		if !holds && k.disorder == "" {
			k.disorder = launchCalls[nr]
		}
	}
	identityAt := func(fd uintptr) (id identity) {
		var s unix.Statx_t
		expect(unix.Statx(int(fd), "", unix.AT_EMPTY_PATH, unix.STATX_INO, &s) == nil)
		return identity{dev: uint64(s.Dev_major)<<32 | uint64(s.Dev_minor), ino: s.Ino}
	}
	attr := func() unix.MountAttr { return *(*unix.MountAttr)(memory(a4)) }
	switch nr {
	case unix.SYS_UNSHARE:
		expect(k.flags == 0 && !k.ruleset)
		if value == 0 {
			k.flags = a1
		}
	case unix.SYS_OPENAT:
		if a3&unix.O_ACCMODE == unix.O_WRONLY {
			k.file = strings.Clone(text((*byte)(memory(a2))))
		}
	case unix.SYS_WRITE:
		expect(k.flags != 0)
		if uintptr(value) == a3 {
			k.maps = append(k.maps, k.file+" "+string(unsafe.Slice((*byte)(memory(a2)), a3)))
		}
	case unix.SYS_MOUNT_SETATTR:
		expect(k.flags&unix.CLONE_NEWNS != 0)
		if value == 0 && int32(a1) == unix.AT_FDCWD {
			k.slave = text((*byte)(memory(a2))) == "/" && a3 == unix.AT_RECURSIVE && attr() == unix.MountAttr{Propagation: unix.MS_SLAVE}
		} else if value == 0 {
			k.locked[a1] = a3 == unix.AT_EMPTY_PATH|unix.AT_RECURSIVE && attr() == unix.MountAttr{Attr_set: unix.MOUNT_ATTR_RDONLY, Propagation: unix.MS_PRIVATE}
		}
	case unix.SYS_OPEN_TREE:
		expect(k.slave && a3 == unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC|unix.AT_RECURSIVE|unix.AT_EMPTY_PATH)
		k.trees[answer] = identityAt(a1)
	case unix.SYS_MOVE_MOUNT:
		id := identityAt(a3)
		expect(k.slave && k.trees[a1] == id && a5 == unix.MOVE_MOUNT_F_EMPTY_PATH|unix.MOVE_MOUNT_T_EMPTY_PATH)
		if value == 0 {
			k.mounted[id] = k.locked[a1]
		}
	case unix.SYS_GETCWD:
		k.cwd = false
	case unix.SYS_CHDIR:
		cwd, err := os.Getwd()
		k.cwd = value == 0 && err == nil && text((*byte)(memory(a1))) == cwd
	case unix.SYS_IOCTL:
		expect(k.flags&unix.CLONE_NEWNET != 0)
		k.lo = value == 0 && a2 == unix.SIOCSIFFLAGS && *(*interfaceFlags)(memory(a3)) == interfaceFlags{name: [unix.IFNAMSIZ]byte{'l', 'o'}, flags: unix.IFF_UP}
	case unix.SYS_LANDLOCK_CREATE_RULESET:
		k.ruleset = true
	}
	return answer
}

// launch runs a scene against a kernel that gives one wrong answer.
func (s *namespaceScene) launch(t testing.TB, at int, answer uintptr) (f failure, ran bool) {
	t.Helper()
	argv, envp := arguments(t, slices.Concat([]string{"snib"}, s.options, []string{"--", probePath})...), arguments(t, "PATH=", "TMPDIR=/nonexistent")
	k := &namespaceFault
	*k = namespaceLaunch{at: at, answer: answer, root: k.root, sites: k.sites, trees: map[uintptr]identity{}, locked: map[uintptr]bool{}, mounted: map[identity]bool{}}
	var p policy
	f = p.parse(argv)
	rehearsing = &rehearsal{abi: 11, opened: map[int]int{}, kernel: systemCall}
	if f.reason == noReason {
		withKernel(namespaceFaultyKernel, func() { f = p.carryOut(argv, envp) })
	}
	for fd := range rehearsing.opened {
		unix.Close(fd)
	}
	return f, rehearsing.runs != ""
}

// missing tells what the launch, which has come to execve, has left out; empty: nothing.
func (s *namespaceScene) missing(t testing.TB) string {
	k := &namespaceFault
	flags := uintptr(0)
	if slices.Contains(s.options, "--loopback") {
		flags |= unix.CLONE_NEWNET
	}
	if slices.Contains(s.options, "--protect") {
		flags |= unix.CLONE_NEWNS
	}
	var maps []string
	if !k.root {
		flags |= unix.CLONE_NEWUSER
		maps = []string{"/proc/self/setgroups deny", "/proc/self/uid_map 12345 12345 1", "/proc/self/gid_map 2147483648 2147483648 1"}
	}
	identities := func(paths []string, readOnly bool) string {
		for _, path := range paths {
			var stat unix.Statx_t
			if err := unix.Statx(unix.AT_FDCWD, path, 0, unix.STATX_INO, &stat); err != nil {
				t.Fatal(err)
			}
			is, mounted := k.mounted[identity{dev: uint64(stat.Dev_major)<<32 | uint64(stat.Dev_minor), ino: stat.Ino}]
			if !mounted || is != readOnly {
				return fmt.Sprintf("%s: mounted %v, read-only %v", path, mounted, is)
			}
		}
		return ""
	}
	switch {
	case k.disorder != "":
		return "out of order: " + k.disorder
	case k.flags != flags:
		return fmt.Sprintf("flags %#x", k.flags)
	case !slices.Equal(k.maps, maps):
		return fmt.Sprintf("maps %q", k.maps)
	case flags&unix.CLONE_NEWNET != 0 && !k.lo:
		return "lo is down"
	case flags&unix.CLONE_NEWNS != 0 && !k.cwd:
		return "the working directory is the old one"
	case len(k.mounted) != len(s.readOnly)+len(s.parents):
		return fmt.Sprintf("%d mounts", len(k.mounted))
	}
	return identities(s.readOnly, true) + identities(s.parents, false)
}

// namespaceSites are the lines that the scenes get to, and those to which only a failure leads.
func namespaceSites(t testing.TB) map[string]bool {
	k := &namespaceFault
	k.sites, k.root = map[string]bool{}, false
	defer func() { k.sites = nil }()
	scenes := namespaceScenes(t)
	for _, s := range slices.Backward(scenes) {
		s.launch(t, -1, 0)
	}
	for at, end := 0, k.calls; at < end; at++ {
		scenes[0].launch(t, at, failed(unix.EMFILE))
	}
	return k.sites
}

// Whatever one call answers, the command runs only in the namespaces that were asked for, with everything mounted in them.
func TestNamespaceFaults(t *testing.T) {
	needOneGuest(t)
	k, seen, launches := &namespaceFault, map[uintptr]bool{}, 0
	zero := []uintptr{unix.SYS_UNSHARE, unix.SYS_MOUNT_SETATTR, unix.SYS_MOVE_MOUNT, unix.SYS_CHDIR, unix.SYS_IOCTL, unix.SYS_WRITE}
	answers := []uintptr{failed(unix.EACCES), failed(unix.ENOENT)}
	if emulated() {
		answers = nil
	}
	answers = append(answers, failed(unix.EMFILE))
	for _, k.root = range []bool{false, true} {
		for i, s := range namespaceScenes(t) {
			if i > 1 && (k.root || emulated()) {
				break // the same but for the maps
			}
			f, ran := s.launch(t, -1, 0)
			if left := len(rehearsing.opened); ran && left > 0 {
				t.Errorf("%q: %d descriptors were left open", s.options, left)
			}
			if ran == s.refused || ran && s.missing(t) != "" {
				t.Fatalf("%q without a fault: %+v, ran %v: %s", s.options, f, ran, s.missing(t))
			}
			for at, nr := range k.log {
				all := answers
				if slices.Contains(zero, nr) {
					all = append(slices.Clone(answers), failed(unix.EPERM), 1, 1<<31)
				}
				for _, answer := range all {
					f, ran := s.launch(t, at, answer)
					launches++
					seen[k.nr] = true
					switch {
					case ran && s.refused:
						t.Errorf("%q: call %d (%s): %#x: it ran", s.options, at, launchCalls[nr], answer)
					case ran && s.missing(t) != "":
						t.Errorf("%q: call %d (%s): %#x: it ran: %s", s.options, at, launchCalls[nr], answer, s.missing(t))
					case ran && slices.Contains(namespaceCalls, nr):
						t.Errorf("%q: call %d (%s): %#x: it ran", s.options, at, launchCalls[nr], answer)
					case !ran && f.reason == noReason:
						t.Errorf("%q: call %d (%s): %#x: no reason", s.options, at, launchCalls[nr], answer)
					}
				}
			}
		}
	}
	for _, nr := range namespaceCalls {
		if !seen[nr] {
			t.Errorf("no fault in %s", launchCalls[nr])
		}
	}
	t.Logf("%d launches", launches)
}

// --explain tells which namespaces a policy takes, and makes none.
func TestNamespaceExplained(t *testing.T) {
	t.Parallel()
	needABI(t, 1)
	p, r := protectable(t)
	eachBuild(t, func(t *testing.T, b *build) {
		for _, c := range []struct {
			options, namespaces, protected []string
			network                        string
		}{
			{nil, []string{}, []string{}, "local"},
			{[]string{"--loopback"}, []string{"network"}, []string{}, "loopback"},
			{[]string{"-w", r, "--protect", p}, []string{"mount"}, []string{p}, "local"},
			{[]string{"-w", r, "--protect", p, "--loopback", "--protect", r + "/f"}, []string{"mount", "network"}, []string{p, r + "/f"}, "loopback"},
		} {
			want := c.namespaces
			if os.Geteuid() != 0 && len(want) > 0 {
				want = append([]string{"user"}, want...)
			}
			got := decodeExplained(t, b.snib(t, slices.Concat([]string{"--explain=json"}, c.options, []string{"--", probePath, "true"})...))
			if !slices.Equal(got.Namespaces, want) || !slices.Equal(got.Protected, c.protected) || got.Network != c.network || got.Runs != probePath || got.Failure != "" {
				t.Errorf("%q: %+v, want %q", c.options, got, want)
			}
			if slices.Contains(got.Calls, "unshare") != (len(want) > 0) {
				t.Errorf("%q: %q", c.options, got.Calls)
			}
			for _, path := range got.Paths {
				if len(path.Access) == 0 {
					t.Errorf("%q: %+v", c.options, path)
				}
			}
		}
	})
}

func init() {
	probes["seen"] = func(a []string) error {
		var owners []uint32
		for _, file := range a {
			var s unix.Stat_t
			if err := unix.Stat(file, &s); err != nil {
				return err
			}
			owners = append(owners, s.Uid, s.Gid)
		}
		groups, err := unix.Getgroups()
		if err != nil {
			return err
		}
		var data [2]unix.CapUserData
		if err := unix.Capget(&unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}, &data[0]); err != nil {
			return err
		}
		return fmt.Errorf("%d:%d %d %d %#x", os.Geteuid(), os.Getegid(), owners, groups, data[0].Permitted)
	}
}

// What a command sees of users, groups and its capabilities, by who starts it.
func TestNamespaceSeen(t *testing.T) {
	t.Parallel()
	needRoot(t)
	needNamespaces(t)
	dir := forUsers(t)
	file := dir + "/file"
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(file, 1234, 1234); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		uid  uint32
		want [3]string // without a sandbox, with snib, with a namespace
	}{
		{0, [3]string{"0:0 [0 0 1234 1234] [4321] full", "0:0 [0 0 1234 1234] [4321] 0x405eb", "0:0 [0 0 1234 1234] [4321] 0x405eb"}},
		{1234, [3]string{"1234:1234 [0 0 1234 1234] [4321] 0x0", "1234:1234 [0 0 1234 1234] [4321] 0x0", "1234:1234 [65534 65534 1234 1234] [65534] 0x0"}},
	} {
		for i, launcher := range [][]string{nil, sandbox(), sandbox("--loopback")} {
			path, argv := dir+"/probe", []string{"probe", "seen", dir + "/probe", file}
			if launcher != nil {
				path, argv = dir+"/snib", append(launcher, dir+"/probe", "seen", dir+"/probe", file)
			}
			got := start(t, path, argv, func(cmd *exec.Cmd) {
				cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: c.uid, Gid: c.uid, Groups: []uint32{4321}}}
			})
			want := run{stdout: c.want[i] + "\n"}
			if c.uid == 0 && i == 0 {
				want.stdout, got.stdout = strings.TrimSuffix(c.want[0], "full"), got.stdout[:max(0, strings.LastIndex(got.stdout, " ")+1)]
			}
			if got != want {
				t.Errorf("%d, %q: %+v, want %+v", c.uid, launcher, got, want)
			}
		}
	}
}
