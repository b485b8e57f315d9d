package main

// What was asked, and the paths and descriptors that follow from it. This file runs in the restricted context described at the
// head of launch_linux.go: a policy refers to the command line and copies nothing of it. nextRoot, nextOwn and nextKept read
// the same words again, so there is no limit on the number of paths and descriptors.

import "unsafe"

type grammar uint8

const (
	snibOptions     grammar = iota // snib's own options
	codexOptions                   // -s PERM ... [--] COMMAND
	codexPositional                // CWD POLICY_JSON [--] COMMAND, tag "mode"
	codexFlags                     // --sandbox-policy-cwd CWD --sandbox-policy POLICY_JSON [--] COMMAND, tag "type"
	codexProfile                   // the same with --permission-profile, or with --file-system-sandbox-policy: rewritten
)

type network uint8

const (
	networkOn       network = iota
	networkStrict           // off; AF_UNIX sockets with read, write, send and recv, no more
	networkLocal            // off; AF_UNIX among the command's own processes
	networkPorts            // off, except TCP connections to the ports of --connect
	networkLoopback         // of the command's own, with nothing but a loopback interface
)

// policy is what a command line asks for.
type policy struct {
	grammar        grammar
	network        network
	restrictWrites bool
	slashTmp       bool // "/tmp" is a writable root
	tmpdir         bool // "$TMPDIR" is a writable root
	restrictReads  bool // to the paths of --read, the base system, and what is writable
	bare           bool // ... without the base system
	list           bool // directories can be listed beneath the paths of --list
	hides          bool // at least one --hide was given
	dev            bool // where development tools write is writable
	unix           bool // other programs' AF_UNIX sockets are open beneath the paths of --unix
	unixAll        bool // ... wherever they are: --unix /
	protects       bool // at least one --protect was given
	signals        bool // processes outside may be signalled, and limited, and the caller made a tracer
	keepFD         bool // at least one --keep-fd was given
	log            bool // denials are to be logged
	strict         bool // what the kernel leaves open is a failure
	statusFD       int  // the descriptor for the status; 0: none
	statusAt       int  // index of the word that names it
	namespaceAt    int  // index of the first option that needs a namespace; 0: none does
	ownEnd         int  // index after the last of snib's own options
	helperAt       int  // index of the word that stands for argv[0] in a helper's grammar
	optionsEnd     int  // index after the last option
	commandAt      int  // index of the command's name
	roots          int  // offset in json of the first writable root; 0: there are none
	cwd            part // CWD, where it is a writable root; the NUL that ends its word follows it
	json           part // POLICY_JSON
	profile        part // PROFILE
	fileSystem     part // of a client that sends no PROFILE yet
	networkPolicy  part // likewise
	unprotected    bool // what would stay read-only in a writable path is given up
	rewritten      bool // the words of the policy are those of rewrite
}

// ownProcesses tells whether the command may signal and limit its own processes only. The helper's grammars leave that open: a
// later command of the same client may have to stop what an earlier one left.
func (p *policy) ownProcesses() bool { return p.grammar == snibOptions && !p.signals }

// closesUnix tells whether AF_UNIX sockets of other programs are closed. The helper's grammars leave them open with the network on.
func (p *policy) closesUnix() bool {
	return !p.unixAll && (p.grammar == snibOptions || p.network != networkOn)
}

// opensIP tells whether IP sockets can be used for everything: in the caller's network or in one of the command's own.
func (p *policy) opensIP() bool { return p.network == networkOn || p.network == networkLoopback }

// restricts tells whether the policy asks for anything at all.
func (p *policy) restricts() bool { return p.restrictWrites || p.network != networkOn }

// pathUse is what a path gets a rule for.
type pathUse uint8

const (
	readEverything pathUse = iota
	readSystem             // a row of baseSystem
	namedRead
	namedList
	nullDevice
	namedRoot    // a writable root that the command line names
	workspaceCWD // CWD of the policy
	slashTmp
	tmpdirValue
	devPath  // a row of devPaths
	unixPath // beneath which other programs' sockets are open
	pathUses
)

// writable tells whether the path is one that snib's own options make writable.
func (use pathUse) writable() bool { return use == namedRoot || use == devPath }

// baseSystem is what programs read to run at all, as far as it exists: programs and libraries, their configuration, what the kernel
// tells of itself, and devices that hold nothing.
var baseSystem = [...]string{
	"/usr\x00", "/bin\x00", "/sbin\x00", "/lib\x00", "/lib32\x00", "/lib64\x00", "/libx32\x00", "/nix/store\x00",
	"/etc\x00", "/etc/resolv.conf\x00", "/etc/localtime\x00", "/etc/ssl/certs\x00", // the last three may lead elsewhere
	"/proc\x00", "/sys/devices/system\x00", "/sys/fs/cgroup\x00", "/sys/kernel/mm\x00",
	"/dev/null\x00", "/dev/zero\x00", "/dev/full\x00", "/dev/random\x00", "/dev/urandom\x00", "/dev/tty\x00",
}

