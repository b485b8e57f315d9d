package main

// Grammars D and E: the policy of a newer client, rewritten into snib's own options, text to text. It has no effects: it looks at which paths
// exist, and reads .git files. This file runs in the restricted context described at the head of launch_linux.go.

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// rewritten is the command line that a policy became; the command is its last word.
func rewritten() []*byte {
	return unsafe.Slice((**byte)(unsafe.Pointer(&rewriting.words[0])), rewriting.count+1)
}

// rewrite makes the command line that a policy of the codexProfile grammar becomes.
func (p *policy) rewrite(argv, envp []*byte) failure {
	w := &rewriting
	w.used, w.count, w.known, w.noted = 0, 0, 0, 0
	why := addWord(unsafe.StringData("snib\x00"), -1)
	for i := 1; why == noReason && i < p.ownEnd; {
		id, _, next, _ := nextOption(ownOptions[:], argv, i)
		for ; why == noReason && i < next; i++ {
			if id != optAs && id != optUnprotected {
				why = addWord(argv[i], -1)
			}
		}
		i = next
	}
	from, at := p.profile, 0
	if why == noReason {
		why, at = p.rewritePolicy(&from, argv, envp)
	}
	if why == noReason {
		why = addWord(unsafe.StringData("--\x00"), -1)
	}
	if why == noReason {
		why = addWord(argv[p.commandAt], -1)
	}
	if why != noReason {
		return failure{reason: why, arg: from.arg, offset: from.offset + at}
	}
	w.words[w.count] = 0
	return failure{}
}

// rewritePolicy adds the words for what the policy says. On failure it returns the byte where that is, in the value that from
// is then.
func (p *policy) rewritePolicy(from *part, argv, envp []*byte) (why reason, at int) {
	files, network := object{}, false
	if p.fileSystem.arg != 0 {
		*from = p.networkPolicy
		start, why, at := jsonText(from.text(argv))
		if why == noReason {
			network, why, at = networkOf(object{text: from.text(argv)}, start)
		}
		if why != noReason {
			return why, at
		}
		*from = p.fileSystem
		if files, why, at = jsonObject(from.text(argv)); why != noReason {
			return why, at
		}
		return p.rewriteFiles(files, fieldFilesKind, network, argv, envp)
	}
	o, why, at := jsonObject(from.text(argv))
	if why != noReason {
		return why, at
	}
	tag, why, at := o.need(fieldProfileType)
	switch {
	case why != noReason:
		return why, at
	case o.is(tag, "disabled"):
		return addUnrestricted(true), 0
	case !o.is(tag, "managed") && !o.is(tag, "external"):
		return unknownWordOf(fieldProfileType), tag
	}
	value, why, at := o.need(fieldNetwork)
	if why == noReason {
		network, why, at = networkOf(o, value)
	}
	if why != noReason {
		return why, at
	}
	if o.is(tag, "external") {
		return addUnrestricted(network), 0
	}
	if value, why, at = o.need(fieldFileSystem); why != noReason {
		return why, at
	}
	if o.text[value] != '{' {
		return wantObject, value
	}
	return p.rewriteFiles(object{text: o.text, start: value}, fieldFilesType, network, argv, envp)
}

// addUnrestricted adds words for a policy that restricts no files: those of the flags grammar.
func addUnrestricted(network bool) (why reason) {
	said := "{\"type\":\"external-sandbox\",\"network_access\":\"restricted\"}\x00"
	if network {
		said = "{\"type\":\"danger-full-access\"}\x00"
	}
	for _, s := range [...]string{"--as\x00", "codex-linux-sandbox\x00", "--sandbox-policy-cwd\x00", "/\x00", "--sandbox-policy\x00", said} {
		if why == noReason {
			why = addWord(unsafe.StringData(s), -1)
		}
	}
	return why
}

