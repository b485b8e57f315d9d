package main

// The papers: what they claim is what the program does.

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// Every option is in the help, the manual page and the completions of each shell.
func TestOptionsDocumented(t *testing.T) {
	if _, err := os.Stat("snib.1"); err != nil {
		t.Skip("needs the source")
	}
	files := map[string]func(o option) string{
		"snib.1":                func(o option) string { return "Fl \\-" + strings.TrimPrefix(o.long, "--") },
		"completions/snib.bash": func(o option) string { return o.long },
		"completions/_snib":     func(o option) string { return o.long },
		"completions/snib.fish": func(o option) string { return "-l " + strings.TrimPrefix(o.long, "--") },
	}
	word := func(text, s string) bool {
		return regexp.MustCompile(`(^|[^\w-])` + regexp.QuoteMeta(s) + `($|[^\w-])`).MatchString(text)
	}
	own := slices.Concat(ownOptions[:], reportOptions[:])
	for file, form := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range own {
			if !word(string(content), form(o)) {
				t.Errorf("%s: no %s", file, o.long)
			}
		}
	}
	for _, o := range own {
		if o.help == "" || !word(help([]string{"snib"}), o.long) {
			t.Errorf("help: no %s", o.long)
		}
	}
}

// The manual page and the completions are what their readers take.
func TestDocumentsAreValid(t *testing.T) {
	t.Parallel()
	if _, err := os.Stat("snib.1"); err != nil {
		t.Skip("needs the source")
	}
	for _, argv := range [][]string{
		{"mandoc", "-T", "lint", "-W", "style", "snib.1"},
		{"bash", "-n", "completions/snib.bash"},
		{"zsh", "-n", "completions/_snib"},
		{"fish", "--no-execute", "completions/snib.fish"},
	} {
		t.Run(argv[0], func(t *testing.T) {
			out, err := exec.Command(need(t, argv[0]), argv[1:]...).CombinedOutput()
			// Whether the machine has the pages that are referred to is not the page's fault.
			out = regexp.MustCompile(`(?m)^.*mandoc\.db.*\n`).ReplaceAll(out, nil)
			if err != nil || len(out) > 0 {
				t.Errorf("%q: %v\n%s", argv, err, out)
			}
		})
	}
	// Completed as the shells do. Bash splits words at "=".
	for words, want := range map[string]string{
		"snib --st":                   "--strict --status-fd --status --status=json",
		"snib --explain =":            "json",
		"snib --status = j":           "json",
		"snib --abi = 7 --as codex-x": "",
		"snib --abi = 7 --log --":     strings.Join(strings.Fields("--write --dev --read --list --bare --hide --protect --network --loopback --connect --unix --signals --keep-fd --strict --status-fd --log --unprotected --as --explain --explain=json --abi --bpf --why --why=json --status --status=json --help --version"), " "),
	} {
		script := `source completions/snib.bash
COMP_WORDS=($1); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _snib; echo "${COMPREPLY[@]}"`
		out, err := exec.Command(need(t, "bash"), "-c", script, "bash", words).CombinedOutput()
		if got := strings.TrimSpace(string(out)); err != nil || got != want {
			t.Errorf("bash: %q: %v, %q, want %q", words, err, got, want)
		}
	}
	for words, want := range map[string]string{"snib --net": "--network", "snib tru": "true", "snib -w / tru": "true"} {
		out, err := exec.Command(need(t, "fish"), "--no-config", "-c", "source completions/snib.fish; complete -C $argv[1]", words).CombinedOutput()
		if err != nil || !strings.HasPrefix(string(out), want) && !strings.Contains(string(out), "\n"+want) {
			t.Errorf("fish: %q: %v, %q, want %q", words, err, out, want)
		}
	}
}

// pages are the README and what it leads to.
func pages(t *testing.T) []string {
	t.Helper()
	list, err := filepath.Glob("docs/*.md")
	if _, missing := os.Stat("README.md"); err != nil || missing != nil {
		t.Skip("needs the source")
	}
	return append([]string{"README.md"}, list...)
}

