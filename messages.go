package main

// What a failure is called: a row each with its exit code, its text and, where the next action is known, a hint.

import (
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// Exit codes that are snib's own; any other is the command's.
const (
	exitFailed     = 125 // snib failed, and nothing was run
	exitCannotExec = 126 // the command was found, and cannot be executed
	exitNotFound   = 127
)

// Reasons that main alone finds: about reports, and what lies behind some of the launch's.
const (
	badABI reason = execFailed + 1 + iota
	badFormat
	secondReport
	abiWithoutReport
	reportWithCommand
	reportUnwritten
	unknownNear
	pathIsOption
	pathHasEquals
	pathHasTilde
	pathIsList
	commandNotFound
	commandMissing
	commandIsShell
	commandIsDirectory
	commandIsPath
	commandNotMarked
	commandUnread
	interpreterMissing
	reasonCount
)

// messageRow is what a failure is called: of the rows with its reason, the first whose errno is the failure's, or is 0.
//
// In text and hint {word} stands for the word of the command line, {path} for the path that failed, {which} for that and what it was
// to be, and {file} for the file that a command's name leads to, each quoted; {option} and {long} for the option that names the path;
// {errno} for what the kernel said; {right} for a right; {number} for a descriptor or an ABI; {byte} and {token} for a place in the
// policy and what stands there; {caller} for the name that help is asked of.
type messageRow struct {
	reason reason
	errno  syscall.Errno
	code   int
	text   string
	hint   string
}

const (
	usageHint   = `"{caller} --help" prints the usage`
	emptyHint   = "write a path; if it came from a variable, that is empty or not set"
	shellHint   = "to run a shell command line: sh -c '...'"
	permissions = "disk-full-read-access, disk-write-cwd, disk-write-folder=PATH, disk-write-platform-user-temp-folder, " +
		"disk-write-platform-global-temp-folder, disk-full-write-access and network-full-access"
	policyModes   = `"read-only", "workspace-write" or "danger-full-access"`
	policyTypes   = `"read-only", "workspace-write", "danger-full-access" or "external-sandbox"`
	foundAt       = "policy: found {token} at byte {byte}, expected "
	blockedHint   = "an outer seccomp filter blocks Landlock: have it allow the system calls 444, 445 and 446"
	limitHint     = "the launch needs two descriptors: raise the limit (ulimit -n), or close some of 0, 1 and 2"
	hideHint      = "each hidden path and each directory above one takes a descriptor: raise the limit (ulimit -n)"
	systemHint    = "the system is out of file descriptors: raise fs.file-max"
	protectText   = "protect {path}: {errno}"
	protectHint   = "each directory above a protected path takes a descriptor: raise the limit (ulimit -n)"
	namespaceText = "option {word} takes a namespace: unshare: {errno}"
	releaseBuild  = `build it as CGO_ENABLED=0 go build -trimpath -ldflags "-s -w -E main.entry"`
	mapText       = "map the user into a user namespace: {errno}"
	slaveText     = "keep mounts from the outside: mount_setattr: {errno}"
	mountText     = "make {word} read-only: {errno}"
	noMountsHint  = "a container's seccomp filter, an outer Landlock domain or AppArmor forbids mounts: leave --protect out, or run snib outside"
	noFilterHint  = "this kernel is built without CONFIG_SECCOMP_FILTER"
	missingText   = "{which}: {errno}"
	cannotExecute = "cannot execute {word}: {errno}"
)

var messages = [...]messageRow{
	{noCommand, 0, exitFailed, "no command to run", usageHint},
	{needsDashes, 0, exitFailed, `no option, no policy and no "--" before {word}`, `to run it without any, write "--" in front`},
	{unknownOption, 0, exitFailed, "unknown option {word}", usageHint},
	{unknownNear, 0, exitFailed, "unknown option {word}", "{near}"},
	{missingValue, 0, exitFailed, "option {word} needs a value", usageHint},
	{unwantedValue, 0, exitFailed, "option {word} takes no value", usageHint},
	{repeatedOption, 0, exitFailed, "option {word} is given twice", usageHint},
	{mixedGrammars, 0, exitFailed, "option {word} cannot be used with --sandbox-policy or --no-proc", usageHint},
	{emptyPath, 0, exitFailed, "the path of option {word} is empty", emptyHint},
	{withoutRead, 0, exitFailed, "option {word} goes with --read only: without it everything can be read", "say what may be read: --read PATH"},
	{badPort, 0, exitFailed, "{word} is not a port number", "a port is a number from 1 to 65535, of any host: --connect 80 --connect 443"},
	{networksExclude, 0, exitFailed, "option {word} cannot be used: --network, --connect and --loopback exclude each other", "leave one of them out"},
	{badDescriptor, 0, exitFailed, "{word} is not a descriptor number", usageHint},
	{badStatusFD, 0, exitFailed, "{word} is not a descriptor number above 2", "0, 1 and 2 are the command's: --status-fd 3 3>FILE"},
	{keptStatusFD, 0, exitFailed, "{word} names the status descriptor, which is closed when the command starts", "keep another one"},
	{ownWithAs, 0, exitFailed, "option {word} cannot be used with --as", "grant access with the helper's own options"},
	{badName, 0, exitFailed, "{word} is not the name of a helper", "the names are codex-linux-sandbox, codex-linux-sandbox-x64 and codex-linux-sandbox-arm64"},
	{badPermission, 0, exitFailed, "unknown permission {word}", "the permissions are " + permissions},
	{emptyCWD, 0, exitFailed, "the policy's working directory is empty", emptyHint},
	{noPolicyCWD, 0, exitFailed, `option "--sandbox-policy-cwd" is missing`, usageHint},
	{noPolicy, 0, exitFailed, `option "--sandbox-policy" is missing`, usageHint},
	{needsMounts, 0, exitFailed, "option {word} asks for read-only paths inside a writable one, which this launcher cannot give: " +
		"Landlock cannot take back what it grants on a directory",
		"leave the option out to run under Landlock and seccomp, or use the original helper with bubblewrap"},
	{needsNetworkNamespace, 0, exitFailed, "option {word} asks for a network namespace, which this launcher cannot give: " +
		"it turns the network on or off for the whole command",
		"leave the option out, and have the policy turn the network on or off"},

	{wantObject, 0, exitFailed, foundAt + `an object, "{"`, ""},
	{wantName, 0, exitFailed, foundAt + "a name in quotes", ""},
	{wantColon, 0, exitFailed, foundAt + `":"`, ""},
	{wantCommaOrBrace, 0, exitFailed, foundAt + `"," or "}"`, ""},
	{wantCommaOrBracket, 0, exitFailed, foundAt + `"," or "]"`, ""},
	{wantValue, 0, exitFailed, foundAt + "a JSON value", ""},
	{wantDigit, 0, exitFailed, foundAt + "a digit", ""},
	{wantQuote, 0, exitFailed, foundAt + "the string's closing quote", ""},
	{wantEscape, 0, exitFailed, foundAt + `an escape of JSON (\" \\ \/ \b \f \n \r \t \u)`, ""},
	{wantEscapedControl, 0, exitFailed, foundAt + "control characters in strings to be escaped", ""},
	{wantHex, 0, exitFailed, foundAt + "four hexadecimal digits", ""},
	{wantSurrogatePair, 0, exitFailed, foundAt + "a surrogate pair", ""},
	{wantUTF8, 0, exitFailed, foundAt + "UTF-8", ""},
	{wantEnd, 0, exitFailed, foundAt + "nothing after the object", ""},
	{tooDeep, 0, exitFailed, foundAt + "at most {depth} levels of nesting", ""},
	{repeatedMember, 0, exitFailed, "policy: repeated field {token} at byte {byte}, expected each field once", ""},
	{noMode, 0, exitFailed, `policy: no field "mode" at byte {byte}, expected one, with ` + policyModes, ""},
	{noType, 0, exitFailed, `policy: no field "type" at byte {byte}, expected one, with ` + policyTypes, ""},
	{unknownMode, 0, exitFailed, "policy: unknown mode {token} at byte {byte}, expected " + policyModes, ""},
	{unknownType, 0, exitFailed, "policy: unknown type {token} at byte {byte}, expected " + policyTypes, ""},
	{tagNotString, 0, exitFailed, foundAt + "a string", ""},
	{wantArray, 0, exitFailed, foundAt + "an array of strings", ""},
	{wantString, 0, exitFailed, foundAt + "a string", ""},
	{wantBool, 0, exitFailed, foundAt + "true or false", ""},
	{wantAccess, 0, exitFailed, foundAt + `"restricted" or "enabled"`, ""},
	{wantFullAccess, 0, exitFailed, foundAt + "full access: this launcher cannot restrict reading", ""},
	{nulInPath, 0, exitFailed, "policy: NUL in the path {token} at byte {byte}, expected a path", ""},
	{relativeRoot, 0, exitFailed, "policy: relative path {token} at byte {byte}, expected an absolute path", ""},

	{closedDescriptor, 0, exitFailed, "{word} names a descriptor that is not open", "open it where snib is started, or leave the option out"},
	{statusNotWritable, 0, exitFailed, "{word} names a descriptor that is not open for writing", "open it for writing: --status-fd N N>FILE"},
	{closingFailed, unix.ENOSYS, exitFailed, "close_range: {errno}", "this kernel has no close_range(2): use Linux 5.9 or later"},
	{closingFailed, unix.EPERM, exitFailed, "close_range: {errno}", "an outer seccomp filter blocks close_range(2): have it allow that call"},
	{closingFailed, 0, exitFailed, "close_range: {errno}", ""},
	{protectFailed, unix.ENOENT, exitFailed, protectText, "create it first, or leave it out"},
	{protectFailed, unix.ELOOP, exitFailed, "protect {path}: it is, or is reached by, a symbolic link", "the command could make the link lead elsewhere: write the path without it"},
	{protectFailed, unix.EXDEV, exitFailed, "protect {path}: a writable path is another mount of a directory above it", "write both paths by the same mount"},
	{protectFailed, unix.EACCES, exitFailed, protectText, "every directory above it must be one that snib can search"},
	{protectFailed, unix.E2BIG, exitFailed, "protect {path}: too many paths are protected, or too deep", "protect a directory above them"},
	{protectFailed, unix.EMFILE, exitFailed, protectText, protectHint},
	{protectFailed, unix.ENFILE, exitFailed, protectText, systemHint},
	{protectFailed, unix.ENOSYS, exitFailed, protectText, "an outer sandbox such as snib's forbids openat2(2), and mounts: leave --protect out, or run snib outside"},
	{protectFailed, 0, exitFailed, protectText, ""},
	{protectUnwritable, 0, exitFailed, "protect {path}: it is not beneath a writable path", "what is not writable needs no --protect: leave it out"},
	{protectWritable, 0, exitFailed, "{word} cannot be protected: the writable path {path} is that, or beneath it", "leave one of them out"},
	{keptInside, 0, exitFailed, "descriptor {number} is a directory, or may be a file that is to be protected, and leads around that",
		"close it, or redirect it: {number}<>/dev/null"},
	{namespaceFailed, unix.EPERM, exitFailed, namespaceText,
		"a container's seccomp filter, a chroot or kernel.unprivileged_userns_clone forbids it: have it allow unshare(2), or leave the option out"},
	{namespaceFailed, unix.ENOSPC, exitFailed, namespaceText,
		"a limit forbids it: raise user.max_user_namespaces, user.max_mnt_namespaces and user.max_net_namespaces (sysctl)"},
	{namespaceFailed, unix.EUSERS, exitFailed, namespaceText, "user namespaces are nested too deeply: nest fewer sandboxes"},
	{namespaceFailed, unix.EACCES, exitFailed, namespaceText, "a security module such as SELinux forbids it: have its policy allow user namespaces to snib"},
	{namespaceFailed, unix.EINVAL, exitFailed, namespaceText, "this kernel has no such namespaces, or this snib is the plain build, which has threads: " + releaseBuild},
	{namespaceFailed, 0, exitFailed, namespaceText, ""},
	{mapFailed, unix.EACCES, exitFailed, mapText,
		"an outer Landlock domain or AppArmor (kernel.apparmor_restrict_unprivileged_userns) forbids it: run snib outside, or allow it userns in a profile"},
	{mapFailed, unix.EPERM, exitFailed, mapText, "a security module such as AppArmor forbids it, or root has no CAP_SETFCAP, as inside another snib"},
	{mapFailed, unix.ENOENT, exitFailed, mapText, "mount /proc"},
	{mapFailed, 0, exitFailed, mapText, ""},
	{slaveFailed, unix.EINVAL, exitFailed, slaveText, "the root directory is no mount point, as in a chroot: bind it onto itself first"},
	{slaveFailed, unix.ENOSYS, exitFailed, slaveText, "this kernel has no mount_setattr(2): use Linux 5.12 or later"},
	{slaveFailed, unix.EPERM, exitFailed, slaveText, noMountsHint},
	{slaveFailed, unix.EACCES, exitFailed, slaveText, noMountsHint},
	{slaveFailed, 0, exitFailed, slaveText, ""},
	{mountFailed, unix.EPERM, exitFailed, mountText, noMountsHint},
	{mountFailed, unix.EACCES, exitFailed, mountText, noMountsHint},
	{mountFailed, unix.ENOSPC, exitFailed, mountText, "raise fs.mount-max (sysctl)"},
	{mountFailed, unix.EMFILE, exitFailed, mountText, protectHint},
	{mountFailed, 0, exitFailed, mountText, ""},
	{cwdFailed, 0, exitFailed, "enter the working directory by its path: {errno}", "start snib in a directory that exists, that its user can reach, and over which nothing is mounted"},
	{loopbackFailed, unix.EPERM, exitFailed, "turn the loopback interface on: {errno}", "a security module such as AppArmor, or an outer seccomp filter, forbids it: allow snib userns and net_admin in a profile, or run it outside"},
	{loopbackFailed, 0, exitFailed, "turn the loopback interface on: {errno}", ""},
	{keptSocket, 0, exitFailed, "descriptor {number} is a socket that leads out of what the options allow", "close it, or redirect it: {number}<>/dev/null"},
	{noPorts, 0, exitFailed, "--connect needs Landlock ABI 4, which Linux has since 6.7; this kernel has ABI {number}", "--network opens all ports"},
	{noUnixPaths, 0, exitFailed, "--unix PATH needs Landlock ABI 9, which Linux has since 7.1; this kernel has ABI {number}", "--unix / opens all sockets of other programs"},
	{noLandlock, unix.ENOSYS, exitFailed, "landlock is not available: {errno}",
		"this kernel has no Landlock: use Linux 5.13 or later, built with CONFIG_SECURITY_LANDLOCK"},
	{noLandlock, unix.EOPNOTSUPP, exitFailed, "landlock is not available: {errno}", `Landlock was disabled at boot: add "landlock" to the kernel's lsm= parameter`},
	{noLandlock, unix.EPERM, exitFailed, "landlock is not available: {errno}", blockedHint},
	{noLandlock, 0, exitFailed, "landlock is not available: {errno}", ""},
	{notEnforced, 0, exitFailed, "this kernel cannot enforce {right}", `"snib --status" prints what it can enforce; without --strict the command runs with that`},
	{rulesetFailed, unix.EMFILE, exitFailed, "landlock_create_ruleset: {errno}", limitHint},
	{rulesetFailed, unix.ENFILE, exitFailed, "landlock_create_ruleset: {errno}", systemHint},
	{rulesetFailed, unix.EPERM, exitFailed, "landlock_create_ruleset: {errno}", blockedHint},
	{rulesetFailed, 0, exitFailed, "landlock_create_ruleset: {errno}", ""},
	{openFailed, unix.EMFILE, exitFailed, "open {path}: {errno}", limitHint},
	{openFailed, unix.ENFILE, exitFailed, "open {path}: {errno}", systemHint},
	{openFailed, 0, exitFailed, "open {path}: {errno}", ""},
	{missingPath, unix.ENOENT, exitFailed, missingText, "create it first, or leave it out"},
	{missingPath, 0, exitFailed, missingText, ""},
	{pathIsOption, 0, exitFailed, missingText, "{option} took {path} as its path: write one after {option}"},
	{pathHasEquals, 0, exitFailed, missingText, "write {option} PATH or {long}=PATH"},
	{pathHasTilde, 0, exitFailed, missingText, `the shell did not expand "~": write {option} ~/PATH, or "$HOME/PATH"`},
	{pathIsList, 0, exitFailed, missingText, "{option} takes one path: write {option} PATH {option} PATH"},
	{listNoDirectory, 0, exitFailed, "path {path} of --list is not a directory", "to read a file: --read PATH"},
	{hideFailed, unix.EMFILE, exitFailed, "hide {path}: {errno}", hideHint},
	{hideFailed, unix.ENFILE, exitFailed, "hide {path}: {errno}", systemHint},
	{hideFailed, unix.E2BIG, exitFailed, "hide {path}: too many paths are hidden, or too deep", "hide a directory above them"},
	{hideFailed, 0, exitFailed, "hide {path}: {errno}", ""},
	{hidesRoot, 0, exitFailed, "{word} is the root directory, which cannot be hidden", "hide what is beneath it, or say with --read what may be read"},
	{hidesWritable, 0, exitFailed, "{word} cannot be hidden: it is at or beneath the writable path {path}", "what is writable is readable: make less of it writable"},
	{readsHidden, 0, exitFailed, "path {path} is at or beneath {word}, which is hidden", "leave one of them out"},
	{listingFailed, unix.EMFILE, exitFailed, "hide {word}: list a directory above it: {errno}", hideHint},
	{listingFailed, 0, exitFailed, "hide {word}: list a directory above it: {errno}", ""},
	{portFailed, 0, exitFailed, "landlock_add_rule for port {word}: {errno}", ""},
	{ruleFailed, 0, exitFailed, "landlock_add_rule for {path}: {errno}", ""},
	{capabilitiesFailed, 0, exitFailed, "reduce the capabilities: {errno}", ""},
	{noNewPrivsFailed, 0, exitFailed, "prctl PR_SET_NO_NEW_PRIVS: {errno}", ""},
	{restrictFailed, unix.E2BIG, exitFailed, "landlock_restrict_self: {errno}", "the kernel stacks at most 16 Landlock domains: nest fewer sandboxes"},
	{restrictFailed, 0, exitFailed, "landlock_restrict_self: {errno}", ""},
	{filterFailed, unix.ENOSYS, exitFailed, "seccomp SECCOMP_SET_MODE_FILTER: {errno}", noFilterHint},
	{filterFailed, unix.EINVAL, exitFailed, "seccomp SECCOMP_SET_MODE_FILTER: {errno}", noFilterHint},
	{filterFailed, unix.EPERM, exitFailed, "seccomp SECCOMP_SET_MODE_FILTER: {errno}", "an outer seccomp filter blocks seccomp(2): have it allow that call"},
	{filterFailed, unix.ENOMEM, exitFailed, "seccomp SECCOMP_SET_MODE_FILTER: {errno}", "the filters of nested sandboxes may be too long together: nest fewer"},
	{filterFailed, 0, exitFailed, "seccomp SECCOMP_SET_MODE_FILTER: {errno}", ""},
	{statusFailed, 0, exitFailed, "write to the status descriptor {word}: {errno}", ""},

	{execFailed, unix.ENOEXEC, exitCannotExec, cannotExecute,
		"it is not a program for this machine: if it is a script without a first line of #!, run it as sh {file}"},
	{execFailed, unix.E2BIG, exitCannotExec, cannotExecute, "shorten the arguments or the environment"},
	{execFailed, 0, exitCannotExec, cannotExecute, ""},
	{interpreterMissing, 0, exitCannotExec, "cannot execute {file}: its interpreter does not exist",
		"check the #! line of a script, or which dynamic loader a program needs (readelf -l)"},
	{commandNotMarked, 0, exitCannotExec, cannotExecute, "it is not marked as executable: chmod +x {file}"},
	{commandUnread, 0, exitCannotExec, cannotExecute, "--read, --bare or --hide keeps it, its #! interpreter or its loader from being read: add -r PATH"},
	{commandIsDirectory, 0, exitCannotExec, "{word} is a directory", ""},
	{commandIsPath, unix.ENOENT, exitNotFound, "command {word} not found in PATH", "{option} takes one path: write {option} in front of each"},
	{commandIsPath, 0, exitCannotExec, "{word} is a directory", "{option} takes one path: write {option} in front of each"},
	{commandNotFound, 0, exitNotFound, "command {word} not found in PATH", ""},
	{commandMissing, unix.ENOTDIR, exitNotFound, "command {word} does not exist: {errno}", ""},
	{commandMissing, 0, exitNotFound, "command {word} does not exist", ""},
	{commandIsShell, 0, exitNotFound, "command {word} not found", shellHint},

	{badABI, 0, exitFailed, "{word} is not a Landlock ABI", "it is a number, such as 4, or 0 for a kernel without Landlock"},
	{badFormat, 0, exitFailed, "option {word} has an unknown format", "the only format is json; without one it is text"},
	{secondReport, 0, exitFailed, "option {word} cannot be used with another report", "ask for one report at a time"},
	{abiWithoutReport, 0, exitFailed, "option {word} needs --explain or --bpf", usageHint},
	{reportWithCommand, 0, exitFailed, "--status cannot be used with {word}", `run "snib --status" alone`},
	{reportUnwritten, 0, exitFailed, "{report}", ""},
}

// message is what a failure says, made from a row.
type message struct {
	row        messageRow
	text, hint string
}

// message says why the command of a command line did not run.
func (f failure) message(args []string) message {
	word := ""
	if f.arg < len(args) && f.reason != notEnforced && f.reason != keptSocket && f.reason != keptInside && f.reason != noPorts && f.reason != noUnixPaths {
		word = args[f.arg]
	}
	file := ""
	if f.reason == execFailed {
		file = located(word)
	}
	option, long, which := "-w", "--write", "writable path "+quote(text(&shared.path[0]))
	if o := f.pathOption(args); o != nil {
		if option, long = o.long, o.long; o.short != 0 {
			option = "-" + string(o.short)
		}
		if o.id != optWrite {
			which = "path " + quote(text(&shared.path[0])) + " of " + long
		}
	}
	near := ""
	f.reason, near = f.behind(args, word, file)

	row := messages[slices.IndexFunc(messages[:], func(m messageRow) bool { return m.reason == f.reason && (m.errno == 0 || m.errno == f.errno) })]
	token, offset := "", 0
	if strings.Contains(row.text, "{byte}") {
		policy := strings.TrimPrefix(word, "--sandbox-policy=")
		if offset = f.offset - (len(word) - len(policy)); offset < 0 {
			policy, offset = word, f.offset
		}
		token = jsonToken(policy[min(offset, len(policy)):])
	}
	right := ""
	if f.reason == notEnforced {
		right = rights[f.arg].name
	}
	values := map[string]string{"word": quote(word), "path": quote(text(&shared.path[0])), "file": quote(file), "errno": f.errno.Error(),
		"token": token, "byte": strconv.Itoa(offset), "depth": strconv.Itoa(maxDepth), "right": right, "number": strconv.Itoa(f.arg), "near": near,
		"option": option, "long": long, "which": which,
		"report": reportError, "caller": callerName(args)}
	return message{row, fill(row.text, values), fill(row.hint, values)}
}

// fill puts values in the place of {placeholders}. What stands in a value is no placeholder.
func fill(template string, values map[string]string) string {
	out := ""
	for {
		before, after, _ := strings.Cut(template, "{")
		out += before
		if len(before) == len(template) {
			return out
		}
		name, rest, closed := strings.Cut(after, "}")
		value, is := values[name]
		if !closed || !is {
			value, rest = "{", after
		}
		out, template = out+value, rest
	}
}

// asked is the policy of a command line, as far as it is one.
func asked(args []string) *policy {
	p := &policy{}
	p.parse(pointers(args))
	return p
}

// pathOption returns the option whose path failed, or where that is the command, the option whose path stands in front of it: a
// second path may have been meant. Nil: there is none.
func (f failure) pathOption(args []string) *option {
	argv := pointers(args)
	p := asked(args)
	for i := 1; i < p.ownEnd; {
		id, value, next, _ := nextOption(ownOptions[:], argv, i)
		named := id == optWrite || id == optRead || id == optList || id == optUnix || id == optHide || id == optProtect
		if f.reason == execFailed {
			named = named && next == f.arg
		} else {
			named = named && value == text(&shared.path[0])
		}
		if named {
			return &ownOptions[slices.IndexFunc(ownOptions[:], func(o option) bool { return o.id == id })]
		}
		i = next
	}
	return nil
}

// callerName is what help is asked of.
func callerName(args []string) string {
	name, as := ownName(args), helperNamed(args)
	if as != "" {
		return name + " --as " + as
	}
	return name
}

const version = "0.1.0"

// ownName is the name under which snib speaks.
func ownName(args []string) string {
	if len(args) > 0 && isHelper(baseName(args[0])) {
		return baseName(args[0])
	}
	return "snib"
}

// helperNamed returns the helper that --as names, or "".
func helperNamed(args []string) string {
	var p policy
	p.parse(pointers(args))
	if p.helperAt == 0 {
		return ""
	}
	return strings.TrimPrefix(args[p.helperAt], "--as=")
}

// reportError is why a report could not be written.
var reportError string

// pointers makes an array as the kernel hands it over, which ends in nil. The words came from the kernel: none holds a NUL.
func pointers(words []string) []*byte {
	all, err := syscall.SlicePtrFromStrings(words)
	if err != nil {
		panic(err)
	}
	return all
}

// behind finds a reason that says more: what people type, and which file of PATH is meant.
func (f failure) behind(args []string, word, file string) (why reason, near string) {
	switch {
	case f.reason == unknownOption:
		if near = nearOption(word, isHelper(ownName(args)) || helperNamed(args) != ""); near != "" {
			return unknownNear, near
		}
	case (f.reason == missingPath || f.reason == protectFailed) && f.errno == unix.ENOENT:
		switch path := text(&shared.path[0]); {
		case strings.HasPrefix(path, "-"):
			return pathIsOption, ""
		case strings.HasPrefix(path, "="):
			return pathHasEquals, ""
		case strings.HasPrefix(path, "~"):
			return pathHasTilde, ""
		case strings.ContainsAny(path, ",:"):
			return pathIsList, ""
		}
	case f.reason != execFailed:
	case file != "" && (f.errno == unix.ENOENT || f.errno == unix.ENOTDIR):
		return interpreterMissing, ""
	case f.errno == unix.ENOENT || f.errno == unix.ENOTDIR:
		switch {
		case isShellLine(word):
			return commandIsShell, ""
		case strings.Contains(word, "/"):
			return commandMissing, ""
		case f.pathOption(args) != nil && isDirectory(word):
			return commandIsPath, ""
		}
		return commandNotFound, ""
	case f.errno == unix.EACCES && file != "":
		info, err := os.Stat(file)
		switch {
		case err != nil:
		case info.IsDir() && f.pathOption(args) != nil:
			return commandIsPath, ""
		case info.IsDir():
			return commandIsDirectory, ""
		case info.Mode()&0o111 == 0:
			return commandNotMarked, ""
		case asked(args).restrictReads || asked(args).hides:
			return commandUnread, ""
		}
	}
	return f.reason, ""
}