// rewriteFiles adds the words for the entries of a policy for files, whose kind its member tag tells.
func (p *policy) rewriteFiles(o object, tag policyField, network bool, argv, envp []*byte) (why reason, at int) {
	kind, why, at := o.need(tag)
	switch {
	case why != noReason:
		return why, at
	case o.is(kind, "unrestricted"):
		return addUnrestricted(network), 0
	case !o.is(kind, "restricted"):
		return unknownWordOf(tag), kind
	}
	list, why, at := o.need(fieldEntries)
	switch {
	case why != noReason:
		return why, at
	case o.text[list] != '[':
		return wantEntries, list
	}
	r := jsonReader{text: o.text, at: list}
	for e := r.enter(); r.next(&e); {
		start := r.at
		if why, at = p.readEntry(object{text: o.text, start: start}, argv, envp); why != noReason {
			return why, at
		}
		r.value(1)
	}
	root, narrower, why, at := settleEntries()
	if why != noReason {
		return why, at
	}
	if root != nil && root.access == writeEntry {
		if narrower != nil {
			return naming(narrowerThanRoot, narrower, root)
		}
		return addUnrestricted(network), 0
	}
	if why, at = judgeEntries(p.unprotected); why != noReason {
		return why, at
	}
	if network {
		why = addWord(unsafe.StringData("--network\x00"), -1)
	}
	if why == noReason && p.signals {
		why = addWord(unsafe.StringData("--signals\x00"), -1)
	}
	if why == noReason && (root == nil || root.access == denyEntry) {
		why, at = addReads(root != nil)
	}
	for i := range rewriting.entries[:rewriting.known] {
		e := &rewriting.entries[i]
		if why != noReason {
			break
		}
		switch e.access {
		case writeEntry:
			why = addOption("--write=", e)
		case denyEntry:
			if e.length > 1 {
				why = addOption("--hide=", e)
			}
		}
		at = e.at
	}
	if why == noReason {
		why, at = addProtected(p.unprotected)
	}
	return why, at
}

// protectedNames are read-only directly beneath every writable directory.
var protectedNames = [...]string{".git", ".agents", ".codex", ".aws"}

// alwaysReadable is what a client's command can read in any case.
var alwaysReadable = [...]string{"/proc", "/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom", "/dev/tty"}

// judgeEntries finds what cannot be given.
func judgeEntries(unprotected bool) (why reason, at int) {
	for i := range rewriting.entries[:rewriting.known] {
		e := &rewriting.entries[i]
		switch e.access {
		case denyEntry:
			if writable := e.above(writeEntry); writable != nil {
				return naming(deniedInside, e, writable)
			}
		case writeEntry:
			if read := e.above(readEntry); !unprotected && read != nil && read.length > 1 && read.above(writeEntry) != nil {
				return naming(writableInside, e, read)
			}
		}
	}
	return noReason, 0
}

// addReads adds what may be read where that is not everything; a policy that denies the root opens nothing beneath it.
func addReads(denied bool) (why reason, at int) {
	why = addWord(unsafe.StringData("--bare\x00"), -1)
	for _, path := range alwaysReadable {
		if why == noReason {
			why = addSystem(path)
		}
	}
	for i := range rewriting.entries[:rewriting.known] {
		e := &rewriting.entries[i]
		if why == noReason && e.access == readEntry && !denied && e.above(writeEntry) == nil && e.above(denyEntry) == nil && e.exists() {
			why, at = addOption("--read=", e), e.at
		}
	}
	return why, at
}

// addSystem adds a path that may be read, if it exists.
func addSystem(path string) reason {
	e := policyEntry{start: rewriting.used, at: -1}
	if why := e.append(path); why != noReason {
		return why
	}
	rewriting.text[e.start+e.length] = 0
	denied := e.above(denyEntry)
	if e.look(); !e.exists() || denied != nil && denied.length > 1 || entryAt(&e) != nil {
		return noReason
	}
	return addOption("--read=", &e)
}

// addProtected adds what stays read-only in the writable paths: what the policy says, the names of protectedNames, and what a .git file
// leads to.
func addProtected(unprotected bool) (why reason, at int) {
	all := rewriting.entries[:rewriting.known]
	if unprotected && !rewriting.noting {
		return noReason, 0
	}
	for i := range all {
		if e := &all[i]; why == noReason && e.access == readEntry && e.above(writeEntry) != nil {
			why, at = protectEntry(e, unprotected), e.at
		}
	}
	for i := range all {
		root := &all[i]
		if root.access != writeEntry {
			continue
		}
		for j := range protectedNames {
			e := policyEntry{start: rewriting.used, at: root.at}
			if why == noReason {
				why = e.append(root.path())
			}
			if why == noReason {
				why = e.append("/")
			}
			if why == noReason {
				why = e.append(protectedNames[j])
			}
			if why == noReason {
				why = e.clean()
			}
			if why != noReason {
				return why, root.at
			}
			rewriting.used = e.start + e.length + 1
			explicit := entryAt(&e)
			switch {
			case explicit != nil && explicit.access != readEntry:
				continue
			case explicit == nil && root.temporary:
				if rewriting.noting {
					if e.look(); e.exists() {
						note(noteTemporary, &e)
					}
				}
				continue
			case explicit == nil:
				for k := range all {
					if inner := &all[k]; !unprotected && inner.access == writeEntry && inner.length > e.length && inner.inside(&e) {
						return naming(writableInside, inner, &e)
					}
				}
				e.look()
				why = protectEntry(&e, unprotected)
			}
			if git := explicit; why == noReason && j == 0 {
				if git == nil {
					git = &e
				}
				if git.errno != unix.ENOENT && !git.directory {
					why = protectGitDirectory(&e, root, unprotected)
				}
			}
			if why != noReason {
				return why, root.at
			}
		}
	}
	return why, at
}