// A shown is something that a page shows to be typed: an indented block, one line of it where its lines are commands of their own, a
// fenced block, or a command line in the text that begins with snib. What a session prints is no command.
type shown struct {
	page, text string
	printed    string // by a session: a line that begins with "$ ", and what follows
}

// key is the first line.
func (s shown) key() string { line, _, _ := strings.Cut(s.text, "\n"); return line }

// shownIn returns what a page shows, in its order.
func shownIn(t *testing.T, page string) (list []shown) {
	t.Helper()
	text := readPage(t, page)
	if page == "snib.1" {
		_, section, _ := strings.Cut(text, "\n.Sh EXAMPLES\n")
		section, _, _ = strings.Cut(section, "\n.Sh ")
		plain := strings.NewReplacer(`\&`, "", `\-`, "-", `\(aq`, "'", `\(dq`, `"`, `\(ti`, "~")
		for _, m := range regexp.MustCompile(`(?m)^\.Dl \$ (.*)$`).FindAllStringSubmatch(section, -1) {
			list = append(list, shown{page: page, text: plain.Replace(m[1])})
		}
		if len(list) != 7 {
			t.Errorf("%s: %d examples, want 7", page, len(list))
		}
		return list
	}
	// A fence without a language shows what a command prints.
	fence := regexp.MustCompile("(?ms)^```(\\w*)\n(.*?)^```$")
	for _, m := range fence.FindAllStringSubmatch(text, -1) {
		if m[1] != "" {
			list = append(list, shown{page: page, text: m[2]})
		}
	}
	text = fence.ReplaceAllString(text, "")
	for _, block := range regexp.MustCompile("(?m)(?:^    .*\n)+").FindAllString(text, -1) {
		block = regexp.MustCompile("(?m)^    ").ReplaceAllString(block, "")
		switch {
		case strings.HasPrefix(block, "$ "):
			for _, session := range strings.Split(block[2:], "\n$ ") {
				command, printed, _ := strings.Cut(session, "\n")
				list = append(list, shown{page, command, printed})
			}
		case strings.HasPrefix(block, "FROM "):
			list = append(list, shown{page: page, text: block})
		default:
			for _, line := range strings.Split(strings.TrimSpace(block), "\n") {
				list = append(list, shown{page: page, text: line})
			}
		}
	}
	for _, m := range regexp.MustCompile("`((?:\\w+=\\S+ )*(?:setsid -w )?snib [^`]*)`").FindAllStringSubmatch(text, -1) {
		list = append(list, shown{page: page, text: m[1]})
	}
	return list
}

// An example is how something that a page shows is run, or why it is not. One of by, check, prints and not is set.
type example struct {
	by     string // the test, or the script of CI, that runs it
	tools  []string
	setup  string // a script that runs first, in the directory of a home (beyondDev)
	check  string // a script that succeeds if the command did its work, and only then
	prints string // a regular expression for what it prints
	source bool   // it runs where the source is
	fails  bool   // its exit code is not 0
	not    string // why nothing runs it
}

