package main

// What root keeps: its capabilities as the kernel counts them, what each that is gone would have done to the machine, seen
// from outside, and the ordinary work that goes on without them.

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// keeps are the capabilities that a launch leaves root.
var keeps = capabilitySet(unix.CAP_CHOWN, unix.CAP_DAC_OVERRIDE, unix.CAP_FOWNER, unix.CAP_KILL, unix.CAP_SETGID,
	unix.CAP_SETUID, unix.CAP_SETPCAP, unix.CAP_NET_BIND_SERVICE, unix.CAP_SYS_CHROOT)

func capabilitySet(all ...int) (set uint64) {
	for _, c := range all {
		set |= 1 << c
	}
	return set
}

// capabilitySets are those of a process as /proc/PID/status counts them.
type capabilitySets struct{ inheritable, permitted, effective, bounding, ambient uint64 }

func readSets(t testing.TB, line string) (s capabilitySets) {
	t.Helper()
	if _, err := fmt.Sscanf(line, "CapInh:%x CapPrm:%x CapEff:%x CapBnd:%x CapAmb:%x",
		&s.inheritable, &s.permitted, &s.effective, &s.bounding, &s.ambient); err != nil {
		t.Fatalf("%q: %v", line, err)
	}
	return s
}

// reduced returns what a launch must make of sets.
func (s capabilitySets) reduced() capabilitySets {
	return capabilitySets{s.inheritable & keeps, s.permitted & keeps, s.effective & keeps, s.bounding, s.ambient & keeps}
}

func (s capabilitySets) String() string {
	return fmt.Sprintf("inheritable %x, permitted %x, effective %x, bounding %x, ambient %x",
		s.inheritable, s.permitted, s.effective, s.bounding, s.ambient)
}

// networkOnly is the policy that restricts nothing but the network: neither Landlock nor most rows of the filter see what
// the command does to files.
var networkOnly = []string{"codex-linux-sandbox", "-s", "disk-full-write-access", "--"}

// enforceable tells whether this kernel can enforce what a launch kind asks for.
func (k launchKind) enforceable() bool { return kernelABI() > 0 || !strings.Contains(k.asks, "writes") }

// A launch takes all but its list from every set, whatever it restricts, and another execve gives nothing back; a policy
// that restricts nothing leaves all as it was.
func TestCapabilitySets(t *testing.T) {
	t.Parallel()
	dir := scratch(t)
	eachBuild(t, func(t *testing.T, b *build) {
		control := readSets(t, b.outcome(t, nil, "capabilities"))
		if os.Geteuid() == 0 && control.permitted&^keeps == 0 {
			t.Fatalf("control: %v: nothing to lose", control)
		}
		for _, kind := range launchKinds() {
			if !kind.enforceable() {
				continue
			}
			want := control.reduced()
			if kind.asks == "" {
				want = control
			}
			launcher := substitute(kind.argv, dir)
			for _, op := range [][]string{{"capabilities"}, {"become", probePath, "capabilities"}} {
				if got := readSets(t, b.outcome(t, launcher, op...)); got != want {
					t.Errorf("%s, %q: %v, want %v", kind.name, op, got, want)
				}
			}
		}
	})
}

// Root can still fill its inheritable set, for which CAP_SETPCAP is enough; no execve makes more of it.
func TestInheritableRaised(t *testing.T) {
	needRoot(t)
	needABI(t, 1)
	eachBuild(t, func(t *testing.T, b *build) {
		got := readSets(t, b.outcome(t, []string{"snib", "--"}, "raiseInheritable", probePath, "capabilities"))
		if got.inheritable&^keeps == 0 {
			t.Errorf("%v: nothing was raised", got)
		}
		if (got.permitted|got.effective|got.ambient)&^keeps != 0 {
			t.Errorf("%v", got)
		}
	})
}

// forUsers is a directory that every user can read, with copies of the release build (snib), of this binary (probe), and
// of this binary as a set-uid program (setuid).
func forUsers(t testing.TB) string {
	t.Helper()
	dir := scratch(t)
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for name, from := range map[string]string{"snib": release.path, "probe": "/proc/self/exe", "setuid": "/proc/self/exe"} {
		copyProgram(t, from, filepath.Join(dir, name))
	}
	if err := os.Chmod(dir+"/setuid", 0o755|os.ModeSetuid); err != nil {
		t.Fatal(err)
	}
	return dir
}