// protectEntry adds a path that stays read-only, if it exists and that was not given up.
func protectEntry(e *policyEntry, unprotected bool) reason {
	switch {
	case e.errno == unix.ENOENT:
		note(noteMissing, e)
	case e.errno == unix.ENOTDIR:
	case unprotected:
		note(noteUnprotected, e)
	default:
		return addOption("--protect=", e)
	}
	return noReason
}

// protectGitDirectory adds the directory that a .git file names, if that is in a writable path.
func protectGitDirectory(git, root *policyEntry, unprotected bool) reason {
	file := shared().path[:]
	fd, errno := result(openat(unix.AT_FDCWD, &rewriting.text[git.start], unix.O_RDONLY|unix.O_NOCTTY|unix.O_NONBLOCK))
	rewriting.named[0] = *git
	if exhausted(errno) {
		return gitFailed
	}
	if errno != 0 {
		return noReason // the command cannot read it either
	}
	_, kind, errno := identify(fd)
	n := 0
	if errno == 0 && kind == unix.S_IFREG {
		n, errno = result(systemCall(unix.SYS_READ, uintptr(fd), uintptr(unsafe.Pointer(&file[0])), uintptr(len(file)-1), 0, 0))
	}
	closeFD(fd)
	const mark = "gitdir:"
	if errno != 0 || uint(n) >= uint(len(file)) {
		return gitFailed
	}
	if n <= len(mark) || unsafe.String(&file[0], len(mark)) != mark {
		return noReason
	}
	start, end := len(mark), n
	for start < end && (file[start] == ' ' || file[start] == '\t') {
		start++
	}
	for i := end - 1; i >= start; i-- {
		if file[i] == '\n' || file[i] == '\r' || file[i] == 0 {
			end = i
		}
	}
	if start == end {
		return noReason
	}
	e := policyEntry{start: rewriting.used, at: root.at}
	why := noReason
	if file[start] != '/' {
		if why = e.append(root.path()); why == noReason {
			why = e.append("/")
		}
	}
	if why == noReason {
		why = e.append(unsafe.String(&file[start], end-start))
	}
	if why == noReason {
		why = e.climb()
	}
	if why != noReason {
		return why
	}
	rewriting.used = e.start + e.length + 1
	if why = e.locate(); why != noReason {
		return why
	}
	if into := e.linked(); into != nil {
		why, _ = naming(linkedInside, &policyEntry{start: e.saidAt, length: e.said, at: root.at}, into)
		return why
	}
	if explicit := entryAt(&e); explicit != nil || e.above(writeEntry) == nil {
		return noReason
	}
	return protectEntry(&e, unprotected)
}

func note(why noteKind, e *policyEntry) {
	w := &rewriting
	if w.noting && w.noted < len(w.notes) {
		w.notes[w.noted] = rewritingNote{why, *e}
		w.noted++
	}
}

// addOption adds an option with a path for its value.
func addOption(name string, e *policyEntry) reason {
	word := policyEntry{start: rewriting.used}
	// What is not an entry is the last text, and would be written over.
	if e.start+e.length >= word.start {
		word.start = e.start + e.length + 1
	}
	if word.start >= len(rewriting.text) {
		return policyTooLong
	}
	why := word.append(name)
	if why == noReason {
		why = word.append(e.path())
	}
	if why != noReason {
		return why
	}
	rewriting.text[word.start+word.length] = 0
	rewriting.used = word.start + word.length + 1
	return addWord(&rewriting.text[word.start], e.at)
}

// addWord adds a word that comes from a byte of the policy; the last place is for the end.
func addWord(s *byte, from int) reason {
	w := &rewriting
	if w.count == len(w.words)-1 {
		return policyTooLong
	}
	w.words[w.count] = uintptr(unsafe.Pointer(s))
	if w.noting {
		w.from[w.count] = from
	}
	w.count++
	return noReason
}