// examples are by page and first line; a page alone stands for all that it shows, where the test fails on anything that it does not know.
func examples() map[string]example {
	return map[string]example{
		"docs/recipes.md": {by: "TestRecipes"},
		"docs/denied.md":  {by: "TestDeniedPage"},
		"docs/install.md": {by: "test/packages"},

		"README.md: CGO_ENABLED=0 go build -trimpath -ldflags \"-s -w -E main.entry\" && ./snib -w . -- sh -c 'echo hello > here; echo hello > ~/there'": {by: ".ci/run"},
		"README.md: go test ./...":                                    {by: ".ci/run"},
		"README.md: install -m 755 snib /usr/local/bin/":              {setup: "cp ~/bin/snib .", check: "~/prefix/bin/snib --version"},
		"README.md: install -m 644 snib.1 /usr/local/share/man/man1/": {setup: "echo .Nm >snib.1", check: "cmp snib.1 ~/prefix/share/man/man1/snib.1"},
		"README.md: ln -s snib codex-linux-sandbox":                   {setup: "cp ~/bin/snib .", check: "./codex-linux-sandbox --help | grep -q POLICY_JSON"},
		"README.md: COPY --from=snib /snib /usr/bin/snib":             {by: "test/image"}, // docs/install.md has it too

		"README.md: snib --why -w . -- sh -c 'echo hello >~/.npm/log'": {setup: "mkdir ~/.npm"},

		"docs/codex.md: ln -sf \"$(command -v snib)\" codex-linux-sandbox":                                     {by: "TestCodexPage"},
		"docs/codex.md: profile='{\"type\":\"managed\",\"file_system\":{\"type\":\"restricted\",\"entries\":[": {by: "TestCodexPage"},
		"docs/codex.md: ln -sf snib /usr/local/bin/codex-linux-sandbox":                                        {not: "it takes the client, which is no package"},
		"docs/codex.md: for link in \"${CODEX_HOME:-$HOME/.codex}\"/tmp/arg0-linux/codex-arg0*/codex-linux-sandbox; do": {
			setup: "d=~/.codex/tmp/arg0-linux/codex-arg0x; mkdir -p $d; ln -s /nonexistent $d/codex-linux-sandbox",
			check: `test "$(readlink ~/.codex/tmp/arg0-linux/codex-arg0x/codex-linux-sandbox)" = ~/prefix/bin/snib`},
		"docs/codex.md: snib --network -w . -w ~/.codex --dev --hide ~/.ssh --hide ~/.aws -- codex exec -s danger-full-access \"fix the tests\"": {by: "TestRecipes"},
		"docs/codex.md: #!/bin/sh":                                      {by: "TestCodexPage"},
		"docs/codex.md: snib --as codex-linux-sandbox":                  {not: "it is a part of a command line"},
		"docs/codex.md: snib --status":                                  {by: "TestStatus"},
		"docs/kernels.md: snib --status":                                {by: "TestStatus"},
		"docs/kernels.md: snib --explain --abi N -w .":                  {by: "TestExplainGolden"},
		"docs/security.md: snib --explain":                              {by: "TestExplainGolden"},
		"docs/security.md: setsid -w snib ...":                          {not: "it is a part of a command line"},
		"docs/internals.md: grep -n systemCall *_linux.go":              {source: true, prints: `(?m)^landlock_linux\.go:\d+:.*systemCall\(unix\.SYS_LANDLOCK_RESTRICT_SELF`},
		"docs/internals.md: strace ./snib -w /srv/work -- /bin/true":    {by: "TestDocumentedCalls"},
		"docs/internals.md: ./snib --explain -w /srv/work -- /bin/true": {setup: "cp ~/bin/snib .", prints: `(?m)^  landlock_restrict_self$`},

		"snib.1: snib --hide ~/.ssh --hide ~/.aws -w . -- sh build.sh": {
			setup: "mkdir ~/.ssh ~/.aws; echo secret >~/.ssh/key; echo 'echo x >done; cat ~/.ssh/key >stolen 2>said; ls ~/.ssh' >build.sh",
			check: "test -e done && test ! -s stolen && grep -q denied said"},
		"snib.1: snib --why -w . -- make":                  {tools: []string{"make"}, setup: "printf 'all:\\n\\techo x >~/.npm/log\\n' >Makefile; mkdir ~/.npm", fails: true, prints: `(?m)^    snib -w \. -w /home/me/\.npm -- make$`},
		"snib.1: snib --explain --abi 2 -w .":              {prints: `(?m)^for Landlock ABI 2 \(--abi\)`},
		"snib.1: snib --status-fd 3 -w . -- make 3>status": {tools: []string{"make"}, setup: "printf 'all:\\n\\techo x >done\\n' >Makefile", check: "test -e done && grep -q sandboxed status"},

		"docs/status.md: status=$(mktemp)":                 {by: "TestStatusReaders"},
		"docs/status.md: import json, os, subprocess, sys": {by: "TestStatusReaders"},
		"docs/status.md: package main":                     {by: "TestStatusReaders"},
	}
}

