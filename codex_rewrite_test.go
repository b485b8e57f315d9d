package main

// The policies of newer clients: what each becomes, in testdata/rewritten.golden, to be read from top to bottom; and that naive readers of
// policies find the same.

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
	"math/rand"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

// profiles are command lines of released clients up to the command, one JSON object a line, as in invocations.
//
//go:embed testdata/profiles.jsonl
var profiles []byte

//go:embed testdata/rewritten.golden
var goldenRewritten string

func readProfiles(t testing.TB) (all []invocation) {
	t.Helper()
	for line := range bytes.Lines(profiles) {
		var i invocation
		if err := json.Unmarshal(line, &i); err != nil {
			t.Fatal(err)
		}
		all = append(all, i)
	}
	return all
}

// viewed is what viewedKernel shows: a path's content, or "/" for a directory; and how it answers one call.
var viewed = view{fault: -1}

type view struct {
	files  map[string]string // "->" and a path is a symbolic link
	opened map[uintptr]string
	fault  int // which call; negative: none
	answer uintptr
	calls  []uintptr
}

// resolve follows the symbolic links of a path.
func (v *view) resolve(name string) string {
	for range 9 {
		for above := name; above != "/" && above != "."; above = path.Dir(above) {
			if to, is := strings.CutPrefix(v.files[above], "->"); is {
				name = strings.TrimSpace(to) + strings.TrimPrefix(name, above)
				break
			}
		}
	}
	return name
}

// viewedKernel has files that exist for the rewriting alone.
func viewedKernel(nr, a1, a2, a3, a4, a5 uintptr) uintptr {
	v := &viewed
	v.calls = append(v.calls, nr)
	if len(v.calls)-1 == v.fault {
		return v.answer
	}
	switch nr {
	case unix.SYS_STATX:
		mode := uint16(unix.S_IFDIR)
		if content := v.files[v.resolve(v.opened[a1])]; content != "/" {
			mode = unix.S_IFREG
		}
		*(*unix.Statx_t)(memory(a5)) = unix.Statx_t{Mask: ^uint32(0), Mode: mode}
		return 0
	case unix.SYS_READLINKAT:
		fd := atoi(strings.TrimPrefix(text((*byte)(memory(a2))), "/proc/self/fd/"))
		return uintptr(copy(unsafe.Slice((*byte)(memory(a3)), a4), v.resolve(v.opened[uintptr(fd)])))
	case unix.SYS_OPENAT2:
		name := strings.Clone(text((*byte)(memory(a2))))
		if v.resolve(name) != name {
			if _, is := v.files[v.resolve(name)]; is {
				return failed(unix.ELOOP)
			}
		}
		fallthrough
	case unix.SYS_OPENAT:
		name := strings.Clone(text((*byte)(memory(a2))))
		if _, is := v.files[v.resolve(name)]; !is || int32(a1) != unix.AT_FDCWD {
			return failed(unix.ENOENT)
		}
		fd := uintptr(100 + len(v.calls))
		v.opened[fd] = name
		return fd
	case unix.SYS_READ:
		content := v.files[v.resolve(v.opened[a1])]
		return uintptr(copy(unsafe.Slice((*byte)(memory(a2)), a3), content))
	case unix.SYS_CLOSE:
		delete(v.opened, a1)
		return 0
	case unix.SYS_GETCWD:
		return uintptr(copy(unsafe.Slice((*byte)(memory(a1)), a2), "/cwd\x00"))
	}
	panic(launchCalls[nr])
}

// system is what every view has.
var system = []string{"/", "/tmp", "/proc", "/dev/null", "/dev/urandom", "/bin", "/usr", "/etc", "/lib"}

// rewriteOf returns what a command line becomes where only those files exist, or the message of its failure, and the notes.
func rewriteOf(t testing.TB, argv, env []string, files map[string]string) (words, notes []string, said string) {
	t.Helper()
	v := &viewed
	v.files, v.opened, v.calls = map[string]string{}, map[uintptr]string{}, nil
	for _, name := range system {
		v.files[name] = "/"
	}
	for name, content := range files {
		v.files[name] = content
	}
	kernel, envp := arguments(t, append(slices.Clone(argv), "--", "tool")...), arguments(t, env...)
	var p policy
	f := p.parse(kernel)
	if f.reason == noReason && p.grammar != codexProfile {
		t.Fatalf("%q: grammar %d", argv, p.grammar)
	}
	if f.reason == noReason {
		q := p
		withKernel(viewedKernel, func() { f = p.rewrite(kernel, envp) })
		if viewed.fault < 0 && f.reason == noReason {
			first := rewrittenWords()
			rewriting.noting = true
			withKernel(viewedKernel, func() { f = q.rewrite(kernel, envp) })
			rewriting.noting = false
			if again := rewrittenWords(); f.reason != noReason || !slices.Equal(again, first) {
				t.Errorf("%q: %q, and again %q", argv, first, again)
			}
		}
	}
	if len(v.opened) > 0 {
		t.Errorf("%q: left open: %v", argv, v.opened)
	}
	if f.reason != noReason {
		return nil, nil, f.message(append(slices.Clone(argv), "--", "tool")).text
	}
	words = rewrittenWords()
	if end := len(words) - 2; words[end] != "--" || words[end+1] != "tool" {
		t.Fatalf("%q", words)
	}
	var q policy
	if f := q.parse(rewritten()); f.reason != noReason {
		t.Errorf("%q becomes %q: %s", argv, words, f.message(words).text)
	}
	return words[:len(words)-2], rewritingNotes(), ""
}

