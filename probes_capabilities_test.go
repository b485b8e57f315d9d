package main

// Probes of what takes a capability: each would change the machine, or asks harmlessly whether the kernel would let it.

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

var capabilityProbes = map[string]func(args []string) error{
	"capabilities":     func([]string) error { return errors.New(capabilityLines()) },
	"become":           func(a []string) error { return unix.Exec(a[0], append([]string{"probe"}, a[1:]...), os.Environ()) },
	"raiseInheritable": raiseInheritable,
	"inUserNamespace":  inUserNamespace,
	"capableCalls":     tryCapableCalls,
	"readClocks":       readClocks,

	"interfaceUp":   func([]string) error { return setInterface(unix.AF_UNIX, unix.SIOCSIFFLAGS) },
	"interfaceAddr": func([]string) error { return setInterface(unix.AF_INET, unix.SIOCSIFADDR) },
	"makeTunnel":    func(a []string) error { return makeTunnel(a[0], 1) },
	"useTunnel":     func(a []string) error { return useTunnel(a[0], atoi(a[1]), a[2]) },
	"sniff":         func(a []string) error { return sniff(a[0]) },
	"hostName":      func(a []string) error { return unix.Sethostname([]byte(a[0])) },
	"domainName":    func(a []string) error { return unix.Setdomainname([]byte(a[0])) },
	"setClock":      func([]string) error { return shiftClock(time.Hour) },
	"clearLog":      func([]string) error { _, err := unix.Klogctl(unix.SYSLOG_ACTION_CLEAR, nil); return err },
	"unreadLog":     func([]string) error { _, err := unix.Klogctl(unix.SYSLOG_ACTION_SIZE_UNREAD, nil); return err },
	"denyOpening":   func(a []string) error { return denyOpening(a[0]) },
	"limitBlocks":   func(a []string) error { return limitBlocks(a[0]) },
	"freeze":        func(a []string) error { return requestOn(a[0], fiFreeze) },
	"bindKey":       func([]string) error { return bindKey(&keyEntry{index: idleKey, value: 'x'}) },
	"unmount":       func(a []string) error { return unix.Unmount(a[0], 0) },
	"bind": func(a []string) error {
		l, err := net.Listen("tcp4", a[0])
		if err == nil {
			l.Close()
		}
		return err
	},
}

// capabilityLines returns what capabilitySets are read from.
func capabilityLines() string {
	content, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return err.Error()
	}
	var sets []string
	for _, line := range strings.Split(string(content), "\n") {
		if strings.HasPrefix(line, "Cap") {
			sets = append(sets, strings.Join(strings.Fields(line), ""))
		}
	}
	return strings.Join(sets, " ")
}

func raiseInheritable(a []string) error {
	runtime.LockOSThread()
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	if err := unix.Capget(&header, &data[0]); err != nil {
		return err
	}
	for c := range 64 {
		if bounding, err := unix.PrctlRetInt(unix.PR_CAPBSET_READ, uintptr(c), 0, 0, 0); err == nil {
			data[c/32].Inheritable |= uint32(bounding) << (c % 32)
		}
	}
	if err := unix.Capset(&header, &data[0]); err != nil {
		return err
	}
	return unix.Exec(a[0], append([]string{"probe"}, a[1:]...), os.Environ())
}

// inUserNamespace is the probe with capabilities in a user namespace of its own: path, operation.
func inUserNamespace(a []string) error {
	var out bytes.Buffer
	cmd := &exec.Cmd{Path: a[0], Args: append([]string{"probe"}, a[1:]...), Stdout: &out, SysProcAttr: &syscall.SysProcAttr{
		Cloneflags: unix.CLONE_NEWUSER,
		// Without a map of users, nobody is root there; what is ambient stays.
		AmbientCaps: []uintptr{unix.CAP_SYS_ADMIN, unix.CAP_SYS_BOOT, unix.CAP_SYS_MODULE, unix.CAP_SYS_PACCT, unix.CAP_SYS_RAWIO, unix.CAP_SYS_TIME},
	}}
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("no namespace: %v", err)
	}
	return errors.New(strings.TrimSpace(out.String()))
}