// stages are the commands that .ci/run runs as they stand, or with a shorter time.
var stages = []string{"test/kernels", "test/container", "test/mutants", "test/jobs", "go run ./test/bench", "for f in FuzzPolicy FuzzCommandLine"}

// TestExamples: whatever a page shows is run, and prints what it is shown to print, or has a reason why it is not. A new command in a page
// needs a row of examples.
func TestExamples(t *testing.T) {
	t.Parallel()
	needABI(t, 3)
	used := map[string]bool{}
	tests := testNames(t)
	recipes := documented(t, "docs/recipes.md")
	ci := readPage(t, ".ci/run")
	for _, page := range append(pages(t), "snib.1") {
		for _, s := range shownIn(t, page) {
			key := page
			if _, is := examples()[page]; !is {
				key = page + ": " + s.key()
			}
			e, is := examples()[key]
			command, _, _ := strings.Cut(s.text, " #")
			command = strings.TrimSpace(command)
			switch {
			case !is && slices.Contains(recipes, s.text):
				continue // TestRecipes runs it
			case !is && slices.ContainsFunc(stages, func(stage string) bool { return strings.HasPrefix(command, stage) }):
				if stage := command[strings.LastIndex(command, "/")+1:]; strings.HasPrefix(command, "test/") && !strings.Contains(ci, command) {
					t.Errorf("%s: %q: no stage of .ci/run runs %s", page, command, stage)
				}
				continue
			case !is && s.printed == "":
				t.Errorf("%s: nothing runs %q: add a row to examples", page, s.key())
				continue
			}
			used[key] = true
			if e.by != "" && !tests[e.by] {
				if _, err := os.Stat(e.by); err != nil || !strings.Contains(readPage(t, e.by), page) && page != "README.md" {
					t.Errorf("%q: no %s", key, e.by)
				}
			}
			if e.by != "" || e.not != "" {
				continue
			}
			t.Run(s.key(), func(t *testing.T) {
				t.Parallel()
				e.run(t, s)
			})
		}
	}
	for key := range examples() {
		if !used[key] {
			t.Errorf("%q: no page shows it", key)
		}
	}
}

