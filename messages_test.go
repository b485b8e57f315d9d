package main

// Failures: each reason and each row of messages is brought about by a command line or by a failing kernel. What is then said is in
// testdata/messages.golden, to be read from top to bottom; beside each mistake stands the command line without it, which runs.

import (
	_ "embed"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode"

	"golang.org/x/sys/unix"
)

// refusal is a command line that does not run, as a shell takes it. "tool" is a program that exits with tinyCode; descriptor 3 is
// open for writing, 4 is a directory.
type refusal struct {
	why   reason
	wrong string
	right string // without the mistake; empty: the kernel is what fails, or nothing is a mistake
	fault string // a system call and its answer: a number or an errno; stdoutFull: a report's output fails; builtPlain: no fault, but what the plain build adds
}

const (
	stdoutFull = "stdout is full"
	builtPlain = "a plain build"
)

const (
	helperWords  = "codex-linux-sandbox "
	policyBefore = helperWords + "--sandbox-policy-cwd . --sandbox-policy "
	policyRead   = policyBefore + `'{"type":"read-only"}'`

	profileBefore = helperWords + "--sandbox-policy-cwd . --permission-profile "
)

// profileOf is a command line of a newer client, up to the command, with those entries (entriesOf).
func profileOf(list ...string) string {
	list = slices.DeleteFunc(list, func(e string) bool { return e == "" })
	return profileBefore + "'" + managed("restricted", list...) + "'"
}

// badPolicy is a refusal of the flags grammar's policy.
func badPolicy(why reason, wrong, right string) refusal {
	return refusal{why, policyBefore + "'" + wrong + "' tool", policyBefore + "'" + right + "' tool", ""}
}

