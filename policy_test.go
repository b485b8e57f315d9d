package main

// The decisions before anything is done: command line and JSON against naive readers, and rights by ABI against the
// kernel's table.

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"syscall"
	"testing"
	"unicode/utf8"

	"golang.org/x/sys/unix"
)

// arguments makes an argv as launch has it. Words with a NUL cannot be arguments.
func arguments(t testing.TB, words ...string) []*byte {
	t.Helper()
	argv, err := syscall.SlicePtrFromStrings(words)
	if err != nil {
		t.Skip(err)
	}
	return argv
}

// decision is what a policy means, in a form that does not depend on how it was read.
type decision struct {
	Restrict, Tmp, Tmpdir bool
	Dev, Signals, Unix    bool // Unix: --unix /
	Reads, Bare           bool // Reads: only what is named
	Network               network
	CWD                   string
	Roots                 []string
	Ports, Sockets        []string // the values of --connect and --unix
	Read, List, Hidden    []string
	Protected             []string
}

func decided(p *policy, argv []*byte) decision {
	d := decision{Reads: p.restrictReads, Bare: p.bare, Dev: p.dev, Signals: p.signals, Unix: p.unixAll, Restrict: p.restrictWrites, Tmp: p.slashTmp, Tmpdir: p.tmpdir, Network: p.network, CWD: p.cwd.text(argv)}
	var buf [unix.PathMax]byte
	for root, at := p.nextRoot(argv, buf[:], 0); root != nil; root, at = p.nextRoot(argv, buf[:], at) {
		d.Roots = append(d.Roots, strings.Clone(text(root)))
	}
	for id, values := range map[optionID]*[]string{optConnect: &d.Ports, optUnix: &d.Sockets, optRead: &d.Read, optList: &d.List, optHide: &d.Hidden, optProtect: &d.Protected} {
		for value, at := p.nextOwn(argv, id, 0); at != 0; value, at = p.nextOwn(argv, id, at) {
			*values = append(*values, strings.Clone(value))
		}
	}
	if p.list != (d.List != nil) || p.hides != (d.Hidden != nil) || p.protects != (d.Protected != nil) || (p.namespaceAt != 0) != (p.protects || p.network == networkLoopback) || p.restrictReads != (d.Read != nil) {
		panic(fmt.Sprintf("%+v", p))
	}
	return d
}

// members of a JSON object, in order, by encoding/json.
func objectMembers(s string) (names []string, values []json.RawMessage, valid bool) {
	d := json.NewDecoder(strings.NewReader(s))
	if token, err := d.Token(); err != nil || token != json.Delim('{') {
		return nil, nil, false
	}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return nil, nil, false
		}
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			return nil, nil, false
		}
		names, values = append(names, name.(string)), append(values, value)
	}
	return names, values, true
}

// readNaively is the contract of a policy, read with encoding/json.
func readNaively(s, cwd string, positional bool) (d decision, valid bool) {
	if !utf8.ValidString(s) || !json.Valid([]byte(s)) {
		return d, false
	}
	names, values, valid := objectMembers(s)
	if !valid {
		return d, false
	}
	// get finds a member into v; it is wrong if it stands twice or is of another type. null is a type of its own.
	get := func(name string, v any) (found, right bool) {
		right = true
		for i := range names {
			if names[i] == name {
				right = right && !found && !bytes.Equal(values[i], []byte("null")) && json.Unmarshal(values[i], v) == nil
				found = true
			}
		}
		return found, right
	}
	tag, offline := "type", networkLocal
	if positional {
		tag, offline = "mode", networkStrict
	}
	// What may be read is everything, said in so many words or not at all.
	readsAll := func(name string) bool {
		var access json.RawMessage
		found, right := get(name, &access)
		if !found || !right {
			return right
		}
		names, values, isObject := objectMembers(string(access))
		tags, full := 0, false
		for i := range names {
			if names[i] == "type" {
				var value string
				tags++
				full = json.Unmarshal(values[i], &value) == nil && value == "full-access"
			}
		}
		return isObject && tags == 1 && full
	}
	var variant string
	if found, right := get(tag, &variant); !found || !right {
		return d, false
	}
	switch {
	case variant == "danger-full-access":
		return decision{CWD: cwd}, true
	case variant == "read-only":
		return decision{Restrict: true, Network: offline}, readsAll("access")
	case variant == "external-sandbox" && !positional:
		access := "restricted"
		_, right := get("network_access", &access)
		if !right || access != "restricted" && access != "enabled" {
			return d, false
		}
		if access == "enabled" {
			return decision{}, true
		}
		return decision{Network: offline}, true
	case variant == "workspace-write":
		var networkAccess, noTmpdir, noTmp bool
		var roots []*string
		for name, v := range map[string]any{
			"network_access": &networkAccess, "exclude_tmpdir_env_var": &noTmpdir, "exclude_slash_tmp": &noTmp, "writable_roots": &roots,
		} {
			if _, right := get(name, v); !right {
				return d, false
			}
		}
		if !readsAll("read_only_access") {
			return d, false
		}
		d = decision{Restrict: true, Tmp: !noTmp, Tmpdir: !noTmpdir, Network: offline, CWD: cwd}
		if networkAccess {
			d.Network = networkOn
		}
		for _, root := range roots {
			if root == nil || strings.Contains(*root, "\x00") || !positional && !strings.HasPrefix(*root, "/") {
				return d, false
			}
			if len(*root) >= unix.PathMax {
				*root = ""
			}
			d.Roots = append(d.Roots, *root)
		}
		return d, true
	}
	return d, false
}

