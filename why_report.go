package main

// --why: what a traced run was denied, and how that is told, for people and for programs. The tracer fills in a whyRun, suggest adds the
// options, and text and json render it. Nothing here makes a system call.

import (
	"strconv"
	"strings"
	"syscall"
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
	family                 int    // of sockets: AF_UNIX and its like; -1: not known
	socketType             int    // of socket: SOCK_STREAM and its like without flags; -1: not known
	protocol               int    // of socket; -1: not known
	address                string // "127.0.0.1:8080", "[::1]:443", "@abstract", for people
	port                   int    // of a TCP or UDP address; 0: none
	loopback               bool   // the address is one of 127.0.0.0/8, or ::1
	served                 bool   // connect: something outside listens at that port of this machine
	pid                    int    // of signal, limit and trace
	request                uint32 // of ioctl
	program                string // base name of what the process had executed, bounded
	count                  int
	protected              bool // by --protect: EROFS, EBUSY, EXDEV
	hidden                 bool // at or beneath a path of --hide
	handled                bool // each process that it happened to exited with 0

	// What suggest fills in.
	options []string // the words that would have allowed it; empty: there are none
	reason  string   // why there are none, or why they are not in the line
	left    bool     // the options are not in the line
}

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

	// What suggest fills in.
	suggested []string // the words of the line to copy; empty: there is none
}

// text renders the run for people.
func (w *whyRun) text() string {
	var out strings.Builder
	name := ownName(w.words)
	for _, note := range w.notes {
		out.WriteString(name + ": note: " + note + "\n")
	}
	for i := range w.denials {
		out.WriteString(name + ": denied: " + w.denials[i].text() + "\n")
	}
	if w.dropped > 0 {
		out.WriteString(name + ": denied: and " + strconv.Itoa(w.dropped) + " more\n")
	}
	if len(w.suggested) > 0 && w.exit != 0 {
		out.WriteString(name + ": hint: this allows it:\n    " + shellLine(w.suggested) + "\n")
	}
	return out.String()
}

// text is a line about a denial, without its end.
func (d *denial) text() string {
	s := d.action.String()
	for _, path := range []string{d.path, d.second} {
		if path != "" {
			s += " " + quote(path)
		}
	}
	if d.address != "" {
		s += " " + d.address
	}
	s += " by " + quote(d.program)
	if d.count > 1 {
		s += ", " + strconv.Itoa(d.count) + " times"
	}
	if len(d.options) > 0 {
		s += ": " + shellLine(d.options)
	}
	return s
}

// json renders the run for programs.
func (w *whyRun) json() string {
	var o jsonWriter
	o.string("schema", "snib-why-1")
	o.number("exit", w.exit)
	o.raw("denials", jsonList(w.denials, func(d denial) string {
		var o jsonWriter
		o.string("action", d.action.String())
		o.string("call", d.call)
		o.number("count", d.count)
		return o.String()
	}))
	return o.String() + "\n"
}