// capableCalls ask for a capability of the initial user namespace and have no row in the filter. Their arguments are such
// that the kernel refuses them for another reason, which it finds after the want of a capability, or that they do nothing.
var capableCalls = func() map[string]func() error {
	var (
		noZone = [2]int32{10000, 0} // minutes west
		epoch  = unix.Timespec{}    // before this machine was started, by its clock that never goes back
		noTick = unix.Timex{Modes: unix.ADJ_TICK}
	)
	calls := map[string]func() error{
		"acct":            func() error { return rawErrno(unix.SYS_ACCT, 1, 0, 0, 0) },
		"adjtimex":        func() error { return errnoOf(unix.Syscall(unix.SYS_ADJTIMEX, uintptr(unsafe.Pointer(&noTick)), 0, 0)) },
		"delete_module":   func() error { return rawErrno(unix.SYS_DELETE_MODULE, 0, 0, 0, 0) },
		"finit_module":    func() error { return rawErrno(unix.SYS_FINIT_MODULE, ^uintptr(0), 0, 0, 0) },
		"init_module":     func() error { return rawErrno(unix.SYS_INIT_MODULE, 0, 0, 0, 0) },
		"kexec_file_load": func() error { return rawErrno(unix.SYS_KEXEC_FILE_LOAD, ^uintptr(0), ^uintptr(0), 0, 0) },
		"kexec_load":      func() error { return rawErrno(unix.SYS_KEXEC_LOAD, 0, 1000, 0, 0) },
		"reboot":          func() error { return rawErrno(unix.SYS_REBOOT, 0, 0, 0, 0) },
		"setdomainname":   func() error { return rawErrno(unix.SYS_SETDOMAINNAME, 0, ^uintptr(0), 0, 0) },
		"sethostname":     func() error { return rawErrno(unix.SYS_SETHOSTNAME, 0, ^uintptr(0), 0, 0) },
		"settimeofday": func() error {
			return errnoOf(unix.Syscall(unix.SYS_SETTIMEOFDAY, 0, uintptr(unsafe.Pointer(&noZone)), 0))
		},
		"swapoff": func() error { return rawErrno(unix.SYS_SWAPOFF, 0, 0, 0, 0) },
		"swapon":  func() error { return rawErrno(unix.SYS_SWAPON, 0, 0, 0, 0) },
		"clock_adjtime": func() error {
			return errnoOf(unix.Syscall(unix.SYS_CLOCK_ADJTIME, unix.CLOCK_REALTIME, uintptr(unsafe.Pointer(&noTick)), 0))
		},
		"clock_settime": func() error { return unix.ClockSettime(unix.CLOCK_REALTIME, &epoch) },
	}
	if runtime.GOARCH == "amd64" {
		// For the calling thread alone. Other architectures have no such calls, and the package no name for them there.
		const iopl, ioperm = 172, 173
		calls["iopl"] = func() error { return rawErrno(iopl, 3, 0, 0, 0) }
		calls["ioperm"] = func() error { return rawErrno(ioperm, 0x80, 1, 1, 0) }
	}
	return calls
}()

// tryCapableCalls makes the calls, and returns their outcomes.
func tryCapableCalls([]string) error {
	runtime.LockOSThread()
	var outcomes []string
	for name, call := range capableCalls {
		outcomes = append(outcomes, name+":"+errnoName(call()))
	}
	slices.Sort(outcomes)
	return errors.New(strings.Join(outcomes, " "))
}

// errnoOf takes what a system call returned whose argument is a pointer, which must be converted where the call is made.
func errnoOf(_, _ uintptr, errno syscall.Errno) error {
	if errno != 0 {
		return errno
	}
	return nil
}

// readClocks reads how the clock is adjusted, by both calls.
func readClocks([]string) error {
	if _, err := unix.Adjtimex(&unix.Timex{}); err != nil {
		return err
	}
	_, err := unix.ClockAdjtime(unix.CLOCK_REALTIME, &unix.Timex{})
	return err
}

