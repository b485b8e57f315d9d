package main

// The operations of the child "probe", which tests run inside a sandbox and outside of one: what all share, and those on
// files. The others stand by kind in probes_*_test.go.

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"
)

// probes are the operations of the child "probe". Each does one thing and returns the error that it ended in, or an error
// whose text is what it found.
var probes = map[string]func(args []string) error{} // filled by init, for some do others

func init() {
	for _, kind := range []map[string]func(args []string) error{
		fileProbes, attributeProbes, ioctlProbes, networkProbes, processProbes, capabilityProbes, whyProbes,
	} {
		for name, op := range kind {
			if probes[name] != nil {
				panic("two probes: " + name)
			}
			probes[name] = op
		}
	}
}

// fileProbes are the operations on files and directories, and what a command can learn about its own start.
var fileProbes = map[string]func(args []string) error{
	"write":    func(a []string) error { return writeTo(a[0], unix.O_WRONLY) },
	"create":   func(a []string) error { return writeTo(a[0], unix.O_WRONLY|unix.O_CREAT|unix.O_EXCL) },
	"read":     func(a []string) error { return openAndClose(a[0], unix.O_RDONLY) },
	"list":     func(a []string) error { _, err := os.ReadDir(a[0]); return err },
	"truncate": func(a []string) error { return unix.Truncate(a[0], 0) },
	"openTruncate": func(a []string) error {
		return openAndClose(a[0], unix.O_RDONLY|unix.O_TRUNC)
	},
	"ioctlOn": func(a []string) error {
		fd, err := unix.Open(a[0], unix.O_RDONLY, 0)
		if err != nil {
			return err
		}
		_, err = unix.IoctlGetInt(fd, unix.TIOCGPGRP)
		return err
	},
	"openTruncateForIoctl": func(a []string) error {
		return openAndClose(a[0], unix.O_ACCMODE|unix.O_TRUNC)
	},
	"openat2Truncate": func(a []string) error {
		fd, err := unix.Openat2(unix.AT_FDCWD, a[0], &unix.OpenHow{Flags: unix.O_RDONLY | unix.O_TRUNC})
		if err == nil {
			unix.Close(fd)
		}
		return err
	},
	"unlink":        func(a []string) error { return unix.Unlink(a[0]) },
	"mkdir":         func(a []string) error { return unix.Mkdir(a[0], 0o755) },
	"rmdir":         func(a []string) error { return unix.Rmdir(a[0]) },
	"symlink":       func(a []string) error { return unix.Symlink(a[0], a[1]) },
	"link":          func(a []string) error { return unix.Link(a[0], a[1]) },
	"rename":        func(a []string) error { return unix.Rename(a[0], a[1]) },
	"mkfifo":        func(a []string) error { return unix.Mknod(a[0], unix.S_IFIFO|0o600, 0) },
	"mksock":        func(a []string) error { return unix.Mknod(a[0], unix.S_IFSOCK|0o600, 0) },
	"mkchar":        func(a []string) error { return unix.Mknod(a[0], unix.S_IFCHR|0o600, int(unix.Mkdev(1, 3))) },
	"mkblock":       func(a []string) error { return unix.Mknod(a[0], unix.S_IFBLK|0o600, int(unix.Mkdev(1, 0))) },
	"writeByHandle": func(a []string) error { return writeByHandle(a[0], a[1]) },
	"openByHandle": func(a []string) error {
		mount, err := unix.Open(a[0], unix.O_RDONLY|unix.O_DIRECTORY, 0)
		if err != nil {
			return err
		}
		_, err = openByHandle(mount, a[1], unix.O_RDONLY)
		return err
	},
	"mountNowhere": func([]string) error { return mountNowhere() },
	// On a file system other than btrfs it is ENOTTY.
	"snapshot": func(a []string) error {
		dir, err := unix.Open(a[0], unix.O_RDONLY|unix.O_DIRECTORY, 0)
		if err != nil {
			return err
		}
		const snapCreateV2 = 0x50009417
		return rawErrno(unix.SYS_IOCTL, uintptr(dir), snapCreateV2, 0, 0)
	},
	"escape":   func(a []string) error { return fmt.Errorf("escaped:%s", strings.Join(escape(a[0], a[1]), ",")) },
	"exit":     func(a []string) error { os.Exit(atoi(a[0])); return nil },
	"executed": func([]string) error { return fmt.Errorf("%s", executed()) },
	"open": func(a []string) error {
		_, err := unix.FcntlInt(uintptr(atoi(a[0])), unix.F_GETFD, 0)
		return err
	},
}

