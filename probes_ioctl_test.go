package main

// Probes of ioctl: requests by number, and the changes to a file or a file system that requests make, with the steps before
// and after each.

import (
	"bytes"
	"crypto/sha512"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

var ioctlProbes = map[string]func(args []string) error{
	// request NUMBER [FILE]: without an argument; without a file, on no descriptor.
	"request": func(a []string) error {
		fd := -1
		if len(a) > 1 {
			var err error
			if fd, err = unix.Open(a[1], unix.O_RDONLY, 0); err != nil {
				return err
			}
		}
		return rawErrno(unix.SYS_IOCTL, uintptr(fd), uintptr(atoi(a[0])), 0, 0)
	},
	"requestTypes": func([]string) error { return errors.New(deniedRequests()) },
	"query":        func(a []string) error { return query(uint32(atoi(a[0])), a[1]) },
	"share":        func(a []string) error { return share(a[0], a[1], a[2], atoi(a[3])) },
	// change NAME STEP DIR
	"change": func(a []string) error {
		c := &changes[slices.IndexFunc(changes, func(c change) bool { return c.name == a[0] })]
		switch a[1] {
		case "make":
			return c.make(a[2])
		case "do":
			return c.do(a[2])
		default:
			return errors.New(c.seen(a[2]))
		}
	},
}

// deniedRequests tries every type and number, of no size, on no descriptor: the kernel would answer EBADF. It returns the
// types that are denied whole, and the other requests that are denied.
func deniedRequests() string {
	var types, others []string
	for kind := range 256 {
		var denied []string
		for n := range 256 {
			request := kind<<8 | n
			if err := rawErrno(unix.SYS_IOCTL, ^uintptr(0), uintptr(request), 0, 0); err != unix.EBADF {
				denied = append(denied, fmt.Sprintf("%#x:%s", request, errnoName(err)))
			}
		}
		if len(denied) == 256 {
			types = append(types, fmt.Sprintf("%#x", kind))
		} else {
			others = append(others, denied...)
		}
	}
	return strings.Join(append(types, others...), " ")
}

// through makes a request with an argument through a descriptor that is open for reading only.
func through[T any](path string, number uint32, argument *T) error {
	fd, err := unix.Open(path, unix.O_RDONLY, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	_, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), uintptr(number), uintptr(unsafe.Pointer(argument)))
	runtime.KeepAlive(argument)
	if errno != 0 {
		return errno
	}
	return nil
}

// query makes a request that reads. Its outcome is the errno and what was read.
func query(number uint32, path string) error {
	var argument [512]byte
	switch number {
	case fiemap:
		binary.LittleEndian.PutUint64(argument[8:], ^uint64(0)) // fm_length
		binary.LittleEndian.PutUint32(argument[24:], 4)         // fm_extent_count
	case ext4GetUUID:
		argument[0] = 16 // fsu_len
	case unix.FS_IOC_GET_ENCRYPTION_POLICY_EX:
		argument[0] = 24 // policy_size
	case unix.FS_IOC_MEASURE_VERITY:
		argument[2] = 64 // digest_size
	}
	err := through(path, number, &argument)
	return fmt.Errorf("%s:%x", errnoName(err), bytes.TrimRight(argument[:], "\x00"))
}

// share has the whole of one file become that of another, which is opened with the flags.
func share(how, from, to string, flags int) error {
	source, err := unix.Open(from, unix.O_RDONLY, 0)
	if err != nil {
		return err
	}
	target, err := unix.Open(to, flags, 0)
	if err != nil {
		return err
	}
	switch how {
	case "FICLONE":
		return unix.IoctlFileClone(target, source)
	case "FICLONERANGE":
		return unix.IoctlFileCloneRange(target, &unix.FileCloneRange{Src_fd: int64(source)})
	case "FIDEDUPERANGE":
		r := unix.FileDedupeRange{Src_length: sharedSize, Info: []unix.FileDedupeRangeInfo{{Dest_fd: int64(target)}}}
		if err := unix.IoctlFileDedupeRange(source, &r); err != nil {
			return err
		}
		if r.Info[0].Status < 0 {
			return syscall.Errno(-r.Info[0].Status)
		}
		if r.Info[0].Bytes_deduped != sharedSize {
			return fmt.Errorf("%d:%d", r.Info[0].Status, r.Info[0].Bytes_deduped)
		}
		return nil
	default:
		n, err := unix.CopyFileRange(source, nil, target, nil, sharedSize, 0)
		if err == nil && n != sharedSize {
			return fmt.Errorf("%d", n)
		}
		return err
	}
}

const sharedSize = 128 << 10

