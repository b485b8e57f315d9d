package main

// What was asked, and the paths and descriptors that follow from it. This file runs in the restricted context described at the
// head of launch_linux.go: a policy refers to the command line and copies nothing of it. nextRoot and nextKept read the same
// words again, so there is no limit on the number of paths and descriptors.

import "unsafe"

type grammar uint8

const (
	snibOptions     grammar = iota // snib's own options
	codexOptions                   // -s PERM ... [--] COMMAND
	codexPositional                // CWD POLICY_JSON [--] COMMAND, tag "mode"
	codexFlags                     // --sandbox-policy-cwd CWD --sandbox-policy POLICY_JSON [--] COMMAND, tag "type"
)

type network uint8

const (
	networkOn     network = iota
	networkStrict         // off; AF_UNIX sockets with read, write, send and recv, no more
	networkLocal          // off; AF_UNIX among the command's own processes
)

// policy is what a command line asks for.
type policy struct {
	grammar        grammar
	network        network
	restrictWrites bool
	slashTmp       bool // "/tmp" is a writable root
	tmpdir         bool // "$TMPDIR" is a writable root
	keepFD         bool // at least one --keep-fd was given
	log            bool // denials are to be logged
	strict         bool // what the kernel leaves open is a failure
	statusFD       int  // the descriptor for the status; 0: none
	statusAt       int  // index of the word that names it
	ownEnd         int  // index after the last of snib's own options
	helperAt       int  // index of the word that stands for argv[0] in a helper's grammar
	optionsEnd     int  // index after the last option
	commandAt      int  // index of the command's name
	roots          int  // offset in json of the first writable root; 0: there are none
	cwd            part // CWD, where it is a writable root; the NUL that ends its word follows it
	json           part // POLICY_JSON
}

// restricts tells whether the policy asks for anything at all.
func (p *policy) restricts() bool { return p.restrictWrites || p.network != networkOn }

// pathUse is what a path gets a rule for.
type pathUse uint8

const (
	readEverything pathUse = iota
	nullDevice
	namedRoot    // a writable root that the command line names
	workspaceCWD // CWD of the policy
	slashTmp
	tmpdirValue
	pathUses
)

// pathCursor is how far nextPath has come.
type pathCursor struct {
	use  pathUse
	root int // as nextRoot's at
}

// nextPath returns the next path that gets a rule, NUL-terminated, and nil at the end. A root of the policy's JSON is decoded
// into buf.
func (p *policy) nextPath(c *pathCursor, argv, envp []*byte, buf []byte) (path *byte, use pathUse) {
	for ; path == nil && c.use < pathUses; c.use++ {
		use = c.use
		switch {
		case use == readEverything:
			path = unsafe.StringData("/\x00")
		case use == nullDevice:
			path = unsafe.StringData("/dev/null\x00")
		case use == namedRoot:
			if path, c.root = p.nextRoot(argv, buf, c.root); path != nil {
				return path, use
			}
		case use == workspaceCWD && p.cwd.arg != 0:
			path = unsafe.StringData(p.cwd.text(argv))
		case use == slashTmp && p.slashTmp:
			path = unsafe.StringData("/tmp\x00")
		case use == tmpdirValue && p.tmpdir:
			if path = getenv(envp, "TMPDIR="); path != nil && *path == 0 {
				path = nil
			}
		}
	}
	return path, use
}

// nextRoot returns the next writable root that the command line names, and where to go on. It starts at 0; at the end path is
// nil. A root that buf cannot hold becomes "": it is longer than any path that can be opened (path_resolution(7), PATH_MAX),
// and "" cannot be opened either.
func (p *policy) nextRoot(argv []*byte, buf []byte, at int) (path *byte, next int) {
	switch {
	case p.roots != 0:
		r := jsonReader{text: p.json.text(argv), at: max(at, p.roots)}
		r.space()
		if r.peek() == ',' {
			r.at++
			r.space()
		}
		if r.peek() != '"' {
			return nil, 0
		}
		n, _ := r.str(buf)
		if n >= len(buf) {
			n = 0
		}
		buf[n] = 0
		return &buf[0], r.at
	case p.grammar == snibOptions:
		for i := max(at, 1); i < p.ownEnd; {
			id, value, next, _ := nextOption(ownOptions[:], argv, i)
			if id == optWrite {
				return unsafe.StringData(value), next
			}
			i = next
		}
	case p.grammar == codexOptions:
		for i := max(at, p.helperAt+1); i < p.optionsEnd; {
			_, value, next, _ := nextOption(helperOptions[:], argv, i)
			if value == "disk-write-cwd" {
				return unsafe.StringData(".\x00"), next
			}
			if path, is := folder(value); is {
				return unsafe.StringData(path), next
			}
			i = next
		}
	}
	return nil, 0
}

// folder returns PATH of the permission disk-write-folder=PATH.
func folder(permission string) (path string, is bool) {
	const prefix = "disk-write-folder="
	if len(permission) < len(prefix) || permission[:len(prefix)] != prefix {
		return "", false
	}
	return permission[len(prefix):], true
}

// nextKept returns the lowest descriptor from low on that is not to be closed before the command runs, and the index of the
// word that names it, if any --keep-fd's; fd is -1 where there is none.
func (p *policy) nextKept(argv []*byte, low int) (fd, arg int) {
	fd = -1
	if !p.keepFD && p.statusFD == 0 {
		return fd, 0
	}
	for i := 1; i < p.ownEnd; {
		id, value, next, _ := nextOption(ownOptions[:], argv, i)
		if id == optKeepFD || id == optStatusFD {
			if n, _ := number(value); n >= low && (fd < 0 || n < fd || n == fd && arg == p.statusAt) {
				fd, arg = n, next-1
			}
		}
		i = next
	}
	return fd, arg
}

// getenv returns the value of a variable, NUL-terminated, or nil if it is not set. name ends in "=".
func getenv(envp []*byte, name string) *byte {
	for _, entry := range envp[:len(envp)-1] {
		for i := 0; *(*byte)(unsafe.Add(unsafe.Pointer(entry), i)) == name[i]; i++ {
			if i == len(name)-1 {
				return (*byte)(unsafe.Add(unsafe.Pointer(entry), len(name)))
			}
		}
	}
	return nil
}