func refusals() []refusal {
	return []refusal{
		// The command line.
		{noCommand, "snib", "snib tool", ""},
		{noCommand, "snib -w . --", "snib -w . -- tool", ""},
		{noCommand, "snib --as codex-linux-sandbox", "snib --as codex-linux-sandbox -- tool", ""},
		{noCommand, helperWords, helperWords + "-- tool", ""},
		{noCommand, helperWords + "-s disk-write-cwd", helperWords + "-s disk-write-cwd tool", ""},
		{noCommand, helperWords + "-s disk-write-cwd --", helperWords + "-s disk-write-cwd -- tool", ""},
		{noCommand, helperWords + `. '{"mode":"read-only"}'`, helperWords + `. '{"mode":"read-only"}' tool`, ""},
		{noCommand, helperWords + `. '{"mode":"read-only"}' --`, helperWords + `. '{"mode":"read-only"}' -- tool`, ""},
		{noCommand, policyRead, policyRead + " tool", ""},
		{needsDashes, helperWords + "tool", helperWords + "-- tool", ""},
		{needsDashes, helperWords + ". tool", helperWords + `. '{"mode":"read-only"}' tool`, ""},
		{unknownOption, "snib -x tool", "snib tool", ""},
		{unknownOption, "snib -hx tool", "snib -h", ""},
		{unknownOption, "snib -s disk-write-cwd tool", "snib --as codex-linux-sandbox -s disk-write-cwd tool", ""},
		{unknownOption, "snib '-\x1b[31m\n' tool", "snib tool", ""},
		{unknownOption, "snib --explain --arch amd64 tool", "snib --explain tool", ""},
		{unknownOption, "snib --as codex-linux-sandbox -x tool", "snib --as codex-linux-sandbox -- tool", ""},
		{unknownOption, "snib --explain --as codex-linux-sandbox --bad tool", "snib --explain --as codex-linux-sandbox -- tool", ""},
		{unknownOption, helperWords + "-w . tool", helperWords + "-s disk-write-folder=. tool", ""},
		{unknownOption, helperWords + "--explain tool", "snib --explain --as codex-linux-sandbox -- tool", ""},
		{unknownOption, helperWords + "--version", "snib --version", ""},
		{unknownOption, helperWords + `. '{"mode":"read-only"}' -x tool`, helperWords + `. '{"mode":"read-only"}' -- tool`, ""},
		{missingValue, "snib -w", "snib -w . tool", ""},
		{missingValue, "snib --network --write", "snib --network --write . tool", ""},
		{missingValue, "snib --bpf", "snib --bpf - tool", ""},
		{missingValue, helperWords + "-s", helperWords + "-s disk-write-cwd tool", ""},
		{unwantedNear, "snib --network=none tool", "snib tool", ""},
		{unwantedNear, "snib --network=on tool", "snib --network tool", ""},
		{unwantedValue, "snib --signals=on tool", "snib --signals tool", ""},
		{unwantedValue, policyRead + " --no-proc=1 tool", policyRead + " --no-proc tool", ""},
		{repeatedOption, "snib --status-fd 3 --status-fd=3 tool", "snib --status-fd 3 tool", ""},
		{repeatedOption, policyRead + " --sandbox-policy-cwd=. tool", policyRead + " tool", ""},
		{repeatedOption, policyRead + ` '--sandbox-policy={"type":"danger-full-access"}' tool`, policyRead + " tool", ""},
		{mixedGrammars, policyRead + " -s disk-write-cwd tool", policyRead + " tool", ""},
		{noFileSystem, policyRead + ` --network-sandbox-policy '"enabled"' tool`, policyRead + " tool", ""},
		{noNetworkPolicy, policyRead + ` --file-system-sandbox-policy '{"kind":"unrestricted"}' tool`, policyRead + " tool", ""},
		{profileAndPolicy, policyRead + ` --permission-profile '{"type":"disabled"}' tool`, policyRead + " tool", ""},
		{unprotectedAlone, "snib --unprotected -w . tool", "snib -w . tool", ""},
		{needsNetworkNamespace, profileOf("root read", "") + " --managed-network '{}' tool", profileOf("root read", "") + " tool", ""},
		{needsNetworkNamespace, profileOf("root read", "") + " --verify-fd-mount 3 tool", profileOf("root read", "") + " tool", ""},
		{mixedGrammars, helperWords + "-s disk-write-cwd --no-proc tool", helperWords + "-s disk-write-cwd tool", ""},
		{emptyPath, "snib -w '' tool", "snib -w . tool", ""},
		{emptyPath, "snib --write= tool", "snib --write=. tool", ""},
		{emptyPath, "snib --bpf '' tool", "snib --bpf - tool", ""},
		{emptyPath, "snib -r '' tool", "snib -r bin tool", ""},
		{emptyPath, "snib -r . --list= tool", "snib -r . --list=. tool", ""},
		{emptyPath, "snib --unix= tool", "snib --unix=/ tool", ""},
		{withoutRead, "snib --bare tool", "snib --bare -r bin tool", ""},
		{withoutRead, "snib --list=. tool", "snib --list=. --read bin tool", ""},
		{withoutRead, "snib -w . --bare --list . tool", "snib -w . tool", ""},
		{badPort, "snib --connect 0 tool", "snib --connect 1 tool", ""},
		{badPort, "snib --connect=65536 tool", "snib --connect=65535 tool", ""},
		{badPort, "snib --connect http tool", "snib --connect 80 tool", ""},
		{badPort, "snib --connect 80,443 tool", "snib --connect 80 --connect 443 tool", ""},
		{networksExclude, "snib --network --connect 443 tool", "snib --connect 443 tool", ""},
		{networksExclude, "snib --connect=443 --network tool", "snib --network tool", ""},
		{networksExclude, "snib --network --loopback tool", "snib --network tool", ""},
		{badDescriptor, "snib --keep-fd x tool", "snib --keep-fd 3 tool", ""},
		{badDescriptor, "snib --keep-fd '{errno}{word}{' tool", "snib --keep-fd 3 tool", ""},
		{badDescriptor, "snib --keep-fd= tool", "snib --keep-fd=3 tool", ""},
		{badDescriptor, "snib --keep-fd=-1 tool", "snib --keep-fd=1 tool", ""},
		{badDescriptor, "snib --keep-fd 2147483648 tool", "snib --keep-fd 0000000003 tool", ""},
		{badDescriptor, "snib --keep-fd 18446744073709551619 tool", "snib --keep-fd 3 tool", ""},
		{badStatusFD, "snib --status-fd 2 tool", "snib --status-fd 3 tool", ""},
		{badStatusFD, "snib --status-fd=x tool", "snib --status-fd=3 tool", ""},
		{keptStatusFD, "snib --status-fd 3 --keep-fd=3 tool", "snib --status-fd 3 --keep-fd=4 tool", ""},
		{ownWithAs, "snib --network --as codex-linux-sandbox -- tool", "snib --as codex-linux-sandbox -s network-full-access tool", ""},
		{ownWithAs, "snib -w. --as codex-linux-sandbox -- tool", "snib --as codex-linux-sandbox -s disk-write-cwd tool", ""},
		{ownWithAs, "snib -r / --as codex-linux-sandbox -- tool", "snib --as codex-linux-sandbox -s disk-full-read-access tool", ""},
		{ownWithAs, "snib --dev --as codex-linux-sandbox -- tool", "snib --as codex-linux-sandbox -s disk-write-platform-user-temp-folder tool", ""},
		{emptyPath, "snib --protect= tool", "snib tool", ""},
		{ownWithAs, "snib --loopback --as codex-linux-sandbox -- tool", "snib --as codex-linux-sandbox -- tool", ""},
		{ownWithAs, "snib --signals --as codex-linux-sandbox -- tool", "snib --as codex-linux-sandbox -- tool", ""},
		{badName, "snib --as sh tool", "snib --as codex-linux-sandbox -- tool", ""},
		{badPermission, helperWords + "-s disk-write tool", helperWords + "-s disk-write-cwd tool", ""},
		{badPermission, helperWords + "-sdisk-write-cwd2 tool", helperWords + "-sdisk-write-cwd tool", ""},
		{badPermission, helperWords + "-s disk-write-folder tool", helperWords + "-s disk-write-folder=. tool", ""},
		{badPermission, helperWords + "-s disk-write-folder= tool", helperWords + "-s disk-write-folder=. tool", ""},
		{badPermission, helperWords + "-s '' tool", helperWords + "-s disk-write-cwd tool", ""},
		{emptyCWD, helperWords + `'' '{"mode":"read-only"}' tool`, helperWords + `. '{"mode":"read-only"}' tool`, ""},
		{emptyCWD, helperWords + `--sandbox-policy-cwd= --sandbox-policy '{"type":"read-only"}' tool`, policyRead + " tool", ""},
		{noPolicyCWD, helperWords + "--no-proc tool", policyRead + " --no-proc tool", ""},
		{noPolicyCWD, helperWords + `--sandbox-policy '{"type":"read-only"}' tool`, policyRead + " tool", ""},
		{noPolicy, helperWords + "--sandbox-policy-cwd . tool", policyRead + " tool", ""},
		{needsMounts, policyRead + " --use-bwrap-sandbox tool", policyRead + " tool", ""},
		{needsMounts, "snib --as " + policyRead + " --use-bwrap-sandbox tool", "snib --unprotected --as " + policyRead + " --use-bwrap-sandbox tool", ""},
		{needsNetworkNamespace, policyRead + " --allow-network-for-proxy tool", policyRead + " tool", ""},
		{needsNetworkNamespace, policyRead + " --proxy-route-spec '{}' tool", policyRead + " tool", ""},
		{needsNetworkNamespace, policyRead + " --apply-seccomp-then-exec tool", policyRead + " tool", ""},

		// The policy's JSON, of which TestPolicyErrors has more.
		badPolicy(wantObject, `["read-only"]`, `{"type":"read-only"}`),
		badPolicy(wantName, `{type:"read-only"}`, `{"type":"read-only"}`),
		badPolicy(wantColon, `{"type","read-only"}`, `{"type":"read-only"}`),
		badPolicy(wantCommaOrBrace, `{"type":"read-only" "a":1}`, `{"type":"read-only", "a":1}`),
		badPolicy(wantCommaOrBracket, `{"type":"read-only","a":[1 2]}`, `{"type":"read-only","a":[1,2]}`),
		badPolicy(wantValue, `{"type":"read-only","a":}`, `{"type":"read-only","a":1}`),
		badPolicy(wantDigit, `{"type":"read-only","a":1.}`, `{"type":"read-only","a":1.5}`),
		badPolicy(wantQuote, `{"type":"read-only`, `{"type":"read-only"}`),
		badPolicy(wantEscape, `{"type":"read-only","a":"\x"}`, `{"type":"read-only","a":"\\x"}`),
		badPolicy(wantEscapedControl, "{\"type\":\"read-only\",\"a\":\"\n\"}", `{"type":"read-only","a":"\n"}`),
		badPolicy(wantHex, `{"type":"read-only","a":"\u12"}`, `{"type":"read-only","a":"\u0012"}`),
		badPolicy(wantSurrogatePair, `{"type":"read-only","a":"\ud83d"}`, `{"type":"read-only","a":"\ud83d\ude00"}`),
		badPolicy(wantUTF8, "{\"type\":\"read-only\",\"a\":\"\xff\"}", `{"type":"read-only","a":"ÿ"}`),
		badPolicy(wantEnd, `{"type":"read-only"}}`, `{"type":"read-only"}`),
		badPolicy(tooDeep, `{"type":"read-only","a":`+strings.Repeat("[", maxDepth)+strings.Repeat("]", maxDepth)+`}`,
			`{"type":"read-only","a":`+strings.Repeat("[", maxDepth-1)+strings.Repeat("]", maxDepth-1)+`}`),
		badPolicy(repeatedMember, `{"type":"read-only","type":"read-only"}`, `{"type":"read-only"}`),
		{noMode, helperWords + `. '{"type":"read-only"}' tool`, helperWords + `. '{"mode":"read-only"}' tool`, ""},
		badPolicy(noType, `{"mode":"read-only"}`, `{"type":"read-only"}`),
		{unknownMode, helperWords + `. '{"mode":"external-sandbox"}' tool`, helperWords + `. '{"mode":"read-only"}' tool`, ""},
		badPolicy(unknownType, `{"type":"readonly"}`, `{"type":"read-only"}`),
		badPolicy(tagNotString, `{"type":["read-only"]}`, `{"type":"read-only"}`),
		badPolicy(wantArray, `{"type":"workspace-write","writable_roots":"/"}`, `{"type":"workspace-write","writable_roots":["/"]}`),
		badPolicy(wantString, `{"type":"workspace-write","writable_roots":[null]}`, `{"type":"workspace-write","writable_roots":[]}`),
		badPolicy(wantBool, `{"type":"workspace-write","network_access":"enabled"}`, `{"type":"workspace-write","network_access":true}`),
		badPolicy(wantAccess, `{"type":"external-sandbox","network_access":true}`, `{"type":"external-sandbox","network_access":"enabled"}`),
		badPolicy(wantFullAccess, `{"type":"read-only","access":{"type":"restricted"}}`, `{"type":"read-only","access":{"type":"full-access"}}`),
		badPolicy(nulInPath, `{"type":"workspace-write","writable_roots":["/a\u0000b"]}`, `{"type":"workspace-write","writable_roots":["/ab"]}`),
		badPolicy(relativeRoot, `{"type":"workspace-write","writable_roots":["a"]}`, `{"type":"workspace-write","writable_roots":["/a"]}`),

		// The newer client's policy, of which TestRewriteGolden has more.
		{noField, profileBefore + `'{"type":"external"}' tool`, profileBefore + `'{"type":"external","network":"enabled"}' tool`, ""},
		{unknownWord, profileOf("root raed", "") + " tool", profileOf("root read", "") + " tool", ""},
		{unknownWord, profileBefore + `'{"type":"off"}' tool`, profileBefore + `'{"type":"disabled"}' tool`, ""},
		{relativePath, profileOf("root read", `"dir" write`) + " tool", profileOf("root read", "project_roots:dir write") + " tool", ""},
		{upwardPath, profileOf("root read", "/dir/.. write") + " tool", profileOf("root read", "/ read") + " tool", ""},
		{noWorkingDirectory, profileOf("root read", "project_roots:dir write") + " tool", "", "getcwd ENOENT"},
		{gitFailed, profileOf("root read", "project_roots:bin write") + " tool", "", "openat EMFILE"},
		{noName, profileOf("root read", "/proc/self/cwd read") + " tool", "", "readlinkat ENOENT"},
		{wantEntries, profileBefore + `'{"type":"managed","network":"enabled","file_system":{"type":"restricted","entries":{}}}' tool`, profileOf("root read", "") + " tool", ""},
		{globEntry, profileOf("root read", "glob:/**/*.env deny") + " tool", profileOf("root read", "/none.env deny") + " tool", ""},
		{narrowerThanRoot, profileOf("root write", "/etc read") + " tool", profileOf("root write", "") + " tool", ""},
		{deniedInside, profileOf("root read", "project_roots:dir write", "project_roots:dir/x deny") + " tool", profileOf("root read", "project_roots:dir write") + " tool", ""},
		{writableInside, profileOf("root read", "project_roots:. write", "project_roots:bin read", "project_roots:bin/plain write") + " tool",
			profileOf("root read", "project_roots:. write") + " tool", ""},
		{linkedInside, profileOf("root read", "project_roots:. write", "project_roots:bin/link read") + " tool", profileOf("root read", "project_roots:. write") + " tool", ""},
		{namespaceFailed, profileOf("root read", "project_roots:. write", "project_roots:dir read") + " tool", "", "unshare EPERM"},
		{mountFailed, profileOf("root read", "project_roots:. write", "project_roots:dir read") + " tool", "", "open_tree EPERM"},
		{protectFailed, "snib --as " + profileOf("root read", "project_roots:. write", "project_roots:dir read") + " tool", "", "openat2 ENOSYS"},

		// The steps of the launch, in their order.
		{closedDescriptor, "snib --keep-fd 77 tool", "snib --keep-fd 3 tool", ""},
		{closedDescriptor, "snib --status-fd=77 tool", "snib --status-fd=3 tool", ""},
		{closedDescriptor, `snib --keep-fd=77 --as codex-linux-sandbox . '{"mode":"danger-full-access"}' tool`,
			`snib --keep-fd=4 --as codex-linux-sandbox . '{"mode":"danger-full-access"}' tool`, ""},
		{statusNotWritable, "snib --status-fd 4 tool", "snib --status-fd 3 tool", ""},
		{closingFailed, "snib tool", "", "close_range ENOSYS"},
		{closingFailed, "snib tool", "", "close_range EPERM"},
		{closingFailed, "snib tool", "", "close_range ENOMEM"},
		{protectFailed, "snib -w . --protect missing tool", "snib -w . tool", ""},
		{pathIsOption, "snib -w . --protect -- tool", "snib -w . -- tool", ""},
		{protectFailed, "snib -w . --protect bin/loop tool", "snib -w . tool", ""},
		{protectFailed, "snib -w . --protect=bin/tool/x tool", "snib -w . tool", ""},
		{protectFailed, "snib -w . --protect dir tool", "", "openat2 EXDEV"},
		{protectFailed, "snib -w . --protect dir tool", "", "openat2 EACCES"},
		{protectFailed, "snib -w . --protect dir tool", "", "openat2 E2BIG"},
		{protectFailed, "snib -w . --protect dir tool", "", "openat2 EMFILE"},
		{protectFailed, "snib -w . --protect dir tool", "", "openat2 ENFILE"},
		{protectFailed, "snib -w . --protect dir tool", "", "openat2 ENOSYS"},
		{protectUnplaced, "snib -w . --protect dir tool", "", "readlinkat ENOENT"},
		{protectUnplaced, "snib -w . --protect dir tool", "", "readlinkat ENAMETOOLONG"},
		{protectUnplaced, "snib -w . --protect dir tool", "", "readlinkat ESTALE"},
		{protectUnplaced, "snib -w . --protect dir tool", "", "readlinkat EACCES"},
		{protectUnwritable, "snib -w dir --protect bin tool", "snib -w dir tool", ""},
		{protectWritable, "snib -w . --protect . tool", "snib -w . tool", ""},
		{protectWritable, "snib -w . -w bin/tool --protect=bin tool", "snib -w . tool", ""},
		{keptInside, "snib -w . --protect bin --keep-fd 4 tool", "snib -w . --keep-fd 4 tool", ""},
		{namespaceFailed, "snib --loopback tool", "", "unshare EPERM"},
		{namespaceFailed, "snib --loopback -w . --protect dir tool", "", "unshare ENOSPC"},
		{namespaceFailed, "snib -w . --protect=dir tool", "", "unshare EUSERS"},
		{namespaceFailed, "snib --loopback tool", "", "unshare EACCES"},
		{namespaceFailed, "snib --loopback tool", "", "unshare EINVAL"},
		{namespaceFailed, "snib --loopback tool", "", "unshare ENOMEM"},
		{mapFailed, "snib --loopback tool", "", "write EACCES"},
		{mapFailed, "snib --loopback tool", "", "write EPERM"},
		{mapFailed, "snib --loopback tool", "", "write ENOENT"},
		{mapFailed, "snib --loopback tool", "", "write ENOMEM"},
		{slaveFailed, "snib -w . --protect dir tool", "", "mount_setattr EINVAL"},
		{slaveFailed, "snib -w . --protect dir tool", "", "mount_setattr ENOSYS"},
		{slaveFailed, "snib -w . --protect dir tool", "", "mount_setattr EPERM"},
		{slaveFailed, "snib -w . --protect dir tool", "", "mount_setattr EACCES"},
		{slaveFailed, "snib -w . --protect dir tool", "", "mount_setattr ENOMEM"},
		{mountFailed, "snib -w . --protect dir tool", "", "open_tree EPERM"},
		{mountFailed, "snib -w . --protect=dir tool", "", "move_mount EACCES"},
		{mountFailed, "snib -w . --protect dir tool", "", "open_tree ENOSPC"},
		{mountFailed, "snib -w . --protect dir tool", "", "open_tree EMFILE"},
		{mountFailed, "snib -w . --protect dir tool", "", "open_tree ESTALE"},
		{mountFailed, "snib -w . --protect dir tool", "", "open_tree ENOMEM"},
		{cwdFailed, "snib -w . --protect dir tool", "", "getcwd ENOENT"},
		{loopbackFailed, "snib --loopback tool", "", "ioctl EPERM"},
		{loopbackFailed, "snib --loopback tool", "", "socket EAFNOSUPPORT"},
		{keptSocket, "snib --network tool", "", "getsockopt EPERM"},
		{noLandlock, "snib tool", "", "landlock_create_ruleset(version) ENOSYS"},
		{noLandlock, "snib tool", "", "landlock_create_ruleset(version) EOPNOTSUPP"},
		{noLandlock, "snib tool", "", "landlock_create_ruleset(version) EPERM"},
		{noLandlock, "snib tool", "", "landlock_create_ruleset(version) ENOMEM"},
		{noPorts, "snib --connect 443 tool", "", "landlock_create_ruleset(version) 3"},
		{noUnixPaths, "snib --unix dir tool", "", "landlock_create_ruleset(version) 8"},
		{notEnforced, "snib --strict tool", "", "landlock_create_ruleset(version) 4"},
		{rulesetFailed, "snib tool", "", "landlock_create_ruleset EMFILE"},
		{rulesetFailed, "snib tool", "", "landlock_create_ruleset ENFILE"},
		{rulesetFailed, "snib tool", "", "landlock_create_ruleset EPERM"},
		{rulesetFailed, "snib tool", "", "landlock_create_ruleset ENOMEM"},
		{openFailed, "snib tool", "", "openat EMFILE"},
		{openFailed, "snib tool", "", "openat ENFILE"},
		{openFailed, "snib tool", "", "openat ENOMEM"},
		{missingPath, "snib -w missing tool", "snib -w dir tool", ""},
		{missingPath, "snib -w bin/tool/x tool", "snib -w bin/tool tool", ""},
		{pathIsOption, "snib -w --network tool", "snib -w . --network tool", ""},
		{pathIsOption, "snib --write -w . tool", "snib --write . tool", ""},
		{pathIsOption, "snib -r --bare tool", "snib -r . --bare tool", ""},
		{pathHasEquals, "snib -w=. tool", "snib --write=. tool", ""},
		{pathHasEquals, "snib -w=. tool", "snib -w. tool", ""},
		{pathHasEquals, "snib -r=. tool", "snib --read=. tool", ""},
		{pathHasTilde, "snib -w '~/x' tool", "snib -w dir tool", ""},
		{pathHasTilde, "snib --write=~ tool", "snib --write=. tool", ""},
		{pathHasTilde, "snib -r. --list '~' tool", "snib -r. --list . tool", ""},
		{pathIsList, "snib -w dir,bin tool", "snib -w dir -w bin tool", ""},
		{pathIsList, "snib --write=dir:bin tool", "snib --write=dir --write=bin tool", ""},
		{pathIsList, "snib -w dir,bin tool", "snib -w there,is tool", ""},
		{pathIsList, "snib -r bin,dir tool", "snib -r bin -r dir tool", ""},
		{pathIsList, "snib --unix dir:bin tool", "snib --unix dir --unix bin tool", ""},
		{pathIsOption, "snib --hide --network tool", "snib --hide missing --network tool", ""},
		{pathHasTilde, "snib --hide=~/x tool", "snib --hide=dir/x tool", ""},
		{pathIsList, "snib --hide dir,bin tool", "snib --hide dir tool", ""},
		{missingPath, "snib -r missing tool", "snib -r bin tool", ""},
		{missingPath, "snib -r. --list missing tool", "snib -r. --list dir tool", ""},
		{missingPath, "snib -w missing -r missing tool", "snib -w dir -r . tool", ""},
		{missingPath, "snib --unix missing tool", "snib --unix dir tool", ""},
		{missingPath, "snib -r bin/tool/x tool", "snib -r bin/tool tool", ""},
		{listNoDirectory, "snib -r. --list bin/tool tool", "snib -r. --list bin tool", ""},
		{ruleFailed, "snib tool", "", "landlock_add_rule ENOMEM"},
		{portFailed, "snib --connect 443 --connect=80 tool", "", "landlock_add_rule(port) ENOMEM"},
		{capabilitiesFailed, "snib tool", "", "capget EPERM"},
		{noNewPrivsFailed, "snib tool", "", "prctl EINVAL"},
		{restrictFailed, "snib tool", "", "landlock_restrict_self E2BIG"},
		{restrictFailed, "snib tool", "", "landlock_restrict_self EPERM"},
		{filterFailed, "snib tool", "", "seccomp ENOSYS"},
		{filterFailed, "snib tool", "", "seccomp EINVAL"},
		{filterFailed, "snib tool", "", "seccomp EPERM"},
		{filterFailed, "snib tool", "", "seccomp ENOMEM"},
		{filterFailed, "snib tool", "", "seccomp EACCES"},
		{statusFailed, "snib --status-fd 3 tool", "", "write ENOSPC"},
		{execFailed, "snib text", "snib tool", ""},
		{execFailed, "snib bin/text", "snib bin/tool", ""},
		{execFailed, "snib tool", "", "execve E2BIG"},
		{execFailed, "snib bin/loop", "snib bin/tool", ""},

		// What main finds: about reports, and what lies behind some of the above.
		{badABI, "snib --explain --abi -1 tool", "snib --explain --abi 1 tool", ""},
		{badABI, "snib --abi=new --bpf - tool", "snib --abi=1 --bpf - tool", ""},
		{badFormat, "snib --explain=xml tool", "snib --explain=json tool", ""},
		{badFormat, "snib --explain= tool", "snib --explain tool", ""},
		{badFormat, "snib --status=yaml", "snib --status=json", ""},
		{badFormat, "snib --status=", "snib --status", ""},
		{secondReport, "snib --explain --status tool", "snib --explain tool", ""},
		{secondReport, "snib --bpf - --explain=json tool", "snib --bpf - tool", ""},
		{secondReport, "snib --bpf - --bpf -", "snib --bpf -", ""},
		{abiWithoutReport, "snib --abi 7 tool", "snib --abi 7 --explain tool", ""},
		{abiWithoutReport, "snib --status --abi 7", "snib --status", ""},
		{reportWithCommand, "snib --status tool", "snib --status", ""},
		{reportWithCommand, "snib --status --network", "snib --status", ""},
		{reportWithCommand, "snib --status-fd=3 --status", "snib --status", ""},
		{reportWithCommand, "snib --status=json -- tool", "snib --status=json", ""},
		{reportUnwritten, "snib --help", "snib --help", stdoutFull},
		{reportUnwritten, "snib --version", "snib --version", stdoutFull},
		{reportUnwritten, "snib --explain --network x", "snib --explain --network x", stdoutFull},
		{reportUnwritten, "snib --explain=json x", "snib --explain=json x", stdoutFull},
		{reportUnwritten, "snib --bpf - x", "snib --bpf - x", stdoutFull},
		{badFormat, "snib --why=xml tool", "snib --why tool", ""},
		{secondReport, "snib --why --explain tool", "snib --why tool", ""},
		{noCommand, "snib --why", "snib --why tool", ""},
		{whyNoProgram, "snib --why tool", "", "tracing ENOENT"},
		{whyUntraceable, "snib --why tool", "", "tracing EPERM"},
		{whyUntraceable, "snib --why tool", "", "tracing ENOSYS"},
		{whyFailed, "snib --why tool", "", "tracing EAGAIN"},
		{developmentBuild, "snib --version", "", builtPlain},
		{developmentBuild, "snib --status", "", builtPlain},
		{unknownNear, "snib --netwrok tool", "snib --network tool", ""},
		{unknownNear, "snib --writ . tool", "snib --write . tool", ""},
		{unknownNear, "snib --writes=. tool", "snib --write=. tool", ""},
		{unknownNear, helperWords + "--sandbox-permision disk-write-cwd tool", helperWords + "--sandbox-permission disk-write-cwd tool", ""},
		{unknownNear, "snib --rw . tool", "snib -w . tool", ""},
		{unknownNear, "snib --bind=. tool", "snib -w . tool", ""},
		{unknownNear, "snib --ro . tool", "snib --read . tool", ""},
		{unknownNear, "snib --allow-read=. tool", "snib tool", ""},
		{unknownNear, "snib --connect-tcp 443 tool", "snib --connect 443 tool", ""},
		{unknownNear, "snib --conect 443 tool", "snib --connect 443 tool", ""},
		{unknownNear, "snib --net tool", "snib --network tool", ""},
		{unknownNear, "snib --net=none tool", "snib tool", ""},
		{unknownNear, "snib --net=host tool", "snib --network tool", ""},
		{unknownNear, "snib --unshare-net tool", "snib tool", ""},
		{unknownNear, "snib --unshare-all tool", "snib tool", ""},
		{unknownNear, "snib --tmpfs /tmp tool", "snib --dev tool", ""},
		{unknownNear, "snib --chdir=dir tool", "snib tool", ""},
		{unknownNear, "snib -C dir tool", "snib tool", ""},
		{unknownNear, "snib --rox . tool", "snib --read . tool", ""},
		{unknownNear, "snib --bind-tcp 80 tool", "snib --network tool", ""},
		{unknownNear, "snib --add-exec tool", "snib tool", ""},
		{unknownNear, "snib --setenv A 1 tool", "snib tool", ""},
		{unknownNear, "snib --new-session tool", "snib tool", ""},
		{unknownNear, "snib --seccomp 9 tool", "snib tool", ""},
		{unknownNear, "snib --remount-ro dir tool", "snib tool", ""},
		{unknownNear, "snib -v", "snib --version", ""},
		{unknownNear, "snib --dry-run tool", "snib --explain tool", ""},
		{unknownNear, "snib --require ioctl_dev tool", "snib --explain --strict tool", ""},
		{unknownNear, "snib --best-effort tool", "snib tool", ""},
		{commandNotFound, "snib missing", "snib tool", ""},
		{commandNotFound, "snib ''", "snib tool", ""},
		{commandNotFound, "snib '\x1b[31m'", "snib tool", ""},
		{commandMissing, "snib ./tool", "snib bin/tool", ""},
		{commandMissing, "snib bin/tool/x", "snib bin/tool", ""},
		{commandIsShell, "snib 'tool x'", "snib tool x", ""},
		{commandIsShell, "snib 'tool;tool'", "snib tool ';' tool", ""},
		{commandIsShell, "snib 'tool|tool'", "snib tool '|' tool", ""},
		{commandIsShell, "snib 'tool>x'", "snib tool '>x'", ""},
		{commandIsShell, "snib 'tool&'", "snib tool '&'", ""},
		{commandIsShell, "snib 'tool\n'", "snib tool", ""},
		{commandIsShell, "snib A=1 tool", "snib tool A=1", ""},
		{commandIsShell, "snib cd", "snib tool cd", ""},
		{commandIsDirectory, "snib ./dir", "snib tool ./dir", ""},
		{commandIsDirectory, "snib -w . -- /", "snib -w . -- tool", ""},
		{commandIsPath, "snib -w . /tmp tool", "snib -w . -w /tmp tool", ""},
		{commandIsPath, "snib --write=. /tmp tool", "snib --write=. --write=/tmp tool", ""},
		{commandIsPath, "snib -w . dir tool", "snib -w . -w dir tool", ""},
		{commandIsPath, "snib -r . dir tool", "snib -r . -r dir tool", ""},
		{commandIsPath, "snib -r. --list=. /tmp tool", "snib -r. --list=. --list=/tmp tool", ""},
		{commandUnread, "snib --bare -r . tool", "", "execve EACCES"},
		{commandNotMarked, "snib plain", "snib tool", ""},
		{commandNotMarked, "snib bin/plain", "snib bin/tool", ""},
		{interpreterMissing, "snib orphan", "snib tool", ""},
		{interpreterMissing, "snib bin/orphan", "snib script", ""},
		{interpreterMissing, "snib through", "snib script", ""},
		{interpreterMissing, "snib bin/through", "snib bin/script", ""},

		// Hiding.
		{emptyPath, "snib --hide= tool", "snib --hide=dir tool", ""},
		{hideFailed, "snib --hide bin/plain/x tool", "snib --hide bin/plain tool", ""},
		{hideFailed, "snib --hide dir tool", "", "statx EMFILE"},
		{hideFailed, "snib --hide dir tool", "", "statx ENFILE"},
		{hideFailed, "snib --hide dir tool", "", "statx E2BIG"},
		{hidesRoot, "snib --hide / tool", "snib --hide dir tool", ""},
		{hidesWritable, "snib -w . --hide dir tool", "snib -w dir --hide there,is tool", ""},
		{hidesByLink, "snib -w bin --hide bin/link tool", "snib -w bin --hide dir tool", ""},
		{hidesWritable, "snib -w dir --hide=dir tool", "snib -w dir --hide=bin/plain tool", ""},
		{readsHidden, "snib -r . --hide dir -r dir tool", "snib -r . --hide dir tool", ""},
		{listingFailed, "snib --hide dir tool", "", "getdents64 EIO"},
		{listingFailed, "snib --hide dir tool", "", "getdents64 EMFILE"},
		{ownWithAs, "snib --hide dir --as codex-linux-sandbox -- tool", "snib --as codex-linux-sandbox -- tool", ""},
		{policyTooLong, profileOf(manyEntries(513)...) + " tool", profileOf("root read", "/e read") + " tool", ""},
	}
}