// A change is something that a request does to what lies in a directory. Each step is a child's: make prepares it, do makes
// the request through a descriptor that is open for reading only, and seen is what can be seen of it.
type change struct {
	name     string
	on       string // the file systems that know it
	optional bool   // a kernel may know the file system without it
	root     bool   // it asks for a capability
	make     func(dir string) error
	do       func(dir string) error
	seen     func(dir string) string
}

var changes []change // set by init, for the steps call each other

func init() {
	changes = []change{
		{name: "FS_IOC_ENABLE_VERITY", on: "ext4 btrfs", optional: true, make: makeFile,
			do: func(dir string) error {
				return through(dir+"/file", unix.FS_IOC_ENABLE_VERITY, &unix.FsverityEnableArg{Version: 1, Hash_algorithm: 1, Block_size: 4096})
			},
			seen: func(dir string) string { return errnoName(openAndClose(dir+"/file", unix.O_WRONLY)) }},
		{name: "FS_IOC_ADD_ENCRYPTION_KEY", on: "ext4", optional: true,
			make: func(dir string) error {
				if err := makeEncrypted(dir); err != nil {
					return err
				}
				return removeKey(dir)
			},
			do: func(dir string) error { _, err := addKey(dir); return err }, seen: seenSecret},
		{name: "FS_IOC_REMOVE_ENCRYPTION_KEY", on: "ext4", optional: true, make: makeEncrypted, do: removeKey, seen: seenSecret},
		{name: "FS_IOC_SET_ENCRYPTION_POLICY", on: "ext4", optional: true,
			make: func(dir string) error { return os.Mkdir(dir+"/empty", 0o755) },
			do: func(dir string) error {
				return through(dir+"/empty", unix.FS_IOC_SET_ENCRYPTION_POLICY, &unix.FscryptPolicyV1{
					Contents_encryption_mode: 1, Filenames_encryption_mode: 4, Master_key_descriptor: [8]byte{1}})
			},
			seen: func(dir string) string { return query(unix.FS_IOC_GET_ENCRYPTION_POLICY, dir+"/empty").Error() }},
		flagChange("FS_IOC_SETFLAGS, nodump", "ext4 btrfs xfs", 0x40),    // FS_NODUMP_FL in linux/fs.h
		flagChange("FS_IOC_SETFLAGS, noatime", "ext4 btrfs xfs", 0x80),   // FS_NOATIME_FL
		flagChange("FS_IOC_SETFLAGS, append", "ext4 btrfs xfs", 0x20),    // FS_APPEND_FL, for CAP_LINUX_IMMUTABLE
		flagChange("FS_IOC_SETFLAGS, immutable", "ext4 btrfs xfs", 0x10), // FS_IMMUTABLE_FL, likewise
		{name: "FS_IOC_FSSETXATTR", on: "ext4 btrfs xfs", make: makeFile,
			do: func(dir string) error {
				var attributes [7]uint32 // struct fsxattr
				if err := through(dir+"/file", getAttributes, &attributes); err != nil {
					return err
				}
				attributes[0] |= 0x80 // FS_XFLAG_NODUMP
				return through(dir+"/file", setAttributes, &attributes)
			},
			seen: func(dir string) string { return query(getAttributes, dir+"/file").Error() }},
		{name: "FS_IOC_SETVERSION", on: "ext4", make: makeFile,
			do: func(dir string) error {
				version := uint32(0x01020304)
				return through(dir+"/file", setVersion, &version)
			},
			seen: func(dir string) string { return query(getVersion, dir+"/file").Error() }},
		{name: "EXT4_IOC_MIGRATE", on: "ext4",
			make: func(dir string) error {
				if err := makeFile(dir); err != nil {
					return err
				}
				return alterFlags(dir+"/file", func(flags uint32) uint32 { return flags &^ 0x80000 }) // FS_EXTENT_FL
			},
			do:   func(dir string) error { return through[byte](dir+"/file", ext4Migrate, nil) },
			seen: seenFlags},
		{name: "FS_IOC_SETFSLABEL", on: "ext4 btrfs xfs", optional: true, root: true, make: makeFile,
			do: func(dir string) error {
				var label [256]byte
				copy(label[:], filepath.Base(filepath.Dir(dir)))
				return through(dir, setLabel, &label)
			},
			seen: func(dir string) string { return query(getLabel, dir).Error() }},
		{name: "FIFREEZE", on: "ext4 btrfs xfs", root: true, make: makeFile,
			do: func(dir string) error { return through[byte](dir, freeze, nil) },
			// It thaws what it finds frozen.
			seen: func(dir string) string { return "thaw:" + errnoName(through[byte](dir, thaw, nil)) }},
		{name: "XFS_IOC_OPEN_BY_HANDLE", on: "xfs", root: true,
			make: func(dir string) error {
				if err := makeFile(dir); err != nil {
					return err
				}
				handle, err := xfsHandle(dir + "/file")
				if err != nil {
					return err
				}
				return os.WriteFile(dir+"/handle", handle, 0o600)
			},
			do: func(dir string) error {
				handle, err := os.ReadFile(dir + "/handle")
				if err != nil {
					return err
				}
				return writeByXFSHandle(dir, handle)
			},
			seen: func(dir string) string {
				content, err := os.ReadFile(dir + "/file")
				return fmt.Sprintf("%.7s:%s", content, errnoName(err))
			}},
		{name: "BTRFS_IOC_SUBVOL_CREATE", on: "btrfs", make: makeFile, do: makeSubvolume, seen: seenNames},
		{name: "BTRFS_IOC_SNAP_CREATE_V2", on: "btrfs", make: makeSubvolume,
			do: func(dir string) error {
				source, err := unix.Open(dir+"/sub", unix.O_RDONLY, 0)
				if err != nil {
					return err
				}
				args := volumeV2{fd: int64(source)}
				copy(args.name[:], "snapshot")
				return through(dir, snapCreateV2, &args)
			},
			seen: seenNames},
		{name: "BTRFS_IOC_SNAP_DESTROY", on: "btrfs", make: makeSubvolume,
			do: func(dir string) error { return through(dir, snapDestroy, volumeNamed("sub")) }, seen: seenNames},
		{name: "BTRFS_IOC_SUBVOL_SETFLAGS", on: "btrfs", make: makeSubvolume,
			do: func(dir string) error {
				flags := uint64(2) // BTRFS_SUBVOL_RDONLY
				return through(dir+"/sub", subvolSetFlags, &flags)
			},
			seen: func(dir string) string {
				err := unix.Mkdir(dir+"/sub/new", 0o755)
				unix.Rmdir(dir + "/sub/new")
				return errnoName(err)
			}},
		{name: "BTRFS_IOC_DEFRAG", on: "btrfs", make: makeFragments,
			do: func(dir string) error { return through[byte](dir+"/file", defragment, nil) },
			seen: func(dir string) string {
				extents := [8]uint32{2: ^uint32(0), 3: ^uint32(0), 4: 1} // struct fiemap: all of the file, written out first
				if err := through(dir+"/file", fiemap, &extents); err != nil {
					return errnoName(err)
				}
				return fmt.Sprint("extents:", extents[5])
			}},
		// The other device's name is in a file beside the directory. It is the last, for the file system moves to it.
		{name: "BTRFS_IOC_DEV_REPLACE", on: "btrfs", root: true, make: makeFile,
			do: func(dir string) error {
				device, err := os.ReadFile(filepath.Dir(filepath.Dir(dir)) + "/device")
				if err != nil {
					return err
				}
				args := replaceArgs{device: 1}
				copy(args.target[:], device)
				if err := through(dir, deviceReplace, &args); err != nil {
					return err
				}
				if args.result != 0 {
					return fmt.Errorf("result:%d", args.result)
				}
				return nil
			},
			seen: func(dir string) string {
				device, err := os.ReadFile(filepath.Dir(filepath.Dir(dir)) + "/device")
				if err != nil {
					return errnoName(err)
				}
				return sumOf(string(device))
			}},
	}
}

