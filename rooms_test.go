package main

// The rooms: which file may use what stands in which other.

import (
	"bytes"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// rooms are the files of the program, the upper ones first: a file may use what stands in those below it. Files of one
// level share a row.
var rooms = [][]string{
	{"main.go"},
	{"denials.go"},
	{"explain_status.go"},
	{"denials_trace.go"},
	{"denials_start.go"},
	{"denials_judge.go"},
	{"denials_others.go"},
	{"denials_sockets.go"},
	{"denials_execute.go"},
	{"denials_files.go"},
	{"denials_paths.go"},
	{"denials_calls.go"},
	{"denials_calls_amd64.go", "denials_calls_arm64.go"},
	{"denials_process.go"},
	{"denials_suggest.go"},
	{"denials_network.go"},
	{"denials_secrets.go"},
	{"denials_report.go"},
	{"explain.go"},
	{"explain_rehearsed.go"},
	{"failure_wording.go"},
	{"messages.go"},
	{"hints.go"},
	{"explain_tables.go", "explain_json.go"},
	{"launch_linux.go"},
	{"parse.go"},
	{"codex_helper.go"},
	{"codex_rewrite.go"},
	{"codex_profile.go"},
	{"codex_entries.go"},
	{"namespace_linux.go"},
	{"protect_linux.go"},
	{"hide_linux.go"},
	{"links_linux.go"},
	{"find_linux.go"},
	{"landlock_linux.go", "seccomp_linux.go"},
	{"syscalls_amd64.go", "syscalls_arm64.go"},
	{"rules_linux.go"},
	{"policy.go"},
	{"options.go", "json.go"},
	{"kernel_linux.go"},
	{"failure.go"},
}

// core are the rooms that run before execve, and apart are those of them that only the helper's command lines or the options --hide,
// --protect and --loopback enter.
var (
	core  = rooms[slices.IndexFunc(rooms, func(row []string) bool { return row[0] == "launch_linux.go" }):]
	apart = []string{"codex_helper.go", "json.go", "codex_rewrite.go", "codex_profile.go", "codex_entries.go", "namespace_linux.go", "protect_linux.go", "hide_linux.go", "links_linux.go", "find_linux.go"}
)

func TestRooms(t *testing.T) {
	t.Parallel()
	if _, err := os.Stat("go.mod"); err != nil {
		t.Skip("needs the source")
	}
	level := map[string]int{}
	for i, row := range rooms {
		for _, file := range row {
			level[file] = i
		}
	}
	var files []string
	lines, more := 0, 0
	entries, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		name := entry.Name()
		if !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			continue
		}
		if _, is := level[name]; !is {
			t.Errorf("%s is no room", name)
		}
		source, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		n := bytes.Count(source, []byte("\n"))
		if n > 450 {
			t.Errorf("%s has %d lines, more than 450", name, n)
		}
		if strings.Contains(name, "_a") && !strings.HasSuffix(name, "_"+runtime.GOARCH+".go") {
			continue
		}
		if slices.ContainsFunc(core, func(row []string) bool { return slices.Contains(row, name) }) {
			if slices.Contains(apart, name) {
				more += n
			} else {
				lines += n
			}
		}
		files = append(files, name)
	}
	if lines > 2200 {
		t.Errorf("the core has %d lines, more than 2,200", lines)
	}
	t.Logf("the core has %d lines, and what is apart %d more", lines, more)

	needGo(t)
	needLong(t)
	cmd := exec.Command("go", append([]string{"run", "./test/rooms"}, files...)...)
	cmd.Stderr = os.Stderr
	uses, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	between := 0
	for _, line := range strings.Split(strings.TrimSpace(string(uses)), "\n") {
		words := strings.Fields(line) // FILE:LINE:COLUMN, FILE, NAME
		if len(words) != 3 {
			t.Fatalf("%q", line)
		}
		from, _, _ := strings.Cut(words[0], ":")
		if level[from] >= level[words[1]] {
			t.Errorf("%s -> %s: %s", words[0], words[1], words[2])
		}
		between++
	}
	t.Logf("%d uses of what stands in another file", between)
}