// stricter are the ways in which a policy is refused that encoding/json would read: it replaces half a surrogate pair,
// and nests deeper. NUL in a path is in the contract, and so in readNaively.
var stricter = []reason{wantSurrogatePair, tooDeep}

func FuzzPolicy(f *testing.F) {
	for _, i := range readInvocations(f) {
		for _, word := range i.Argv {
			if strings.HasPrefix(word, "{") {
				f.Add(word)
			}
		}
	}
	for _, s := range []string{
		`{"type":"external-sandbox","network_access":"enabled"}`, `{"mode":"workspace-write","writable_roots":["a","\ud83d\ude00\u0041\n/"]}`,
		`{"type":"workspace-write","writable_roots":["/a\u0000"]}`, `{"type":"read-only","x":[{"y":[1.5e-7,true,null,"\ud800"]}]}`,
		` { "type" : "read-only" } `, `{"type":"workspace-write","network_access":null}`, `{"type":"read-only","x":` + strings.Repeat("[", 200),
		`{"type":"read-only","type":"read-only"}`, `{"typ\u0065":"danger-full-access"}`, `[]`, `{"":0}`, `{"type":"read-only"}x`,
		`{"type":"read-only","access":{"type":"full-access"}}`, `{"type":"workspace-write","read_only_access":{"type":"restricted","readable_roots":["/"]}}`,
		`{"type":"read-only","access":[{"type":"full-access"}],"read_only_access":null}`, `{"type":"read-only","access":{"type":"full-access","type":1}}`,
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		for _, positional := range []bool{false, true} {
			argv := arguments(t, "codex-linux-sandbox", "--sandbox-policy-cwd", "/w", "--sandbox-policy", s, "true")
			p := policy{grammar: codexFlags, restrictWrites: true, cwd: newPart(argv, 2, "/w"), json: newPart(argv, 4, word(argv, 4))}
			if positional {
				p.grammar = codexPositional
			}
			why, at := p.readPolicy(word(argv, 4))
			want, valid := readNaively(s, "/w", positional)
			switch {
			case why != noReason && valid:
				if !slices.Contains(stricter, why) {
					t.Errorf("%q: refused (%d at %d), and valid", s, why, at)
				}
			case why == noReason && !valid:
				t.Errorf("%q: taken, and not valid", s)
			case why == noReason:
				if got := decided(&p, argv); !reflect.DeepEqual(got, want) {
					t.Errorf("%q:\n got %+v\nwant %+v", s, got, want)
				}
			case at < 0 || at > len(s):
				t.Errorf("%q: at byte %d", s, at)
			}
		}
	})
}

// helperNames are those under which the helper is called.
var helperNames = []string{"codex-linux-sandbox", "codex-linux-sandbox-x64", "codex-linux-sandbox-arm64"}