// A user's capabilities, which are inheritable or ambient, go the same way; and a set-uid program of root's gives none.
func TestCapabilitiesOfUser(t *testing.T) {
	t.Parallel()
	needRoot(t)
	dir := forUsers(t)
	const user = 65534
	raw, admin, chown := capabilitySet(unix.CAP_NET_RAW), capabilitySet(unix.CAP_SYS_ADMIN), capabilitySet(unix.CAP_CHOWN)
	outcome := func(inheritable, ambient uint64, launcher []string, op ...string) string {
		t.Helper()
		argv := []string{"holding", fmt.Sprint(user), fmt.Sprint(inheritable), fmt.Sprint(ambient)}
		if len(launcher) > 0 {
			argv = slices.Concat(argv, []string{dir + "/snib"}, launcher, []string{dir + "/probe"}, op)
		} else {
			argv = slices.Concat(argv, []string{dir + "/probe", "probe"}, op)
		}
		r := start(t, rolePath("holding"), argv, nil)
		if r.code != 0 || r.stderr != "" {
			t.Fatalf("%q: %+v", argv, r)
		}
		return strings.TrimSpace(r.stdout)
	}
	sandboxes := [][]string{networkOnly}
	if kernelABI() > 0 {
		sandboxes = append(sandboxes, []string{"snib", "--network", "--"}, []string{"codex-linux-sandbox", "-s", "network-full-access", "--"})
	}
	for _, c := range []struct {
		name                 string
		inheritable, ambient uint64
	}{
		{name: "none"},
		{name: "inheritable", inheritable: raw | admin},
		{name: "ambient", ambient: raw},
		{name: "ambient, one of them kept", ambient: raw | chown},
		{name: "both", inheritable: admin | chown, ambient: raw},
		{name: "kept ones alone", inheritable: chown, ambient: chown},
	} {
		control := readSets(t, outcome(c.inheritable, c.ambient, nil, "capabilities"))
		held := c.inheritable | c.ambient
		if want := (capabilitySets{held, c.ambient, c.ambient, control.bounding, c.ambient}); control != want {
			t.Errorf("%s: control: %v, want %v", c.name, control, want)
		}
		for _, sandbox := range sandboxes {
			if got, want := readSets(t, outcome(c.inheritable, c.ambient, sandbox, "capabilities")), control.reduced(); got != want {
				t.Errorf("%s, %q: %v, want %v", c.name, sandbox, got, want)
			}
		}
	}
	packet := []string{"socket", fmt.Sprint(unix.AF_PACKET), fmt.Sprint(unix.SOCK_RAW)}
	if got := outcome(0, raw, nil, packet...); got != "ok" {
		t.Errorf("packets, control: %s", got)
	}
	for _, sandbox := range sandboxes {
		if got := outcome(0, raw, sandbox, packet...); got != "EPERM" {
			t.Errorf("packets, %q: %s", sandbox, got)
		}
	}

	become := []string{"become", dir + "/setuid", "capabilities"}
	if control := readSets(t, outcome(0, 0, nil, become...)); control.effective&^keeps == 0 {
		t.Errorf("set-uid, control: %v", control)
	}
	for _, sandbox := range sandboxes {
		if got := readSets(t, outcome(0, 0, sandbox, become...)); got.permitted|got.effective|got.ambient != 0 {
			t.Errorf("set-uid, %q: %v", sandbox, got)
		}
		asRoot := readSets(t, release.outcome(t, sandbox, become...))
		if asRoot.permitted&^keeps != 0 || asRoot.effective&^keeps != 0 || asRoot.permitted == 0 {
			t.Errorf("set-uid as root, %q: %v", sandbox, asRoot)
		}
	}
}

