package main

// The contract of codex-linux-sandbox: real invocations, its grammars, and its errors.

import (
	"bufio"
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// invocations are command lines of released clients, one JSON object a line. "@" stands for a scratch directory with
// ws/, ws/sub/, extra/, extra2/, outside/, home/ and tmp/, which is $TMPDIR.
//
//go:embed testdata/argv.jsonl
var invocations []byte

type invocation struct {
	Client, Case, CWD string
	Argv              []string
}

func readInvocations(t testing.TB) (all []invocation) {
	t.Helper()
	lines := bufio.NewScanner(bytes.NewReader(invocations))
	for lines.Scan() {
		var i invocation
		if err := json.Unmarshal(lines.Bytes(), &i); err != nil {
			t.Fatal(err)
		}
		all = append(all, i)
	}
	return all
}

// implied works out, naively, what an invocation must allow: the places that it may write to, and the network.
func implied(t testing.TB, i invocation) (places []string, network bool) {
	t.Helper()
	options := i.Argv[1:slices.Index(i.Argv, "--")]
	everywhere := []string{"ws", "sub", "extra", "extra2", "outside", "home", "tmp", "/tmp"}
	policy, cwd := "", ""
	for n, word := range options {
		switch {
		case strings.HasPrefix(word, "{"):
			policy = word
		case n == 0 && word[0] == '@', n > 0 && options[n-1] == "--sandbox-policy-cwd":
			cwd = word
		}
	}
	add := func(path string) {
		switch name := strings.TrimPrefix(path, "@/"); name {
		case "ws":
			places = append(places, "ws", "sub")
		case "ws/sub":
			places = append(places, "sub")
		default:
			places = append(places, name)
		}
	}
	if policy == "" {
		for _, word := range options {
			switch word {
			case "disk-full-write-access":
				return everywhere, slices.Contains(options, "network-full-access")
			case "disk-write-cwd":
				add(i.CWD)
			case "network-full-access":
				network = true
			}
			if path, is := strings.CutPrefix(word, "disk-write-folder="); is {
				add(path)
			}
		}
		return places, network
	}
	var p struct {
		Type, Mode string
		Roots      []string `json:"writable_roots"`
		Network    bool     `json:"network_access"`
		NoTmpdir   bool     `json:"exclude_tmpdir_env_var"`
		NoTmp      bool     `json:"exclude_slash_tmp"`
	}
	if err := json.Unmarshal([]byte(policy), &p); err != nil {
		t.Fatal(err)
	}
	switch p.Type + p.Mode {
	case "read-only":
		return nil, false
	case "danger-full-access":
		return everywhere, true
	case "workspace-write":
		for _, root := range append(p.Roots, cwd) {
			add(root)
		}
		if !p.NoTmpdir {
			add("@/tmp")
		}
		if !p.NoTmp {
			add("/tmp")
		}
		return places, p.Network
	}
	t.Fatalf("unknown policy %s", policy)
	return nil, false
}

func TestInvocations(t *testing.T) {
	t.Parallel()
	needUserInGuests(t)
	needABI(t, 1)
	all := readInvocations(t)
	if len(all) != 108 {
		t.Fatalf("%d invocations", len(all))
	}
	eachBuild(t, func(t *testing.T, b *build) {
		for n, i := range all {
			if testing.Short() && n%4 != 0 || emulated() && n%2 != 0 {
				continue
			}
			t.Run(fmt.Sprintf("%d %s %s", n, i.Client, i.Case), func(t *testing.T) { replayInvocation(t, b, i) })
		}
	})
}

func replayInvocation(t *testing.T, b *build, i invocation) {
	dir := scratch(t)
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	places := map[string]string{"/tmp": "/tmp/" + filepath.Base(dir)}
	t.Cleanup(func() { os.Remove(places["/tmp"]) })
	for _, name := range []string{"ws", "sub", "extra", "extra2", "outside", "home", "tmp"} {
		at := filepath.Join(dir, strings.Replace(name, "sub", "ws/sub", 1))
		if err := os.MkdirAll(at, 0o755); err != nil {
			t.Fatal(err)
		}
		places[name] = at + "/new"
	}
	var argv []string
	for _, word := range i.Argv {
		argv = append(argv, strings.ReplaceAll(word, "@", dir))
	}
	command := slices.Index(argv, "--") + 1
	want := replay{Args: argv[command+1:], CWD: strings.ReplaceAll(i.CWD, "@", dir), Wrote: map[string]string{}, Inet: "EPERM"}
	allowed, network := implied(t, i)
	for name := range places {
		want.Wrote[name] = "EACCES"
		if slices.Contains(allowed, name) {
			want.Wrote[name] = "ok"
		}
	}
	if network {
		want.Inet = "ok"
	}
	list, err := json.Marshal(places)
	if err != nil {
		t.Fatal(err)
	}
	argv[command] = rolePath("replayed")
	r := start(t, b.path, argv, func(cmd *exec.Cmd) {
		cmd.Dir = want.CWD
		cmd.Env = append(os.Environ(), "TMPDIR="+dir+"/tmp", "REPLAY="+string(list))
	})
	if strings.HasSuffix(i.Case, "-bwrap") {
		want := `codex-linux-sandbox: error: option "--use-bwrap-sandbox" asks for read-only paths inside a writable one, ` +
			"which this launcher cannot give: Landlock cannot take back what it grants on a directory\n" +
			"codex-linux-sandbox: hint: leave the option out, or point the client to a script that gives these paths up: exec snib --unprotected --as codex-linux-sandbox \"$@\"\n"
		if r.code != 125 || r.stderr != want || r.stdout != "" {
			t.Errorf("exit %d, stdout %q, stderr %q", r.code, r.stdout, r.stderr)
		}
		for name, path := range places {
			if _, err := os.Lstat(path); err == nil {
				t.Errorf("%s was written", name)
			}
		}
		return
	}
	var got replay
	if err := json.Unmarshal([]byte(r.stdout), &got); err != nil || r.code != 0 || r.stderr != "" {
		t.Fatalf("%q: exit %d, stdout %q, stderr %q", argv, r.code, r.stdout, r.stderr)
	}
	if !slices.Equal(got.Args, want.Args) || got.CWD != want.CWD || !maps.Equal(got.Wrote, want.Wrote) || got.Inet != want.Inet {
		t.Errorf("%q\n got %+v\nwant %+v", argv, got, want)
	}
	for name, path := range places {
		_, err := os.Lstat(path)
		if wrote := err == nil; wrote != (want.Wrote[name] == "ok") {
			t.Errorf("%s: written: %v", name, wrote)
		}
	}
}

// What each spelling of the grammars asks for, by what the command may then do: write to "cwd", "dir" and /tmp ("tmp"),
// and make an internet socket ("net"). @ stands for the scratch directory, whose subdirectory cwd is the current one.
func TestGrammars(t *testing.T) {
	t.Parallel()
	needABI(t, 1)
	needOneGuest(t)
	const (
		workspaceWrite = `{"type":"workspace-write","exclude_tmpdir_env_var":true,"exclude_slash_tmp":true`
		readOnly       = `{"type":"read-only"}`
		readOnlyMode   = `{"mode":"read-only"}`
	)
	names := []string{"codex-linux-sandbox", "/opt/x/codex-linux-sandbox-x64", "./codex-linux-sandbox-arm64"}
	for n, c := range []struct {
		args []string
		want string
	}{
		{[]string{"--"}, ""},
		{[]string{"-s", "disk-write-cwd"}, "cwd"},
		{[]string{"-sdisk-write-cwd", "--"}, "cwd"},
		{[]string{"--sandbox-permission", "disk-write-cwd"}, "cwd"},
		{[]string{"--sandbox-permission=disk-write-cwd"}, "cwd"},
		{[]string{"-s", "disk-write-folder=@/dir"}, "dir"},
		{[]string{"-sdisk-write-folder=../dir", "-s", "disk-write-cwd"}, "cwd dir"},
		{[]string{"-s", "disk-write-platform-global-temp-folder"}, "tmp"},
		{[]string{"-s", "disk-write-platform-user-temp-folder"}, ""},
		{[]string{"-s", "disk-full-read-access", "-s", "network-full-access"}, "net"},
		{[]string{"-s", "disk-full-write-access"}, "cwd dir tmp"},
		{[]string{"-s", "disk-full-write-access", "-s", "network-full-access", "--"}, "cwd dir tmp net"},

		{[]string{"@/dir", readOnlyMode}, ""},
		{[]string{"@/dir", " \t\r\n{ \"mode\" : \"workspace-write\" , \"exclude_tmpdir_env_var\":true } ", "--"}, "dir tmp"},
		{[]string{".", `{"exclude_slash_tmp":true,"mode":"workspace-write"}`}, "cwd dir"}, // TMPDIR is @/dir
		{[]string{"/nonexistent", `{"mode":"workspace-write","exclude_slash_tmp":true,"exclude_tmpdir_env_var":true,"writable_roots":["../dir"]}`}, "dir"},
		{[]string{"@/dir", `{"mode":"danger-full-access"}`}, "cwd dir tmp net"},
		{[]string{"@/cwd", `{"mode":"workspace-write","exclude_slash_tmp":true,"exclude_tmpdir_env_var":true,"network_access":true}`}, "cwd net"},

		{[]string{"--sandbox-policy-cwd", "@/dir", "--sandbox-policy", readOnly}, ""},
		{[]string{"--sandbox-policy", workspaceWrite + "}", "--sandbox-policy-cwd", "@/dir", "--"}, "dir"},
		{[]string{"--sandbox-policy=" + workspaceWrite + "}", "--no-proc", "--sandbox-policy-cwd=../dir"}, "dir"},
		{[]string{"--no-proc", "--sandbox-policy-cwd=.", "--sandbox-policy=" + workspaceWrite + `,"writable_roots":["@/dir","/nonexistent"]}`}, "cwd dir"},
		{[]string{"--sandbox-policy-cwd", "@/dir", "--sandbox-policy", workspaceWrite + `,"network_access":true}`}, "dir net"},
		{[]string{"--sandbox-policy-cwd", "@/dir", "--sandbox-policy", `{"type":"danger-full-access"}`}, "cwd dir tmp net"},
		{[]string{"--sandbox-policy-cwd", "@/dir", "--sandbox-policy", `{"type":"external-sandbox"}`}, "cwd dir tmp"},
		{[]string{"--sandbox-policy-cwd", "@/dir", "--sandbox-policy", `{"type":"external-sandbox","network_access":"restricted"}`}, "cwd dir tmp"},
		{[]string{"--sandbox-policy-cwd", "@/dir", "--sandbox-policy", `{"network_access":"en\u0061bled","type":"external-sandbox"}`}, "cwd dir tmp net"},
		// Whoever says so may read everything; to say less is another variant's.
		{[]string{"--sandbox-policy-cwd", "@/dir", "--sandbox-policy", `{"access":{"x":[{"type":"restricted"}],"t\u0079pe":"full-access"},"type":"read-only","read_only_access":{"type":"restricted"}}`}, ""},
		{[]string{"--sandbox-policy-cwd", "@/dir", "--sandbox-policy", workspaceWrite + `,"read_only_access":{"type":"full-access"},"access":7}`}, "dir"},
		// Members of other variants, and unknown ones, mean nothing, whatever they are.
		{[]string{"--sandbox-policy-cwd", "@/dir", "--sandbox-policy", `{"network_access":true,"type":"re\u0061d-only","network_access":[1e9,-0.5E-1,{"a":null}],"writable_roots":7,"mode":{}}`}, ""},
		{[]string{"--sandbox-policy-cwd", "@/dir", "--sandbox-policy", workspaceWrite + `,"x":[[],{},"\ud83d\ude00"],"x":null,"Network_Access":true}`}, "dir"},
	} {
		t.Run(strings.Join(c.args, " "), func(t *testing.T) {
			eachBuild(t, func(t *testing.T, b *build) {
				name := names[n%len(names)]
				dir := scratch(t)
				places := map[string]string{"cwd": dir + "/cwd/new", "dir": dir + "/dir/new", "tmp": "/tmp/" + filepath.Base(dir)}
				for _, sub := range []string{"cwd", "dir"} {
					if err := os.Mkdir(filepath.Join(dir, sub), 0o755); err != nil {
						t.Fatal(err)
					}
				}
				t.Cleanup(func() { os.Remove(places["tmp"]) })
				list, _ := json.Marshal(places)
				argv := []string{name}
				for _, word := range c.args {
					argv = append(argv, strings.ReplaceAll(word, "@", dir))
				}
				argv = append(argv, rolePath("replayed"), "--", "-s", "-h")
				r := start(t, b.path, argv, func(cmd *exec.Cmd) {
					cmd.Dir = dir + "/cwd"
					cmd.Env = append(os.Environ(), "REPLAY="+string(list), "TMPDIR="+dir+"/dir")
				})
				var got replay
				if err := json.Unmarshal([]byte(r.stdout), &got); err != nil || r.code != 0 {
					t.Fatalf("exit %d, stdout %q, stderr %q", r.code, r.stdout, r.stderr)
				}
				var can []string
				for _, place := range []string{"cwd", "dir", "tmp"} {
					if got.Wrote[place] == "ok" {
						can = append(can, place)
					}
				}
				if got.Inet == "ok" {
					can = append(can, "net")
				}
				if strings.Join(can, " ") != c.want {
					t.Errorf("%s: can %v, want %q", name, can, c.want)
				}
				if !slices.Equal(got.Args, []string{"--", "-s", "-h"}) {
					t.Errorf("arguments %q", got.Args)
				}
			})
		})
	}
}

// TMPDIR counts if it is set and not empty; the first counts if it stands twice.
func TestTmpdir(t *testing.T) {
	t.Parallel()
	needABI(t, 1)
	eachBuild(t, func(t *testing.T, b *build) {
		dir := scratch(t)
		for _, name := range []string{"a", "b"} {
			if err := os.Mkdir(filepath.Join(dir, name), 0o755); err != nil {
				t.Fatal(err)
			}
		}
		for _, c := range []struct {
			env  []string
			want string
		}{
			{nil, ""},
			{[]string{"TMPDIR="}, ""},
			{[]string{"XTMPDIR=" + dir + "/a", "TMPDIRX=" + dir + "/a", "TMPDIR"}, ""},
			{[]string{"TMPDIR=" + dir + "/a"}, "a"},
			{[]string{"TMPDIR=" + dir + "/b", "TMPDIR=" + dir + "/a"}, "b"},
		} {
			can := ""
			for _, name := range []string{"a", "b"} {
				// execve(2) itself: os/exec would drop repeated names.
				r := execWith(t, b.path, []string{"codex-linux-sandbox", "/nonexistent", `{"mode":"workspace-write","exclude_slash_tmp":true}`,
					probePath, "create", filepath.Join(dir, name, "new")}, c.env)
				if r.stdout == "ok\n" {
					can += name
				}
				os.Remove(filepath.Join(dir, name, "new"))
			}
			if can != c.want {
				t.Errorf("%q: can write to %q, want %q", c.env, can, c.want)
			}
		}
	})
}

// checkRefused runs a command line in which the word X stands for a command that would leave a file.
func checkRefused(t *testing.T, argv []string, code int, stderr string) {
	t.Helper()
	eachBuild(t, func(t *testing.T, b *build) {
		file := scratch(t) + "/ran"
		var full []string
		for _, word := range argv {
			if word == "X" {
				full = append(full, probePath, "create", file)
				continue
			}
			full = append(full, word)
		}
		r := start(t, b.path, full, nil)
		if r.code != code || r.stderr != stderr || r.stdout != "" {
			t.Errorf("%.500q: exit %d, stdout %q, stderr\n%swant\n%s", full, r.code, r.stdout, r.stderr, stderr)
		}
		if _, err := os.Lstat(file); err == nil {
			t.Error("the command ran")
		}
	})
}

func TestPolicyErrors(t *testing.T) {
	t.Parallel()
	needOneGuest(t)
	deep := strings.Repeat("[", maxDepth+1)
	for _, c := range []struct {
		policy string // of the flags grammar
		want   string // after "policy: "
	}{
		{``, "found the end at byte 0, expected an object, \"{\""},
		{`[]`, `found "[" at byte 0, expected an object, "{"`},
		{`["read-only"]`, `found "[" at byte 0, expected an object, "{"`},
		{`null`, `found "null" at byte 0, expected an object, "{"`},
		{`{`, `found the end at byte 1, expected a name in quotes`},
		{`{tag:"read-only"}`, `found "tag" at byte 1, expected a name in quotes`},
		{`{"type"}`, `found "}" at byte 7, expected ":"`},
		{`{"type":}`, `found "}" at byte 8, expected a JSON value`},
		{`{"type":"read-only"`, `found the end at byte 19, expected "," or "}"`},
		{`{"type":"read-only",}`, `found "}" at byte 20, expected a name in quotes`},
		{`{"type":"read-only" "a":1}`, `found "a" at byte 20, expected "," or "}"`},
		{`{"type":"read-only"} x`, `found "x" at byte 21, expected nothing after the object`},
		{`{"type":"read-only"}{}`, `found "{" at byte 20, expected nothing after the object`},
		{`{"type":"read-only","a":tru}`, `found "}" at byte 27, expected a JSON value`},
		{`{"type":"read-only","a":01}`, `found "1" at byte 25, expected "," or "}"`},
		{`{"type":"read-only","a":-}`, `found "}" at byte 25, expected a digit`},
		{`{"type":"read-only","a":1.}`, `found "}" at byte 26, expected a digit`},
		{`{"type":"read-only","a":1e}`, `found "}" at byte 26, expected a digit`},
		{`{"type":"read-only","a":[1 2]}`, `found "2" at byte 27, expected "," or "]"`},
		{`{"type":"read-only","a":[1,]}`, `found "]" at byte 27, expected a JSON value`},
		{`{"type":"read-only","a":{"b":1,}}`, `found "}" at byte 31, expected a name in quotes`},
		{`{"type":"read-only","a":` + deep, fmt.Sprintf(`found "[" at byte %d, expected at most 127 levels of nesting`, 24+maxDepth-1)},
		{`{"type":"read-only","a":"b`, `found the end at byte 26, expected the string's closing quote`},
		{"{\"type\":\"read-only\",\"a\":\"b\nc\"}", `found "\n" at byte 26, expected control characters in strings to be escaped`},
		{`{"type":"read-only","a":"\x"}`, `found "\\" at byte 25, expected an escape of JSON (\" \\ \/ \b \f \n \r \t \u)`},
		{`{"type":"read-only","a":"\u12g4"}`, `found "\\" at byte 25, expected four hexadecimal digits`},
		{`{"type":"read-only","a":"\ud800x"}`, `found "\\" at byte 25, expected a surrogate pair`},
		{`{"type":"read-only","a":"\udc00\ud800"}`, `found "\\" at byte 25, expected a surrogate pair`},
		{`{"type":"read-only","a":"\ud800\u0041"}`, `found "\\" at byte 25, expected a surrogate pair`},
		{"{\"type\":\"read-only\",\"a\":\"\xff\"}", `found "\xff" at byte 25, expected UTF-8`},
		{"{\"type\":\"\u009b31m\u202e\"}", `unknown type "\"\u009b31m\u202e\"" at byte 8, expected ` + policyTypes},
		{`{}`, `no field "type" at byte 1, expected one, with ` + policyTypes},
		{`{"mode":"read-only"}`, `no field "type" at byte 19, expected one, with ` + policyTypes},
		{`{"type":null}`, `found "null" at byte 8, expected a string`},
		{`{"type":1}`, `found "1" at byte 8, expected a string`},
		{`{"type":["read-only"]}`, `found "[" at byte 8, expected a string`},
		{`{"type":"read_only"}`, `unknown type "read_only" at byte 8, expected ` + policyTypes},
		{`{"type":"Read-only"}`, `unknown type "Read-only" at byte 8, expected ` + policyTypes},
		{`{"type":"restricted"}`, `unknown type "restricted" at byte 8, expected ` + policyTypes},
		{`{"type":"` + strings.Repeat("x", 60) + `"}`, `unknown type "\"` + strings.Repeat("x", 39) + `"... at byte 8, expected ` + policyTypes},
		{`{"type":"read-only","type":"read-only"}`, `repeated field "type" at byte 20, expected each field once`},
		{`{"type":"read-only","t\u0079pe":1}`, `repeated field "t\u0079pe" at byte 20, expected each field once`},
		{`{"type":"workspace-write","network_access":true,"network_access":true}`, `repeated field "network_access" at byte 48, expected each field once`},
		{`{"type":"workspace-write","writable_roots":[],"writable_roots":[]}`, `repeated field "writable_roots" at byte 46, expected each field once`},
		{`{"type":"workspace-write","network_access":null}`, `found "null" at byte 43, expected true or false`},
		{`{"type":"workspace-write","network_access":"enabled"}`, `found "enabled" at byte 43, expected true or false`},
		{`{"type":"workspace-write","exclude_slash_tmp":0}`, `found "0" at byte 46, expected true or false`},
		{`{"exclude_tmpdir_env_var":"true","type":"workspace-write"}`, `found "true" at byte 26, expected true or false`},
		{`{"type":"workspace-write","writable_roots":null}`, `found "null" at byte 43, expected an array of strings`},
		{`{"type":"workspace-write","writable_roots":"/"}`, `found "/" at byte 43, expected an array of strings`},
		{`{"type":"workspace-write","writable_roots":["/",1]}`, `found "1" at byte 48, expected a string`},
		{`{"type":"workspace-write","writable_roots":["/",["/"]]}`, `found "[" at byte 48, expected a string`},
		{`{"type":"workspace-write","writable_roots":["/a\u0000b"]}`, `NUL in the path "/a\u0000b" at byte 44, expected a path`},
		{`{"type":"workspace-write","writable_roots":["a"]}`, `relative path "a" at byte 44, expected an absolute path`},
		{`{"type":"workspace-write","writable_roots":["/",""]}`, `relative path "" at byte 48, expected an absolute path`},
		{`--sandbox-policy={"type":"read-only"}`, `found "--sandbox-policy" at byte 0, expected an object, "{"`},
		{`{"type":"` + strings.Repeat("é", 60) + `"}`, `unknown type "\"` + strings.Repeat("é", 19) + `"... at byte 8, expected ` + policyTypes},
		{`{"type":"read-only" "a`, `found "\"a" at byte 20, expected "," or "}"`},
		{`{"type":"read-only","access":{"type":"restricted","readable_roots":["/usr"]}}`, `found "{" at byte 29, expected full access: this launcher cannot restrict reading`},
		{`{"type":"read-only","access":{"x":{"type":"full-access"}}}`, `found "{" at byte 29, expected full access: this launcher cannot restrict reading`},
		{`{"type":"read-only","access":"full-access"}`, `found "full-access" at byte 29, expected full access: this launcher cannot restrict reading`},
		{`{"type":"read-only","access":null}`, `found "null" at byte 29, expected full access: this launcher cannot restrict reading`},
		{`{"type":"workspace-write","read_only_access":{"type":"restricted"}}`, `found "{" at byte 45, expected full access: this launcher cannot restrict reading`},
		{`{"type":"workspace-write","read_only_access":1,"read_only_access":2}`, `repeated field "read_only_access" at byte 47, expected each field once`},
		{`{"type":"external-sandbox","network_access":true}`, `found "true" at byte 44, expected "restricted" or "enabled"`},
		{`{"type":"external-sandbox","network_access":"on"}`, `found "on" at byte 44, expected "restricted" or "enabled"`},
		{`{"type":"external-sandbox","network_access":"enabled","network_access":"enabled"}`, `repeated field "network_access" at byte 54, expected each field once`},
	} {
		t.Run(c.policy, func(t *testing.T) {
			want := "codex-linux-sandbox: error: policy: " + c.want + "\n"
			checkRefused(t, []string{"codex-linux-sandbox", "--sandbox-policy-cwd", "/", "--sandbox-policy", c.policy, "X"}, 125, want)
			checkRefused(t, []string{"codex-linux-sandbox", "--sandbox-policy=" + c.policy, "--sandbox-policy-cwd=/", "X"}, 125, want)
			if strings.HasPrefix(c.policy, "{") {
				policy := strings.Replace(strings.Replace(c.policy, `"mode"`, `"MODE"`, 1), `"type"`, `"mode"`, 2)
				want := strings.NewReplacer(policyTypes, policyModes, `"type"`, `"mode"`, "unknown type", "unknown mode").Replace(want)
				switch {
				case strings.Contains(want, "relative path"), strings.Contains(c.policy, `\u0079`):
					return
				case strings.Contains(policy, "external-sandbox"):
					want = `codex-linux-sandbox: error: policy: unknown mode "external-sandbox" at byte 8, expected ` + policyModes + "\n"
				}
				checkRefused(t, []string{"codex-linux-sandbox", "/", policy, "X"}, 125, want)
			}
		})
	}
}

// Help goes to stdout, and only before the command; after it, it is the command's.
func TestHelp(t *testing.T) {
	eachBuild(t, func(t *testing.T, b *build) {
		for _, c := range []struct {
			argv []string
			want string
		}{
			{[]string{"snib", "-h"}, "usage: snib [OPTION]..."},
			{[]string{"snib", "-w", "/", "--help", "--bad"}, "usage: snib [OPTION]..."},
			{[]string{"/x/codex-linux-sandbox-x64", "--help"}, "usage: codex-linux-sandbox-x64 [-s PERM]..."},
			{[]string{"codex-linux-sandbox", "-s", "disk-write-cwd", "-h", "X"}, "usage: codex-linux-sandbox [-s PERM]..."},
			{[]string{"codex-linux-sandbox", "/", `{"mode":"read-only"}`, "--help", "X"}, "usage: codex-linux-sandbox [-s PERM]..."},
			{[]string{"codex-linux-sandbox", "--sandbox-policy-cwd", "/", "-h"}, "usage: codex-linux-sandbox [-s PERM]..."},
			{[]string{"snib", "--as", "codex-linux-sandbox-arm64", "-h"}, "usage: snib --as codex-linux-sandbox-arm64 [-s PERM]..."},
			{[]string{"snib", "--as=codex-linux-sandbox", "-h"}, "usage: snib --as codex-linux-sandbox [-s PERM]..."},
		} {
			r := start(t, b.path, c.argv, nil)
			if r.code != 0 || r.stderr != "" || !strings.HasPrefix(r.stdout, c.want) {
				t.Errorf("%q: exit %d, stdout %q, stderr %q", c.argv, r.code, r.stdout, r.stderr)
			}
			for _, line := range strings.Split(r.stdout, "\n") {
				if len(line) > 80 {
					t.Errorf("%q: a line of %d columns: %s", c.argv, len(line), line)
				}
			}
			if lines := strings.Count(r.stdout, "\n"); lines > 32 {
				t.Errorf("%q: %d lines", c.argv, lines)
			}
		}
	})
}

// --version says which version, which build, which Go and for which machine. The plain build says on stderr what it is.
func TestVersion(t *testing.T) {
	eachBuild(t, func(t *testing.T, b *build) {
		form := "release"
		if b == &plain {
			form = "plain"
		}
		line := "snib " + version + ", " + form + ", " + runtime.Version() + ", " + runtime.GOOS + "/" + runtime.GOARCH + "\n"
		if r := b.snib(t, "--version"); r != (run{stdout: line, stderr: b.saysItsForm()}) {
			t.Errorf("%+v\nwant %q, %q", r, line, b.saysItsForm())
		}
	})
}

// On a kernel without Landlock a policy that restricts writes fails, and one that does not goes on.
func TestWithoutLandlock(t *testing.T) {
	_, errno := landlockABI()
	if errno == 0 {
		t.Skip("needs a kernel without Landlock")
	}
	hints := map[error]string{
		unix.ENOSYS:     "this kernel has no Landlock: use Linux 5.13 or later, built with CONFIG_SECURITY_LANDLOCK",
		unix.EOPNOTSUPP: `Landlock was disabled at boot: add "landlock" to the kernel's lsm= parameter`,
	}
	want := fmt.Sprintf("snib: error: landlock is not available: %v\nsnib: hint: %s\n", errno, hints[errno])
	checkRefused(t, []string{"snib", "X"}, 125, want)
	checkRefused(t, []string{"snib", "--network", "-w", "/", "X"}, 125, want)
	eachBuild(t, func(t *testing.T, b *build) {
		networkOnly := []string{"codex-linux-sandbox", "-s", "disk-full-write-access"}
		inet := []string{"socket", fmt.Sprint(unix.AF_INET), fmt.Sprint(unix.SOCK_STREAM)}
		if got := b.outcome(t, networkOnly, inet...); got != "EPERM" {
			t.Errorf("a socket: %s", got)
		}
		if got := b.outcome(t, networkOnly, "create", scratch(t)+"/new"); got != "ok" {
			t.Errorf("a file: %s", got)
		}
		external := []string{"codex-linux-sandbox", "--sandbox-policy-cwd", "/", "--sandbox-policy", `{"type":"external-sandbox"}`}
		if got := b.outcome(t, external, inet...); got != "EPERM" {
			t.Errorf("a socket: %s", got)
		}
		if got := b.outcome(t, external, "passFD"); got != "ok" {
			t.Errorf("local IPC: %s", got)
		}
		if got := b.outcome(t, []string{"codex-linux-sandbox", "/", `{"mode":"danger-full-access"}`}, inet...); got != "ok" {
			t.Errorf("no restriction: %s", got)
		}
	})
}
