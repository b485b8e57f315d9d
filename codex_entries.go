package main

// The entries of a policy of grammars D and E: their paths, and which of them counts where. This file runs in the restricted
// context described at the head of launch_linux.go.

import (
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// policyField is a member of the policy's objects.
type policyField uint8

const (
	fieldProfileType policyField = iota
	fieldFilesType
	fieldFilesKind
	fieldPathType
	fieldSpecialKind
	fieldFileSystem
	fieldNetwork
	fieldEntries
	fieldPath
	fieldPattern
	fieldValue
	fieldSubpath
	fieldAccess
	fieldMissing
)

var fieldNames = [...]string{fieldProfileType: "type", fieldFilesType: "type", fieldFilesKind: "kind", fieldPathType: "type", fieldSpecialKind: "kind", fieldFileSystem: "file_system", fieldNetwork: "network", fieldEntries: "entries", fieldPath: "path",
	fieldPattern: "pattern", fieldValue: "value", fieldSubpath: "subpath", fieldAccess: "access", fieldMissing: "missing_path_behavior"}

// entryAccess is what an entry allows; of several for one path the highest counts.
type entryAccess uint8

const (
	noEntry entryAccess = iota // it does not count
	readEntry
	writeEntry
	denyEntry
)

// policyEntry is a path and what it allows there.
type policyEntry struct {
	start, length int           // of the path in rewriting.text, where a NUL follows it, without symbolic links
	saidAt, said  int           // of the path as it was said
	at            int           // byte of the policy where the entry starts
	errno         syscall.Errno // why it cannot be opened
	access        entryAccess
	temporary     bool // it is /tmp or $TMPDIR by that name
	directory     bool // it is known to be one
}

// rewritingNote is a path that the policy wants read-only, and that is not.
type rewritingNote struct {
	why   noteKind
	entry policyEntry
}

type noteKind uint8

const (
	noteMissing noteKind = iota
	noteTemporary
	noteUnprotected
)

// rewriting is what has been rewritten. The words are addresses of NUL-terminated text, in text, in the kernel's argv, or constant: storing
// a pointer would compile to a write barrier. What is small stands together: each page that is used costs as much as some ten
// system calls.
var rewriting struct {
	used, count, known int            // how much there is of text, words and entries
	field              policyField    // what a failure names
	named              [2]policyEntry // likewise
	noting             bool           // it is done again, for reports: what they alone want is wanted
	noted              int            // how much there is of notes
	words              [1024]uintptr
	entries            [512]policyEntry
	text               [64 << 10]byte

	notes [1024]rewritingNote
	from  [1024]int // byte of the policy that a word comes from; negative: of none
}

// append adds to the path of an entry, which is the last text.
func (e *policyEntry) append(s string) reason {
	rest := rewriting.text[e.start+e.length:]
	if len(s) >= len(rest) {
		return policyTooLong
	}
	e.length += copy(rest, s)
	return noReason
}

// appendFrom adds a path to that of an entry, after the working directory where it is relative.
func (e *policyEntry) appendFrom(path string) reason {
	if path[0] != '/' {
		rest := rewriting.text[e.start+e.length:]
		if len(rest) < unix.PathMax {
			return policyTooLong
		}
		n, errno := result(systemCall(unix.SYS_GETCWD, uintptr(unsafe.Pointer(&rest[0])), unix.PathMax, 0, 0, 0))
		if errno != 0 || n < 1 || rest[0] != '/' {
			return noWorkingDirectory
		}
		e.length += n - 1
		if why := e.append("/"); why != noReason {
			return why
		}
	}
	return e.append(path)
}

// appendJSON adds a JSON string.
func (e *policyEntry) appendJSON(o object, at int) reason {
	if o.text[at] != '"' {
		return wantString
	}
	r := jsonReader{text: o.text, at: at}
	rest := rewriting.text[e.start+e.length:]
	n, nul := r.str(rest)
	switch {
	case nul:
		return nulInPath
	case n >= len(rest):
		return policyTooLong
	}
	e.length += n
	return noReason
}

// path is the path of an entry. It keeps the NUL that follows it.
func (e *policyEntry) path() string { return unsafe.String(&rewriting.text[e.start], e.length) }

// clean takes out slashes and dots that mean nothing from the path of an entry, and puts a NUL after it. ".." is a failure: what it leads
// to is known to the kernel alone.
func (e *policyEntry) clean() reason {
	b := rewriting.text[e.start:]
	n := 0
	for i := 0; i < e.length; {
		for i < e.length && b[i] == '/' {
			i++
		}
		start := i
		for i < e.length && b[i] != '/' {
			i++
		}
		switch size := i - start; {
		case size == 0 || size == 1 && b[start] == '.':
			continue
		case size == 2 && b[start] == '.' && b[start+1] == '.':
			return upwardPath
		}
		b[n] = '/'
		n += 1 + copy(b[n+1:], b[start:i])
	}
	if n == 0 {
		b[0], n = '/', 1
	}
	b[n], e.length = 0, n
	return noReason
}

// enterEntry enters an entry whose path is the last text.
func enterEntry(e *policyEntry) reason {
	w := &rewriting
	if why := e.clean(); why != noReason {
		return why
	}
	if w.known == len(w.entries) {
		return policyTooLong
	}
	w.used = e.start + e.length + 1
	w.entries[w.known] = *e
	w.known++
	return noReason
}

// inside tells whether a path is another or beneath it.
func (e *policyEntry) inside(other *policyEntry) bool {
	path, top := e.path(), other.path()
	return top == "/" || len(path) >= len(top) && path[:len(top)] == top && (len(path) == len(top) || path[len(top)] == '/')
}

// locate finds why a path cannot be opened, and puts the path without symbolic links in its place where it has some: entries are told apart
// by their texts.
func (e *policyEntry) locate() (why reason) {
	e.saidAt, e.said = e.start, e.length
	if e.length == 1 {
		return noReason
	}
	name := &rewriting.text[e.start]
	fd, errno := openat2(unix.AT_FDCWD, name)
	if errno == unix.ELOOP || errno == unix.ENOSYS { // an outer filter may deny openat2
		if fd, errno = result(openat(unix.AT_FDCWD, name, unix.O_PATH)); errno == 0 {
			why = e.readName(fd)
		} else if errno != unix.ENOENT && errno != unix.ENOTDIR && !exhausted(errno) {
			why = noName
		}
	}
	if fd >= 0 {
		e.finish(fd)
	}
	e.errno = errno
	return why
}

// finish closes the descriptor of an entry's path. Where that is .git, it finds out whether it is a directory: a file names one.
func (e *policyEntry) finish(fd int) {
	if len(baseName(e.path())) == len(".git") && baseName(e.path()) == ".git" {
		_, kind, errno := identify(fd)
		e.directory = errno == 0 && kind == unix.S_IFDIR
	}
	closeFD(fd)
}

// readName makes the path of a descriptor that of an entry.
func (e *policyEntry) readName(fd int) reason {
	start := max(rewriting.used, e.start+e.length+1)
	if start+unix.PathMax > len(rewriting.text) {
		return policyTooLong
	}
	buf := rewriting.text[start : start+unix.PathMax]
	n, errno := pathOf(fd, buf)
	if errno != 0 || buf[0] != '/' {
		return noName
	}
	e.start, e.length = start, n
	rewriting.used = start + n + 1
	// The name of what was removed, or lies elsewhere, may lead to something else.
	id, _, errno := identify(fd)
	again := identity{}
	if errno == 0 {
		again, errno = identityOf(&buf[0])
	}
	if errno != 0 || again != id {
		return noName
	}
	return noReason
}

// look finds why a path cannot be opened.
func (e *policyEntry) look() {
	fd := -1
	if fd, e.errno = result(openat(unix.AT_FDCWD, &rewriting.text[e.start], unix.O_PATH)); fd >= 0 {
		e.finish(fd)
	}
}

// exists tells whether a path can be opened. Where that failed for want of something else, the launch will fail for it, too.
func (e *policyEntry) exists() bool { return e.errno == 0 || exhausted(e.errno) }

// linked tells whether a path has symbolic links that are in a writable path, or lead into one: the command could make them lead elsewhere.
// Links in the name of a writable path that the path begins with, where that is all, are none of these.
func (e *policyEntry) linked() (into *policyEntry) {
	if e.start == e.saidAt {
		return nil
	}
	said := policyEntry{start: e.saidAt, length: e.said}
	for i := range rewriting.entries[:rewriting.known] {
		w := &rewriting.entries[i]
		if w.access != writeEntry {
			continue
		}
		top := policyEntry{start: w.saidAt, length: w.said}
		if said.inside(&top) && e.inside(w) && w.length > 1 && top.length > 1 && said.path()[top.length:] == e.path()[w.length:] {
			return nil
		}
		if e.inside(w) || said.inside(w) || said.inside(&top) {
			into = w
		}
	}
	return into
}

// settleEntries leaves of the entries for one path the one that counts, and none for writable paths that do not exist. It returns that of
// the root, and one that allows less than writing.
func settleEntries() (root, narrower *policyEntry, why reason, at int) {
	all := rewriting.entries[:rewriting.known]
	for i := range all {
		e := &all[i]
		if e.access == writeEntry && e.temporary && e.length == 1 {
			e.access = noEntry // as --dev takes TMPDIR=/
		}
		merge(all[:i], e)
		if e.access == noEntry {
			continue
		}
		if why = e.locate(); why != noReason {
			return nil, nil, why, e.at
		}
		if e.access == writeEntry && (!e.exists() || e.temporary && e.length == 1) {
			e.access = noEntry
		}
	}
	for i := range all {
		e := &all[i]
		if e.access != readEntry && e.access != denyEntry {
			continue
		}
		if into := e.linked(); into != nil {
			why, at = naming(linkedInside, &policyEntry{start: e.saidAt, length: e.said, at: e.at}, into)
			return nil, nil, why, at
		}
	}
	for i := range all {
		e := &all[i]
		if e.access != noEntry {
			merge(all[:i], e)
		}
		switch {
		case e.access == noEntry:
		case e.length == 1:
			root = e
		case e.access != writeEntry:
			narrower = e
		}
	}
	return root, narrower, noReason, 0
}

// naming is a failure that names two entries, and where the first is.
func naming(why reason, first, second *policyEntry) (reason, int) {
	rewriting.named[0], rewriting.named[1] = *first, *second
	return why, first.at
}

// merge leaves out an entry where one of others is for the same path.
func merge(others []policyEntry, e *policyEntry) {
	if e.access == noEntry {
		return
	}
	for j := range others {
		other := &others[j]
		if other.access == noEntry || other.path() != e.path() {
			continue
		}
		other.temporary = other.temporary && e.temporary
		if other.access < e.access {
			other.access, other.at = e.access, e.at
		}
		e.access = noEntry
		return
	}
}

// above returns the entry with that access for the nearest directory above a path; nil: there is none.
func (e *policyEntry) above(access entryAccess) (nearest *policyEntry) {
	for i := range rewriting.entries[:rewriting.known] {
		other := &rewriting.entries[i]
		if other.access == access && other.length < e.length && e.inside(other) && (nearest == nil || other.length > nearest.length) {
			nearest = other
		}
	}
	return nearest
}

// entryAt returns the entry for a path; nil: there is none.
func entryAt(e *policyEntry) *policyEntry {
	for i := range rewriting.entries[:rewriting.known] {
		if other := &rewriting.entries[i]; other.access != noEntry && other.path() == e.path() {
			return other
		}
	}
	return nil
}

// climb cleans a path and takes out "..", with the name before it, which no symbolic link may be.
func (e *policyEntry) climb() reason {
	b := rewriting.text[e.start:]
	n, climbs := 0, false
	b[e.length] = 0
	fd, errno := openat2(unix.AT_FDCWD, &b[0])
	if fd >= 0 {
		closeFD(fd)
	}
	for i := 0; i < e.length; {
		for i < e.length && b[i] == '/' {
			i++
		}
		start := i
		for i < e.length && b[i] != '/' {
			i++
		}
		if i-start == 2 && b[start] == '.' && b[start+1] == '.' {
			climbs = true
			for n > 0 {
				if n--; b[n] == '/' {
					break
				}
			}
			continue
		}
		if i > start && !(i-start == 1 && b[start] == '.') {
			b[n] = '/'
			n += 1 + copy(b[n+1:], b[start:i])
		}
	}
	e.length = n
	if climbs && (errno == unix.ELOOP || errno == unix.ENOSYS) {
		return noName
	}
	return e.clean()
}