// commandNaively is the contract of the command line: it returns the words of the command, or none if it is refused or
// asks for help.
func commandNaively(words []string, unprotected ...bool) []string {
	own := len(words) == 0
	if !own {
		name := words[0][strings.LastIndex(words[0], "/")+1:]
		own = !slices.Contains(helperNames, name)
		words = words[1:]
	}
	takes := map[string]bool{"-s": true, "--sandbox-permission": true, "--sandbox-policy-cwd": true, "--sandbox-policy": true, "--no-proc": false,
		"--permission-profile": true, "--file-system-sandbox-policy": true, "--network-sandbox-policy": true, "--command-cwd": true, "--use-legacy-landlock": false,
		"--inherit-pid-namespace": false}
	if len(unprotected) > 0 && unprotected[0] {
		takes["--use-bwrap-sandbox"] = false
	}
	if own {
		takes = map[string]bool{"-w": true, "--write": true, "--dev": false, "--signals": false, "--keep-fd": true, "--network": false, "--connect": true, "--unix": true, "--strict": false,
			"-r": true, "--read": true, "--list": true, "--bare": false, "--hide": true, "--protect": true, "--loopback": false,
			"--status-fd": true, "--log": false, "--unprotected": false, "--as": true}
	}
	options := map[string][]string{}
	first, isOption := 0, func(s string) bool { return len(s) > 1 && s[0] == '-' && s != "--" }
	for first < len(words) && isOption(words[first]) {
		option := words[first]
		name, value, attached := strings.Cut(option, "=")
		if !strings.HasPrefix(option, "--") {
			name, value, attached = option[:2], option[2:], len(option) > 2
		}
		takesValue, known := takes[name]
		switch {
		case !known, attached && !takesValue:
			return nil
		case takesValue && !attached:
			if first++; first == len(words) {
				return nil
			}
			value = words[first]
		}
		first++
		options[name] = append(options[name], value)
		if name == "--as" {
			break
		}
	}
	newer := []string{"--no-proc", "--permission-profile", "--file-system-sandbox-policy", "--network-sandbox-policy", "--command-cwd", "--use-legacy-landlock", "--inherit-pid-namespace", "--use-bwrap-sandbox"}
	bare := first == 0
	afterOptions := first
	ended := first < len(words) && words[first] == "--"
	if ended {
		first++
	}
	rest := words[first:]
	permissions := append(options["-s"], options["--sandbox-permission"]...)
	cwd, json := options["--sandbox-policy-cwd"], options["--sandbox-policy"]
	switch {
	case own:
		reads := slices.Concat(options["-r"], options["--read"])
		for _, path := range slices.Concat(options["-w"], options["--write"], options["--unix"], options["--list"], options["--hide"], options["--protect"], reads) {
			if path == "" {
				return nil
			}
		}
		if reads == nil && (options["--list"] != nil || options["--bare"] != nil) {
			return nil
		}
		networks := 0
		for _, name := range []string{"--network", "--loopback", "--connect"} {
			if options[name] != nil {
				networks++
			}
		}
		if networks > 1 {
			return nil
		}
		for _, port := range options["--connect"] {
			digits := strings.TrimLeft(port, "0")
			if digits == "" || strings.Trim(digits, "0123456789") != "" || len(digits) > 5 || fmt.Sprintf("%05s", digits) > "65535" {
				return nil
			}
		}
		status := options["--status-fd"]
		for _, fd := range append(options["--keep-fd"], status...) {
			if fd == "" || strings.Trim(fd, "0123456789") != "" || len(strings.TrimLeft(fd, "0")) > 10 || fmt.Sprintf("%010s", strings.TrimLeft(fd, "0")) > "2147483647" {
				return nil
			}
		}
		for _, fd := range options["--keep-fd"] {
			if len(status) == 1 && strings.TrimLeft(fd, "0") == strings.TrimLeft(status[0], "0") {
				return nil
			}
		}
		if len(status) > 1 || len(status) == 1 && len(strings.TrimLeft(status[0], "0")) < 2 && strings.TrimLeft(status[0], "0") <= "2" {
			return nil
		}
		if as := options["--as"]; as != nil {
			if !slices.Contains(helperNames, as[0]) {
				return nil
			}
			for _, name := range []string{"-w", "--write", "-r", "--read", "--list", "--bare", "--hide", "--protect", "--dev", "--network", "--loopback", "--connect", "--unix", "--signals"} {
				if options[name] != nil {
					return nil
				}
			}
			return commandNaively(append(as, words[afterOptions:]...), options["--unprotected"] != nil)
		}
		if options["--unprotected"] != nil {
			return nil
		}
	case len(cwd) > 0 || len(json) > 0 || slices.ContainsFunc(newer, func(name string) bool { return options[name] != nil }):
		profile, files, network := options["--permission-profile"], options["--file-system-sandbox-policy"], options["--network-sandbox-policy"]
		if len(cwd) != 1 || len(json)+len(profile) != 1 || len(files) > 1 || len(files) != len(network) || len(profile)*len(files) != 0 || cwd[0] == "" || len(permissions) > 0 {
			return nil
		}
		if len(profile) > 0 {
			break // what it says is TestRewriteGolden's
		}
		if _, valid := readNaively(json[0], cwd[0], false); !valid {
			return nil
		}
	case bare && !ended && len(rest) > 1 && strings.Trim(rest[1], " \t\r\n") != "" && strings.Contains("{[", strings.TrimLeft(rest[1], " \t\r\n")[:1]):
		if _, valid := readNaively(rest[1], rest[0], true); !valid || rest[0] == "" {
			return nil
		}
		rest = rest[2:]
		if len(rest) > 0 && isOption(rest[0]) {
			return nil
		}
		if len(rest) > 0 && rest[0] == "--" {
			rest = rest[1:]
		}
	case bare && !ended:
		return nil
	default:
		for _, p := range permissions {
			path, folder := strings.CutPrefix(p, "disk-write-folder=")
			if folder && path != "" {
				continue
			}
			if !slices.Contains(strings.Fields("disk-full-read-access disk-write-cwd disk-write-platform-user-temp-folder "+
				"disk-write-platform-global-temp-folder disk-full-write-access network-full-access"), p) {
				return nil
			}
		}
	}
	return rest
}

