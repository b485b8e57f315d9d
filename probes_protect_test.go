package main

// Probes of what is mounted read-only: each tries to change what a path leads to, or to have it lead elsewhere.

import (
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// attack is one way to change the directory p, two directories beneath the writable path r. That holds p/config, p/hooks,
// r/f and the directory r/z. Errors do not matter: the test looks at what is there afterwards.
type attack struct {
	try   func(p, r string)
	bare  bool // its control runs without a sandbox: snib denies it everywhere
	root  bool // it takes root, without a sandbox too
	mount bool // it is about mounts and namespaces
}

// spoil changes what a path leads to in several ways.
func spoil(p string) {
	os.WriteFile(p+"/config", []byte("spoilt"), 0o644)
	os.WriteFile(p+"/new", nil, 0o644)
	unix.Mkdir(p+"/newdir", 0o755)
}

// anew makes a directory in the place of one that was moved away.
func anew(p string) {
	os.MkdirAll(p, 0o755)
	spoil(p)
}

// of is a path as another process sees it.
func of(process int, p string) string { return "/proc/" + strconv.Itoa(process) + "/root" + p }

var attacks = map[string]attack{
	"write":    {try: func(p, r string) { os.WriteFile(p+"/config", []byte("spoilt"), 0o644) }},
	"append":   {try: func(p, r string) { writeTo(p+"/config", unix.O_WRONLY|unix.O_APPEND) }},
	"truncate": {try: func(p, r string) { unix.Truncate(p+"/config", 1) }, bare: true}, // the filter denies truncate(2) before ABI 3

	"create":     {try: func(p, r string) { writeTo(p+"/new", unix.O_WRONLY|unix.O_CREAT) }},
	"unnamed":    {try: func(p, r string) { linkUnnamed(p) }},
	"mkdir":      {try: func(p, r string) { unix.Mkdir(p+"/new", 0o755) }},
	"symlink":    {try: func(p, r string) { unix.Symlink("config", p+"/new") }},
	"mkfifo":     {try: func(p, r string) { unix.Mknod(p+"/new", unix.S_IFIFO|0o600, 0) }},
	"unlink":     {try: func(p, r string) { unix.Unlink(p + "/config") }},
	"rmdir":      {try: func(p, r string) { unix.Rmdir(p + "/empty") }},
	"remove all": {try: func(p, r string) { os.RemoveAll(r + "/a") }},
	"rename":     {try: func(p, r string) { unix.Rename(p+"/config", p+"/new") }},
	"rename out": {try: func(p, r string) { unix.Rename(p+"/config", r+"/new") }},
	"rename in":  {try: func(p, r string) { unix.Rename(r+"/f", p+"/config") }},
	"link in":    {try: func(p, r string) { unix.Link(r+"/f", p+"/new") }},
	"link out": {try: func(p, r string) {
		unix.Link(p+"/config", r+"/new")
		writeTo(r+"/new", unix.O_WRONLY)
	}},
	"chmod":    {try: func(p, r string) { unix.Chmod(p+"/config", 0o600) }},
	"chmod it": {try: func(p, r string) { unix.Chmod(p, 0o700) }},
	"chown":    {try: func(p, r string) { unix.Lchown(p+"/config", os.Getuid(), os.Getgid()) }},
	"utimes":   {try: func(p, r string) { unix.Utimes(p+"/config", make([]unix.Timeval, 2)) }},
	"setxattr": {try: func(p, r string) { unix.Setxattr(p+"/config", attribute, attributeValue, 0) }, bare: true},

	"move away": {try: func(p, r string) {
		unix.Rename(p, r+"/old")
		anew(p)
	}},
	"move the parent away": {try: func(p, r string) {
		unix.Rename(r+"/a/b", r+"/old")
		anew(p)
	}},
	"move the highest parent away": {try: func(p, r string) {
		unix.Rename(r+"/a", r+"/old")
		anew(p)
	}},
	"exchange": {try: func(p, r string) {
		unix.Renameat2(unix.AT_FDCWD, p, unix.AT_FDCWD, r+"/z", unix.RENAME_EXCHANGE)
		spoil(p)
	}},
	"exchange the parent": {try: func(p, r string) {
		unix.Mkdir(r+"/z/b", 0o755)
		unix.Renameat2(unix.AT_FDCWD, r+"/a", unix.AT_FDCWD, r+"/z", unix.RENAME_EXCHANGE)
		anew(p)
	}},

	"working directory":           {try: func(p, r string) { spoil(".") }},
	"working directory of itself": {try: func(p, r string) { spoil("/proc/self/cwd") }},
	"root of itself":              {try: func(p, r string) { spoil("/proc/self/root" + p) }},
	"root of init":                {try: func(p, r string) { spoil(of(1, p)) }, bare: true, root: true},
	"root of the caller":          {try: func(p, r string) { spoil(of(os.Getppid(), p)) }, bare: true},
	"working directory of the caller": {try: func(p, r string) {
		spoil("/proc/" + strconv.Itoa(os.Getppid()) + "/cwd/" + strings.Repeat("../", 64) + p)
	}, bare: true},
	"descriptor": {try: func(p, r string) {
		fd, _ := unix.Open(p, unix.O_PATH, 0)
		spoil("/proc/self/fd/" + strconv.Itoa(fd))
	}},
	"handle": {try: func(p, r string) {
		mount, _ := unix.Open(r, unix.O_RDONLY|unix.O_DIRECTORY, 0)
		if fd, err := openByHandle(mount, p+"/config", unix.O_WRONLY); err == nil {
			unix.Write(fd, []byte("spoilt"))
		}
	}, bare: true, root: true},

	"umount": {try: func(p, r string) {
		for at := p; at != r; at = filepath.Dir(at) {
			unix.Unmount(at, unix.MNT_DETACH)
		}
		spoil(p)
	}, mount: true},
	"remount": {try: func(p, r string) {
		unix.Mount("", p, "", unix.MS_REMOUNT|unix.MS_BIND, "")
		unix.Mount("", p, "", unix.MS_REMOUNT, "")
		spoil(p)
	}, mount: true},
	"mount_setattr": {try: func(p, r string) {
		unix.MountSetattr(unix.AT_FDCWD, p, 0, &unix.MountAttr{Attr_clr: unix.MOUNT_ATTR_RDONLY})
		spoil(p)
	}, mount: true},
	"open_tree": {try: func(p, r string) {
		fd, _ := unix.OpenTree(unix.AT_FDCWD, r, unix.OPEN_TREE_CLONE)
		spoil("/proc/self/fd/" + strconv.Itoa(fd) + strings.TrimPrefix(p, r))
		unix.MoveMount(fd, "", unix.AT_FDCWD, r+"/z", unix.MOVE_MOUNT_F_EMPTY_PATH)
		spoil(r + "/z" + strings.TrimPrefix(p, r))
		spoil(p)
	}, mount: true},
	"bind": {try: func(p, r string) {
		unix.Mount(r, r+"/z", "", unix.MS_BIND, "")
		spoil(r + "/z" + strings.TrimPrefix(p, r))
		spoil(p)
	}, mount: true},
	"move the mount": {try: func(p, r string) {
		unix.Mount(p, r+"/z", "", unix.MS_MOVE, "")
		spoil(p)
	}, mount: true},
	"empty namespace": {try: func(p, r string) {
		dir, _ := unix.Open(r, unix.O_RDONLY|unix.O_DIRECTORY, 0)
		runtime.LockOSThread()
		unix.Unshare(1 << 20) // UNSHARE_EMPTY_MNTNS in linux/sched.h, since 7.1
		unix.Renameat(dir, strings.TrimPrefix(p, r+"/"), dir, "old")
		unix.Renameat(dir, "a", dir, "older")
		if unix.Mkdirat(dir, "a", 0o755) == nil && unix.Mkdirat(dir, "a/b", 0o755) == nil {
			unix.Mkdirat(dir, "a/b/.git", 0o755)
		}
	}, mount: true},
	"mount over": {try: func(p, r string) {
		unix.Mount("tmpfs", p, "tmpfs", 0, "")
		spoil(p)
	}, mount: true},
	"chroot": {try: func(p, r string) {
		unix.Chroot(r)
		spoil(p)
		spoil(strings.TrimPrefix(p, r))
	}, mount: true},
	"setns": {try: func(p, r string) {
		for _, process := range []string{"1", strconv.Itoa(os.Getppid())} {
			for _, name := range []string{"user", "mnt"} {
				if fd, err := unix.Open("/proc/"+process+"/ns/"+name, unix.O_RDONLY, 0); err == nil {
					unix.Setns(fd, 0)
				}
			}
		}
		spoil(p)
	}, mount: true},
}

// linkUnnamed makes a file in a directory by way of one without a name.
func linkUnnamed(dir string) {
	if fd, err := unix.Open(dir, unix.O_TMPFILE|unix.O_RDWR, 0o644); err == nil {
		unix.Linkat(unix.AT_FDCWD, "/proc/self/fd/"+strconv.Itoa(fd), unix.AT_FDCWD, dir+"/new", unix.AT_SYMLINK_FOLLOW)
	}
}

func init() {
	probes["attack"] = func(a []string) error {
		attacks[a[0]].try(a[1], a[2])
		return nil
	}
}
