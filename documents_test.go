package main

// The papers: what they claim is what the program does.

import (
	"os"
	"os/exec"
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
		"snib --abi = 7 --log --":     strings.Join(strings.Fields("--write --dev --read --list --bare --hide --protect --network --loopback --connect --unix --signals --keep-fd --strict --status-fd --log --unprotected --as --explain --explain=json --abi --bpf --status --status=json --help --version"), " "),
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