func FuzzCommandLine(f *testing.F) {
	shapes := map[string]bool{}
	for _, i := range readInvocations(f) {
		shape := strings.Join(i.Argv[:slices.Index(i.Argv, "--")], "\x00")
		if shapes[shape] {
			continue
		}
		shapes[shape] = true
		f.Add(strings.Join(i.Argv, "\x00"))
		// Split and joined where a careless reader would go wrong.
		for n := 1; n < len(i.Argv); n++ {
			f.Add(strings.Join(slices.Delete(slices.Clone(i.Argv), n, n+1), "\x00"))
			f.Add(strings.Join(slices.Insert(slices.Clone(i.Argv), n, "--"), "\x00"))
		}
	}
	for _, words := range [][]string{
		{"snib", "-w", "/", "--network", "--keep-fd", "3", "--", "x"}, {"snib", "-w/", "--write=/a", "x", "-w"}, {"snib", "--dev", "--signals", "x"}, {"snib", "--signals", "--as", "codex-linux-sandbox", "--", "x"}, {"snib", "--keep-fd=00000000000003", "x"},
		{"snib", "--as", "codex-linux-sandbox", "-s", "disk-write-cwd", "x"}, {"snib", "--log", "--as=codex-linux-sandbox", "/", "{}", "x"},
		{"snib", "--network", "--unix", "/", "--unix=/a", "x"}, {"snib", "--connect", "80", "--connect=00443", "--unix", "a", "x"}, {"snib", "--connect=80", "--network", "x"},
		{"snib", "--connect=65535", "--connect", "65536", "x"}, {"snib", "--connect", "0", "x"}, {"snib", "--connect", "+1", "x"}, {"snib", "--unix=", "x"}, {"snib", "--unix", "/", "--as", "codex-linux-sandbox", "--", "x"},
		{"snib", "-r/", "--read=/a", "--list", "/b", "--bare", "--hide", "/c", "x"}, {"snib", "--bare", "x"}, {"snib", "--list=/", "x"}, {"snib", "--hide=", "x"}, {"snib", "--protect=/a", "--loopback", "--protect", "/b", "x"}, {"snib", "--loopback", "--connect", "1", "x"},
		{"snib", "--unprotected", "--as", "codex-linux-sandbox", "--", "x"}, {"snib", "--unprotected", "x"},
		{"snib", "--unprotected", "--as", "codex-linux-sandbox", "--use-bwrap-sandbox", "--sandbox-policy-cwd", "/", "--sandbox-policy", `{"type":"read-only"}`, "x"},
		{"snib", "--unprotected", "--as", "codex-linux-sandbox", "--use-bwrap-sandbox", "x"},
		{"codex-linux-sandbox", "--sandbox-policy-cwd", "/", "--permission-profile", "{}", "--command-cwd=/", "--use-legacy-landlock", "--inherit-pid-namespace", "x"},
		{"codex-linux-sandbox", "--sandbox-policy-cwd", "/", "--sandbox-policy", `{"type":"read-only"}`, "--file-system-sandbox-policy", "{}", "--network-sandbox-policy=1", "x"},
		{"snib", "--hide", "/", "--as", "codex-linux-sandbox", "--", "x"}, {"snib", "-r", "/", "--as", "codex-linux-sandbox", "--", "x"},
		{"snib", "--strict", "--status-fd", "7", "x"}, {"snib", "--status-fd=2", "x"},
		{"snib", "-"}, {"", ""}, {"codex-linux-sandbox", "", " {}", "x"}, {"codex-linux-sandbox", "--", "/", "[]", "x"}, {"codex-linux-sandbox", "--", "x", `{"mode":"danger-full-access"}`, "x"},
		{"codex-linux-sandbox", "-sdisk-write-cwd", "x"},
		{"codex-linux-sandbox", "--sandbox-policy-cwd", "/", "--sandbox-policy", `--sandbox-policy={"type":"read-only"}`, "x"},
		{"codex-linux-sandbox", "--sandbox-policy=" + `{"type":"read-only"}`, "--sandbox-policy-cwd=/", "--no-proc", "x"},
	} {
		f.Add(strings.Join(words, "\x00"))
	}
	f.Fuzz(func(t *testing.T, joined string) {
		words := strings.Split(joined, "\x00")
		argv := arguments(t, words...)
		var p policy
		failed := p.parse(argv)
		want := commandNaively(words)
		switch {
		case failed.reason == noReason:
			if got := words[p.commandAt:]; len(want) == 0 || !slices.Equal(got, want) {
				t.Errorf("%q: takes the command %q, want %q", words, got, want)
			}
			decided(&p, argv)
			for fd, _ := p.nextKept(argv, 0); fd >= 0; fd, _ = p.nextKept(argv, fd+1) {
			}
			if p.grammar == codexProfile {
				// Whatever it says, it is refused or becomes a command line.
				viewed.files, viewed.opened, viewed.calls = map[string]string{"/": "/", "/ws": "/"}, map[uintptr]string{}, nil
				var f failure
				withKernel(viewedKernel, func() { f = p.rewrite(argv, arguments(t)) })
				var q policy
				if f.reason == noReason {
					if f = q.parse(rewritten()); f.reason != noReason {
						t.Errorf("%q becomes %q: %+v", words, rewrittenWords(), f)
					}
				}
				return
			}
			sameForOthers(t, words, p.commandAt, decided(&p, argv))
		case len(want) > 0 && !slices.Contains(stricter, failed.reason):
			t.Errorf("%q: refused (%+v), want the command %q", words, failed, want)
		case failed.arg < 0 || failed.arg > len(words) || failed.offset < 0:
			t.Errorf("%q: %+v", words, failed)
		default:
			if strings.ContainsFunc(failed.message(words).text, func(r rune) bool { return r < ' ' || r == 0x7f }) {
				t.Errorf("%q: message %q", words, failed.message(words).text)
			}
		}
	})
}