// flagChange sets a flag of a file.
func flagChange(name, on string, flag uint32) change {
	return change{name: name, on: on, root: flag&0x30 != 0, make: makeFile, seen: seenFlags,
		do: func(dir string) error {
			return alterFlags(dir+"/file", func(flags uint32) uint32 { return flags | flag })
		}}
}

func alterFlags(path string, alter func(uint32) uint32) error {
	var flags [2]uint32 // the kernel takes an int where the request's number says long
	if err := through(path, unix.FS_IOC_GETFLAGS, &flags); err != nil {
		return err
	}
	flags[0] = alter(flags[0])
	return through(path, unix.FS_IOC_SETFLAGS, &flags)
}

func seenFlags(dir string) string { return query(unix.FS_IOC_GETFLAGS, dir+"/file").Error() }

func seenNames(dir string) string {
	entries, err := os.ReadDir(dir)
	return fmt.Sprint(entries, err)
}

func makeFile(dir string) error {
	return writeSynced(dir+"/file", []byte(strings.Repeat("original", 1024)))
}

func writeSynced(path string, content []byte) error {
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	defer file.Close()
	if _, err := file.Write(content); err != nil {
		return err
	}
	return file.Sync()
}

// makeFragments writes a file from its end to its start, so that it lies in pieces.
func makeFragments(dir string) error {
	file, err := os.OpenFile(dir+"/file", os.O_WRONLY|os.O_CREATE|os.O_EXCL|os.O_SYNC, 0o600)
	if err != nil {
		return err
	}
	defer file.Close()
	for i := int64(15); i >= 0; i-- {
		if _, err := file.WriteAt(bytes.Repeat([]byte{byte(i)}, 4096), i*4096); err != nil {
			return err
		}
	}
	return nil
}