// What a launch asks of the kernel for it: a user's one call, root's three.
func TestCapabilityCalls(t *testing.T) {
	t.Parallel()
	strace := need(t, "strace")
	needABI(t, 1)
	count := func(trace string) [2]int {
		return [2]int{strings.Count(trace, "capget("), strings.Count(trace, "capset(")}
	}
	for _, kind := range launchKinds() {
		want := [2]int{1, 0}
		switch {
		case kind.asks == "":
			want = [2]int{}
		case capable():
			want = [2]int{2, 1}
		}
		_, trace := straced(t, append(substitute(kind.argv, "/var/tmp"), tinyProgram(t, scratch(t)+"/tiny")))
		if got := count(trace); got != want {
			t.Errorf("%s: capget and capset %v times, want %v", kind.name, got, want)
		}
	}
	if os.Geteuid() != 0 {
		return
	}
	dir := forUsers(t)
	trace := scratch(t) + "/trace"
	r := start(t, strace, []string{"strace", "-f", "-o", trace, "-e", "trace=execve,capget,capset",
		rolePath("holding"), "65534", "0", "0", dir + "/snib", "snib", dir + "/probe", "capabilities"}, nil)
	content, err := os.ReadFile(trace)
	if err != nil || r.code != 0 {
		t.Fatalf("%+v, %v", r, err)
	}
	_, launch, is := strings.Cut(string(content), `execve("`+dir+"/snib")
	if got := count(launch); !is || got != [2]int{1, 0} {
		t.Errorf("as a user: capget and capset %v times:\n%s", got, content)
	}
}

// needGuest skips a test that changes its machine, where that is not a guest of test/kernels.
func needGuest(t testing.TB) {
	t.Helper()
	if os.Getenv(guestVariable) == "" {
		t.Skip("needs a guest")
	}
}

// ownNamespaces moves the test's thread, and with it every process that the test starts, to namespaces of its own. The
// thread ends with the test.
func ownNamespaces(t testing.TB, flags int) {
	t.Helper()
	runtime.LockOSThread()
	if err := unix.Unshare(flags); err != nil {
		t.Fatal(err)
	}
}

// An effect is what a capability would let root do although Landlock and the filter are in force.
type effect struct {
	name       string
	guest      bool       // it changes the machine
	namespaces int        // it changes a namespace, which is the test's own
	sandboxes  [][]string // in which nothing but the lost capability is in its way
	control    string     // the outcome without a sandbox, if not "ok"

	// prepare sets one trial up. It returns the operation, and how to see from outside whether it had its effect, which
	// also puts an end to that; nil where the outcome is all that there is to see.
	prepare func(t *testing.T) (op []string, happened func() bool)
}

var (
	ownLocal   = []string{"snib", "--"}
	ownNetwork = []string{"snib", "--network", "--"}
	helper     = []string{"codex-linux-sandbox", "--"}
	helperNet  = []string{"codex-linux-sandbox", "-s", "network-full-access", "--"}

	anySandbox  = [][]string{ownLocal, ownNetwork, helper, networkOnly}
	withNetwork = [][]string{ownNetwork, helperNet}
)