// sameForOthers shows that no word at or after the command's place has a say in the policy: with other words there, also such
// as mean something elsewhere, it is the same.
func sameForOthers(t *testing.T, words []string, command int, want decision) {
	t.Helper()
	for _, others := range [][]string{
		{"x"}, {"x", `{"mode":"danger-full-access"}`, "x"}, {"x", "--", "x"}, {"x", "--network", "-w", "/", "--dev", "--signals"}, {"x", "--connect", "80", "--unix", "/"}, {"x", "-r", "/", "--list", "/", "--bare", "--hide", "/"},
		{"x", "-s", "disk-full-write-access"}, {"x", "--sandbox-policy", `{"type":"danger-full-access"}`}, {"x", "-h"},
	} {
		changed := slices.Concat(words[:command], others)
		argv := arguments(t, changed...)
		var p policy
		if f := p.parse(argv); f.reason != noReason || p.commandAt != command || !reflect.DeepEqual(decided(&p, argv), want) {
			t.Errorf("%q: %+v, command at %d, policy %+v; with %q in its place at %d: %+v", changed, f, p.commandAt, decided(&p, argv), words[command:], command, want)
		}
	}
}

// landlockMasks are those of each ABI in the kernel: LANDLOCK_MASK_ACCESS_FS, LANDLOCK_MASK_ACCESS_NET and LANDLOCK_MASK_SCOPE in
// its security/landlock/limits.h at that version.
var landlockMasks = [...]struct{ fs, net, scope uint64 }{
	{}, {0x1fff, 0, 0}, {0x3fff, 0, 0}, {0x7fff, 0, 0}, {0x7fff, 3, 0}, {0xffff, 3, 0}, {0xffff, 3, 3}, {0xffff, 3, 3}, {0xffff, 3, 3},
	{0x1ffff, 3, 3}, {0x1ffff, 15, 3}, {0x1ffff, 15, 3}, {0x1ffff, 15, 3},
}