// entriesOf makes the list of a policy from words such as "/ws write", "project_roots:.git read" and "glob:*.env deny"; a path begins
// with "/" or with a quote.
func entriesOf(list ...string) string {
	var all []string
	for _, e := range list {
		at := strings.LastIndex(e, " ")
		what, access := e[:at], e[at+1:]
		where := ""
		switch kind, rest, more := strings.Cut(what, ":"); {
		case what[0] == '"':
			where = `{"type":"path","path":` + what + `}`
		case what[0] == '/':
			where = fmt.Sprintf(`{"type":"path","path":%q}`, what)
		case kind == "glob":
			where = fmt.Sprintf(`{"type":"glob_pattern","pattern":%q}`, rest)
		case more:
			where = fmt.Sprintf(`{"type":"special","value":{"kind":%q,"subpath":%q}}`, kind, rest)
		default:
			where = fmt.Sprintf(`{"type":"special","value":{"kind":%q}}`, what)
		}
		all = append(all, `{"path":`+where+`,"access":"`+access+`"}`)
	}
	return "[" + strings.Join(all, ",") + "]"
}

func managed(network string, list ...string) string {
	return `{"type":"managed","file_system":{"type":"restricted","entries":` + entriesOf(list...) + `},"network":"` + network + `"}`
}

// profileCase is a policy of grammar E, and where it is rewritten.
type profileCase struct {
	name    string
	profile string
	files   string // that exist besides; "=" stands before the content of one that is no directory
	tmpdir  string
	before  string // --as
}