var effects = []effect{
	{name: "kernel memory", sandboxes: anySandbox, prepare: func(t *testing.T) ([]string, func() bool) {
		if _, err := os.Stat("/proc/kcore"); err != nil {
			t.Skip("needs /proc/kcore")
		}
		return []string{"read", "/proc/kcore"}, nil
	}},
	{name: "interface up by an AF_UNIX socket", namespaces: unix.CLONE_NEWNET, sandboxes: anySandbox,
		prepare: func(t *testing.T) ([]string, func() bool) {
			return []string{"interfaceUp"}, func() bool {
				was := flagsOf(t, "lo")
				setLinkFlags(t, "lo", was&^unix.IFF_UP)
				return was&unix.IFF_UP != 0
			}
		}},
	{name: "address of an interface", namespaces: unix.CLONE_NEWNET, sandboxes: withNetwork,
		prepare: func(t *testing.T) ([]string, func() bool) {
			setLinkFlags(t, "lo", unix.IFF_UP)
			return []string{"interfaceAddr"}, func() bool {
				lo, err := net.InterfaceByName("lo")
				if err != nil {
					t.Fatal(err)
				}
				addrs, err := lo.Addrs()
				if err != nil {
					t.Fatal(err)
				}
				setAddr(t, "lo", [4]byte{127, 0, 0, 1})
				return strings.Contains(fmt.Sprint(addrs), newAddr)
			}
		}},
	{name: "tunnel made", namespaces: unix.CLONE_NEWNET,
		sandboxes: [][]string{{"snib", "--network", "-w", tunnelDevice}, {"codex-linux-sandbox", "-s", "network-full-access", "-s", "disk-write-folder=" + tunnelDevice, "--"}},
		prepare: func(t *testing.T) ([]string, func() bool) {
			needTunnel(t)
			return []string{"makeTunnel", "snib0"}, func() bool {
				_, err := net.InterfaceByName("snib0")
				if err == nil {
					if err := makeTunnel("snib0", 0); err != nil {
						t.Fatal(err)
					}
				}
				return err == nil
			}
		}},
	{name: "packets heard", namespaces: unix.CLONE_NEWNET, sandboxes: withNetwork,
		prepare: func(t *testing.T) ([]string, func() bool) {
			setLinkFlags(t, "lo", unix.IFF_UP)
			l, err := net.ListenPacket("udp4", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { l.Close() })
			go func() {
				for {
					if _, err := l.WriteTo([]byte("a secret"), l.LocalAddr()); err != nil {
						return
					}
					time.Sleep(time.Millisecond)
				}
			}()
			return []string{"sniff", "a secret"}, nil
		}},
	{name: "host name", namespaces: unix.CLONE_NEWUTS, sandboxes: anySandbox, prepare: newName("hostName", "localhost", func(u *unix.Utsname) []byte { return u.Nodename[:] })},
	{name: "domain name", namespaces: unix.CLONE_NEWUTS, sandboxes: anySandbox, prepare: newName("domainName", "localdomain", func(u *unix.Utsname) []byte { return u.Domainname[:] })},
	{name: "clock", guest: true, sandboxes: anySandbox, prepare: func(t *testing.T) ([]string, func() bool) {
		began := time.Now() // which knows both clocks
		return []string{"setClock"}, func() bool {
			shifted := time.Now().Round(0).Sub(began.Round(0))-time.Since(began) > time.Hour/2
			if shifted {
				if err := shiftClock(-time.Hour); err != nil {
					t.Fatal(err)
				}
			}
			return shifted
		}
	}},
	{name: "kernel log, its size", sandboxes: anySandbox, prepare: func(*testing.T) ([]string, func() bool) {
		return []string{"unreadLog"}, nil
	}},
	{name: "kernel log cleared", guest: true, sandboxes: anySandbox, prepare: func(t *testing.T) ([]string, func() bool) {
		message := fmt.Sprintf("snib: %d", time.Now().UnixNano())
		if err := os.WriteFile("/dev/kmsg", []byte("<7>"+message+"\n"), 0); err != nil {
			t.Fatal(err)
		}
		return []string{"clearLog"}, func() bool {
			log := make([]byte, 1<<20)
			n, err := unix.Klogctl(unix.SYSLOG_ACTION_READ_ALL, log)
			if err != nil {
				t.Fatal(err)
			}
			return !bytes.Contains(log[:n], []byte(message))
		}
	}},
	{name: "others' opening of a file denied", sandboxes: anySandbox, prepare: func(t *testing.T) ([]string, func() bool) {
		file := scratch(t) + "/file"
		if err := os.WriteFile(file, nil, 0o644); err != nil {
			t.Fatal(err)
		}
		var done atomic.Bool
		denied := make(chan bool)
		go func() {
			var err error
			for err == nil && !done.Load() {
				err = openAndClose(file, unix.O_RDONLY)
				time.Sleep(time.Millisecond)
			}
			denied <- errors.Is(err, unix.EPERM)
		}()
		return []string{"denyOpening", file}, func() bool {
			done.Store(true)
			return <-denied
		}
	}},
	{name: "quota", control: "ESRCH", sandboxes: anySandbox, prepare: func(t *testing.T) ([]string, func() bool) {
		return []string{"limitBlocks", ext4Image(t)}, nil // which has none: no kernel of the tests' was seen to count
	}},
	{name: "file system frozen", sandboxes: [][]string{networkOnly}, prepare: func(t *testing.T) ([]string, func() bool) {
		dir := ext4Image(t)
		return []string{"freeze", dir}, func() bool {
			switch err := requestOn(dir, fiThaw); err {
			case nil:
				return true
			case unix.EINVAL: // it was not frozen
			default:
				t.Fatal(err)
			}
			return false
		}
	}},
	{name: "key bound", guest: true, sandboxes: [][]string{{"snib", "-w", "/dev", "--"}, networkOnly}, prepare: func(t *testing.T) ([]string, func() bool) {
		before := keyEntry{index: idleKey}
		if err := keyRequest(kdGetKey, &before); err != nil {
			t.Skip("needs a virtual terminal")
		}
		return []string{"bindKey"}, func() bool {
			now := keyEntry{index: idleKey}
			if err := keyRequest(kdGetKey, &now); err != nil {
				t.Fatal(err)
			}
			if now != before {
				if err := bindKey(&before); err != nil {
					t.Fatal(err)
				}
			}
			return now.value&0xff == 'x'
		}
	}},
	{name: "unmounted", sandboxes: [][]string{networkOnly}, prepare: func(t *testing.T) ([]string, func() bool) {
		dir := scratch(t)
		if err := unix.Mount("tmpfs", dir, "tmpfs", 0, ""); err != nil {
			t.Fatal(err)
		}
		return []string{"unmount", dir}, func() bool { return unix.Unmount(dir, 0) == unix.EINVAL }
	}},
	{name: "device node", sandboxes: [][]string{networkOnly}, prepare: func(t *testing.T) ([]string, func() bool) {
		node := scratch(t) + "/node"
		return []string{"mkblock", node}, func() bool {
			_, err := os.Lstat(node)
			return err == nil
		}
	}},
	{name: "file by its handle", sandboxes: [][]string{networkOnly}, prepare: func(t *testing.T) ([]string, func() bool) {
		dir := scratch(t)
		tree(t, dir)
		return []string{"openByHandle", dir, dir + "/file"}, nil
	}},
}

