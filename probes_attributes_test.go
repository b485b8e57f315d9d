package main

// Probes of extended attributes, inode flags, permissions and message queues.

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

var attributeProbes = map[string]func(args []string) error{
	"setxattr":     func(a []string) error { return unix.Setxattr(a[0], attribute, attributeValue, 0) },
	"lsetxattr":    func(a []string) error { return unix.Lsetxattr(a[0], attribute, attributeValue, 0) },
	"removexattr":  func(a []string) error { return unix.Removexattr(a[0], attribute) },
	"lremovexattr": func(a []string) error { return unix.Lremovexattr(a[0], attribute) },
	"fsetxattr": func(a []string) error {
		return withFile(a[0], func(fd int) error { return unix.Fsetxattr(fd, attribute, attributeValue, 0) })
	},
	"fremovexattr": func(a []string) error {
		return withFile(a[0], func(fd int) error { return unix.Fremovexattr(fd, attribute) })
	},
	"setxattrat": func(a []string) error {
		args := attributeArgs{value: uint64(uintptr(unsafe.Pointer(&attributeValue[0]))), size: uint32(len(attributeValue))}
		return withPath(a[0], func(path unsafe.Pointer) error {
			return rawErrno6(unix.SYS_SETXATTRAT, atFDCWD, uintptr(path), 0, uintptr(unsafe.Pointer(&attributeName[0])), uintptr(unsafe.Pointer(&args)), unsafe.Sizeof(args))
		})
	},
	"removexattrat": func(a []string) error {
		return withPath(a[0], func(path unsafe.Pointer) error {
			return rawErrno6(unix.SYS_REMOVEXATTRAT, atFDCWD, uintptr(path), 0, uintptr(unsafe.Pointer(&attributeName[0])), 0, 0)
		})
	},
	"getxattr": func(a []string) error {
		got := make([]byte, 64)
		n, err := unix.Getxattr(a[0], attribute, got)
		if err != nil {
			return err
		}
		return errors.New(string(got[:n]))
	},
	"listxattr": func(a []string) error {
		list := make([]byte, 1024)
		n, err := unix.Listxattr(a[0], list)
		if err == nil && !slices.Contains(strings.Split(string(list[:n]), "\x00"), attribute) {
			err = fmt.Errorf("only %q", list[:n])
		}
		return err
	},
	"setFlags": func(a []string) error {
		return withFile(a[0], func(fd int) error {
			flags, err := unix.IoctlGetUint32(fd, getFlags)
			if err != nil {
				return fmt.Errorf("reading: %v", err)
			}
			return unix.IoctlSetPointerInt(fd, setFlags, int(flags|noDump))
		})
	},
	"file_setattr": func(a []string) error {
		var attr fileAttr
		return withPath(a[0], func(path unsafe.Pointer) error {
			if err := rawErrno6(fileGetter, atFDCWD, uintptr(path), uintptr(unsafe.Pointer(&attr)), unsafe.Sizeof(attr), 0, 0); err != nil {
				return fmt.Errorf("reading: %v", err)
			}
			attr.flags |= noDumpX
			return rawErrno6(unix.SYS_FILE_SETATTR, atFDCWD, uintptr(path), uintptr(unsafe.Pointer(&attr)), unsafe.Sizeof(attr), 0, 0)
		})
	},
	"unsupported": unsupported,
	"chmod": func(a []string) error {
		if runtime.GOARCH != "amd64" {
			return unix.Fchmodat(unix.AT_FDCWD, a[0], fileMode(a[1]), 0) // arm64 has no other
		}
		const number = 90 // asm/unistd_64.h; the C library's chmod, where Go's is fchmodat
		return withPath(a[0], func(path unsafe.Pointer) error { return rawErrno(number, uintptr(path), uintptr(fileMode(a[1])), 0, 0) })
	},
	"fchmod": func(a []string) error {
		return withFile(a[0], func(fd int) error { return unix.Fchmod(fd, fileMode(a[1])) })
	},
	"fchmodat": func(a []string) error { return unix.Fchmodat(unix.AT_FDCWD, a[0], fileMode(a[1]), 0) },
	"fchmodat2": func(a []string) error {
		return withPath(a[0], func(path unsafe.Pointer) error {
			return rawErrno(unix.SYS_FCHMODAT2, atFDCWD, uintptr(path), uintptr(fileMode(a[1])), 0)
		})
	},
	"make":      func(a []string) error { return makeWithMode(a[0], a[1], uint32(atoi(a[2]))) },
	"mqReceive": func(a []string) error { return queueCall(unix.SYS_MQ_TIMEDRECEIVE, atoi(a[0]), "x") },
	"mqCreate":  func(a []string) error { return openQueue(a[0], unix.O_RDWR|unix.O_CREAT|unix.O_EXCL) },
	"mqUnlink":  func(a []string) error { return unlinkQueue(a[0]) },
}

// attributeName is the attribute's name as the kernel takes it, and attributeValue what the probes set it to.
var attributeName, attributeValue = append([]byte(attribute), 0), []byte("changed")

func fileMode(s string) uint32 { return uint32(atoi(s)) }

// attributeArgs is struct xattr_args (linux/xattr.h).
type attributeArgs struct {
	value       uint64
	size, flags uint32
}