func profileCases() []profileCase {
	return []profileCase{
		{"read everything", managed("restricted", "root read"), "", "", ""},
		{"with the network", managed("enabled", "root read"), "", "", ""},
		{"a workspace", managed("restricted", "root read", "project_roots write"), "/ws", "", ""},
		{"a workspace with what is protected", managed("restricted", "root read", "project_roots write"), "/ws /ws/.git /ws/.agents /ws/.codex /ws/.aws", "", ""},
		{"the same, unprotected", managed("restricted", "root read", "project_roots write"), "/ws /ws/.git /ws/.agents /ws/.codex /ws/.aws", "", "--unprotected"},
		{"temporary directories", managed("restricted", "root read", "slash_tmp write", "tmpdir write"), "/t /t/.git /tmp/.aws", "/t", ""},
		{"a relative TMPDIR", managed("restricted", "root read", "tmpdir write"), "/cwd/t/u", "./t//u", ""},
		{"no TMPDIR", managed("restricted", "root read", "tmpdir write"), "", "", ""},
		{"the working directory of the policy", managed("restricted", "root read", "current_working_directory write"), "/ws /ws/.git", "", ""},
		{"what is read-only in a writable path", managed("restricted", "root read", "/ws write", "/ws/docs read", "/ws/none read", "/ws/.git read"), "/ws /ws/docs /ws/.git", "", ""},
		{"the same, unprotected", managed("restricted", "root read", "/ws write", "/ws/docs read", "/ws/none read", "/ws/.git read"), "/ws /ws/docs /ws/.git", "", "--unprotected"},
		{"a writable .git", managed("restricted", "root read", "/ws write", "/ws/.git write"), "/ws /ws/.git", "", ""},
		{"a .git file", managed("restricted", "root read", "/ws write"), "/ws /ws/repo/.git/worktrees/w /ws/sub/.git=gitdir:ignored /ws/.git=gitdir:_repo/.git/worktrees/w", "", ""},
		{"a .git file that leads up", managed("restricted", "root read", "/a/ws write", "/a/repo write"), "/a/ws /a/repo /a/repo/.git /a/repo/.git/worktrees/w /a/ws/.git=gitdir:_../repo/.git/worktrees/w", "", ""},
		{"a .git file that leads out", managed("restricted", "root read", "/ws write"), "/ws /repo/.git /ws/.git=gitdir:_/repo/.git", "", ""},
		{"a .git file that leads to what is writable", managed("restricted", "root read", "/ws write", "/ws/g write"), "/ws /ws/g /ws/.git=gitdir:_g", "", ""},
		{"a file that is writable", managed("restricted", "root read", "/ws/f write"), "/ws/f=x", "", ""},
		{"writable paths that do not exist", managed("restricted", "root read", "/none write", "/none/.git read"), "", "", ""},
		{"one path, twice", managed("restricted", "root read", "/ws write", "/ws read", "/ws/ write"), "/ws", "", ""},
		{"one path, denied too", managed("restricted", "root read", "/ws write", "/ws deny", "/ws read"), "/ws", "", ""},
		{"paths written otherwise", managed("restricted", "root read", "//ws//./a/ write", `"/ws/a/./\u002egit" read`), "/ws/a /ws/a/.git", "", ""},
		{"hidden", managed("restricted", "root read", "/home/.ssh deny", "/none none"), "/home/.ssh", "", ""},
		{"writable in what is hidden", managed("restricted", "root read", "/home deny", "/home/ws write", "/home/f read"), "/home /home/ws /home/f", "", ""},
		{"hidden in what is writable", managed("restricted", "root read", "/ws write", "/ws/secret deny"), "/ws /ws/secret", "", ""},
		{"hidden in what is writable in what is hidden", managed("restricted", "root read", "/h deny", "/h/ws write", "/h/ws/a deny"), "/h /h/ws /h/ws/a", "", ""},
		{"minimal", managed("restricted", "minimal read", "/ws write", "/opt/tool read", "/none read"), "/ws /opt/tool", "", ""},
		{"nothing but what is named", managed("restricted", "/opt/tool read"), "/opt/tool", "", ""},
		{"nothing", managed("restricted"), "", "", ""},
		{"a denied root", managed("restricted", "root deny", "/opt read", "/ws write", "minimal read"), "/opt /ws", "", ""},
		{"a writable root", managed("restricted", "root write"), "", "", ""},
		{"a writable root, with the network", managed("enabled", "root write", "/ws write"), "/ws", "", ""},
		{"a writable root with less in it", managed("restricted", "root write", "/etc read"), "", "", ""},
		{"writable in what is read-only in what is writable", managed("restricted", "root read", "/ws write", "/ws/a read", "/ws/a/b write"), "/ws /ws/a /ws/a/b", "", ""},
		{"the same, unprotected", managed("restricted", "root read", "/ws write", "/ws/a read", "/ws/a/b write"), "/ws /ws/a /ws/a/b", "", "--unprotected"},
		{"writable in a protected name", managed("restricted", "root read", "/ws write", "/ws/.codex/memories write"), "/ws /ws/.codex /ws/.codex/memories", "", ""},
		{"writable in what is read-only", managed("restricted", "root read", "/a read", "/a/b write"), "/a /a/b", "", ""},
		{"a pattern", managed("restricted", "root read", "/ws write", "glob:/ws/**/*.env deny"), "/ws", "", ""},
		{"unknown kinds", managed("restricted", "root read", "unknown write"), "", "", ""},
		{"disabled", `{"type":"disabled"}`, "", "", ""},
		{"external", `{"type":"external","network":"restricted"}`, "", "", ""},
		{"external, with the network", `{"type":"external","network":"enabled"}`, "", "", ""},
		{"unrestricted", `{"type":"managed","file_system":{"type":"unrestricted"},"network":"restricted"}`, "", "", ""},
		{"unrestricted, with the network", `{"type":"managed","file_system":{"type":"unrestricted"},"network":"enabled"}`, "", "", ""},
		{"with options before", managed("restricted", "root read", "/ws write"), "/ws", "", "--strict --keep-fd 3 --unprotected --status-fd=4 --log"},

		{"a name by a symbolic link", managed("restricted", "root read", "/ws write", "/link/sub read"), "/ws /ws/sub /link=->/ws", "", ""},
		{"a workspace by a symbolic link", managed("restricted", "root read", "/link write", "/ws/sub read", "/link/docs read"), "/ws /ws/sub /ws/docs /ws/.git /link=->/ws", "", ""},
		{"a gitdir by a symbolic link", managed("restricted", "root read", "/ws write"), "/ws /ws/g /link=->/ws /ws/.git=gitdir:_/link/g", "", ""},
		{"a symbolic link in what is writable", managed("restricted", "root read", "/ws write", "/ws/link read"), "/ws /ws/sub /ws/link=->/ws/sub", "", ""},
		{"hidden by a symbolic link in what is writable", managed("restricted", "root read", "/ws write", "/link/a deny"), "/ws /ws/a /link=->/ws", "", ""},
		{"a writable root with the minimal system", managed("restricted", "root write", "minimal read"), "", "", ""},
		{"writable around the minimal system", managed("restricted", "root read", "/usr write", "minimal read"), "", "", ""},
		{"minimal, but for a part", managed("restricted", "minimal read", "/usr deny", "/proc deny"), "", "", ""},
		{"TMPDIR is the root", managed("restricted", "root read", "tmpdir write"), "", "/", ""},
		{"TMPDIR leads to the root", managed("restricted", "root read", "tmpdir write"), "/t=->/", "/t", ""},
		{"a denied TMPDIR that is the root", managed("restricted", "root read", "tmpdir deny"), "", "//", ""},
		{"root and name written otherwise", managed("restricted", "root read", "/link write", "/ws/ro read"), "/ws /out /ws/ro=->/out /link=->/ws", "", ""},
		{"one name behind another", managed("restricted", "root read", "/ws write", "/ws/a read", "/ws/b read"), "/ws /ws/a /ws/b=->/ws/a", "", ""},
		{"denied by a link in what is writable", managed("restricted", "root read", "/ws write", "/ws/ds deny"), "/ws /sec /ws/ds=->/sec", "", ""},
		{"a gitdir by a link, and a workspace by one", managed("restricted", "root read", "/link write"), "/ws /ws/gd /ws/gl=->/ws/gd /link=->/ws /ws/.git=gitdir:_gl", "", ""},
		{"an escaped absolute subpath", strings.Replace(managed("restricted", "root read", "project_roots:/etc deny"), `"/etc"`, `"\/etc"`, 1), "/ws", "", ""},
		{"an absolute subpath", managed("restricted", "root read", "project_roots:/etc deny"), "/ws", "", ""},

		{"no object", `["managed"]`, "", "", ""},
		{"no type", `{"kind":"managed"}`, "", "", ""},
		{"another type", `{"type":"mangaed"}`, "", "", ""},
		{"no network", `{"type":"managed","file_system":{"type":"unrestricted"}}`, "", "", ""},
		{"another network", managed("on", "root read"), "", "", ""},
		{"a network that is no string", `{"type":"external","network":true}`, "", "", ""},
		{"no file system", `{"type":"managed","network":"restricted"}`, "", "", ""},
		{"a file system that is none", `{"type":"managed","file_system":"unrestricted","network":"restricted"}`, "", "", ""},
		{"another kind of file system", `{"type":"managed","file_system":{"type":"open"},"network":"restricted"}`, "", "", ""},
		{"no entries", `{"type":"managed","file_system":{"type":"restricted"},"network":"restricted"}`, "", "", ""},
		{"entries that are none", `{"type":"managed","file_system":{"type":"restricted","entries":{}},"network":"restricted"}`, "", "", ""},
		{"an entry that is none", `{"type":"managed","file_system":{"type":"restricted","entries":["/"]},"network":"restricted"}`, "", "", ""},
		{"another access", managed("restricted", "root read", "/ws append"), "/ws", "", ""},
		{"another kind", managed("restricted", "root read", "home write"), "", "", ""},
		{"a writable system", managed("restricted", "minimal write"), "", "", ""},
		{"a subpath where none is", managed("restricted", "slash_tmp:a write"), "", "", ""},
		{"another behaviour", strings.Replace(managed("restricted", "/ws read"), `"access"`, `"missing_path_behavior":"create","access"`, 1), "", "", ""},
		{"a relative path", managed("restricted", `"ws" write`), "", "", ""},
		{"an empty path", managed("restricted", `"" write`), "", "", ""},
		{"a path that leads up", managed("restricted", "/ws/../etc write"), "", "", ""},
		{"a path with NUL", managed("restricted", `"/ws\u0000" write`), "", "", ""},
		{"a path that is no string", strings.Replace(managed("restricted", "/ws write"), `"/ws"`, `7`, 1), "", "", ""},
		{"a member twice", strings.Replace(managed("restricted", "/ws read"), `"access"`, `"access":"write","access"`, 1), "", "", ""},
		{"no JSON", managed("restricted", "/ws read") + "}", "", "", ""},
		{"too many entries", managed("restricted", manyEntries(513)...), "", "", ""},
		{"as many entries as there can be", managed("restricted", manyEntries(512)...), "", "", ""},
		{"too much text", managed("restricted", "/"+strings.Repeat("x/", 20000)+" read", "/"+strings.Repeat("y/", 20000)+" deny"), "", "", ""},
	}
}