// Nothing that a capability alone would allow has its effect, and each has it without a sandbox.
func TestCapabilityEffects(t *testing.T) {
	t.Parallel()
	needRoot(t)
	for _, e := range effects {
		t.Run(e.name, func(t *testing.T) {
			if e.guest {
				needGuest(t)
			}
			sandboxes := e.sandboxes
			if kernelABI() == 0 {
				sandboxes = slices.DeleteFunc(slices.Clone(sandboxes), func(s []string) bool { return !slices.Equal(s, networkOnly) })
			}
			if len(sandboxes) == 0 {
				needABI(t, 1)
			}
			if e.namespaces != 0 {
				ownNamespaces(t, e.namespaces)
			}
			for _, b := range builds {
				for _, sandbox := range append(slices.Clone(sandboxes), nil) {
					want := "EPERM"
					if sandbox == nil {
						want = cmp.Or(e.control, "ok")
					}
					op, happened := e.prepare(t)
					got := b.outcome(t, sandbox, op...)
					if got != want {
						t.Errorf("%s, %q: %s, want %s", b.name, sandbox, got, want)
					}
					if happened != nil && happened() != (sandbox == nil) {
						t.Errorf("%s, %q: had its effect: %v", b.name, sandbox, sandbox != nil)
					}
				}
			}
		})
	}
}

// newName is the trial of a new name of the machine.
func newName(op, old string, name func(*unix.Utsname) []byte) func(t *testing.T) ([]string, func() bool) {
	return func(t *testing.T) ([]string, func() bool) {
		t.Helper()
		for _, set := range []func([]byte) error{unix.Sethostname, unix.Setdomainname} {
			if err := set([]byte(old)); err != nil {
				t.Fatal(err)
			}
		}
		return []string{op, "changed"}, func() bool {
			var uts unix.Utsname
			if err := unix.Uname(&uts); err != nil {
				t.Fatal(err)
			}
			now := unix.ByteSliceToString(name(&uts))
			if now != old && now != "changed" {
				t.Errorf("%q", now)
			}
			return now == "changed"
		}
	}
}