// The ruleset for each ABI handles what the kernel knows there.
func TestRulesetByABI(t *testing.T) {
	const (
		readRights = unix.LANDLOCK_ACCESS_FS_EXECUTE | unix.LANDLOCK_ACCESS_FS_READ_FILE | unix.LANDLOCK_ACCESS_FS_READ_DIR
		devices    = unix.LANDLOCK_ACCESS_FS_MAKE_CHAR | unix.LANDLOCK_ACCESS_FS_MAKE_BLOCK
		forFiles   = unix.LANDLOCK_ACCESS_FS_EXECUTE | unix.LANDLOCK_ACCESS_FS_WRITE_FILE | unix.LANDLOCK_ACCESS_FS_READ_FILE |
			unix.LANDLOCK_ACCESS_FS_TRUNCATE | unix.LANDLOCK_ACCESS_FS_IOCTL_DEV
		resolveUnix = 1 << 16
	)
	for abi, mask := range landlockMasks {
		for _, restrict := range []bool{true, false} {
			for _, n := range []network{networkOn, networkStrict, networkLocal, networkPorts} {
				for _, p := range []policy{
					{grammar: codexFlags},
					{grammar: snibOptions}, {grammar: snibOptions, signals: true},
					{grammar: snibOptions, unix: true}, {grammar: snibOptions, unix: true, unixAll: true}, {grammar: snibOptions, unixAll: true, signals: true},
				} {
					p.restrictWrites, p.network = restrict, n
					// With the network on, the helper's grammars leave AF_UNIX alone; snib's own options do so with --unix / only.
					closed := !p.unixAll && (p.grammar == snibOptions || n != networkOn)
					var want ruleset
					if restrict {
						want.handled.Handled_access_fs = mask.fs
						if !closed {
							want.handled.Handled_access_fs &^= resolveUnix
						}
					}
					if n != networkOn {
						want.handled.Handled_access_net = mask.net
					}
					if closed {
						want.handled.Scoped = mask.scope & 1
					}
					if p.grammar == snibOptions && !p.signals {
						want.handled.Scoped |= mask.scope & 2
					}
					granted := want.handled.Handled_access_fs &^ (devices | resolveUnix)
					want.read, want.write, want.writeFile = granted&readRights, granted, granted&forFiles
					want.unix = want.handled.Handled_access_fs & resolveUnix
					want.list = want.handled.Handled_access_fs & unix.LANDLOCK_ACCESS_FS_READ_DIR
					if got := newRuleset(&p, abi); got != want {
						t.Errorf("ABI %d, %+v:\n got %+x\nwant %+x", abi, p, got, want)
					}
				}
			}
		}
	}
}
