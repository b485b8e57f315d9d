package main

// The words of a command line: a table with a row an option, and the reading of one. This file runs in the restricted context
// described at the head of launch_linux.go.

import "unsafe"

type optionID uint8

const (
	optWrite optionID = iota + 1 // up to optUnix: the value is a path
	optRead
	optList
	optHide
	optProtect
	optUnix
	optDev
	optBare
	optNetwork
	optLoopback
	optConnect
	optSignals // up to here: they grant access, or take it
	optKeepFD
	optStrict
	optStatusFD
	optLog
	optUnprotected
	optAs

	optPermission // from here on: the helper's
	optPolicyCWD
	optPolicy
	optNoProc
	optBwrap
	optProxy
	optProxyRoute
	optApplySeccomp
	optVerifyFD
	optManaged
	optProfile
	optFileSystem
	optNetworkPolicy
	optCommandCWD
	optLegacy
	optInheritPID

	optReports // from here on: those that main reads, whose value may be in brackets
)

type option struct {
	id    optionID
	short byte   // 0: it has no short form
	long  string // with its dashes
	value string // what its value is called; empty: it takes none; in brackets: it may have one, attached
	help  string // empty: not shown
}

var ownOptions = [...]option{
	{optWrite, 'w', "--write", "PATH", "allow writing to PATH and beneath it"},
	{optDev, 0, "--dev", "", "allow writing also to /tmp, caches, terminals"},
	{optRead, 'r', "--read", "PATH", "read only PATH, system and writable paths"},
	{optList, 0, "--list", "PATH", "with --read: list directories from PATH on"},
	{optBare, 0, "--bare", "", "with --read: leave the system out"},
	{optHide, 0, "--hide", "PATH", "read everything but PATH"},
	{optProtect, 0, "--protect", "PATH", "keep PATH, beneath a writable one, read-only"},
	{optNetwork, 0, "--network", "", "leave the IP network on"},
	{optLoopback, 0, "--loopback", "", "a network of the command's own: loopback only"},
	{optConnect, 0, "--connect", "PORT", "allow TCP connections to PORT, on any host"},
	{optUnix, 0, "--unix", "PATH", "allow other programs' sockets beneath PATH"},
	{optSignals, 0, "--signals", "", "allow signals to processes outside"},
	{optKeepFD, 0, "--keep-fd", "N", "keep the inherited descriptor N open"},
	{optStrict, 0, "--strict", "", "fail if this kernel cannot enforce it all"},
	{optStatusFD, 0, "--status-fd", "N", "write to descriptor N whether COMMAND runs"},
	{optLog, 0, "--log", "", "have the kernel log what it denies"},
	{optUnprotected, 0, "--unprotected", "", "with --as: give up read-only paths"},
	{optAs, 0, "--as", "NAME", "read the rest as the helper NAME would"},
}

var helperOptions = [...]option{
	{optPermission, 's', "--sandbox-permission", "PERM", "grant a permission"},
	{optPolicyCWD, 0, "--sandbox-policy-cwd", "CWD", "the workspace of the policy"},
	{optPolicy, 0, "--sandbox-policy", "POLICY_JSON", "the policy"},
	{optNoProc, 0, "--no-proc", "", "accepted, without effect"},
	{optBwrap, 0, "--use-bwrap-sandbox", "", ""},
	{optProxy, 0, "--allow-network-for-proxy", "", ""},
	{optProxyRoute, 0, "--proxy-route-spec", "SPEC", ""},
	{optApplySeccomp, 0, "--apply-seccomp-then-exec", "", ""},
	{optVerifyFD, 0, "--verify-fd-mount", "SPEC", ""},
	{optManaged, 0, "--managed-network", "JSON", ""},
	{optProfile, 0, "--permission-profile", "PROFILE", "the policy of a newer client"},
	{optFileSystem, 0, "--file-system-sandbox-policy", "FS", "its part for files"},
	{optNetworkPolicy, 0, "--network-sandbox-policy", "NETWORK", "its part for the network"},
	{optCommandCWD, 0, "--command-cwd", "CWD", "accepted, without effect"},
	{optLegacy, 0, "--use-legacy-landlock", "", "accepted, without effect"},
	{optInheritPID, 0, "--inherit-pid-namespace", "", "allow signals to processes outside"},
}

// isOption tells whether s, where an option may stand, is one. A lone "-" is a command.
func isOption(s string) bool { return len(s) > 1 && s[0] == '-' && s != "--" }

// nextOption reads the option at argv[i] and its value, attached or in the next word. The value keeps the NUL that ends its
// word, so it can be handed to the kernel as it is. next is the index after what was read.
func nextOption(options []option, argv []*byte, i int) (id optionID, value string, next int, why reason) {
	s := word(argv, i)
	for n := range options {
		o := &options[n]
		attached, is := "", false
		switch {
		case o.short != 0 && s[1] == o.short && (o.value != "" || len(s) == 2):
			attached, is = s[2:], len(s) > 2
		case len(s) > len(o.long) && s[:len(o.long)] == o.long && s[len(o.long)] == '=':
			attached, is = s[len(o.long)+1:], true
		case s != o.long:
			continue
		}
		switch {
		case is && o.value == "":
			return 0, "", i, unwantedValue
		case is || o.value == "" || o.id >= optReports && o.value[0] == '[':
			return o.id, attached, i + 1, noReason
		case i+1 >= len(argv)-1:
			return 0, "", i, missingValue
		}
		return o.id, word(argv, i+1), i + 2, noReason
	}
	return 0, "", i, unknownOption
}

// part is a value on the command line: length bytes from offset on in a word. The word's index is 0 where there is none. It
// holds offsets, not a string: storing a pointer would compile to a write barrier.
type part struct{ arg, offset, length int }

// newPart returns where value, a suffix of argv[i], is.
func newPart(argv []*byte, i int, value string) part {
	return part{i, len(word(argv, i)) - len(value), len(value)}
}

func (v part) text(argv []*byte) string {
	return unsafe.String((*byte)(unsafe.Add(unsafe.Pointer(argv[v.arg]), v.offset)), v.length)
}

// number reads decimal digits and nothing else, up to the kernel's INT_MAX.
func number(s string) (n int, valid bool) {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' || n > (1<<31-1)/10 {
			return 0, false
		}
		n = n*10 + int(s[i]-'0')
	}
	return n, s != "" && n <= 1<<31-1
}

// word returns argv[i] without its NUL, and "" past the end. The string is the kernel's own memory, not a copy.
func word(argv []*byte, i int) string {
	if i >= len(argv)-1 {
		return ""
	}
	return text(argv[i])
}

// text returns the string that a NUL ends at p.
func text(p *byte) string {
	n := 0
	for *(*byte)(unsafe.Add(unsafe.Pointer(p), n)) != 0 {
		n++
	}
	return unsafe.String(p, n)
}

// baseName returns what follows the last slash of a path.
func baseName(path string) string {
	for i := len(path) - 1; i >= 0; i-- {
		if path[i] == '/' {
			return path[i+1:]
		}
	}
	return path
}
