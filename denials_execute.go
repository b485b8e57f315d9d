package main

// Which failed execve was denied by Landlock: of a file, of what is to interpret it, or of the loader of that.

import (
	"bytes"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

// execution tells whether Landlock denied an execve: of the file, its interpreter, or its loader.
func (j *judge) execution(e *tracee, c *pathCall, d *denial) bool {
	q, understood := j.understand(e, c)
	defer q.close()
	if !understood {
		return false
	}
	d.action = actExecute
	const needed = unix.LANDLOCK_ACCESS_FS_EXECUTE | unix.LANDLOCK_ACCESS_FS_READ_FILE
	p := q.first
	for range 6 { // BINPRM_MAX_RECURSION in the kernel is 4
		if p.object < 0 || p.format() != unix.S_IFREG {
			return false
		}
		allowed := false
		if !q.who.as(&j.own, func() { allowed = permitted(p.object, unix.X_OK) }) || !allowed {
			return false
		}
		if needed&j.handled.Handled_access_fs&^j.rehearsal.granted(&p, false) != 0 {
			d.path, d.kind = p.path(), p.kind()
			return true
		}
		name := interpreter(p.object)
		if name == "" {
			return false
		}
		v := viewOf(e.pid, q.who.process, unix.AT_FDCWD, name)
		var errno syscall.Errno
		var next place
		done := q.who.as(&j.own, func() { next, errno = v.resolve(true) })
		v.close()
		if !done || errno != 0 {
			return false
		}
		defer next.close()
		p = next
	}
	return false
}

// interpreter is what a regular file is executed by: that of its first line, or its loader; empty: nothing, or it cannot be read.
func interpreter(fd int) string {
	file, err := unix.Open("/proc/self/fd/"+strconv.Itoa(fd), unix.O_RDONLY|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	if err != nil {
		return ""
	}
	defer unix.Close(file)
	var head [4096]byte
	n, _ := unix.Pread(file, head[:], 0)
	content := head[:max(n, 0)]
	if line, is := bytes.CutPrefix(content[:min(len(content), 256)], []byte("#!")); is {
		line, _, _ = bytes.Cut(line, []byte("\n"))
		if words := bytes.Fields(line); len(words) > 0 {
			return string(words[0])
		}
		return ""
	}
	// struct elf64_hdr, and elf64_phdr (linux/elf.h)
	if len(content) < 64 || !bytes.HasPrefix(content, []byte("\x7fELF\x02")) {
		return ""
	}
	at, size, count := littleEndian(content[32:40]), int(littleEndian(content[54:56])), int(littleEndian(content[56:58]))
	for i := range min(count, 64) {
		var header [56]byte
		if n, _ := unix.Pread(file, header[:], int64(at)+int64(i*size)); n != len(header) {
			return ""
		}
		const loader = 3 // PT_INTERP
		if littleEndian(header[:4]) == loader {
			name := make([]byte, min(littleEndian(header[32:40]), unix.PathMax))
			n, _ := unix.Pread(file, name, int64(littleEndian(header[8:16])))
			name, _, _ = bytes.Cut(name[:max(n, 0)], []byte{0})
			return string(name)
		}
	}
	return ""
}
