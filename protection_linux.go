package main

// Protections: what can be required by name and is reported, and what of it a kernel cannot give. This file runs in the
// restricted context described at the head of launch_linux.go.

import (
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// protections is a set of protections: one bit a row of rights, then those below.
type protections uint64

const (
	protectNetwork     = len(rights) + iota // internet sockets and every other socket that is not AF_UNIX
	protectDescriptors                      // inherited descriptors are closed
	protectNoNewPrivs                       // set-uid programs gain nothing
	protectFilter                           // foreign architectures, typing into the terminal, calls that change the machine
	protectLog                              // the kernel logs what it denies
	protectionCount
)

var otherProtections = [protectionCount - len(rights)]string{"network", "descriptors", "no_new_privs", "filter", "log"}

// ownRights are the protections that are rows of rights.
const ownRights protections = 1<<len(rights) - 1

// bit takes an unsigned shift, which cannot panic.
func bit(i int) protections { return 1 << uint(i) }

func protectionName(i int) string {
	if i < len(rights) {
		return rights[i].name
	}
	return otherProtections[i-len(rights)]
}

// first returns the lowest protection in a set that is not empty.
func (s protections) first() int {
	i := 0
	for s&bit(i) == 0 {
		i++
	}
	return i
}

// requires takes a comma-separated list of protections, or "all", and reports whether it knows each.
func (p *policy) requires(list string) bool {
	for {
		end := 0
		for end < len(list) && list[end] != ',' {
			end++
		}
		if list[:end] == "all" {
			p.requireAll = true
		} else {
			i := 0
			for i < protectionCount && protectionName(i) != list[:end] {
				i++
			}
			if i == protectionCount {
				return false
			}
			p.require |= bit(i)
		}
		if end == len(list) {
			return true
		}
		list = list[end+1:]
	}
}

// asked returns what the policy asks for.
func (p *policy) asked() (s protections) {
	for i := range rights {
		if rights[i].asked(p) {
			s |= bit(i)
		}
	}
	if p.network != networkOn {
		s |= bit(protectNetwork)
	}
	if p.restricts() {
		s |= bit(protectDescriptors) | bit(protectNoNewPrivs) | bit(protectFilter)
	}
	if p.log && p.restricts() {
		s |= bit(protectLog)
	}
	return s
}

// landlocked returns those of a set that are Landlock's own on a kernel of that ABI.
func (s protections) landlocked(abi int) protections {
	for i := range rights {
		if abi < rights[i].abi {
			s &^= bit(i)
		}
	}
	return s & ownRights
}

// missing returns what the policy asks for and a kernel of that ABI cannot enforce.
func (p *policy) missing(abi int) protections {
	asked := p.asked()
	s := asked & ownRights &^ asked.landlocked(abi)
	for i := range rights {
		// Without Landlock there are no paths, and the filter does not know any.
		if rights[i].closed && (abi > 0 || rights[i].offline) {
			s &^= bit(i)
		}
	}
	if abi < logsExec {
		s |= asked & bit(protectLog)
	}
	return s
}

// mustHave returns what must be enforced for the command to run.
func (p *policy) mustHave() protections {
	if p.requireAll {
		return p.asked()
	}
	return p.require
}

// logsExec is the ABI from which Landlock logs the denials of a program that was executed after it was enforced.
const logsExec = 7

func (p *policy) landlockFlags(abi int) uintptr {
	if p.log && abi >= logsExec {
		return unix.LANDLOCK_RESTRICT_SELF_LOG_NEW_EXEC_ON
	}
	return 0
}

func (p *policy) filterFlags() uintptr {
	if p.log {
		return unix.SECCOMP_FILTER_FLAG_LOG
	}
	return 0
}

func (n network) String() string {
	switch n {
	case networkOn:
		return "on"
	case networkStrict:
		return "strict"
	}
	return "local"
}

// line is a line of text that is put together without allocation. It has room for every status.
type line struct {
	text [1024]byte
	n    int
}

func (l *line) put(s string) { l.n += copy(l.text[l.n:], s) }

func (l *line) putNumber(n int) {
	var digits [20]byte
	at := len(digits)
	for more := true; more; more = n > 0 {
		at--
		digits[at] = '0' + byte(n%10)
		n /= 10
	}
	l.n += copy(l.text[l.n:], digits[at:])
}

func (l *line) putList(name string, s protections) {
	l.put(`,"`)
	l.put(name)
	l.put(`":[`)
	for separator, i := "", 0; i < protectionCount; i++ {
		if s&bit(i) != 0 {
			l.put(separator)
			l.put(`"`)
			l.put(protectionName(i))
			l.put(`"`)
			separator = ","
		}
	}
	l.put("]")
}

// status puts together what is in force under a policy on a kernel of that ABI, as one line of JSON.
func (p *policy) status(l *line, abi int) {
	asked, missing := p.asked(), p.missing(abi)
	others := asked &^ ownRights
	landlocked := asked.landlocked(abi)
	l.put(`{"schema":"snib-status-1","landlock_abi":`)
	l.putNumber(abi)
	l.put(`,"network":"`)
	l.put(p.network.String())
	l.put(`"`)
	l.putList("landlock", landlocked)
	l.putList("other", others&^missing)
	l.putList("closed", asked&^others&^landlocked&^missing)
	l.putList("missing", missing)
	l.put("}\n")
}

// writeStatus writes the status to its descriptor, closes it, and puts the signal mask back as it was. If it fails, SIGPIPE
// stays blocked, so that the failure can be reported.
func (p *policy) writeStatus(abi int) syscall.Errno {
	if !p.restricts() {
		if n, errno := landlockABI(); errno == 0 {
			abi = n // which nothing has asked for yet
		}
	}
	var l line
	p.status(&l, abi)
	var pipe, before unix.Sigset_t
	pipe.Val[0] = 1 << (unix.SIGPIPE - 1)
	if errno := signalMask(unix.SIG_BLOCK, &pipe, &before); errno != 0 {
		return errno
	}
	for written := 0; written < l.n; {
		n, errno := result(systemCall(unix.SYS_WRITE,
			uintptr(p.statusFD), uintptr(unsafe.Pointer(&l.text[written])), uintptr(l.n-written), 0, 0))
		if errno == 0 && n == 0 {
			errno = unix.EIO
		}
		if errno != 0 {
			return errno
		}
		written += n
	}
	closeFD(p.statusFD)
	return signalMask(unix.SIG_SETMASK, &before, nil)
}
