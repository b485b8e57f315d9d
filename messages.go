package main

// One row for each failure: its exit code, its text and, where the next step is known, a hint.

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// Exit codes that are snib's own; any other is the command's.
const (
	exitFailed     = 125 // snib failed, and nothing was run
	exitCannotExec = 126 // the command was found, and cannot be executed
	exitNotFound   = 127
)

// Reasons that only main finds: wrong reports, and finer reasons for failures of the launch.
const (
	badABI reason = execFailed + 1 + iota
	badFormat
	secondReport
	abiWithoutReport
	reportWithCommand
	reportUnwritten
	developmentBuild
	whyNoProgram
	whyUntraceable
	whyFailed
	unknownNear
	unwantedNear
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

// messageRow names a failure. The first row counts that has its reason, and its errno or 0.
//
// In text and hint {word} stands for the word of the command line, {path} for the path that failed, {which} for that path and its
// role, and {file} for the file that a command's name leads to, each quoted; {option} and {long} for the option that names the path;
// {errno} for what the kernel said; {right} for a right; {number} for a descriptor or an ABI; {byte} and {token} for a place in the
// policy and what stands there; {caller} for the name that help is asked of.
//
// A row without a text is no failure: its hint stands beside a report.
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
	unplacedText  = "protect {path}: its absolute path cannot be told: {errno}"
	protectHint   = "each directory above a protected path takes a descriptor: raise the limit (ulimit -n)"
	namespaceText = "option {word} needs a namespace: unshare: {errno}"
	releaseBuild  = `build it as CGO_ENABLED=0 go build -trimpath -ldflags "-s -w -E main.entry"`
	mapText       = "option {word} needs a user namespace: map the user: {errno}"
	slaveText     = "option {word} needs a mount namespace: mount_setattr: {errno}"
	loopbackText  = "option {word} turns the loopback interface on: {errno}"
	wrapperHint   = `to give up the read-only paths, point the client to a script: exec snib --unprotected --as {helper} "$@"`
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
	{unwantedNear, 0, exitFailed, "option {word} takes no value", "{near}"},
	{missingValue, 0, exitFailed, "option {word} needs a value", usageHint},
	{unwantedValue, 0, exitFailed, "option {word} takes no value", usageHint},
	{repeatedOption, 0, exitFailed, "option {word} is given twice", usageHint},
	{mixedGrammars, 0, exitFailed, "option {word} cannot be used with --sandbox-policy or --no-proc", usageHint},
	{emptyPath, 0, exitFailed, "the path of option {word} is empty", emptyHint},
	{withoutRead, 0, exitFailed, "option {word} needs --read: without it everything can be read", "name the paths that may be read: --read PATH"},
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
	{noFileSystem, 0, exitFailed, `option "--file-system-sandbox-policy" is missing`, usageHint},
	{noNetworkPolicy, 0, exitFailed, `option "--network-sandbox-policy" is missing`, usageHint},
	{profileAndPolicy, 0, exitFailed, "option {word} cannot be used with --permission-profile", usageHint},
	{needsMounts, 0, exitFailed, "option {word} asks for read-only paths inside a writable one, which this launcher cannot give: " +
		"Landlock cannot take back what it grants on a directory",
		"leave the option out, or point the client to a script that gives these paths up: exec snib --unprotected --as {helper} \"$@\""},
	{needsNetworkNamespace, 0, exitFailed, "option {word} asks for a network namespace, which this launcher cannot give: " +
		"it turns the network on or off for the whole command",
		"have the policy turn the network on or off, without a proxy or a managed network"},
	{unprotectedAlone, 0, exitFailed, "option {word} needs --as", "snib's own options keep a path read-only by --protect PATH"},

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

	{noField, 0, exitFailed, "policy: no field {field} in the object at byte {byte}", ""},
	{unknownWord, 0, exitFailed, "policy: found {token} at byte {byte}, expected for {field}: {choices}", ""},
	{relativePath, 0, exitFailed, "policy: path {token} at byte {byte} is not absolute", ""},
	{upwardPath, 0, exitFailed, `policy: the path of the entry at byte {byte} has ".." in it`, "write the path that it leads to"},
	{noWorkingDirectory, 0, exitFailed, "policy: the path of the entry at byte {byte} is relative to a working directory that has no path", "start snib in a directory that exists"},
	{policyTooLong, 0, exitFailed, "policy: too long at byte {byte}: its options take more than 64 KiB, 1,023 words or 512 entries", "write fewer entries"},
	{gitFailed, 0, exitFailed, "policy: {first}, in the writable path of the entry at byte {byte}, cannot be read", ""},
	{noName, 0, exitFailed, "policy: cannot tell where the symbolic links of the entry at byte {byte} lead", "mount /proc, or write the path without them"},
	{wantEntries, 0, exitFailed, foundAt + "an array of entries", ""},
	{globEntry, 0, exitFailed, "policy: pattern {token} at byte {byte}: snib could deny only the files that match now", "deny a directory"},
	{narrowerThanRoot, 0, exitFailed, "policy: entry {first} at byte {byte} allows less than writing beneath the root, which {second} makes writable",
		"Landlock cannot take back what is granted on a directory: make less writable"},
	{deniedInside, 0, exitFailed, "policy: cannot hide {first} (byte {byte}) inside the writable {second}", "make less writable, or move it out of there"},
	{writableInside, 0, exitFailed, "policy: {first} (byte {byte}) cannot be writable inside {second}, which stays read-only in a writable path", "leave one of the entries out"},
	{linkedInside, 0, exitFailed, "policy: {first} (byte {byte}) is, or is reached by, a symbolic link in, or into, the writable {second}",
		"the command could make the link lead elsewhere: write the path that it leads to"},

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
	{protectUnplaced, unix.ENOENT, exitFailed, unplacedText, "mount /proc"},
	{protectUnplaced, unix.ENAMETOOLONG, exitFailed, unplacedText, "an absolute path has at most 4,095 bytes"},
	{protectUnplaced, unix.ESTALE, exitFailed, unplacedText, "something may be mounted over it, or have taken its place: write the path that leads to it"},
	{protectUnplaced, 0, exitFailed, unplacedText, ""},
	{protectUnwritable, 0, exitFailed, "protect {path}: it is not beneath a writable path", "only writable paths need --protect: leave it out"},
	{protectWritable, 0, exitFailed, "{word} cannot be protected: the writable path {path} is at or beneath it", "leave one of them out"},
	{keptInside, 0, exitFailed, "descriptor {number} leads around --protect: it is a directory, or may be a protected file",
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
	{mountFailed, unix.ESTALE, exitFailed, mountText, "something else has taken its place, or that of a directory above it: start snib again"},
	{mountFailed, 0, exitFailed, mountText, ""},
	{cwdFailed, 0, exitFailed, "option {word} enters the working directory again, by its path: {errno}", "start snib in a directory that exists, that its user can reach, and over which nothing is mounted"},
	{loopbackFailed, unix.EPERM, exitFailed, loopbackText, "a security module such as AppArmor, or an outer seccomp filter, forbids it: allow snib userns and net_admin in a profile, or run it outside"},
	{loopbackFailed, 0, exitFailed, loopbackText, ""},
	{keptSocket, 0, exitFailed, "descriptor {number} is a socket that leads out of what the options allow", "close it, or redirect it: {number}<>/dev/null"},
	{noPorts, 0, exitFailed, "--connect needs Landlock ABI 4, which Linux has since 6.7; this kernel has ABI {number}", "--network opens all ports"},
	{noUnixPaths, 0, exitFailed, "--unix PATH needs Landlock ABI 9, which Linux has since 7.1; this kernel has ABI {number}", "--unix / opens all sockets of other programs"},
	{noLandlock, unix.ENOSYS, exitFailed, "landlock is not available: {errno}",
		"this kernel has no Landlock: use Linux 5.13 or later, built with CONFIG_SECURITY_LANDLOCK"},
	{noLandlock, unix.EOPNOTSUPP, exitFailed, "landlock is not available: {errno}", `Landlock was disabled at boot: add "landlock" to the kernel's lsm= parameter`},
	{noLandlock, unix.EPERM, exitFailed, "landlock is not available: {errno}", blockedHint},
	{noLandlock, 0, exitFailed, "landlock is not available: {errno}", ""},
	{notEnforced, 0, exitFailed, "this kernel cannot enforce {right}", `"snib --status" prints what it can enforce; to run the command with that, leave --strict out`},
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
	{hidesRoot, 0, exitFailed, "{word} is the root directory, which cannot be hidden", "hide a path beneath it, or restrict reading: --read PATH"},
	{hidesWritable, 0, exitFailed, "{word} cannot be hidden: it is at or beneath the writable path {path}", "writable paths are readable: make less writable"},
	{hidesByLink, 0, exitFailed, "{word} cannot be hidden: a symbolic link that leads to it is beneath the writable path {path}",
		"the command could make the link lead elsewhere: write the path that it leads to"},
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
	{whyNoProgram, 0, exitFailed, "--why cannot execute this program a second time", "mount /proc, or start snib by a path that stays valid"},
	{whyUntraceable, unix.EPERM, exitFailed, "--why cannot trace the command: {errno}",
		"an outer filter, a debugger, or kernel.yama.ptrace_scope (2: root alone traces, 3: nobody) forbids ptrace(2): run --why outside of it"},
	{whyUntraceable, 0, exitFailed, "--why cannot trace the command: {errno}", "an outer sandbox may forbid ptrace(2): run --why outside of it"},
	{whyFailed, 0, exitFailed, "--why cannot start the command: {errno}", ""},
	{developmentBuild, 0, 0, "", "this is the plain build, for development: for use, " + releaseBuild},
}