// keyOf is a key that no other directory has.
func keyOf(dir string) [64]byte { return sha512.Sum512([]byte(dir)) }

// addKey returns the kernel's name for the key.
func addKey(dir string) (identifier [16]byte, err error) {
	arg := struct {
		unix.FscryptAddKeyArg
		raw [64]byte
	}{raw: keyOf(dir)}
	arg.Key_spec.Type = 2 // FSCRYPT_KEY_SPEC_TYPE_IDENTIFIER in linux/fscrypt.h
	arg.Raw_size = uint32(len(arg.raw))
	err = through(dir, unix.FS_IOC_ADD_ENCRYPTION_KEY, &arg)
	return [16]byte(arg.Key_spec.U[:16]), err
}

func removeKey(dir string) error {
	var policy unix.FscryptGetPolicyExArg
	policy.Size = uint64(len(policy.Policy))
	if err := through(dir+"/secret", unix.FS_IOC_GET_ENCRYPTION_POLICY_EX, &policy); err != nil {
		return err
	}
	var arg unix.FscryptRemoveKeyArg
	arg.Key_spec.Type = 2
	copy(arg.Key_spec.U[:], policy.Policy[8:]) // struct fscrypt_policy_v2
	return through(dir, unix.FS_IOC_REMOVE_ENCRYPTION_KEY, &arg)
}

// makeEncrypted makes a tree that can be read while its key is there.
func makeEncrypted(dir string) error {
	identifier, err := addKey(dir)
	if err != nil {
		return err
	}
	if err := os.Mkdir(dir+"/secret", 0o755); err != nil {
		return err
	}
	policy := unix.FscryptPolicyV2{Version: 2, Contents_encryption_mode: 1, Filenames_encryption_mode: 4, Master_key_identifier: identifier}
	if err := through(dir+"/secret", unix.FS_IOC_SET_ENCRYPTION_POLICY, &policy); err != nil {
		return err
	}
	return makeFile(dir + "/secret")
}

func seenSecret(dir string) string { return errnoName(openAndClose(dir+"/secret/file", unix.O_RDONLY)) }

// Arguments of btrfs (linux/btrfs.h).
type (
	volume struct {
		_    int64
		name [4088]byte
	}
	volumeV2 struct {
		fd   int64
		_    [6]uint64
		name [4040]byte
	}
	replaceArgs struct {
		_      uint64 // the command; 0: start
		result uint64 // 0: no error
		device uint64
		_      uint64
		_      [1025]byte // instead of the number, the device's name
		target [1025]byte
		_      [64]uint64
	}
)

var (
	_ = [1]struct{}{}[unsafe.Sizeof(volume{})-4096]
	_ = [1]struct{}{}[unsafe.Sizeof(volumeV2{})-4096]
	_ = [1]struct{}{}[unsafe.Sizeof(replaceArgs{})-2600]
)

func volumeNamed(name string) *volume {
	var v volume
	copy(v.name[:], name)
	return &v
}

func makeSubvolume(dir string) error { return through(dir, subvolCreate, volumeNamed("sub")) }

// xfsRequest is struct xfs_fsop_handlereq (fs/xfs/libxfs/xfs_fs.h).
type xfsRequest struct {
	fd       uint32
	path     *byte
	flags    uint32
	handle   *byte
	size     uint32
	result   *byte
	resulted *uint32
}

func xfsHandle(path string) ([]byte, error) {
	fd, err := unix.Open(path, unix.O_RDONLY, 0)
	if err != nil {
		return nil, err
	}
	defer unix.Close(fd)
	handle, size := make([]byte, 64), new(uint32)
	err = through(path, xfsHandleOf, &xfsRequest{fd: uint32(fd), result: &handle[0], resulted: size})
	return handle[:*size], err
}

// writeByXFSHandle writes to a file, of whose file system the directory is.
func writeByXFSHandle(dir string, handle []byte) error {
	at, err := unix.Open(dir, unix.O_RDONLY, 0)
	if err != nil {
		return err
	}
	argument := &xfsRequest{flags: unix.O_RDWR, handle: &handle[0], size: uint32(len(handle))}
	fd, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(at), xfsOpenByHandle, uintptr(unsafe.Pointer(argument)))
	runtime.KeepAlive(argument)
	if errno != 0 {
		return errno
	}
	_, err = unix.Write(int(fd), []byte("changed"))
	return err
}

// sumOf is a checksum of the first 4 MiB of a file or device.
func sumOf(path string) string {
	file, err := os.Open(path)
	if err != nil {
		return errnoName(err)
	}
	defer file.Close()
	sum := sha512.New()
	if _, err := io.CopyN(sum, file, 4<<20); err != nil {
		return errnoName(err)
	}
	return fmt.Sprintf("%x", sum.Sum(nil)[:8])
}