func manyEntries(n int) (list []string) {
	for i := range n {
		list = append(list, fmt.Sprintf("/e%d read", i))
	}
	return list
}

// filesOf makes a view from words.
func filesOf(words string) map[string]string {
	files := map[string]string{}
	for _, word := range strings.Fields(words) {
		name, content, is := strings.Cut(word, "=")
		if !is {
			content = "/"
		}
		files[name] = strings.ReplaceAll(content, "_", " ") + map[bool]string{true: "\n"}[is]
	}
	return files
}

func (c *profileCase) argv() []string {
	argv := []string{"codex-linux-sandbox"}
	if c.before != "" {
		argv = append(append([]string{"snib"}, strings.Fields(c.before)...), "--as", "codex-linux-sandbox")
	}
	return append(argv, "--sandbox-policy-cwd", "/ws", "--permission-profile", c.profile)
}

func (c *profileCase) env() []string { return []string{"TMPDIR=" + c.tmpdir} }

// TestRewriteGolden: what each policy becomes, for every command line of profiles and each row of the table in docs/codex.md.
func TestRewriteGolden(t *testing.T) {
	needOneGuest(t)
	var golden strings.Builder
	short := func(s string) string {
		if len(s) > 700 {
			return s[:600] + "..."
		}
		return s
	}
	show := func(heading string, words, notes []string, said string) {
		fmt.Fprintf(&golden, "\n%s\n", short(heading))
		if said != "" {
			fmt.Fprintf(&golden, "  error: %s\n", short(printable(said)))
			return
		}
		fmt.Fprintf(&golden, "  %s\n", short(shellLine(words)))
		for i, note := range notes {
			if i < 8 {
				fmt.Fprintf(&golden, "  %s\n", note)
			}
		}
	}
	for _, c := range profileCases() {
		words, notes, said := rewriteOf(t, c.argv(), c.env(), filesOf(c.files))
		heading := c.name + "\n  " + c.profile
		if c.before != "" {
			heading += "\n  " + c.before
		}
		if c.files != "" {
			heading += "\n  where there are " + c.files
		}
		show(heading, words, notes, said)
	}
	files := filesOf("@/ws @/ws/.git @/ws/docs @/ws/sub @/extra @/extra2 @/outside @/tmp @/home/.codex/memories @/home/.ssh @/home/.codex/tmp/arg0-linux/codex-arg0")
	at := map[string]string{}
	for name, content := range files {
		at[strings.Replace(name, "@", "/c", 1)] = content
	}
	seen := ""
	for _, i := range readProfiles(t) {
		argv := strings.Split(strings.ReplaceAll(strings.Join(i.Argv, "\x00"), "@", "/c"), "\x00")
		words, notes, said := rewriteOf(t, argv, []string{"TMPDIR=/c/tmp"}, at)
		if heading := i.Client + " " + i.Case; heading != seen {
			show(heading, words, notes, said)
			seen = heading
		} else {
			show(heading+", in "+i.CWD, words, notes, said)
		}
	}
	got := "What the policies of newer clients become (TestRewriteGolden, which writes this file anew with -update). The policy's working directory is /ws;\n" +
		"there are " + strings.Join(system, " ") + "; in those of released clients /c stands for their scratch directory.\n" + golden.String()
	if *update {
		if err := os.WriteFile("testdata/rewritten.golden", []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	have, want := strings.Split(got, "\n"), strings.Split(goldenRewritten, "\n")
	for i := range max(len(have), len(want)) {
		if i >= len(have) || i >= len(want) || have[i] != want[i] {
			t.Fatalf("differs from testdata/rewritten.golden from line %d on:\n%s", i+1, strings.Join(have[min(i, len(have)):min(i+3, len(have))], "\n"))
		}
	}
}

// naiveAccess is what a policy says of a path: the longest entry counts, and of one path the strongest; reading is not given back beneath
// what is denied.
func naiveAccess(entries map[string]string, file string) string {
	order := map[string]int{"read": 1, "write": 2, "deny": 3}
	denied := false
	var above []string
	for at := file; ; at = path.Dir(at) {
		above = append(above, at)
		if at == "/" {
			break
		}
	}
	access := ""
	for _, at := range slices.Backward(above) {
		e := entries[at]
		if order[e] == 0 {
			continue
		}
		switch e {
		case "deny":
			denied = true
		case "write":
			denied = false
		}
		access = e
		if denied {
			access = "deny"
		}
	}
	if access == "" {
		access = "deny"
	}
	return access
}

// optionAccess is what snib's own options say of a path, read naively.
func optionAccess(words []string, file string) string {
	within := func(option string) (longest int) {
		for _, w := range words {
			if value, is := strings.CutPrefix(w, option+"="); is && (file == value || strings.HasPrefix(file, strings.TrimSuffix(value, "/")+"/")) {
				longest = max(longest, len(value))
			}
		}
		return longest
	}
	write, protect, hide, read := within("--write"), within("--protect"), within("--hide"), within("--read")
	switch {
	case write > hide && protect > write:
		return "read"
	case write > hide:
		return "write"
	case hide > 0:
		return "deny"
	case slices.Contains(words, "--bare") && read == 0:
		return "deny"
	}
	return "read"
}

// randomPolicy makes entries of a few nested paths.
func randomPolicy(r *rand.Rand) (list []string, naive map[string]string, files string) {
	paths := []string{"/", "/a", "/a/b", "/a/b/c", "/a/.git", "/a/b/.codex", "/d", "/d/e"}
	order := map[string]int{"": 0, "read": 1, "write": 2, "deny": 3}
	naive = map[string]string{}
	if r.Intn(4) > 0 {
		list, naive["/"] = append(list, "root read"), "read"
	}
	for range r.Intn(6) {
		at, access := paths[1+r.Intn(len(paths)-1)], []string{"read", "write", "write", "deny"}[r.Intn(4)]
		list = append(list, at+[]string{"", "/", "/."}[r.Intn(3)]+" "+access)
		if order[access] > order[naive[at]] {
			naive[at] = access
		}
	}
	return list, naive, strings.Join(paths[1:], " ")
}

// What the options allow is what the policy says, for every path, or the policy is refused.
func TestRewritePrecedence(t *testing.T) {
	needOneGuest(t)
	r := rand.New(rand.NewSource(1))
	accepted := 0
	for range 3000 {
		list, naive, files := randomPolicy(r)
		c := profileCase{profile: managed("restricted", list...)}
		words, _, said := rewriteOf(t, c.argv(), c.env(), filesOf(files))
		if said != "" {
			continue
		}
		accepted++
		for _, file := range []string{"/a/x", "/a/b/x", "/a/b/c/x", "/a/.git/x", "/a/b/.codex/x", "/d/x", "/d/e/x", "/f/x"} {
			want, got := naiveAccess(naive, file), optionAccess(words, file)
			if name := path.Base(path.Dir(file)); (name == ".git" || name == ".codex") && want == "write" && naive[path.Dir(file)] != "write" {
				want = "read" // directly beneath a writable directory, or one that is beneath one
				if naive[path.Dir(path.Dir(file))] != "write" {
					want = "write"
				}
			}
			if got != want {
				t.Fatalf("%q: %s: %s, want %s\n%q", list, file, got, want, words)
			}
		}
	}
	if accepted < 500 {
		t.Errorf("only %d policies were accepted", accepted)
	}
}

// FuzzProfile: a policy that is no JSON by encoding/json is refused, and whatever is accepted is a command line.
func FuzzProfile(f *testing.F) {
	for _, c := range profileCases() {
		if len(c.profile) < 2000 {
			f.Add(c.profile)
		}
	}
	f.Fuzz(func(t *testing.T, profile string) {
		if strings.Contains(profile, "\x00") || len(profile) > 60000 {
			return
		}
		c := profileCase{profile: profile, tmpdir: "/t"}
		words, _, said := rewriteOf(t, c.argv(), c.env(), filesOf("/ws /ws/.git /t"))
		var value map[string]any
		if err := json.Unmarshal([]byte(profile), &value); err != nil && said == "" {
			t.Errorf("%q is no JSON: %v, and became %q", profile, err, words)
		}
		if said == "" && value["type"] != "disabled" && value["network"] != "enabled" && value["network"] != "restricted" {
			t.Errorf("%q became %q", profile, words)
		}
		if network := value["network"] == "enabled" || value["type"] == "disabled"; said == "" && !network && (slices.Contains(words, "--network") || slices.Contains(words, `{"type":"danger-full-access"}`)) {
			t.Errorf("%q opens the network: %q", profile, words)
		}
	})
}

// A call that fails leaves nothing writable that the policy protects: the launch is refused, or protects as before.
func TestRewriteFaults(t *testing.T) {
	needOneGuest(t)
	protects := func(words []string) (list []string) {
		for _, w := range words {
			if strings.HasPrefix(w, "--protect=") || strings.HasPrefix(w, "--hide=") {
				list = append(list, w)
			}
		}
		return list
	}
	c := profileCase{profile: managed("restricted", "root read", "project_roots write", "/ws/docs read", "/h deny", "tmpdir write", "minimal read"), tmpdir: "t",
		files: "/ws /ws/docs /ws/repo/.git /cwd/t /ws/.git=gitdir:_repo/.git"}
	want, _, _ := rewriteOf(t, c.argv(), c.env(), filesOf(c.files))
	calls, refused := slices.Clone(viewed.calls[:len(viewed.calls)/2]), 0 // the second half is for the notes
	defer func() { viewed.fault = -1 }()
	for at, nr := range calls {
		if nr == unix.SYS_CLOSE {
			continue // Linux has closed it even then
		}
		for _, errno := range []unix.Errno{unix.EMFILE, unix.ENFILE, unix.ENOMEM, unix.EIO} {
			viewed.fault, viewed.answer = at, failed(errno)
			words, _, said := rewriteOf(t, c.argv(), c.env(), filesOf(c.files))
			if said != "" {
				refused++
				continue
			}
			writable := slices.Contains(words, "--write=/ws")
			lost := slices.ContainsFunc(protects(want), func(w string) bool { return !slices.Contains(words, w) })
			if errno != unix.EIO && lost || errno == unix.EIO && writable && !slices.Contains(words, "--protect=/ws/docs") {
				t.Errorf("call %d (%s): %v: %q, want %q", at, launchCalls[nr], errno, words, want)
			}
		}
	}
	if len(calls) < 10 || refused == 0 {
		t.Errorf("%d calls, %d refusals", len(calls), refused)
	}
}

// profileEntry is an entry as encoding/json reads it.
type profileEntry struct {
	Path struct {
		Type, Path, Pattern string
		Value               struct{ Kind, Subpath string }
	}
	Access string
}

// readProfile reads, naively, what a command line asks for in a scratch directory.
func readProfile(t testing.TB, argv []string, dir string) (entries map[string]string, network, refused bool) {
	t.Helper()
	value := func(option string) string {
		if at := slices.Index(argv, option); at >= 0 {
			return argv[at+1]
		}
		return ""
	}
	var p struct {
		Files struct {
			Entries []profileEntry
		} `json:"file_system"`
		Network string
	}
	text := value("--permission-profile")
	if text == "" {
		text = `{"file_system":` + value("--file-system-sandbox-policy") + `,"network":` + value("--network-sandbox-policy") + `}`
	}
	if err := json.Unmarshal([]byte(text), &p); err != nil {
		t.Fatal(err)
	}
	entries = map[string]string{}
	order := map[string]int{"": 0, "read": 1, "write": 2, "deny": 3}
	for _, e := range p.Files.Entries {
		at, access := e.Path.Path, strings.Replace(e.Access, "none", "deny", 1)
		switch e.Path.Type + e.Path.Value.Kind {
		case "glob_pattern":
			return nil, false, true
		case "specialroot":
			at = "/"
		case "specialslash_tmp":
			at = "/tmp"
		case "specialtmpdir":
			at = dir + "/tmp"
		case "specialproject_roots", "specialcurrent_working_directory":
			at = path.Join(value("--sandbox-policy-cwd"), e.Path.Value.Subpath)
		case "specialminimal":
			continue // nothing that is looked at
		}
		if order[access] > order[entries[at]] {
			entries[at] = access
		}
	}
	for at, access := range entries {
		for above, other := range entries {
			refused = refused || access == "deny" && other == "write" && strings.HasPrefix(at, above+"/")
		}
	}
	return entries, p.Network == "enabled", refused || slices.Contains(argv, "--managed-network")
}

// TestProfiles: what the command lines of newer clients allow, from outside, is what a naive reader makes of their policies.
func TestProfiles(t *testing.T) {
	t.Parallel()
	needUserInGuests(t)
	needABI(t, 1)
	self, err := filepath.EvalSymlinks(probePath)
	if err != nil {
		t.Fatal(err)
	}
	for n, i := range readProfiles(t) {
		if testing.Short() && n%9 != 0 || emulated() && n%25 != 7 {
			continue
		}
		for _, unprotected := range []bool{false, true} {
			t.Run(fmt.Sprintf("%d %s %s %v", n, i.Client, i.Case, unprotected), func(t *testing.T) { replayProfile(t, i, unprotected, self) })
		}
	}
}

func replayProfile(t *testing.T, i invocation, unprotected bool, self string) {
	dir := scratch(t)
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	temporary, err := os.MkdirTemp("/tmp", "snib-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(temporary) })
	places := []string{temporary}
	for _, name := range strings.Fields("ws ws/sub ws/.git ws/.agents ws/docs ws/secrets extra extra/.git extra2 outside home/.ssh home/.codex/memories tmp tmp/.git") {
		places = append(places, dir+"/"+name)
	}
	for _, place := range append(places, dir+"/home/.codex/tmp/arg0-linux/codex-arg0") {
		if err := os.MkdirAll(place, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(place+"/f", nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	argv := strings.Split(strings.ReplaceAll(strings.Join(i.Argv, "\x00"), "@", dir), "\x00")
	entries, network, refused := readProfile(t, argv, dir)
	if unprotected {
		argv = append([]string{"snib", "--unprotected", "--as", "codex-linux-sandbox"}, argv[1:]...)
	}
	program := dir + "/ws/probe" // where it can be read
	if naiveAccess(entries, dir+"/ws") == "deny" {
		program = dir + "/tmp/probe"
	}
	if err := os.Link(self, program); err != nil {
		copyProgram(t, self, program)
	}
	op := []string{"each", "socket", fmt.Sprint(unix.AF_INET), fmt.Sprint(unix.SOCK_STREAM)}
	want := []string{"EPERM"}
	if network {
		want[0] = "ok"
	}
	protects := false
	for _, place := range places {
		access := naiveAccess(entries, place)
		writable := false // something above is
		for at := place; at != "/"; at = path.Dir(at) {
			above := path.Dir(at)
			named := slices.Contains([]string{".git", ".agents", ".codex", ".aws"}, path.Base(at)) && entries[above] == "write" && entries[at] != "write"
			if access == "write" && named && above != dir+"/tmp" {
				access = "read"
			}
			writable = writable || entries[above] == "write"
		}
		protects = protects || access == "read" && writable
		if unprotected && access == "read" && writable {
			access = "write"
		}
		op = append(op, ",", "create", place+"/new", ",", "read", place+"/f")
		want = append(want, map[bool]string{true: "ok", false: "denied"}[access == "write"], map[bool]string{true: "denied", false: "ok"}[access == "deny"])
	}
	r := start(t, release.path, slices.Concat(argv, []string{"--", program}, op), func(cmd *exec.Cmd) {
		cmd.Dir, cmd.Env = strings.Replace(i.CWD, "@", dir, 1), []string{"TMPDIR=" + dir + "/tmp"}
	})
	if refused || protects && !unprotected && haveNamespaces() != nil {
		_, created := os.Lstat(dir + "/ws/new")
		if r.code != exitFailed || r.stdout != "" || created == nil || strings.Count(r.stderr, "error: ") != 1 {
			t.Errorf("%+v", r)
		}
		if !refused && (!strings.Contains(r.stderr, "--protect="+dir) || !strings.Contains(r.stderr, "--unprotected")) {
			t.Errorf("%+v", r)
		}
		return
	}
	got := strings.Fields(r.stdout)
	for n := range got {
		if n > 0 && (got[n] == "EACCES" || got[n] == "EROFS") {
			got[n] = "denied"
		}
	}
	if r.code != 0 || r.stderr != "" || !slices.Equal(got, want) {
		t.Errorf("%+v\ngot  %q\nwant %q\n%q", r, got, want, op)
	}
}

// TestCodexPage runs what docs/codex.md shows: a command line of each shape, a policy, explained and carried out, and the wrapper. The
// other two blocks need the client: the file that they name, or the one that they run.
func TestCodexPage(t *testing.T) {
	needNamespaces(t)
	need(t, "sh")
	need(t, "make")
	page, err := os.ReadFile("docs/codex.md")
	if err != nil {
		t.Skip("needs the source")
	}
	var blocks []string
	for _, part := range strings.Split(string(page), "```sh\n")[1:] {
		block, _, _ := strings.Cut(part, "```")
		blocks = append(blocks, block)
	}
	home := beyondDev(t)
	work := home + "/work"
	if err := os.WriteFile(work+"/Makefile", []byte("all:\n\techo x >done\n\t-echo x >.git/x\n\t-echo x >../outside\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(work+"/.git", 0o755); err != nil {
		t.Fatal(err)
	}
	if len(blocks) != 6 || !strings.Contains(blocks[2], "codex sandbox") || !strings.Contains(blocks[3], "CODEX_HOME") || !strings.HasPrefix(blocks[4], "snib ") {
		t.Fatalf("%d blocks", len(blocks))
	}
	shapes, explained, wrapper := strings.Split(blocks[0], "\n./"), blocks[1], blocks[5]
	if err := os.WriteFile(home+"/wrapper", []byte(strings.ReplaceAll(wrapper, "/usr/local/bin", home+"/bin")), 0o755); err != nil {
		t.Fatal(err)
	}
	last := explained[strings.LastIndex(strings.TrimSpace(explained), "\n")+1:]
	type trial struct{ script, made string }
	trials := []trial{
		{explained, "done"},
		{strings.Replace(explained, last, strings.Replace(last, "snib --as codex-linux-sandbox", home+"/wrapper", 1), 1), ".git/x done"},
		{"make", "../outside .git/x done"}, // the control
	}
	for _, shape := range shapes[1:] {
		made := ".git/x done"
		if strings.Contains(shape, "--permission-profile") || strings.Contains(shape, "--file-system-sandbox-policy") {
			made = "done" // these protect .git
		}
		trials = append(trials, trial{shapes[0] + "\n./" + shape, made})
	}
	if len(shapes) != 6 {
		t.Errorf("%d shapes of command lines", len(shapes)-1)
	}
	for _, c := range trials {
		var out bytes.Buffer
		cmd := exec.Command("sh", "-c", c.script)
		cmd.Dir, cmd.Env, cmd.Stdout = work, append(os.Environ(), "PATH="+home+"/bin:"+os.Getenv("PATH"), "HOME="+home, "TMPDIR="), &out
		err := cmd.Run()
		var made []string
		for _, name := range []string{"../outside", ".git/x", "done"} {
			if os.Remove(work+"/"+name) == nil {
				made = append(made, name)
			}
		}
		if got := strings.Join(made, " "); err != nil || got != c.made {
			t.Errorf("%s: %v: made %q, want %q\n%s", c.script, err, got, c.made, out.String())
		}
		if line := "  snib --write=" + work + " --protect=" + work + "/.git -- make\n"; strings.Contains(c.script, "--explain") && !strings.Contains(out.String(), line) {
			t.Errorf("%s: printed no %q", c.script, line)
		}
	}
}