// fileAttr is struct file_attr (linux/fs.h).
type fileAttr struct {
	flags                             uint64
	extSize, extents, project, cowExt uint32
}

// What the kernel's headers say of inode flags (linux/fs.h).
const (
	getFlags   = 0x80086601 // FS_IOC_GETFLAGS
	setFlags   = 0x40086602 // FS_IOC_SETFLAGS
	noDump     = 0x40       // FS_NODUMP_FL
	noDumpX    = 0x80       // FS_XFLAG_NODUMP
	atFDCWD    = ^uintptr(99)
	fileGetter = 468 // file_getattr, the same number everywhere
)

// unsupported makes the calls with arguments that the kernel refuses for another reason than EOPNOTSUPP, and returns the
// names of those that end in it. It shows on every file system what becomes of the calls.
func unsupported([]string) error {
	nowhere := ^uintptr(0)
	var names []string
	for _, c := range []struct {
		name string
		nr   uintptr
	}{
		{"setxattr", unix.SYS_SETXATTR}, {"lsetxattr", unix.SYS_LSETXATTR}, {"fsetxattr", unix.SYS_FSETXATTR},
		{"setxattrat", unix.SYS_SETXATTRAT}, {"removexattr", unix.SYS_REMOVEXATTR}, {"lremovexattr", unix.SYS_LREMOVEXATTR},
		{"fremovexattr", unix.SYS_FREMOVEXATTR}, {"removexattrat", unix.SYS_REMOVEXATTRAT}, {"file_setattr", unix.SYS_FILE_SETATTR},
	} {
		if errors.Is(rawErrno6(c.nr, nowhere, nowhere, nowhere, nowhere, nowhere, nowhere), unix.EOPNOTSUPP) {
			names = append(names, c.name)
		}
	}
	return errors.New(strings.Join(names, " "))
}

// makeWithMode makes a file with a mode in one of the ways there are, and tells what mode it got.
func makeWithMode(how, path string, mode uint32) error {
	syscall.Umask(0)
	const create = unix.O_RDWR | unix.O_CREAT | unix.O_EXCL
	cwd := unix.AT_FDCWD
	old := map[string]uintptr{"open": 2, "creat": 85, "mknod": 133} // of amd64 (asm/unistd_64.h)
	err := withPath(path, func(name unsafe.Pointer) error {
		switch how {
		case "open":
			return rawErrno(old[how], uintptr(name), create, uintptr(mode), 0)
		case "creat":
			return rawErrno(old[how], uintptr(name), uintptr(mode), 0, 0)
		case "mknod":
			return rawErrno(old[how], uintptr(name), uintptr(unix.S_IFREG|mode), 0, 0)
		case "openat":
			return rawErrno(unix.SYS_OPENAT, uintptr(cwd), uintptr(name), create, uintptr(mode))
		case "mknodat":
			return rawErrno(unix.SYS_MKNODAT, uintptr(cwd), uintptr(name), uintptr(unix.S_IFREG|mode), 0)
		case "openat2":
			_, err := unix.Openat2(cwd, path, &unix.OpenHow{Flags: create, Mode: uint64(mode)})
			return err
		}
		return nil
	})
	var stat unix.Stat_t
	if how == "unnamed" {
		fd, failed := unix.Open(filepath.Dir(path), unix.O_RDWR|unix.O_TMPFILE, mode)
		if err = failed; err == nil {
			err = unix.Fstat(fd, &stat)
		}
	} else if err == nil {
		err = unix.Stat(path, &stat)
	}
	if err != nil {
		return err
	}
	return fmt.Errorf("%o", stat.Mode&0o7777)
}

// queueFile opens a message queue for both ways, without waiting. The caller closes it.
func queueFile(name string) (*os.File, error) {
	var file *os.File
	err := withPath(name, func(name unsafe.Pointer) error {
		fd, _, errno := unix.RawSyscall6(unix.SYS_MQ_OPEN, uintptr(name), unix.O_RDWR|unix.O_NONBLOCK, 0, 0, 0, 0)
		if errno != 0 {
			return errno
		}
		file = os.NewFile(fd, "queue")
		return nil
	})
	return file, err
}

// queueCall sends or receives a message of one byte.
func queueCall(nr uintptr, fd int, text string) error {
	buf := []byte(text)
	return rawErrno(nr, uintptr(fd), uintptr(unsafe.Pointer(&buf[0])), 1, 0)
}

// openQueue opens a message queue, and closes it. It is as small as can be, for a user has few bytes of them (RLIMIT_MSGQUEUE).
func openQueue(name string, flags int) error {
	attr := struct{ flags, messages, size, current, a, b, c, d int64 }{messages: 1, size: 1}
	return withPath(name, func(name unsafe.Pointer) error {
		fd, _, errno := unix.RawSyscall6(unix.SYS_MQ_OPEN, uintptr(name), uintptr(flags), 0o600, uintptr(unsafe.Pointer(&attr)), 0, 0)
		if errno != 0 {
			return errno
		}
		return unix.Close(int(fd))
	})
}

func unlinkQueue(name string) error {
	return withPath(name, func(name unsafe.Pointer) error { return rawErrno(unix.SYS_MQ_UNLINK, uintptr(name), 0, 0, 0) })
}