const newAddr = "127.9.8.7"

func flagsOf(t testing.TB, name string) uint16 {
	t.Helper()
	r, err := interfaceRequest(unix.AF_INET, unix.SIOCGIFFLAGS, name, func(*unix.Ifreq) {})
	if err != nil {
		t.Fatal(err)
	}
	return r.Uint16()
}

func setLinkFlags(t testing.TB, name string, flags uint16) {
	t.Helper()
	if _, err := interfaceRequest(unix.AF_INET, unix.SIOCSIFFLAGS, name, func(r *unix.Ifreq) { r.SetUint16(flags) }); err != nil {
		t.Fatal(err)
	}
}

func setAddr(t testing.TB, name string, addr [4]byte) {
	t.Helper()
	if _, err := interfaceRequest(unix.AF_INET, unix.SIOCSIFADDR, name, func(r *unix.Ifreq) { _ = r.SetInet4Addr(addr[:]) }); err != nil {
		t.Fatal(err)
	}
}

func needTunnel(t testing.TB) {
	t.Helper()
	fd, err := unix.Open(tunnelDevice, unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Skip("needs " + tunnelDevice)
	}
	unix.Close(fd)
}

// A tunnel that is there already, and that its user may attach to without a capability, sends no packets while the network
// is off.
func TestTunnel(t *testing.T) {
	needRoot(t)
	needTunnel(t)
	ownNamespaces(t, unix.CLONE_NEWNET)
	if err := makeTunnel("snib0", 1); err != nil {
		t.Fatal(err)
	}
	setAddr(t, "snib0", [4]byte{10, 9, 8, 1})
	setLinkFlags(t, "snib0", unix.IFF_UP)
	l := listen(t, "udp", "0.0.0.0:0")
	port := l.addr[strings.LastIndex(l.addr, ":")+1:]
	for _, b := range builds {
		use := func(sandbox []string, message string) string {
			t.Helper()
			return b.outcome(t, sandbox, "useTunnel", "snib0", port, message)
		}
		offline := [][]string{networkOnly}
		if kernelABI() > 0 {
			offline = append(offline, []string{"snib", "-w", tunnelDevice}, []string{"codex-linux-sandbox", "-s", "disk-write-folder=" + tunnelDevice, "--"})
		}
		for _, sandbox := range offline {
			if got := use(sandbox, "denied"); got != "EPERM" {
				t.Errorf("%s, %q: %s", b.name, sandbox, got)
			}
		}
		if kernelABI() > 0 {
			sandbox := []string{"snib", "--network", "-w", tunnelDevice}
			if got := use(sandbox, "allowed"); got != "ok" || l.next(t) != "allowed" {
				t.Errorf("%s, %q: %s", b.name, sandbox, got)
			}
		}
		if got := use(nil, "control"); got != "ok" || l.next(t) != "control" {
			t.Errorf("control: %s", got)
		}
	}
}