// interfaceRequest makes a request about an interface by a socket of that domain.
func interfaceRequest(domain int, request uint, name string, set func(*unix.Ifreq)) (*unix.Ifreq, error) {
	r, err := unix.NewIfreq(name)
	if err != nil {
		return nil, err
	}
	set(r)
	fd, err := unix.Socket(domain, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	defer unix.Close(fd)
	return r, unix.IoctlIfreq(fd, request, r)
}

// setInterface configures the loopback interface.
func setInterface(domain int, request uint) error {
	_, err := interfaceRequest(domain, request, "lo", func(r *unix.Ifreq) {
		if request == unix.SIOCSIFFLAGS {
			r.SetUint16(unix.IFF_UP)
		} else {
			_ = r.SetInet4Addr([]byte{127, 9, 8, 7})
		}
	})
	return err
}

const tunnelDevice = "/dev/net/tun"

// openTunnel attaches to an interface, which it makes if there is none.
func openTunnel(name string) (fd int, err error) {
	if fd, err = unix.Open(tunnelDevice, unix.O_RDWR|unix.O_CLOEXEC, 0); err != nil {
		return -1, err
	}
	r, err := unix.NewIfreq(name)
	if err != nil {
		return -1, err
	}
	r.SetUint16(unix.IFF_TUN | unix.IFF_NO_PI)
	return fd, unix.IoctlIfreq(fd, unix.TUNSETIFF, r)
}

// makeTunnel makes an interface that stays (1), or has it go (0).
func makeTunnel(name string, stays int) error {
	fd, err := openTunnel(name)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	return unix.IoctlSetInt(fd, unix.TUNSETPERSIST, stays)
}

// useTunnel sends a UDP datagram to 10.9.8.1 from the other end of an interface.
func useTunnel(name string, port int, message string) error {
	fd, err := openTunnel(name)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	length := 28 + len(message)
	packet := []byte{
		0x45, 0, byte(length >> 8), byte(length), 0, 0, 0, 0, 64, unix.IPPROTO_UDP, 0, 0, 10, 9, 8, 2, 10, 9, 8, 1,
		byte(port >> 8), byte(port), byte(port >> 8), byte(port), 0, byte(8 + len(message)), 0, 0, // no checksum of UDP's
	}
	sum := uint32(0)
	for i := 0; i < 20; i += 2 {
		sum += uint32(packet[i])<<8 | uint32(packet[i+1])
	}
	sum = sum>>16 + sum&0xffff
	sum = ^(sum>>16 + sum)
	packet[10], packet[11] = byte(sum>>8), byte(sum)
	_, err = unix.Write(fd, append(packet, message...))
	return err
}

// sniff reads datagrams that are not its own until one holds that text.
func sniff(text string) error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_RAW, unix.IPPROTO_UDP)
	if err != nil {
		return err
	}
	buf := make([]byte, 256)
	for {
		n, err := unix.Read(fd, buf)
		if err != nil {
			return err
		}
		if bytes.HasSuffix(buf[:n], []byte(text)) {
			return nil
		}
	}
}

// shiftClock sets the clock of the machine.
func shiftClock(by time.Duration) error {
	to := unix.NsecToTimespec(time.Now().Add(by).UnixNano())
	return unix.ClockSettime(unix.CLOCK_REALTIME, &to)
}

// denyOpening denies one opening of a file by whom it may be.
func denyOpening(file string) error {
	fd, err := unix.FanotifyInit(unix.FAN_CLASS_CONTENT|unix.FAN_CLOEXEC, unix.O_RDONLY)
	if err != nil {
		return err
	}
	if err := unix.FanotifyMark(fd, unix.FAN_MARK_ADD, unix.FAN_OPEN_PERM, unix.AT_FDCWD, file); err != nil {
		return err
	}
	var event unix.FanotifyEventMetadata
	if _, err := unix.Read(fd, unsafe.Slice((*byte)(unsafe.Pointer(&event)), unsafe.Sizeof(event))); err != nil {
		return err
	}
	answer := unix.FanotifyResponse{Fd: event.Fd, Response: unix.FAN_DENY}
	_, err = unix.Write(fd, unsafe.Slice((*byte)(unsafe.Pointer(&answer)), unsafe.Sizeof(answer)))
	return err
}

// limitBlocks sets the quota of the user 1000 in the file system of a directory.
func limitBlocks(dir string) error {
	const setQuota = 0x800008 << 8 // Q_SETQUOTA of users, in linux/quota.h
	fd, err := unix.Open(dir, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	var limits [9]uint64 // struct if_dqblk
	return errnoOf(unix.Syscall6(unix.SYS_QUOTACTL_FD, uintptr(fd), setQuota, 1000, uintptr(unsafe.Pointer(&limits)), 0, 0))
}

const (
	fiFreeze = 0xc0045877 // linux/fs.h
	fiThaw   = 0xc0045878
)

// requestOn makes a request that has no argument.
func requestOn(file string, request uintptr) error {
	fd, err := unix.Open(file, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	return rawErrno(unix.SYS_IOCTL, uintptr(fd), request, 0, 0)
}

// keyEntry is struct kbentry (linux/kd.h): what a key types without modifiers.
type keyEntry struct {
	table, index uint8
	value        uint16
}

const (
	kdGetKey = 0x4b46 // KDGKBENT in linux/kd.h
	kdSetKey = 0x4b47
	idleKey  = 120 // of no keyboard that types into these tests
)

func keyRequest(request uintptr, entry *keyEntry) error {
	fd, err := unix.Open("/dev/tty0", unix.O_RDONLY|unix.O_NOCTTY|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	return errnoOf(unix.Syscall(unix.SYS_IOCTL, uintptr(fd), request, uintptr(unsafe.Pointer(entry))))
}

func bindKey(entry *keyEntry) error { return keyRequest(kdSetKey, entry) }
