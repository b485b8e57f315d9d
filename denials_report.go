package main

// --why: what a traced run was denied, and how that is told, for people and for programs. The tracer fills in a whyRun, suggest adds the
// options, and text and json render it. Nothing here makes a system call.

import (
	"slices"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// action is what the command tried. Its String is the first word of a line.
type action uint8

const (
	actRead    action = iota // read or list
	actExecute               // a program, or a library
	actWrite                 // an existing file
	actCreate
	actTruncate
	actRemove
	actRename
	actLink
	actConnect
	actListen // bind, listen, accept
	actSend
	actSocket
	actSignal
	actLimit // prlimit of another process
	actTrace // ptrace, process_vm_readv and its kin, pidfd_getfd
	actIoctl
	actMount
	actSetUID    // the set-uid bit, set
	actAttribute // extended attributes and inode flags
	actOther     // the name of the call says it
)

var actionNames = [...]string{
	actRead: "read", actExecute: "execute", actWrite: "write", actCreate: "create", actTruncate: "truncate", actRemove: "remove", actRename: "rename", actLink: "link",
	actConnect: "connect", actListen: "listen", actSend: "send", actSocket: "socket", actSignal: "signal", actLimit: "limit", actTrace: "trace", actIoctl: "ioctl",
	actMount: "mount", actSetUID: "set-uid", actAttribute: "attribute", actOther: "call",
}

func (a action) String() string { return actionNames[a] }

// pathKind is what is at a path.
type pathKind uint8

const (
	pathUnknown pathKind = iota // no path, or nothing is known of it
	pathMissing
	pathFile
	pathDirectory
	pathDevice
	pathSocket
	pathOther // a FIFO, a symbolic link that is itself meant
)

// denial is one distinct thing that the sandbox denied.
type denial struct {
	action                 action
	call                   string // name of the system call
	errno                  syscall.Errno
	path                   string // absolute, as the process saw it, resolved as far as it exists; empty: none
	second                 string // of rename and link: the new path
	pathLacks, secondLacks bool   // of rename and link: which of the two an option is needed for
	kind                   pathKind
	family                 int      // of sockets: AF_UNIX and its like; -1: not known
	socketType             int      // of socket: SOCK_STREAM and its like without flags; -1: not known
	protocol               int      // of socket; -1: not known
	address                string   // "127.0.0.1:8080", "[::1]:443", "@abstract", for people
	port                   int      // of a TCP or UDP address; 0: none
	loopback               bool     // the address is one of 127.0.0.0/8, or ::1
	served                 bool     // connect: something outside listens at that port of this machine
	named                  []string // of socket: URLs that the program was started with; an address was not to be had
	pid                    int      // of signal, limit and trace; 0: none, and of ptrace: the caller itself
	request                uint32   // of ioctl
	program                string   // base name of what the process had executed, bounded
	count                  int
	protected              bool // by --protect: EROFS, EBUSY, EXDEV
	hidden                 bool // at or beneath a path of --hide
	handled                bool // each process that it happened to exited with 0

	// What suggest fills in.
	wants   []want
	options []string // the words that would have allowed it; empty: there are none
	reason  string   // why there are none, or why they are not in the line
	left    bool     // the options are not in the line
}

// want is one option.
type want struct {
	id    optionID
	value string // "": it takes none
	soft  bool   // programs do without: it counts only where nothing else does
}

// forbidden is a place that is not suggested, nor what is beneath it, nor what holds it.
type forbidden struct {
	path  string
	why   string
	reads bool     // it is not suggested for reading either
	alone bool     // what is beneath it may be suggested
	home  bool     // what is in the user's home may be
	above []fileID // the place and the directories that it is in; none: it does not exist
}

// noOption is said of what no option allows.
const noOption = "cannot be allowed"

// whyRun is one traced run.
type whyRun struct {
	words     []string // the command line without --why: argv[0], options, [--], command
	policy    *policy  // parsed from words; after a rewriting, what results
	rehearsal *rehearsal
	envp      []string
	cwd       string
	home      string // $HOME; empty: not set
	uid       int
	abi       int
	denials   []denial
	dropped   int      // distinct denials beyond the limit
	notes     []string // such as that the command traces itself; said once each
	exit      int      // the command's exit code; 128 and more: its signal

	loopbackFails func() string // why --loopback cannot be had here; "": it can. nil: nobody asks

	// What suggest fills in.
	places    []forbidden
	suggested []string // the words of the line to copy; empty: there is none
}

// variable is the value of an environment variable.
func (w *whyRun) variable(name string) string {
	for _, entry := range w.envp {
		if value, is := strings.CutPrefix(entry, name+"="); is {
			return value
		}
	}
	return ""
}

func (w *whyRun) userID() string { return strconv.Itoa(w.uid) }

const (
	mostLines    = 40  // of text; the rest is in the JSON
	longestShown = 300 // bytes of a name in text
)

// byHelper tells whether the policy is a helper's, beside which none of snib's own options can stand.
func (w *whyRun) byHelper() bool { return w.policy.grammar != snibOptions || w.policy.rewritten }

// text renders the run for people.
func (w *whyRun) text() string {
	var out strings.Builder
	name := ownName(w.words)
	for _, note := range w.notes {
		out.WriteString(name + ": note: " + note + "\n")
	}
	lines, more := 0, w.dropped
	told := map[string]int{} // by all but the name in a directory
	denials := w.withoutFallbacks()
	for i := range denials {
		told[denials[i].likeness()]++
	}
	for i := range denials {
		d := &denials[i]
		others := told[d.likeness()] - 1
		switch {
		case others < 0: // told with the first of its like
		case lines == mostLines:
			more++
		default:
			told[d.likeness()] = 0
			out.WriteString(name + ": denied: " + d.text(others) + "\n")
			lines++
		}
	}
	if more > 0 {
		out.WriteString(name + ": denied: and " + strconv.Itoa(more) + " more\n")
	}
	switch {
	case len(denials)+w.dropped == 0:
		out.WriteString(name + ": note: the sandbox denied nothing\n")
	case w.exit == 0:
		out.WriteString(name + ": note: the command exited with 0, and did without all of this\n")
	case len(w.suggested) > 0:
		out.WriteString(name + ": hint: this line allows it:\n    " + shellLine(w.suggested) + "\n")
	case !w.byHelper() && len(denials) > 0:
		out.WriteString(name + ": note: no options are suggested for this\n")
	}
	return out.String()
}

// withoutFallbacks are the denials for people: without the calls that answer ENOSYS so that their caller uses another. clone3 always ends so
// and openat2 explains something only where nothing else does.
func (w *whyRun) withoutFallbacks() (denials []denial) {
	other := slices.ContainsFunc(w.denials, func(d denial) bool { return !d.fallback() })
	for _, d := range w.denials {
		if !d.fallback() || d.call != "clone3" && !other && w.exit != 0 {
			denials = append(denials, d)
		}
	}
	return denials
}

func (d *denial) fallback() bool { return d.action == actOther && d.errno == unix.ENOSYS }

// likeness is what denials have in common that text tells in one line: what temporary files have, each of which has another name.
func (d *denial) likeness() string {
	return strings.Join([]string{d.action.String(), d.call, directoryOf(d.path), directoryOf(d.second), d.address, strconv.Itoa(d.family), strconv.Itoa(d.socketType), strconv.Itoa(d.pid), strconv.Itoa(int(d.request)),
		d.program, strings.Join(d.options, "\x00"), d.reason, strconv.FormatBool(d.handled)}, "\x01")
}

// directoryOf is where a path's last name stands.
func directoryOf(path string) string { return path[:strings.LastIndexByte(path, '/')+1] }

// text is a line about a denial and others of its like, without its end.
func (d *denial) text(others int) string {
	s := d.action.String()
	switch {
	case d.action == actOther || d.action == actMount || d.action == actTrace || d.action == actAttribute || d.action == actSetUID:
		s = d.call
	case d.action == actIoctl:
		s += " 0x" + strconv.FormatUint(uint64(d.request), 16)
	case d.action == actSocket:
		s += " " + familyName(d.family)
		if name := socketTypeNames[d.socketType]; name != "" {
			s += " " + name
		}
	}
	if d.path != "" {
		s += " " + shortQuote(d.path)
	}
	if d.second != "" {
		s += " to " + shortQuote(d.second)
	}
	if d.address != "" {
		s += " to " + printableName(d.address)
	}
	if d.pid != 0 {
		s += " to process " + strconv.Itoa(d.pid)
	}
	if others > 0 {
		s += " and " + strconv.Itoa(others) + " more there"
	}
	if d.program != "" {
		s += ", by " + printableName(d.program)
	}
	if d.count > 1 {
		s += ", " + strconv.Itoa(d.count) + " times"
	}
	said := d.reason
	if len(d.options) > 0 {
		said = shellLine(d.options)
		if d.reason != "" {
			said += " (" + d.reason + ")"
		}
	}
	if d.handled {
		said += "; the program did without"
	}
	return s + ": " + said
}

// shortQuote quotes a path that may be long.
func shortQuote(s string) string {
	if len(s) > longestShown {
		return quote(s[:longestShown]) + "..."
	}
	return quote(s)
}

// printableName is a name as it is, or quoted if it is not a plain word.
func printableName(s string) string {
	if s != "" && len(s) <= longestShown && !strings.ContainsFunc(s, func(r rune) bool { return !inWord(r) && !strings.ContainsRune("_/:@[]", r) }) {
		return s
	}
	return shortQuote(s)
}

var socketTypeNames = map[int]string{1: "SOCK_STREAM", 2: "SOCK_DGRAM", 3: "SOCK_RAW", 5: "SOCK_SEQPACKET"}

func familyName(family int) string {
	switch family {
	case 1:
		return "AF_UNIX"
	case 2:
		return "AF_INET"
	case 10:
		return "AF_INET6"
	case 16:
		return "AF_NETLINK"
	case 17:
		return "AF_PACKET"
	case -1:
		return "of a family that is not known"
	}
	return "of family " + strconv.Itoa(family)
}

// json renders the run for programs.
func (w *whyRun) json() string {
	var o jsonWriter
	o.string("schema", "snib-why-1")
	o.string("snib", version)
	o.number("landlock_abi", w.abi)
	o.list("command", w.words)
	o.number("exit", w.exit)
	o.raw("denials", jsonList(w.denials, func(d denial) string {
		var o jsonWriter
		o.string("action", d.action.String())
		o.string("call", d.call)
		o.string("errno", unix.ErrnoName(d.errno))
		o.string("program", d.program)
		o.number("count", d.count)
		o.string("path", d.path)
		o.string("second", d.second)
		o.string("kind", pathKindNames[d.kind])
		o.string("address", d.address)
		o.number("port", d.port)
		o.number("family", d.family)
		o.number("type", d.socketType)
		o.number("protocol", d.protocol)
		o.list("named", d.named)
		o.number("pid", d.pid)
		o.number("request", int(d.request))
		o.bool("protected", d.protected)
		o.bool("hidden", d.hidden)
		o.bool("handled", d.handled)
		o.list("options", d.options)
		o.bool("suggested", len(d.options) > 0 && !d.left)
		o.string("reason", d.reason)
		return o.String()
	}))
	o.number("dropped", w.dropped)
	o.list("notes", w.notes)
	o.list("suggested", w.suggested)
	line := ""
	if len(w.suggested) > 0 {
		line = shellLine(w.suggested)
	}
	o.string("line", line)
	return o.String() + "\n"
}

var pathKindNames = [...]string{"", "missing", "file", "directory", "device", "socket", "other"}
