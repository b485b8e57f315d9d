package main

// What is said about the project in more than one place: versions, and the stages of CI.

import (
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// sourceFile returns a file of the source.
func sourceFile(t *testing.T, name string) string {
	t.Helper()
	if _, err := os.Stat("go.mod"); err != nil {
		t.Skip("needs the source")
	}
	content, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

// CHANGELOG.md begins with this version, and no two of its headings are the same.
func TestChangelog(t *testing.T) {
	var versions []string
	for _, m := range regexp.MustCompile(`(?m)^## (.*)$`).FindAllStringSubmatch(sourceFile(t, "CHANGELOG.md"), -1) {
		number, date, _ := strings.Cut(m[1], " - ")
		if !regexp.MustCompile(`^\d+\.\d+\.\d+$`).MatchString(number) || !regexp.MustCompile(`^20\d\d-\d\d-\d\d$`).MatchString(date) {
			t.Errorf("heading %q, want VERSION - YEAR-MONTH-DAY", m[1])
		}
		if slices.Contains(versions, number) {
			t.Errorf("%s stands twice", number)
		}
		versions = append(versions, number)
	}
	if len(versions) == 0 || versions[0] != version {
		t.Errorf("versions %q, want %s first", versions, version)
	}
}

// The images are built by the Go that go.mod pins.
func TestToolchain(t *testing.T) {
	pinned := regexp.MustCompile(`(?m)^toolchain go(\S+)$`).FindStringSubmatch(sourceFile(t, "go.mod"))
	if pinned == nil {
		t.Fatal("go.mod pins no toolchain")
	}
	for _, name := range []string{"Dockerfile", "Dockerfile.test", "examples/image/Dockerfile"} {
		if builder := "ARG BUILDER=golang:" + pinned[1] + "\n"; !strings.Contains(sourceFile(t, name), builder) {
			t.Errorf("%s has no %q", name, builder)
		}
	}
}

// workflow is what TestWorkflow reads of the workflow file.
type workflow struct {
	permissions map[string]string
	uses        []string            // actions
	stages      map[string][]string // by job
	timeouts    map[string]string   // by job
}

// readWorkflow reads a workflow of the one form that ours has: two spaces a level, a value a line, no anchors, no quotes but around
// a whole value. Anything else is an error, so that no line means something to the host that it does not mean here.
func readWorkflow(t *testing.T, text string) (w workflow, problems []string) {
	t.Helper()
	w = workflow{permissions: map[string]string{}, stages: map[string][]string{}, timeouts: map[string]string{}}
	line := regexp.MustCompile(`^( *)(- )?(?:([A-Za-z_-]+):)?(?: ?(.*))$`)
	var path []string
	seen, items := map[string]bool{}, 0
	for _, s := range strings.Split(strings.TrimSuffix(text, "\n"), "\n") {
		if strings.TrimSpace(s) == "" || strings.HasPrefix(strings.TrimSpace(s), "#") {
			continue
		}
		m := line.FindStringSubmatch(s)
		bad := func(why string) { problems = append(problems, why+": "+s) }
		if m == nil || len(m[1])%2 != 0 || m[3] == "" || strings.ContainsAny(m[4], "{}\t") || strings.IndexAny(m[4], "&*|>!") == 0 {
			bad("not of the known form")
			continue
		}
		level, key, value := len(m[1])/2, m[3], strings.Trim(m[4], `"`)
		if level > len(path) {
			bad("indented too far")
			continue
		}
		path = path[:level:level]
		if m[2] != "" {
			items++
			path = append(path, strconv.Itoa(items))
		}
		path = append(path, key)
		where := strings.Join(path, "/")
		if seen[where] {
			bad("stands twice")
		}
		seen[where] = true
		job := ""
		if len(path) > 1 && path[0] == "jobs" {
			job = path[1]
		}
		switch {
		case path[0] == "permissions" && len(path) == 2:
			w.permissions[key] = value
		case key == "permissions" && (len(path) > 1 || value != ""), key == "secrets", key == "pull_request_target":
			bad("not wanted")
		case key == "uses":
			w.uses = append(w.uses, value)
		case key == "timeout-minutes":
			w.timeouts[job] = value
		case key == "run":
			if stages, is := strings.CutPrefix(value, "bash .ci/run "); is {
				w.stages[job] = append(w.stages[job], strings.Fields(stages)...)
			}
		}
	}
	return w, problems
}

// TestWorkflow: the hosted workflow may only read, takes no action but the checkout, and its jobs run each stage of .ci/run once.
func TestWorkflow(t *testing.T) {
	w, problems := readWorkflow(t, sourceFile(t, ".github/workflows/ci.yml"))
	for _, problem := range problems {
		t.Error(problem)
	}
	if len(w.permissions) != 1 || w.permissions["contents"] != "read" {
		t.Errorf("permissions %q", w.permissions)
	}
	for _, action := range w.uses {
		if !regexp.MustCompile(`^actions/checkout@v\d+$`).MatchString(action) {
			t.Errorf("action %q", action)
		}
	}
	// The stages, and what each needs; those for a weekly run.
	script := sourceFile(t, ".ci/run")
	_, table, _ := strings.Cut(script, "\nstages='\n")
	table, _, _ = strings.Cut(table, "\n'\n")
	needs := map[string][]string{}
	for _, row := range strings.Split(table, "\n") {
		words := strings.Fields(row)
		needs[words[0]] = words[1:]
	}
	weekly := regexp.MustCompile(`\$1 != "([a-z-]+)"`).FindAllStringSubmatch(script, -1)
	if len(needs) < 15 || len(weekly) != 3 {
		t.Fatalf("stages %v, weekly %q", needs, weekly)
	}
	runs := map[string]int{}
	for job, stages := range w.stages {
		if w.timeouts[job] == "" {
			t.Errorf("job %s has no timeout-minutes", job)
		}
		for _, stage := range stages {
			if _, is := needs[stage]; !is {
				t.Errorf("job %s: no stage %s", job, stage)
			}
			runs[stage]++
		}
	}
	for stage := range needs {
		// What others need runs with them.
		needed := 0
		for _, other := range needs {
			if slices.Contains(other, stage) {
				needed++
			}
		}
		if runs[stage] > 1 || runs[stage] == 0 && needed == 0 {
			t.Errorf("stage %s stands in %d jobs", stage, runs[stage])
		}
	}
	for _, m := range weekly {
		if !strings.Contains(sourceFile(t, ".github/workflows/ci.yml"), "schedule:") || runs[m[1]] != 1 {
			t.Errorf("no weekly run of %s", m[1])
		}
	}

	// What the reader is for: each of these is found.
	good := "permissions:\n  contents: read\njobs:\n  a:\n    steps:\n      - uses: actions/checkout@v4\n      - run: bash .ci/run vet\n"
	if w, problems := readWorkflow(t, good); len(problems) > 0 || w.stages["a"][0] != "vet" || w.permissions["contents"] != "read" || len(w.uses) != 1 {
		t.Errorf("control: %q, %+v", problems, w)
	}
	for _, change := range [][2]string{
		{"  a:\n", "  a:\n    permissions: write-all\n"}, {"  a:\n", "  a:\n    permissions:\n      contents: write\n"},
		{"permissions:\n", "permissions: write-all\npermissions:\n"}, {"read\n", "read\n  contents: write\n"},
		{"vet\n", "vet\n      - {uses: other/action@v1}\n"}, {"vet\n", "vet\n      - run: |\n"}, {"    steps", "   steps"},
		{"jobs:\n", "on:\n  pull_request_target:\njobs:\n"},
	} {
		if _, problems := readWorkflow(t, strings.Replace(good, change[0], change[1], 1)); len(problems) == 0 {
			t.Errorf("not found: %q", change[1])
		}
	}
}