// shellWords splits a command line that quotes with ' only.
func shellWords(line string) (words []string) {
	quoted, open := false, false
	word := ""
	for i := range len(line) {
		switch c := line[i]; {
		case c == '\'':
			quoted, open = !quoted, true
		case c == ' ' && !quoted:
			if open {
				words = append(words, word)
			}
			word, open = "", false
		default:
			word, open = word+string(line[i:i+1]), true
		}
	}
	if open {
		words = append(words, word)
	}
	return words
}

// messagesDir changes to a directory with what the command lines name, where PATH is "bin". The program tool is bin/tool.
func messagesDir(t *testing.T) {
	t.Helper()
	t.Chdir(scratch(t))
	t.Setenv("PATH", "bin")
	for _, name := range []string{"bin", "dir"} {
		if err := os.Mkdir(name, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	tinyProgram(t, "bin/tool")
	for name, file := range map[string]struct {
		content string
		mode    os.FileMode
	}{
		"bin/plain":    {"", 0o644},
		"bin/text":     {"tool\n", 0o755},
		"bin/orphan":   {"#!/nonexistent/interpreter\n", 0o755},
		"bin/through":  {"#!bin/plain/x\n", 0o755},
		"bin/script":   {"#!bin/tool\n", 0o755},
		"there,is":     {"", 0o644},
		"bin/\x1b[1m'": {"", 0o644},
	} {
		if err := os.WriteFile(name, []byte(file.content), file.mode); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"loop", "link"} {
		if err := os.Symlink(map[string]string{"loop": "loop", "link": "../dir"}[name], "bin/"+name); err != nil {
			t.Fatal(err)
		}
	}
}

// refusing is what refusingKernel answers to which call.
var refusing struct {
	call   string
	answer uintptr
}

// refusingKernel is the rehearsing kernel but for one call, and for the descriptors that a refusal's command line inherits.
func refusingKernel(nr, a1, a2, a3, a4, a5 uintptr) uintptr {
	name := launchCalls[nr]
	if nr == unix.SYS_LANDLOCK_CREATE_RULESET && a1 == 0 {
		name += "(version)"
	}
	if nr == unix.SYS_LANDLOCK_ADD_RULE && a2 == ruleNetPort {
		name += "(port)"
	}
	if name == refusing.call {
		return refusing.answer
	}
	switch {
	case nr == unix.SYS_CAPGET:
		*(*[2]unix.CapUserData)(memory(a2)) = [2]unix.CapUserData{} // the same for every user
		return 0
	case nr == unix.SYS_STATX && a1 == 4:
		*(*unix.Statx_t)(memory(a5)) = unix.Statx_t{Mask: ^uint32(0), Mode: unix.S_IFDIR}
		return 0
	}
	if nr == unix.SYS_FCNTL && a1 > 2 {
		flags, open := map[uintptr]uintptr{3: unix.O_WRONLY, 4: unix.O_RDONLY}[a1]
		switch {
		case !open:
			return failed(unix.EBADF)
		case a2 == unix.F_GETFL:
			return flags
		}
		return 0
	}
	return rehearsed(nr, a1, a2, a3, a4, a5)
}

// message brings the failure about in this process, as answer does, on a kernel of ABI 11 that has the fault.
func (c *refusal) message(t *testing.T) (failure, message) {
	t.Helper()
	switch c.fault {
	case builtPlain:
		f := failure{reason: developmentBuild}
		return f, f.message(shellWords(c.wrong))
	case stdoutFull:
		reportError = `write "/dev/stdout": no space left on device`
		f := failure{reason: reportUnwritten}
		return f, f.message(shellWords(c.wrong))
	}
	refusing.call, refusing.answer = "", 0
	if call, answer, is := strings.Cut(c.fault, " "); is {
		n, err := strconv.Atoi(answer)
		for e := unix.Errno(1); err != nil && e < 200; e++ {
			if unix.ErrnoName(e) == answer || e == unix.EOPNOTSUPP && answer == "EOPNOTSUPP" {
				n, err = -int(e), nil
			}
		}
		if err != nil {
			t.Fatal(err)
		}
		refusing.call, refusing.answer = call, uintptr(n)
		if call == "tracing" {
			// TestWhyUntraceable has it from outside.
			f := failure{reason: c.why, errno: unix.Errno(-n)}
			return f, f.message(shellWords(c.wrong))
		}
	}
	rest, _, f := takeReport(shellWords(c.wrong))
	if f.reason != noReason {
		return f, f.message(shellWords(c.wrong))
	}
	argv, envp := arguments(t, rest...), arguments(t, "PATH=bin")
	var p policy
	if f = p.parse(argv); f.reason == noReason {
		rehearsing = &rehearsal{abi: 11, opened: map[int]int{}, kernel: systemCall}
		withKernel(refusingKernel, func() { f = p.run(argv, envp) })
		statusFD = 0
	}
	return f, f.message(rest)
}

//go:embed testdata/messages.golden
var goldenMessages string

//go:embed failure.go
var failureSource string

//go:embed messages.go
var messagesSource string

// reasonNames are the names of the reasons, by their numbers.
func reasonNames(t *testing.T) (names []string) {
	t.Helper()
	for _, source := range []string{failureSource, messagesSource} {
		block := regexp.MustCompile(`(?s)const \(\n\t\w+ reason = .*?\n\)`).FindString(source)
		for _, m := range regexp.MustCompile(`(?m)^\t(\w+)`).FindAllStringSubmatch(block, -1) {
			names = append(names, m[1])
		}
	}
	if len(names) != int(reasonCount)+1 || names[noReason] != "noReason" || names[reasonCount] != "reasonCount" {
		t.Fatalf("there are %d reasons, and %d were found", reasonCount, len(names)-1)
	}
	return names
}

// printable shows a command line or a message in one line.
func printable(s string) string {
	s = strconv.Quote(s)
	s = strings.NewReplacer(`\\`, `\`, `\"`, `"`).Replace(s[1 : len(s)-1])
	return strings.ReplaceAll(strings.ReplaceAll(s, strings.Repeat("[", maxDepth-1), "[...["), strings.Repeat("]", maxDepth-1), "]...]")
}

// TestMessages: every reason and every row is brought about, and says what testdata/messages.golden has.
func TestMessages(t *testing.T) {
	needOneGuest(t)
	source, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	messagesDir(t)
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	names := reasonNames(t)
	type key struct {
		reason reason
		errno  unix.Errno
	}
	produced := map[key]bool{}
	var golden strings.Builder
	heading := ""
	for _, c := range refusals() {
		_, m := c.message(t)
		if m.row.reason != c.why {
			t.Errorf("%s (%s): %s, want %s", c.wrong, c.fault, names[m.row.reason], names[c.why])
			continue
		}
		if (c.right == "") != (c.fault != "" && c.fault != stdoutFull) {
			t.Errorf("%s: a mistake has its control, and a fault of the kernel none", c.wrong)
		}
		produced[key{m.row.reason, m.row.errno}] = true
		checkMessage(t, m)
		h := fmt.Sprintf("%s, exit %d", names[c.why], m.row.code)
		if m.row.errno != 0 {
			h = fmt.Sprintf("%s %s, exit %d", names[c.why], errnoName(m.row.errno), m.row.code)
		}
		if h != heading {
			fmt.Fprintf(&golden, "\n%s\n", h)
			heading = h
		}
		fmt.Fprintf(&golden, "  $ %s\n", printable(strings.TrimSpace(c.wrong)+map[bool]string{true: "    # " + c.fault}[c.fault != ""]))
		if m.text != "" {
			fmt.Fprintf(&golden, "    error: %s\n", strings.ReplaceAll(m.text, here, "/here"))
		}
		if m.hint != "" {
			fmt.Fprintf(&golden, "    hint: %s\n", m.hint)
		}
	}
	for r := noReason + 1; r < reasonCount; r++ {
		if !slices.ContainsFunc(messages[:], func(m messageRow) bool { return m.reason == r }) {
			t.Errorf("%s has no row", names[r])
		}
	}
	for _, m := range messages {
		if !produced[key{m.reason, m.errno}] {
			t.Errorf("nothing brings the row of %s, %d about", names[m.reason], m.errno)
		}
		if m.code != 125 && m.code != 126 && m.code != 127 && (m.code != 0 || m.text != "") {
			t.Errorf("%s exits with %d", names[m.reason], m.code)
		}
	}
	got := "What each failure says (TestMessages, which writes this file anew with -update): its reason, exit code, a command line, and after\n" +
		"\"#\" what the kernel answers there. \"tool\" is a program, descriptor 3 is open for writing, and 4 is a directory.\n" + golden.String()
	if *update {
		if err := os.WriteFile(source+"/testdata/messages.golden", []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	have, want := strings.Split(got, "\n"), strings.Split(goldenMessages, "\n")
	for i := range max(len(have), len(want)) {
		if i >= len(have) || i >= len(want) || have[i] != want[i] {
			t.Fatalf("differs from testdata/messages.golden from line %d on:\n%s\nwant\n%s", i+1,
				strings.Join(have[min(i, len(have)):min(i+3, len(have))], "\n"), strings.Join(want[min(i, len(want)):min(i+3, len(want))], "\n"))
		}
	}
}

var (
	placeholder  = lazy(`\{[a-z]+\}`)
	quotedString = lazy(`"(\\.|[^"\\])*"`)
)

// kernelNames may begin a message although they are upper-case.
var kernelNames = []string{"Landlock", "NUL"}

// checkMessage checks the form of a message.
func checkMessage(t *testing.T, m message) {
	t.Helper()
	for _, s := range []string{m.text, m.hint} {
		first, _, _ := strings.Cut(s, " ")
		switch {
		case s == "" && (m.text != "" || m.row.code == 0 && m.hint != ""):
		case strings.TrimSpace(s) != s || s == "":
			t.Errorf("%q is empty, or has spaces around it", s)
		case strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }):
			t.Errorf("%q has control characters, or more than one line", s)
		case strings.HasSuffix(s, "."):
			if !strings.HasSuffix(s, "...") {
				t.Errorf("%q ends in a full stop", s)
			}
		case unicode.IsUpper(rune(s[0])) && !slices.Contains(kernelNames, first):
			t.Errorf("%q begins in upper case", s)
		case placeholder().MatchString(quotedString().ReplaceAllString(s, "")):
			t.Errorf("%q is not filled in", s)
		}
	}
}

