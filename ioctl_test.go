package main

// Requests that change a file or a file system through a descriptor that is open for reading only: denied by their numbers
// everywhere, and seen to change nothing on images of the file systems that know them.

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

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

// unrestrictedWrites is a policy that restricts the network alone.
var unrestrictedWrites = []string{"codex-linux-sandbox", "-s", "disk-full-write-access", "--"}

// The filter does not look at the descriptor, so no descriptor tells its answer from the kernel's, and no request does harm.
func TestFileRequests(t *testing.T) {
	t.Parallel()
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

		const typed, owners, integrity = " 0x5412:EPERM 0x541c:EPERM", " 0x8901:EPERM 0x8902:EPERM", " 0xcf04:EPERM" // TIOCSTI, TIOCLINUX; FIOSETOWN, SIOCSPGRP; CIFS_IOC_SET_INTEGRITY
		if got, want := b.outcome(t, sandbox, "requestTypes"), "0x58 0x66 0x94 0xbc 0xf5"+typed+owners+integrity; got != want {
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
func copyProgram(t testing.TB, from, to string) {
	t.Helper()
	content, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	writeProgram(t, to, content)
}

// imageTest is a mounted image, and what every user can run.
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

// On images: what the requests do without a sandbox, they do not do from inside to what is outside of the roots. By TestFileRequests both
// builds deny the same requests, so one of them is enough here.
func TestFileSystems(t *testing.T) {
	t.Parallel()
	needABI(t, 1)
	needRoot(t)
	needLong(t)
	for n := range fileSystems {
		fs := &fileSystems[n]
		t.Run(fs.name, func(t *testing.T) {
			needFileSystem(t, fs.name)
			mkfs := need(t, fs.mkfs[0])
			onImage(t, fs, mkfs)
		})
	}
}

func onImage(t *testing.T, fs *fileSystem, mkfs string) {
	enter := ownMounts(t)
	i := &imageTest{fs: fs, bin: scratch(t)}
	if err := os.Chmod(i.bin, 0o755); err != nil {
		t.Fatal(err)
	}
	copyProgram(t, "/proc/self/exe", i.bin+"/probe")
	copyProgram(t, release.path, i.bin+"/snib")
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
	op := []string{"each"}
	for _, path := range paths {
		for _, r := range reading[3:] {
			op = append(op, "query", fmt.Sprint(r.number), path, ",")
		}
	}
	all, controls := strings.Fields(i.outcome(t, user, launchers["snib"](t, root), op...)), strings.Fields(i.outcome(t, user, nil, op...))
	for n, path := range paths {
		for m, r := range reading[3:] {
			at := n*len(reading[3:]) + m
			got, want := all[at], controls[at]
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