// firstDevice is the index in baseSystem from which on there are devices.
const firstDevice = len(baseSystem) - 6

// devPaths are where --dev allows writing, as far as they exist: temporary files, caches, shared memory, terminals. A row is the
// path in suffix, or beneath the directory that an environment variable names, if that counts (directory, exceptRoot).
var devPaths = [...]struct {
	variable string // with its "="; empty: none
	suffix   string // NUL-terminated
	instead  bool   // only where the row before does not count
}{
	{"", "/tmp\x00", false},
	{"", "/var/tmp\x00", false},
	{"TMPDIR=", "\x00", false},
	{"XDG_CACHE_HOME=", "\x00", false},
	{"HOME=", "/.cache\x00", true},
	{"", "/dev/shm\x00", false},
	{"", "/dev/ptmx\x00", false},
	{"", "/dev/pts\x00", false},
	{"", "/dev/tty\x00", false},
}

// ownPaths are the options that name paths for a use.
var ownPaths = [pathUses]optionID{namedRoot: optWrite, namedRead: optRead, namedList: optList, unixPath: optUnix}

// The paths of every launch stand beside other data that it reads: constants are on pages that it may have no other use for.
var (
	rootPath = [...]byte{'/', 0}
	nullPath = [...]byte{'/', 'd', 'e', 'v', '/', 'n', 'u', 'l', 'l', 0}
)

// pathCursor is how far nextPath has come.
type pathCursor struct {
	use  pathUse
	root int // as nextRoot's at
	base int // index in baseSystem
	dev  int // index in devPaths
	own  int // as nextOwn's at
}

// nextPath returns the next path that gets a rule, NUL-terminated, and nil at the end. A root of the policy's JSON is decoded
// into buf.
func (p *policy) nextPath(c *pathCursor, argv, envp []*byte, buf []byte) (path *byte, use pathUse) {
	for ; path == nil && c.use < pathUses; c.use++ {
		use = c.use
		switch {
		case use == readEverything && !p.restrictReads:
			path = &rootPath[0]
		case use == readSystem && p.restrictReads && !p.bare && c.base < len(baseSystem):
			c.base++
			return unsafe.StringData(baseSystem[c.base-1]), use
		case use == namedRead && p.restrictReads, use == namedList && p.list, use == unixPath && p.unix && !p.unixAll:
			value := ""
			if value, c.own = p.nextOwn(argv, ownPaths[use], c.own); c.own != 0 {
				return unsafe.StringData(value), use
			}
		case use == nullDevice:
			path = &nullPath[0]
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
		case use == devPath && p.dev:
			for c.dev < len(devPaths) {
				c.dev++
				if path = nextDevPath(c.dev-1, envp, buf); path != nil {
					return path, use
				}
			}
		}
	}
	return path, use
}

// nextDevPath returns the path of a row of devPaths, in buf if it is put together, or nil if the row does not count.
func nextDevPath(row int, envp []*byte, buf []byte) *byte {
	d := &devPaths[row]
	if d.variable == "" {
		return unsafe.StringData(d.suffix)
	}
	dir := directory(envp, d.variable)
	if dir == "" || len(dir)+len(d.suffix) > len(buf) || d.instead && directory(envp, devPaths[row-1].variable) != "" {
		return nil
	}
	copy(buf[copy(buf, dir):], d.suffix)
	return &buf[0]
}

// directory returns the value of a variable if it is an absolute path, of more than slashes and dots, and else "".
func directory(envp []*byte, variable string) string {
	if value := getenv(envp, variable); value != nil && *value == '/' {
		dir := text(value)
		for i := range len(dir) {
			if dir[i] != '/' && dir[i] != '.' {
				return dir
			}
		}
	}
	return ""
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
		if value, next := p.nextOwn(argv, optWrite, at); next != 0 {
			return unsafe.StringData(value), next
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

// nextOwn returns the value of the next of snib's own options of a kind, and where to go on. It starts at 0; at the end next is 0.
func (p *policy) nextOwn(argv []*byte, kind optionID, at int) (value string, next int) {
	for i := max(at, 1); i < p.ownEnd; i = next {
		id := optionID(0)
		if id, value, next, _ = nextOption(ownOptions[:], argv, i); id == kind {
			return value, next
		}
	}
	return "", 0
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
