package main

// The command line: which grammar it is, what it asks for, and where its command starts.
//
// This file runs in the restricted context described at the head of launch_linux.go: it allocates nothing and stores no
// writable root. parse validates the whole command line, policy JSON included, before anything is opened or changed;
// nextRoot walks the same words and the same JSON again when the rules are added, so there is no limit on their number.

import (
	"unsafe"
)

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
	networkStrict         // AF_UNIX sockets with read, write, send and recv, no more
	networkLocal          // AF_UNIX among the command's own processes
)

// policy is what a command line asks for. It refers to the command line and copies nothing of it.
type policy struct {
	grammar        grammar
	network        network
	restrictWrites bool
	slashTmp       bool        // "/tmp" is a writable root
	tmpdir         bool        // "$TMPDIR" is a writable root
	keepFD         bool        // at least one --keep-fd was given
	log            bool        // denials are to be logged
	requireAll     bool        // all that the policy asks for must be enforced
	require        protections // what must be enforced
	request        request     // what is asked for instead of a launch
	plan           int         // index of the word with --abi; 0: there is none
	statusFD       int         // the descriptor for the status; 0: none
	own            int         // index after the last of snib's own options
	start          int         // index of what stands for argv[0] in the grammar
	options        int         // index after the last option
	command        int         // index of the command's name
	roots          int         // offset in json of the first writable root; 0: there are none
	cwd            part        // CWD, where it is a writable root; the NUL that ends its word follows it
	json           part        // POLICY_JSON
}

// restricts tells whether the policy asks for anything at all.
func (p *policy) restricts() bool { return p.restrictWrites || p.network != networkOn }

// request is what snib is asked to print instead of launching a command.
type request uint8

const (
	requestNone request = iota
	requestExplain
	requestExplainJSON
	requestBPF
	requestStatus
	requestStatusJSON
)

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

// cursor is how far nextPath has come.
type cursor struct {
	use  pathUse
	root int // as nextRoot's at
}

// nextPath returns the next path that gets a rule, NUL-terminated, and nil at the end. A root of the policy JSON is
// decoded into buf.
func (p *policy) nextPath(c *cursor, argv, envp []*byte, buf []byte) (path *byte, use pathUse) {
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

// nextRoot returns the next writable root that the command line names, and where to go on. It starts at 0; at the end
// path is nil. A root that buf cannot hold becomes "": it is longer than any path that can be opened
// (path_resolution(7), PATH_MAX), and "" cannot be opened either.
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
		for i := max(at, 1); i < p.own; {
			id, value, next, _ := nextOption(ownOptions[:], argv, i)
			if id == optWrite {
				return unsafe.StringData(value), next
			}
			i = next
		}
	case p.grammar == codexOptions:
		for i := max(at, p.start+1); i < p.options; {
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

// nextKept returns the lowest descriptor from low on that is not to be closed before the command runs, and the index of
// the word that names it; fd is -1 where there is none.
func (p *policy) nextKept(argv []*byte, low int) (fd, arg int) {
	fd = -1
	if !p.keepFD && p.statusFD == 0 {
		return fd, 0
	}
	for i := 1; i < p.own; {
		id, value, next, _ := nextOption(ownOptions[:], argv, i)
		if id == optKeepFD || id == optStatusFD {
			if n, _ := number(value); n >= low && (fd < 0 || n < fd) {
				fd, arg = n, next-1
			}
		}
		i = next
	}
	return fd, arg
}

// keeps tells whether a --keep-fd names the descriptor.
func (p *policy) keeps(argv []*byte, fd int) bool {
	for i := 1; i < p.own; {
		id, value, next, _ := nextOption(ownOptions[:], argv, i)
		if n, _ := number(value); id == optKeepFD && n == fd {
			return true
		}
		i = next
	}
	return false
}