// TestMessagesQuote: whatever stands where the user's text goes is quoted, in every row.
func TestMessagesQuote(t *testing.T) {
	needOneGuest(t)
	messagesDir(t)
	const evil = "bin/\x1b[1m'" // a file, so that {file} is this too
	copy(shared().path[:], evil+"\x00")
	reportError = quotedError(&os.PathError{Op: "open", Path: evil, Err: unix.ENOENT})
	quotes := 0
	for _, row := range messages {
		for _, args := range [][]string{{evil, evil}, {"snib", evil}, {"codex-linux-sandbox", evil}, {"snib", "--sandbox-policy=\"" + evil}} {
			f := failure{reason: row.reason, errno: row.errno, arg: 1}
			if row.errno == 0 {
				f.errno = unix.EIO
			}
			m := f.message(args)
			checkMessage(t, m)
			for _, s := range []string{m.text, m.hint} {
				bare := quotedString().ReplaceAllString(s, "")
				if strings.Contains(bare, "[1m") {
					t.Errorf("%q is not quoted", s)
				}
				if bare != s && strings.Contains(s, `\x1b`) {
					quotes++
				}
			}
		}
	}
	if quotes < len(messages) {
		t.Errorf("only %d messages held the text", quotes)
	}
}

// TestRefused: each command line of refusals ends from outside as TestMessages has it, and without its mistake it runs.
func TestRefused(t *testing.T) {
	needABI(t, 1)
	needOneGuest(t)
	messagesDir(t)
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { full.Close() })
	reading, err := os.Open("dir")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { reading.Close() })
	writing, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { writing.Close() })
	for _, c := range refusals() {
		if c.right == "" {
			continue
		}
		t.Run(c.wrong, func(t *testing.T) {
			for _, word := range shellWords(c.wrong + " " + c.right) {
				switch {
				case strings.HasPrefix(word, "--connect"):
					needABI(t, firstPorts)
				case word == "--unix":
					needABI(t, confinesUnix)
				}
			}
			_, m := c.message(t)
			t.Parallel()
			eachBuild(t, func(t *testing.T, b *build) {
				launch := func(line string, stdout *os.File) run {
					return start(t, b.path, shellWords(line), func(cmd *exec.Cmd) {
						cmd.Env, cmd.ExtraFiles = []string{"PATH=bin"}, []*os.File{writing, reading}
						if stdout != nil {
							cmd.Stdout = stdout
						}
					})
				}
				name, _, _ := strings.Cut(c.wrong, " ")
				want := run{code: m.row.code, stderr: name + ": error: " + m.text + "\n"}
				if m.hint != "" {
					want.stderr += name + ": hint: " + m.hint + "\n"
				}
				var stdout *os.File
				if c.fault == stdoutFull {
					stdout = full
				}
				if r := launch(c.wrong, stdout); r != want {
					t.Errorf("%+v\nwant %+v", r, want)
				}
				switch r := launch(c.right, nil); {
				case strings.Contains(c.right, "--status") && !strings.Contains(c.right, "--status-fd"):
					if r.code > 1 || r.code < 0 || r.stdout == "" || r.stderr != b.saysItsForm() {
						t.Errorf("control: %s: %+v", c.right, r)
					}
				case strings.Contains(c.right, " --version"):
					if r.code != 0 || r.stdout == "" || r.stderr != b.saysItsForm() {
						t.Errorf("control: %s: %+v", c.right, r)
					}
				case regexp.MustCompile(` (--explain|--bpf|--help|-h)`).MatchString(c.right):
					if r.code != 0 || r.stdout == "" || r.stderr != "" {
						t.Errorf("control: %s: %+v", c.right, r)
					}
				case strings.Contains(c.right, " --why"):
					if want := (run{code: tinyCode, stderr: "snib: note: the sandbox denied nothing\n"}); r != want {
						t.Errorf("control: %s: %+v, want %+v", c.right, r, want)
					}
				case r != (run{code: tinyCode}):
					t.Errorf("control: %s: %+v", c.right, r)
				}
			})
		})
	}
}