// ext4Image mounts an empty file system of the test's own.
func ext4Image(t testing.TB) (dir string) {
	t.Helper()
	mkfs, mount, umount := need(t, "mkfs.ext4"), need(t, "mount"), need(t, "umount")
	known, err := os.ReadFile("/proc/filesystems")
	if err != nil || !strings.Contains(string(known), "\text4\n") {
		t.Skip("needs a kernel with ext4")
	}
	image := scratch(t) + "/image"
	dir = scratch(t)
	if err := os.WriteFile(image, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(image, 4<<20); err != nil {
		t.Fatal(err)
	}
	for _, argv := range [][]string{{mkfs, "-q", image}, {mount, "-o", "loop", image, dir}} {
		if out, err := exec.Command(argv[0], argv[1:]...).CombinedOutput(); err != nil {
			t.Fatalf("%q: %v\n%s", argv, err, out)
		}
	}
	t.Cleanup(func() {
		_ = requestOn(dir, fiThaw) // a frozen file system could not be unmounted
		if out, err := exec.Command(umount, dir).CombinedOutput(); err != nil {
			t.Errorf("%v\n%s", err, out)
		}
	})
	return dir
}

// allDenied checks outcomes of tryCapableCalls: a call that the control reached must have ended in EPERM. A guest's kernel
// has all of them, but that Debian's of arm64 lack kexec_file_load.
func allDenied(t testing.TB, sandbox []string, control, got string) {
	t.Helper()
	n, want := 0, 10
	if os.Getenv(guestVariable) != "" {
		want = len(capableCalls)
		if runtime.GOARCH == "arm64" {
			want--
		}
	}
	before, after := strings.Fields(control), strings.Fields(got)
	if len(before) != len(capableCalls) || len(after) != len(capableCalls) {
		t.Fatalf("%q, control %q", got, control)
	}
	for i, outcome := range after {
		name, errno, _ := strings.Cut(outcome, ":")
		switch {
		case before[i] == name+":EPERM":
			t.Errorf("control: %s", before[i])
		case before[i] == name+":ENOSYS" && errno == "ENOSYS": // this kernel is built without it
		case errno != "EPERM":
			t.Errorf("%q: %s, without a sandbox %s", sandbox, outcome, before[i])
		default:
			n++
		}
	}
	if n < want {
		t.Errorf("%q: only %d denied: %s", sandbox, n, got)
	}
}

// Root's calls that change the machine fail for want of a capability, and reading the state of the clock does not.
func TestCapableCalls(t *testing.T) {
	t.Parallel()
	needRoot(t)
	sandboxes := anySandbox
	if kernelABI() == 0 {
		sandboxes = [][]string{networkOnly}
	}
	eachBuild(t, func(t *testing.T, b *build) {
		control := b.outcome(t, nil, "capableCalls")
		for _, sandbox := range sandboxes {
			allDenied(t, sandbox, control, b.outcome(t, sandbox, "capableCalls"))
		}
		for _, sandbox := range append(slices.Clone(sandboxes), nil) {
			if got := b.outcome(t, sandbox, "readClocks"); got != "ok" {
				t.Errorf("%q: reading: %s", sandbox, got)
			}
		}
	})
}

// A user namespace of the command's own has every capability, and none that these calls ask for.
func TestCapableCallsInUserNamespace(t *testing.T) {
	t.Parallel()
	needRoot(t) // for the control
	control := release.outcome(t, nil, "capableCalls")
	sandboxes := [][]string{networkOnly}
	if kernelABI() > 0 {
		sandboxes = append(sandboxes, ownLocal, ownNetwork)
	}
	dir := forUsers(t)
	for _, user := range []string{"0", "65534"} {
		for _, sandbox := range append([][]string{nil}, sandboxes...) {
			launcher := slices.Concat([]string{dir + "/snib"}, sandbox, []string{dir + "/probe"})
			if sandbox == nil {
				launcher = []string{dir + "/probe", "probe"}
			}
			argv := slices.Concat([]string{"holding", user, "0", "0"}, launcher,
				[]string{"inUserNamespace", dir + "/probe", "each", "capabilities", ",", "capableCalls"})
			r := start(t, rolePath("holding"), argv, nil)
			if strings.HasPrefix(r.stdout, "no namespace") && sandbox == nil {
				t.Skip("needs user namespaces")
			}
			i := strings.Index(r.stdout, " acct:")
			if r.code != 0 || i < 0 {
				t.Fatalf("%q: %+v", argv, r)
			}
			if sets := readSets(t, r.stdout[:i]); sets.effective&capabilitySet(unix.CAP_SYS_ADMIN) == 0 {
				t.Errorf("%q: %v", argv, sets)
			}
			allDenied(t, argv, control, r.stdout[i:])
		}
	}
}

// owners lists everything beneath dir, with its owner and mode.
func owners(t testing.TB, dir string) string {
	t.Helper()
	var b strings.Builder
	err := filepath.WalkDir(dir, func(path string, _ os.DirEntry, err error) error {
		var stat unix.Stat_t
		if err == nil {
			err = unix.Lstat(path, &stat)
		}
		name, _ := filepath.Rel(dir, path)
		fmt.Fprintf(&b, "%s %d %d %o\n", name, stat.Uid, stat.Gid, stat.Mode)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// What root does every day, for which the capabilities that are left are enough.
func TestRootsWork(t *testing.T) {
	t.Parallel()
	needRoot(t)
	needABI(t, 1)
	sh := need(t, "sh")
	const file = "mkdir from && echo text >from/file && chown 1234:5678 from/file && chmod 640 from/file && "
	for _, c := range []struct {
		tool, script, want string
		files              bool // the same files with the same owners must be there at the end
		network            bool // it makes a socket that is not AF_UNIX (PAM writes to the audit system)
	}{
		{tool: "git", want: "message\n", script: `git init -q . && echo text >file && git add file &&
			git -c user.name=a -c user.email=a@b commit -qm message && git gc -q && git fsck && git log --format=%s`},
		{tool: "tar", files: true, script: file + "tar -C from -cf archive . && mkdir to && tar -C to -xpf archive"},
		{tool: "cp", files: true, script: file + "cp -a from to && chown -h 1:2 to"},
		{tool: "mv", files: true, script: file + "chmod 000 from/file && mv from/file . && echo more >>file && chmod 444 file"},
		{tool: "su", network: true, want: "65534\n", script: "su -s /bin/sh nobody -c 'id -u'"},
		{tool: "setpriv", want: "65534\n", script: "setpriv --reuid 65534 --regid 65534 --clear-groups id -u"},
		{tool: "chroot", want: fmt.Sprintln(tinyCode), files: true, script: "mkdir root && cp ../tiny root && chroot root /tiny; echo $?"},
		{tool: "setpriv", want: "143\n", script: `setpriv --reuid 65534 --clear-groups sleep 60 &
			until grep -q '^Uid:.*65534.*65534.*65534' /proc/$!/status; do :; done
			exec 2>/dev/null # whether the shell reports the signal depends on when it notices
			kill $!; wait $!; echo $?`},
	} {
		t.Run(c.tool, func(t *testing.T) {
			need(t, c.tool)
			run := func(launcher ...string) (run, string) {
				t.Helper()
				dir := scratch(t)
				tinyProgram(t, dir+"/tiny")
				if err := os.Mkdir(dir+"/work", 0o755); err != nil {
					t.Fatal(err)
				}
				path := sh
				if len(launcher) > 0 {
					path, launcher = release.path, append(launcher, "-w", dir+"/work", "--", sh)
				} else {
					launcher = []string{sh}
				}
				r := start(t, path, append(launcher, "-c", c.script), func(cmd *exec.Cmd) {
					cmd.Dir = dir + "/work"
					cmd.Env = append(os.Environ(), "HOME="+dir+"/work")
				})
				if c.files {
					return r, owners(t, dir+"/work")
				}
				return r, ""
			}
			control, files := run()
			if control.code != 0 || control.stdout != c.want {
				t.Fatalf("control: %+v", control)
			}
			for _, launcher := range [][]string{{"snib", "--network"}, {"snib"}} {
				if c.network && len(launcher) == 1 {
					continue
				}
				if r, made := run(launcher...); r != control || made != files {
					t.Errorf("%q: %+v\n%swithout a sandbox %+v\n%s", launcher, r, made, control, files)
				}
			}
		})
	}
}

// Root serves at a low port, and a user does not.
func TestLowPort(t *testing.T) {
	needRoot(t)
	needABI(t, 1)
	ownNamespaces(t, unix.CLONE_NEWNET)
	setLinkFlags(t, "lo", unix.IFF_UP)
	for _, sandbox := range [][]string{nil, {"snib", "--network", "--"}} {
		if got := release.outcome(t, sandbox, "bind", "127.0.0.1:80"); got != "ok" {
			t.Errorf("%q: %s", sandbox, got)
		}
	}
	dir := forUsers(t)
	r := start(t, rolePath("holding"), []string{"holding", "65534", "0", "0", dir + "/probe", "probe", "bind", "127.0.0.1:80"}, nil)
	if r.stdout != "EACCES\n" {
		t.Errorf("as a user: %+v", r)
	}
}