func atoi(s string) int {
	n, err := strconv.ParseInt(s, 0, 64)
	if err != nil {
		panic(err)
	}
	return int(n)
}

//go:uintptrescapes
func rawErrno(nr, a, b, c, d uintptr) error { return rawErrno6(nr, a, b, c, d, 0, 0) }

//go:uintptrescapes
func rawErrno6(nr, a, b, c, d, e, f uintptr) error {
	if _, _, errno := unix.RawSyscall6(nr, a, b, c, d, e, f); errno != 0 {
		return errno
	}
	return nil
}

// withFile does something with a file that is open for reading.
func withFile(path string, do func(fd int) error) error {
	fd, err := unix.Open(path, unix.O_RDONLY, 0)
	if err != nil {
		return fmt.Errorf("open: %v", err)
	}
	defer unix.Close(fd)
	return do(fd)
}

// withPath does something with a path as the kernel takes it.
func withPath(path string, do func(path unsafe.Pointer) error) error {
	text, err := unix.BytePtrFromString(path)
	if err != nil {
		return err
	}
	return do(unsafe.Pointer(text))
}

func openAndClose(path string, flags int) error {
	fd, err := unix.Open(path, flags, 0)
	if err == nil {
		unix.Close(fd)
	}
	return err
}

func writeTo(path string, flags int) error {
	fd, err := unix.Open(path, flags, 0o600)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	_, err = unix.Write(fd, []byte("changed"))
	return err
}

// openByHandle opens a file in the mount that a descriptor is of. The descriptor that it returns is the caller's.
func openByHandle(mount int, file string, flags int) (fd int, err error) {
	handle, _, err := unix.NameToHandleAt(unix.AT_FDCWD, file, 0)
	if err != nil {
		return -1, err
	}
	return unix.OpenByHandleAt(mount, handle, flags)
}

// writeByHandle opens a file by its handle, through a mount of its own whose root is the directory, and writes to it.
func writeByHandle(root, file string) error {
	tree, err := unix.OpenTree(unix.AT_FDCWD, root, unix.OPEN_TREE_CLONE)
	if err != nil {
		return err
	}
	mount, err := unix.Openat(tree, ".", unix.O_RDONLY|unix.O_DIRECTORY, 0)
	if err != nil {
		return err
	}
	fd, err := openByHandle(mount, file, unix.O_WRONLY)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	_, err = unix.Write(fd, []byte("changed"))
	return err
}

// mountNowhere makes a file system that is attached nowhere, and a file in it.
func mountNowhere() error {
	context, err := unix.Fsopen("tmpfs", 0)
	if err != nil {
		return err
	}
	if err := unix.FsconfigCreate(context); err != nil {
		return err
	}
	mount, err := unix.Fsmount(context, 0, 0)
	if err != nil {
		return err
	}
	return unix.Mkdirat(mount, "made", 0o755)
}

// escape tries what a sandbox forbids, and returns what succeeded. asked is what the policy restricts.
func escape(asked, outside string) (done []string) {
	try := func(what string, escaped bool) {
		if escaped {
			done = append(done, what)
		}
	}
	noNewPrivs, err := unix.PrctlRetInt(unix.PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0)
	try("privileges", noNewPrivs != 1 || err != nil)
	mode, err := unix.PrctlRetInt(unix.PR_GET_SECCOMP, 0, 0, 0, 0)
	try("no filter", mode != unix.SECCOMP_MODE_FILTER || err != nil)
	if strings.Contains(asked, "writes") {
		try("write", writeTo(outside, unix.O_WRONLY) == nil)
		try("create", writeTo(outside+"-new", unix.O_WRONLY|unix.O_CREAT) == nil)
		try("truncate", unix.Truncate(outside, 0) == nil)
		try("open truncating", openAndClose(outside, unix.O_RDONLY|unix.O_TRUNC) == nil)
		try("unlink", unix.Unlink(outside) == nil)
	}
	if strings.Contains(asked, "network") {
		for _, kind := range []int{unix.SOCK_STREAM, unix.SOCK_DGRAM} {
			fd, err := unix.Socket(unix.AF_INET, kind, 0)
			try("socket", err == nil)
			unix.Close(fd)
		}
	}
	return done
}

// executed returns the path that execve was called with (AT_EXECFN, getauxval(3)).
func executed() string {
	const atExecFn = 31
	auxv, err := unix.Auxv()
	if err != nil {
		return err.Error()
	}
	for _, entry := range auxv {
		if entry[0] == atExecFn {
			// The kernel's memory, above the stack: the address is no pointer of Go's.
			return unix.BytePtrToString(*(**byte)(unsafe.Pointer(&entry[1])))
		}
	}
	return "no AT_EXECFN"
}