// Without inherited descriptors 3 and 4 the builds refuse both: what the Go runtime of the plain one has opened there is not the
// caller's.
func TestRuntimeDescriptors(t *testing.T) {
	t.Parallel()
	needOneGuest(t)
	needABI(t, 1)
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	tiny := tinyProgram(t, scratch(t)+"/tiny")
	eachBuild(t, func(t *testing.T, b *build) {
		for _, option := range []string{"--keep-fd", "--status-fd"} {
			for fd := 3; fd <= 8; fd++ {
				argv := []string{"snib", option, fmt.Sprint(fd), tiny}
				want := run{code: 125, stderr: fmt.Sprintf("snib: error: \"%d\" names a descriptor that is not open\nsnib: hint: open it where snib is started, or leave the option out\n", fd)}
				if r := start(t, b.path, argv, nil); r != want {
					t.Errorf("%q: %+v", argv, r)
				}
				inherit := func(cmd *exec.Cmd) { cmd.ExtraFiles = []*os.File{null, null, null, null, null, null} }
				if r := start(t, b.path, argv, inherit); r != (run{code: tinyCode}) {
					t.Errorf("control: %q: %+v", argv, r)
				}
			}
		}
	})
}

// A report without a stdout is a failure, as the release build sees it: the Go runtime of the plain one has opened /dev/null there.
func TestReportClosed(t *testing.T) {
	t.Parallel()
	needOneGuest(t)
	needABI(t, 1)
	for _, args := range [][]string{{"--help"}, {"--version"}, {"--status"}, {"--explain", "x"}, {"--explain=json", "x"}, {"--bpf", "-"}} {
		p := preparation{Path: release.path, Argv: append([]string{"snib"}, args...), Close: []int{1}}
		if r := p.start(t, nil); r != (run{code: 125, stderr: "snib: error: write \"/dev/stdout\": bad file descriptor\n"}) {
			t.Errorf("%q: %+v", args, r)
		}
		p.Close = nil
		want := 0
		if args[0] == "--status" {
			want = max(0, start(t, release.path, []string{"snib", "--status"}, nil).code)
		}
		if r := p.start(t, nil); r.code != want || r.stdout == "" || r.stderr != "" {
			t.Errorf("control: %q: %+v", args, r)
		}
	}
}