// run runs an example in a home, or in the source, and once more without snib if it is a session: what it prints then must differ.
func (e example) run(t *testing.T, s shown) {
	for _, tool := range e.tools {
		need(t, tool)
	}
	home := beyondDev(t)
	if s.printed != "" {
		if err := os.Symlink(need(t, "dash"), home+"/bin/sh"); err != nil { // whose words the pages have
			t.Fatal(err)
		}
	}
	for _, dir := range []string{"/prefix/bin", "/prefix/share/man/man1"} {
		if err := os.MkdirAll(home+dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(release.path, home+"/prefix/bin/snib"); err != nil {
		t.Fatal(err)
	}
	if r := inHome(t, home, "set -e\n"+e.setup); r.code != 0 {
		t.Fatalf("set up: %+v", r)
	}
	command := strings.NewReplacer("/usr/local", home+"/prefix", "/srv/work", home+"/work").Replace(s.text)
	if e.source {
		here, err := os.Getwd()
		if err != nil {
			t.Fatal(err)
		}
		command = "cd '" + here + "'\n" + command
	}
	if e.check != "" && inHome(t, home, e.check).code == 0 && !strings.Contains(command, "prefix/bin/") {
		t.Errorf("control: %q succeeds before %q", e.check, s.text)
	}
	r := inHome(t, home, command)
	output := strings.ReplaceAll(r.stdout+r.stderr, home, "/home/me")
	switch {
	case s.printed != "":
		if got := strings.TrimSpace(output); got != strings.TrimSpace(s.printed) {
			t.Errorf("%q: printed\n%s\nwant\n%s", s.text, got, s.printed)
		}
		options, tail, is := strings.Cut(s.text, " -- ")
		if !is || !strings.HasPrefix(options, "snib ") {
			t.Fatalf("%q: no sandbox to leave out", s.text)
		}
		if control := inHome(t, home, tail); control.code != 0 || strings.TrimSpace(control.stdout+control.stderr) == strings.TrimSpace(output) {
			t.Errorf("control: %+v", control)
		}
	case (r.code != 0) != e.fails:
		t.Errorf("%q: %+v", s.text, r)
	case e.check != "":
		if checked := inHome(t, home, e.check); checked.code != 0 {
			t.Errorf("%q, then %q: %+v", s.text, e.check, checked)
		}
	case !regexp.MustCompile(e.prints).MatchString(output):
		t.Errorf("%q: printed %q, want %s", s.text, output, e.prints)
	}
}

// testNames are the tests and fuzzers of this package, by the sources.
func testNames(t *testing.T) map[string]bool {
	t.Helper()
	files, err := filepath.Glob("*_test.go")
	if err != nil || len(files) == 0 {
		t.Skip("needs the source")
	}
	names := map[string]bool{}
	for _, file := range files {
		for _, m := range regexp.MustCompile(`(?m)^func ((?:Test|Fuzz)\w+)\(`).FindAllStringSubmatch(readPage(t, file), -1) {
			names[m[1]] = true
		}
	}
	return names
}

// Every link leads somewhere, and every file and test that the pages name is there.
func TestPageNames(t *testing.T) {
	t.Parallel()
	tests := testNames(t)
	headings := func(page string) map[string]bool {
		anchors := map[string]bool{}
		for _, m := range regexp.MustCompile(`(?m)^#+ (.*)$`).FindAllStringSubmatch(readPage(t, page), -1) {
			anchor := strings.ReplaceAll(strings.ToLower(m[1]), " ", "-")
			anchors[regexp.MustCompile("[^a-z0-9_-]").ReplaceAllString(anchor, "")] = true
		}
		return anchors
	}
	named := 0
	for _, page := range append(pages(t), "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md") {
		text := regexp.MustCompile("(?ms)^```.*?^```$|^    .*?$").ReplaceAllString(readPage(t, page), "")
		for _, m := range regexp.MustCompile(`\]\(([^)#]*)(?:#([^)]*))?\)`).FindAllStringSubmatch(text, -1) {
			file := page
			if m[1] != "" {
				file = filepath.Join(filepath.Dir(page), m[1])
			}
			if strings.Contains(m[1], "://") {
				continue
			}
			if _, err := os.Stat(file); err != nil {
				t.Errorf("%s: link %q: %v", page, m[0], err)
			} else if m[2] != "" && !headings(file)[m[2]] {
				t.Errorf("%s: link %q: no such heading", page, m[0])
			}
		}
		for _, m := range regexp.MustCompile("`([^`\n]+)`").FindAllStringSubmatch(text, -1) {
			name, _, _ := strings.Cut(m[1], " ")
			switch {
			case regexp.MustCompile(`^(Test|Fuzz)[A-Z]\w*$`).MatchString(name):
				if named++; !tests[name] {
					t.Errorf("%s: no test %s", page, name)
				}
			case regexp.MustCompile(`^(docs|test|testdata|completions|examples|\.ci)/[\w./-]*$|^[\w*-]+\.(go|s|md|1|test)$`).MatchString(name) && name != "snib.test":
				if found, err := filepath.Glob(strings.TrimSuffix(name, "/")); err != nil || len(found) == 0 {
					t.Errorf("%s: no file %s", page, name)
				}
				named++
			}
		}
	}
	// docs/internals.md has every file of the program.
	internals := regexp.MustCompile("`([\\w*]+\\.go)`").FindAllStringSubmatch(readPage(t, "docs/internals.md"), -1)
	for _, file := range slices.Concat(rooms...) {
		if !slices.ContainsFunc(internals, func(m []string) bool { is, _ := filepath.Match(m[1], file); return is }) {
			t.Errorf("docs/internals.md: no %s", file)
		}
	}
	if named < 100 {
		t.Errorf("%d names found", named)
	}
}

// The README is short enough to be read: its first screen answers what, for whom, what it needs and what stays open.
func TestREADMELength(t *testing.T) {
	t.Parallel()
	readme := readPage(t, "README.md")
	if n := strings.Count(readme, "\n"); n >= 160 {
		t.Errorf("%d lines, want less than 160", n)
	}
	first, _, _ := strings.Cut(readme, "\n## ")
	for _, answer := range []string{"**For whom.**", "**What it needs.**", "**What stays open.**", "Linux 5.13", "--hide", "--network", "| to run | type | what that opens |"} {
		if !strings.Contains(first, answer) {
			t.Errorf("the first screen has no %q", answer)
		}
	}
	if n := strings.Count(first, "\n"); n > 40 {
		t.Errorf("the first screen has %d lines", n)
	}
}

// The kernels that docs/kernels.md lists are those that test/kernels boots.
func TestKernelsPage(t *testing.T) {
	t.Parallel()
	var listed, booted []string
	for _, m := range regexp.MustCompile(`(?m)^\| (\d\S+) \| (\w+) \| (\w+) \| \S+ \|$`).FindAllStringSubmatch(readPage(t, "docs/kernels.md"), -1) {
		listed = append(listed, m[2]+" "+m[3])
	}
	for _, m := range regexp.MustCompile(`(?m)^(amd64|arm64) +\w+ +(\w+) +[a-z]\S+ +linux-`).FindAllStringSubmatch(readPage(t, "test/kernels"), -1) {
		booted = append(booted, m[1]+" "+m[2])
	}
	if len(booted) < 10 || !slices.Equal(listed, booted) {
		t.Errorf("listed %q\nbooted %q", listed, booted)
	}
}

// The version that a page shows is this one.
func TestPageVersion(t *testing.T) {
	t.Parallel()
	found := 0
	for _, page := range append(pages(t), "snib.1") {
		for _, m := range regexp.MustCompile(`snib (\d+\.\d+\.\d+), (release|plain),`).FindAllStringSubmatch(readPage(t, page), -1) {
			if found++; m[1] != version {
				t.Errorf("%s: version %s, want %s", page, m[1], version)
			}
		}
	}
	if found == 0 {
		t.Error("no page shows the version")
	}
}

// The manual page names every member of the JSON reports.
func TestReportMembers(t *testing.T) {
	needABI(t, 3)
	page := readPage(t, "snib.1")
	var members func(name string, value any)
	seen := map[string]bool{}
	members = func(name string, value any) {
		seen[name] = true
		switch value := value.(type) {
		case map[string]any:
			for name, value := range value {
				members(name, value)
			}
		case []any:
			for _, value := range value {
				members(name, value)
			}
		}
	}
	file := scratch(t) + "/file"
	for _, options := range [][]string{{"--explain=json"}, {"--status=json"}, {"--why=json"}} {
		argv := options
		if options[0] != "--status=json" {
			argv = slices.Concat(options, []string{"--", probePath, "create", file})
		}
		r := release.snib(t, argv...)
		text := r.stdout
		if options[0] == "--why=json" {
			text = r.stderr
		}
		var report any
		if err := json.Unmarshal([]byte(text), &report); err != nil {
			t.Fatalf("%q: %v: %+v", argv, err, r)
		}
		members("schema", report)
	}
	for name := range seen {
		if !regexp.MustCompile(`(?m)^\.Cm (.* , |.* No or Cm )?(\w+ , )*` + name + `( |$)`).MatchString(page) {
			t.Errorf("snib.1: no %s", name)
		}
	}
	if len(seen) < 60 {
		t.Errorf("%d members", len(seen))
	}
}
