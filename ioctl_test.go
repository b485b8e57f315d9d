package main

// Requests that change a file or a file system through a descriptor that is open for reading only: denied by their numbers
// everywhere, and seen to change nothing on images of the file systems that know them.

import (
	"bytes"
	"crypto/sha512"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Requests that x/sys does not have for every architecture, or not at all, and the headers that do.
const (
	ocfs2GroupExtend    = 0x40046f01 // fs/ocfs2/ocfs2_ioctl.h, and so the next four
	ocfs2GroupAdd       = 0x40186f02
	ocfs2GroupAdd64     = 0x40186f03
	ocfs2Reflink        = 0x40186f04
	ocfs2MoveExtents    = 0x40406f06
	fatSetAttributes    = 0x40047211 // linux/msdos_fs.h
	f2fsStartAtomic     = 0x0000f501 // linux/f2fs.h, and so the next
	f2fsReleaseBlocks   = 0x8008f512
	bcachefsSubvolume   = 0x4020bc10 // fs/bcachefs/bcachefs_ioctl.h
	bcachefsReinherit   = 0x8008bc40
	subvolCreate        = 0x5000940e // linux/btrfs.h, and so to scrub
	snapCreate          = 0x50009401
	snapCreateV2        = 0x50009417
	snapDestroy         = 0x5000940f
	snapDestroyV2       = 0x5000943f
	subvolGetFlags      = 0x80089419
	subvolSetFlags      = 0x4008941a
	deviceReplace       = 0xca289435
	defragment          = 0x50009402
	defragmentRange     = 0x40309410
	addDevice           = 0x5000940a
	scrub               = 0xc400941b
	getLabel            = 0x81009431 // linux/fs.h, and so to trim
	setLabel            = 0x41009432
	getAttributes       = 0x801c581f
	setAttributes       = 0x401c5820
	getVersion          = 0x80087601
	setVersion          = 0x40087602
	freeze              = 0xc0045877
	thaw                = 0xc0045878
	trim                = 0xc0185879
	fiemap              = 0xc020660b // linux/fiemap.h
	ext4Migrate         = 0x00006609 // fs/ext4/ext4.h, and so the next four
	ext4MoveExtents     = 0xc028660f
	ext4SwapBoot        = 0x00006611
	ext4GetUUID         = 0x8008662c
	ext4SetUUID         = 0x4008662c
	shutdownFS          = 0x8004587d // XFS_IOC_GOINGDOWN, EXT4_IOC_SHUTDOWN
	xfsHandleOf         = 0xc038586a // XFS_IOC_FD_TO_HANDLE, fs/xfs/libxfs/xfs_fs.h, and so the next two
	xfsOpenByHandle     = 0xc038586b
	xfsFreeSpace        = 0x40305825
	getEncryptionSalt   = 0x40106614 // linux/fscrypt.h, and so the next; it makes one where there is none
	removeKeyOfAllUsers = 0xc0406619
)

type fileRequest struct {
	name   string
	number uint32
	any    bool // it asks for no capability, and without an argument it fails: it can be tried on a file
}

// changing are the requests that are denied. Those of types that are denied whole stand for their type.
var changing = []fileRequest{
	{"FS_IOC_ENABLE_VERITY", unix.FS_IOC_ENABLE_VERITY, true},
	{"FS_IOC_ADD_ENCRYPTION_KEY", unix.FS_IOC_ADD_ENCRYPTION_KEY, true},
	{"FS_IOC_REMOVE_ENCRYPTION_KEY", unix.FS_IOC_REMOVE_ENCRYPTION_KEY, true},
	{"FS_IOC_REMOVE_ENCRYPTION_KEY_ALL_USERS", removeKeyOfAllUsers, false},
	{"FS_IOC_SET_ENCRYPTION_POLICY", unix.FS_IOC_SET_ENCRYPTION_POLICY, true},
	{"FS_IOC_GET_ENCRYPTION_PWSALT", getEncryptionSalt, false},
	{"FS_IOC_SETFLAGS", unix.FS_IOC_SETFLAGS, true},
	{"FS_IOC_FSSETXATTR", setAttributes, true},
	{"FS_IOC_SETVERSION", setVersion, true},
	{"FS_IOC_SETFSLABEL", setLabel, false},
	{"FIFREEZE", freeze, false},
	{"FITHAW", thaw, false},
	{"FITRIM", trim, false},
	{"EXT4_IOC_MIGRATE", ext4Migrate, false},
	{"EXT4_IOC_MOVE_EXT", ext4MoveExtents, true},
	{"EXT4_IOC_SWAP_BOOT", ext4SwapBoot, false},
	{"EXT4_IOC_SETFSUUID", ext4SetUUID, false},
	{"EXT4_IOC_SHUTDOWN, XFS_IOC_GOINGDOWN", shutdownFS, false},
	{"XFS_IOC_FD_TO_HANDLE", xfsHandleOf, false},
	{"XFS_IOC_OPEN_BY_HANDLE", xfsOpenByHandle, false},
	{"XFS_IOC_FREESP64", xfsFreeSpace, true},
	{"BTRFS_IOC_SUBVOL_CREATE", subvolCreate, true},
	{"BTRFS_IOC_SUBVOL_SETFLAGS", subvolSetFlags, true},
	{"BTRFS_IOC_SNAP_CREATE", snapCreate, true},
	{"BTRFS_IOC_SNAP_CREATE_V2", snapCreateV2, true},
	{"BTRFS_IOC_SNAP_DESTROY", snapDestroy, true},
	{"BTRFS_IOC_SNAP_DESTROY_V2", snapDestroyV2, true},
	{"BTRFS_IOC_DEV_REPLACE", deviceReplace, false},
	{"BTRFS_IOC_ADD_DEV", addDevice, false},
	{"BTRFS_IOC_SCRUB", scrub, false},
	{"BTRFS_IOC_DEFRAG", defragment, false},
	{"BTRFS_IOC_DEFRAG_RANGE", defragmentRange, false},
	{"F2FS_IOC_START_ATOMIC_WRITE", f2fsStartAtomic, false},
	{"F2FS_IOC_RELEASE_COMPRESS_BLOCKS", f2fsReleaseBlocks, false},
	{"BCH_IOCTL_SUBVOLUME_CREATE", bcachefsSubvolume, true},
	{"BCHFS_IOC_REINHERIT_ATTRS", bcachefsReinherit, true},
	{"FAT_IOCTL_SET_ATTRIBUTES", fatSetAttributes, true},
	{"OCFS2_IOC_GROUP_EXTEND", ocfs2GroupExtend, false},
	{"OCFS2_IOC_GROUP_ADD", ocfs2GroupAdd, false},
	{"OCFS2_IOC_GROUP_ADD64", ocfs2GroupAdd64, false},
	{"OCFS2_IOC_REFLINK", ocfs2Reflink, true},
	{"OCFS2_IOC_MOVE_EXT", ocfs2MoveExtents, true},
	{"CEPH_IOC_SET_LAYOUT", 0x40289702, true},
	{"CEPH_IOC_SET_LAYOUT_POLICY", 0x40289705, true},
	{"CIFS_IOC_SET_INTEGRITY", 0xcf04, true},
	{"ZFS_IOC_SETDOSFLAGS", 0x40088302, true},
}

// reading are the requests of the same types that are not denied.
var reading = []fileRequest{
	{"FICLONE", unix.FICLONE, true},
	{"FICLONERANGE", unix.FICLONERANGE, true},
	{"FIDEDUPERANGE", unix.FIDEDUPERANGE, true},
	{"FS_IOC_GETFLAGS", unix.FS_IOC_GETFLAGS, true},
	{"FS_IOC_FSGETXATTR", getAttributes, true},
	{"FS_IOC_FIEMAP", fiemap, true},
	{"FS_IOC_GETFSLABEL", getLabel, true},
	{"EXT4_IOC_GETFSUUID", ext4GetUUID, true},
	{"FS_IOC_GET_ENCRYPTION_POLICY", unix.FS_IOC_GET_ENCRYPTION_POLICY, true},
	{"FS_IOC_GET_ENCRYPTION_POLICY_EX", unix.FS_IOC_GET_ENCRYPTION_POLICY_EX, true},
	{"FS_IOC_GET_ENCRYPTION_NONCE", unix.FS_IOC_GET_ENCRYPTION_NONCE, true},
	{"FS_IOC_MEASURE_VERITY", unix.FS_IOC_MEASURE_VERITY, true},
	{"PAGEMAP_SCAN", 0xc0606610, true},
	{"PROCMAP_QUERY", 0xc0686611, true},
	{"FS_IOC_GETVERSION", getVersion, true},
}

func init() {
	// request NUMBER [FILE]: without an argument; without a file, on no descriptor.
	probes["request"] = func(a []string) error {
		fd := -1
		if len(a) > 1 {
			var err error
			if fd, err = unix.Open(a[1], unix.O_RDONLY, 0); err != nil {
				return err
			}
		}
		return rawErrno(unix.SYS_IOCTL, uintptr(fd), uintptr(atoi(a[0])), 0, 0)
	}
	probes["requestTypes"] = func([]string) error { return errors.New(deniedRequests()) }
	probes["query"] = func(a []string) error { return query(uint32(atoi(a[0])), a[1]) }
	probes["share"] = func(a []string) error { return share(a[0], a[1], a[2], atoi(a[3])) }
	// change NAME STEP DIR
	probes["change"] = func(a []string) error {
		c := &changes[slices.IndexFunc(changes, func(c change) bool { return c.name == a[0] })]
		switch a[1] {
		case "make":
			return c.make(a[2])
		case "do":
			return c.do(a[2])
		default:
			return errors.New(c.seen(a[2]))
		}
	}
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

// unrestrictedWrites is a policy that restricts the network alone.
var unrestrictedWrites = []string{"codex-linux-sandbox", "-s", "disk-full-write-access", "--"}

// The filter does not look at the descriptor, so no descriptor tells its answer from the kernel's, and no request does harm.
func TestFileRequests(t *testing.T) {
	needABI(t, 1)
	eachBuild(t, func(t *testing.T, b *build) {
		root := scratch(t)
		sandbox := launchers["snib"](t, root)
		tries := func(requests []fileRequest, file ...string) (op []string, count int) {
			op = []string{"each"}
			for _, r := range requests {
				if r.any || len(file) == 0 {
					op = append(append(append(op, "request", fmt.Sprint(r.number)), file...), ",")
					count++
				}
			}
			return op, count
		}
		expect := func(what string, launcher []string, requests []fileRequest, want string) {
			t.Helper()
			op, _ := tries(requests)
			for i, got := range strings.Fields(b.outcome(t, launcher, op...)) {
				if got != want {
					t.Errorf("%s: %s: %s, want %s", what, requests[i].name, got, want)
				}
			}
		}
		expect("denied", sandbox, changing, "EPERM")
		expect("of the same types", sandbox, reading, "EBADF")
		expect("where writes are not restricted", unrestrictedWrites, changing, "EBADF")
		expect("control", nil, changing, "EBADF")
		expect("control", nil, reading, "EBADF")

		const typed, integrity = " 0x5412:EPERM 0x541c:EPERM", " 0xcf04:EPERM" // TIOCSTI, TIOCLINUX; CIFS_IOC_SET_INTEGRITY
		if got, want := b.outcome(t, sandbox, "requestTypes"), "0x58 0x66 0x94 0xbc 0xf5"+typed+integrity; got != want {
			t.Errorf("denied: %s, want %s", got, want)
		}
		if got := b.outcome(t, unrestrictedWrites, "requestTypes"); got != typed[1:] {
			t.Errorf("denied where writes are not restricted: %s", got)
		}
		if got := b.outcome(t, nil, "requestTypes"); got != "" {
			t.Errorf("denied without a sandbox: %s", got)
		}

		// On a file the kernel says what else is wrong: another file system, no argument.
		file := scratch(t) + "/file"
		if err := os.WriteFile(file, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		op, count := tries(changing, file)
		if got := b.outcome(t, sandbox, op...); got != strings.TrimSpace(strings.Repeat("EPERM ", count)) {
			t.Errorf("on a file: %s", got)
		}
		if got := b.outcome(t, nil, op...); slices.Contains(strings.Fields(got), "EPERM") {
			t.Errorf("on a file, control: %s", got)
		}
		op, _ = tries(reading, file)
		if got, want := b.outcome(t, sandbox, op...), b.outcome(t, nil, op...); got != want || strings.Contains(want, "EPERM") {
			t.Errorf("on a file, of the same types: %s, without a sandbox %s", got, want)
		}
	})
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

// A fileSystem is one that the tests make images of.
type fileSystem struct {
	name    string
	size    int64
	options string // of mount(2)
	mkfs    []string
}

var fileSystems = []fileSystem{
	// A version cannot be set where checksums are.
	{"ext4", 64 << 20, "", []string{"mkfs.ext4", "-q", "-F", "-b", "4096", "-O", "verity,encrypt,^metadata_csum"}},
	{"btrfs", 256 << 20, "user_subvol_rm_allowed", []string{"mkfs.btrfs", "-q"}},
	{"xfs", 320 << 20, "", []string{"mkfs.xfs", "-q", "-m", "reflink=1"}},
}

// needFileSystem skips a test whose file system the kernel does not name. Loop devices are a tool: where tools are promised,
// their absence is a failure.
func needFileSystem(t *testing.T, name string) {
	t.Helper()
	known, err := os.ReadFile("/proc/filesystems")
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Contains(strings.Fields(string(known)), name) {
		t.Skipf("needs %s in /proc/filesystems", name)
	}
	if _, err := os.Stat("/dev/loop-control"); err != nil {
		if os.Getenv("SNIB_TEST_TOOLS") == "required" {
			t.Fatal("needs loop devices, which are promised")
		}
		t.Skip("needs loop devices")
	}
}

// ownMounts gives the test's thread a mount namespace of its own, which ends with the test, however that ends, and what is
// mounted in it as well. The function that it returns has a subtest's thread enter it.
func ownMounts(t *testing.T) (enter func(t *testing.T)) {
	t.Helper()
	runtime.LockOSThread() // it is not unlocked: the thread ends with the goroutine
	if err := unix.Unshare(unix.CLONE_NEWNS); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		t.Fatal(err)
	}
	ns, err := unix.Open("/proc/thread-self/ns/mnt", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(ns) })
	return func(t *testing.T) {
		t.Helper()
		runtime.LockOSThread()
		if err := unix.Unshare(unix.CLONE_FS); err != nil {
			t.Fatal(err)
		}
		if err := unix.Setns(ns, unix.CLONE_NEWNS); err != nil {
			t.Fatal(err)
		}
	}
}

// loop makes a sparse file a loop device, which is gone when the file returned and what is mounted of it are closed.
func loop(t *testing.T, image string) *os.File {
	t.Helper()
	file, err := os.OpenFile(image, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	control, err := os.OpenFile("/dev/loop-control", os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer control.Close()
	for deadline := time.Now().Add(launchTime); ; {
		n, _, errno := unix.Syscall(unix.SYS_IOCTL, control.Fd(), unix.LOOP_CTL_GET_FREE, 0)
		if errno != 0 {
			t.Fatal(errno)
		}
		device, err := os.OpenFile(fmt.Sprint("/dev/loop", n), os.O_RDWR, 0)
		if err == nil {
			err = unix.IoctlLoopConfigure(int(device.Fd()), &unix.LoopConfig{
				Fd: uint32(file.Fd()), Info: unix.LoopInfo64{Flags: unix.LO_FLAGS_AUTOCLEAR}})
			if err == nil {
				t.Cleanup(func() { device.Close() })
				return device
			}
			device.Close()
		}
		if time.Now().After(deadline) {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Millisecond) // another process took it, or its node is not there yet
	}
}

// blank makes a sparse file.
func blank(t *testing.T, path string, size int64) {
	t.Helper()
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(path, size); err != nil {
		t.Fatal(err)
	}
}

// mounted mounts a new file system, and returns where.
func (f *fileSystem) mounted(t *testing.T, mkfs string) string {
	t.Helper()
	dir := scratch(t)
	image, at := dir+"/image", dir+"/mounted"
	blank(t, image, f.size)
	if r := start(t, mkfs, append(slices.Clone(f.mkfs), image), nil); r.code != 0 {
		t.Fatalf("%q: %+v", f.mkfs, r)
	}
	if err := os.Mkdir(at, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	device := loop(t, image)
	if err := unix.Mount(device.Name(), at, f.name, 0, f.options); err != nil {
		t.Fatalf("mount %s: %v", f.name, err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(at, unix.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return at
}

// copyProgram makes a program one that any user can run, under a name.
func copyProgram(t *testing.T, from, to string) {
	t.Helper()
	content, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(to, content, 0o755); err != nil {
		t.Fatal(err)
	}
}

// imageTest is a mounted image and a build to test on it.
type imageTest struct {
	fs      *fileSystem
	mounted string
	bin     string
	dirs    int
}

// outcome is build.outcome for a user.
func (i *imageTest) outcome(t *testing.T, user uint32, launcher []string, op ...string) string {
	t.Helper()
	argv := append(append(slices.Clone(launcher), i.bin+"/probe"), op...)
	path := i.bin + "/snib"
	if len(launcher) == 0 {
		path = i.bin + "/probe"
	}
	r := start(t, path, argv, func(cmd *exec.Cmd) {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: user, Gid: user}}
	})
	line, is := strings.CutSuffix(r.stdout, "\n")
	if r.code != 0 || !is || strings.Contains(line, "\n") || r.stderr != "" {
		t.Fatalf("%q: no outcome: %+v", argv, r)
	}
	return line
}

// place makes a directory of a user on the image, with a "root" and an "outside" in it.
func (i *imageTest) place(t *testing.T, user uint32) (root, outside string) {
	t.Helper()
	i.dirs++
	dir := fmt.Sprint(i.mounted, "/place", i.dirs)
	for _, path := range []string{dir, dir + "/root", dir + "/outside"} {
		if err := os.Mkdir(path, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Chown(path, int(user), int(user)); err != nil {
			t.Fatal(err)
		}
	}
	return dir + "/root", dir + "/outside"
}

const otherUser = 65534

// On images: what the requests do without a sandbox, they do not do from inside to what is outside of the roots.
func TestFileSystems(t *testing.T) {
	needABI(t, 1)
	needRoot(t)
	for n := range fileSystems {
		fs := &fileSystems[n]
		t.Run(fs.name, func(t *testing.T) {
			needFileSystem(t, fs.name)
			mkfs := need(t, fs.mkfs[0])
			for _, b := range builds {
				t.Run(b.name, func(t *testing.T) { onImage(t, b, fs, mkfs) })
			}
		})
	}
}

func onImage(t *testing.T, b *build, fs *fileSystem, mkfs string) {
	enter := ownMounts(t)
	i := &imageTest{fs: fs, bin: scratch(t)}
	if err := os.Chmod(i.bin, 0o755); err != nil {
		t.Fatal(err)
	}
	copyProgram(t, "/proc/self/exe", i.bin+"/probe")
	copyProgram(t, b.path, i.bin+"/snib")
	i.mounted = fs.mounted(t, mkfs)

	users := []struct {
		name string
		id   uint32
	}{{"root", 0}, {"user", otherUser}}
	for _, user := range users {
		t.Run("readers, "+user.name, func(t *testing.T) { enter(t); i.readers(t, user.id) })
		if fs.name != "ext4" {
			t.Run("shared, "+user.name, func(t *testing.T) { enter(t); i.shared(t, user.id) })
		}
	}
	for n := range changes {
		c := &changes[n]
		if !slices.Contains(strings.Fields(c.on), fs.name) {
			continue
		}
		for _, user := range users {
			if !c.root || user.id == 0 {
				t.Run(c.name+", "+user.name, func(t *testing.T) { enter(t); i.change(t, c, user.id) })
			}
		}
	}
}

func (i *imageTest) change(t *testing.T, c *change, user uint32) {
	root, outside := i.place(t, user)
	if c.name == "BTRFS_IOC_DEV_REPLACE" {
		image := scratch(t) + "/other"
		blank(t, image, i.fs.size)
		device := loop(t, image).Name()
		if err := os.WriteFile(i.mounted+"/device", []byte(device), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	sandbox := launchers["snib"](t, root)
	step := func(launcher []string, name string) string {
		t.Helper()
		return i.outcome(t, user, launcher, "change", c.name, name, outside)
	}
	notHere := func(got string) {
		if c.optional && (got == "ENOTSUP" || got == "ENOTTY") {
			t.Skipf("needs a kernel with %s on %s", c.name, i.fs.name)
		}
	}
	if got := step(nil, "make"); got != "ok" {
		notHere(got)
		t.Fatalf("make: %s", got)
	}
	before := step(nil, "seen")
	if got := step(sandbox, "do"); got != "EPERM" {
		t.Errorf("inside: %s", got)
	}
	if after := step(nil, "seen"); after != before {
		t.Errorf("inside: %s became %s", before, after)
		return
	}
	got := step(nil, "do")
	notHere(got)
	if after := step(nil, "seen"); got != "ok" || after == before {
		t.Errorf("control: %s, %s became %s", got, before, after)
	}
}

// readers are what reads: each answers as without a sandbox.
func (i *imageTest) readers(t *testing.T, user uint32) {
	root, outside := i.place(t, user)
	paths := []string{outside, outside + "/file"}
	kinds := []string{"FS_IOC_FSSETXATTR"} // whose preparation makes the file
	if i.fs.name == "ext4" {
		kinds = append(kinds, "FS_IOC_REMOVE_ENCRYPTION_KEY")
		paths = append(paths, outside+"/secret")
	}
	for _, kind := range kinds {
		if got := i.outcome(t, user, nil, "change", kind, "make", outside); got == "ENOTSUP" {
			paths = paths[:2]
		} else if got != "ok" {
			t.Fatalf("%s: make: %s", kind, got)
		}
	}
	i.outcome(t, user, nil, "change", "FS_IOC_ENABLE_VERITY", "do", outside)
	for _, path := range paths {
		for _, r := range reading[3:] {
			op := []string{"query", fmt.Sprint(r.number), path}
			got, want := i.outcome(t, user, launchers["snib"](t, root), op...), i.outcome(t, user, nil, op...)
			if got != want {
				t.Errorf("%s on %s: %s, without a sandbox %s", r.name, filepath.Base(path), got, want)
			}
			always := []uint32{unix.FS_IOC_GETFLAGS, getAttributes, fiemap}
			if slices.Contains(always, r.number) && path == outside+"/file" && !strings.HasPrefix(want, "ok:") {
				t.Errorf("%s: control: %s", r.name, want)
			}
		}
	}
}

// shared is what shares the blocks of files: into a root from anywhere, and not to outside.
func (i *imageTest) shared(t *testing.T, user uint32) {
	root, outside := i.place(t, user)
	content := bytes.Repeat([]byte("shared"), sharedSize/6+1)[:sharedSize]
	put := func(path string, content []byte) {
		t.Helper()
		if err := writeSynced(path, content); err != nil {
			t.Fatal(err)
		}
		if err := os.Chown(path, int(user), int(user)); err != nil {
			t.Fatal(err)
		}
	}
	holds := func(path string) bool {
		t.Helper()
		got, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return bytes.Equal(got, content)
	}
	put(outside+"/source", content)
	sandbox := launchers["snib"](t, root)
	for _, how := range []string{"FICLONE", "FICLONERANGE", "FIDEDUPERANGE", "copy_file_range"} {
		for _, dir := range []string{root, outside} {
			target := dir + "/target"
			var before []byte
			if how == "FIDEDUPERANGE" {
				before = content
			}
			put(target, before)
			op := []string{"share", how, outside + "/source", target, fmt.Sprint(unix.O_RDWR)}
			want := "ok"
			if dir == outside {
				want = "EACCES"
			}
			if got := i.outcome(t, user, sandbox, op...); got != want {
				t.Errorf("%s to %s: %s, want %s", how, filepath.Base(dir), got, want)
			}
			if holds(target) != (want == "ok" || before != nil) {
				t.Errorf("%s to %s: changed %v", how, filepath.Base(dir), want != "ok")
			}
			if want == "ok" {
				continue
			}
			if got := i.outcome(t, user, nil, op...); got != "ok" || !holds(target) {
				t.Errorf("%s to %s: control: %s", how, filepath.Base(dir), got)
			}
		}
	}

	// Two files that hold the same can be made to share it by descriptors that are open for reading only: neither file's
	// content nor times change. Of files that differ nothing is shared.
	target := outside + "/target"
	for _, same := range []bool{true, false} {
		want := "ok"
		put(target, content)
		if !same {
			want = "1:0" // FILE_DEDUPE_RANGE_DIFFERS
			put(target, bytes.ToUpper(content))
		}
		var before, after unix.Stat_t
		if err := unix.Stat(target, &before); err != nil {
			t.Fatal(err)
		}
		if got := i.outcome(t, user, sandbox, "share", "FIDEDUPERANGE", outside+"/source", target, fmt.Sprint(unix.O_RDONLY)); got != want {
			t.Errorf("FIDEDUPERANGE, read-only: %s, want %s", got, want)
		}
		if err := unix.Stat(target, &after); err != nil {
			t.Fatal(err)
		}
		if holds(target) != same || after.Mtim != before.Mtim || after.Ctim != before.Ctim {
			t.Errorf("FIDEDUPERANGE, read-only: the file changed")
		}
	}
}
