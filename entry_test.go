package main

// The entry gives compiled code a g whose m is 0, so that a check that fails on the launch path is a SIGSEGV in the
// runtime's code, before that makes a system call.

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// failures has a check fail that the first word names; with another word the launch goes on.
const failures = `func violate(argv []*byte) {
	n := len(argv) + int(shared().path[0])
	switch word(argv, 1) {
	case "index":
		shared().path[0] = *argv[n]
	case "slice":
		shared().path[0] = byte(len(argv[n+1:]))
	case "string length":
		shared().path[0] = unsafe.String(argv[0], -n)[n]
	case "string of nil":
		shared().path[0] = unsafe.String((*byte)(unsafe.Pointer(uintptr(shared().path[1]))), n)[0]
	case "slice length":
		shared().path[0] = unsafe.Slice(argv[0], -n)[n]
	case "slice of nil":
		shared().path[0] = unsafe.Slice((*byte)(unsafe.Pointer(uintptr(shared().path[1]))), n)[0]
	case "stack":
		shared().path[0] = byte(violateStack(n << 32))
	}
}

func violateStack(n int) int {
	if n == 0 {
		return 0
	}
	return n * violateStack(n-1)
}`

// failingIn is the function of the runtime, one of failing, that each of them ends in.
var failingIn = map[string]string{
	"index":         "runtime.panicBounds",
	"slice":         "runtime.panicBounds",
	"string length": "runtime.panicunsafestringlen",
	"string of nil": "runtime.panicunsafestringnilptr",
	"slice length":  "runtime.panicunsafeslicelen",
	"slice of nil":  "runtime.panicunsafeslicenilptr",
	"stack":         "runtime.morestack_noctxt",
}

func TestFailedCheck(t *testing.T) {
	t.Parallel()
	needGo(t)
	needLong(t)
	for _, goarch := range guardedArchs {
		t.Run(goarch, func(t *testing.T) {
			trace := filepath.Join(scratch(t), "trace")
			tracer := []string{"strace", "-f", "-o", trace}
			emulated := goarch != runtime.GOARCH
			if emulated {
				tracer = []string{map[string]string{"amd64": "qemu-x86_64-static", "arm64": "qemu-aarch64-static"}[goarch], "-strace", "-D", trace}
			}
			tracer[0] = need(t, tracer[0])

			dir := violation(t, "violate(argv)", failures)
			guarded := buildGuarded(t, dir, goarch)
			checkFailingIn(t, guarded)
			binary := guarded.path

			// traced launches a command that makes a file, and tells whether it did.
			traced := func(words ...string) (r run, lines []string, ran bool) {
				file := filepath.Join(scratch(t), "made")
				argv := slices.Concat(tracer, []string{binary}, words, []string{probePath, "create", file})
				r = start(t, tracer[0], argv, func(cmd *exec.Cmd) { cmd.Dir = scratch(t) }) // for a core
				content, err := os.ReadFile(trace)
				if err != nil {
					t.Fatalf("%v, %+v", err, r)
				}
				_, err = os.Lstat(file)
				return r, strings.Split(strings.TrimSpace(string(content)), "\n"), err == nil
			}

			// The emulator has no Landlock, so nothing is restricted here.
			r, lines, ran := traced("--as", "codex-linux-sandbox", "/", `{"mode":"danger-full-access"}`)
			command := func(line string) bool { return strings.Contains(line, ` execve("`+probePath+`",`) }
			if r != (run{stdout: "ok\n"}) || !ran || !slices.ContainsFunc(lines, command) {
				t.Fatalf("control: %+v, ran: %v\n%s", r, ran, strings.Join(lines, "\n"))
			}

			for name := range failingIn {
				r, lines, ran := traced(name)
				if emulated {
					// This is the emulator's own.
					r.stderr = strings.Replace(r.stderr, "qemu: uncaught target signal 11 (Segmentation fault) - core dumped\n", "", 1)
				}
				if r != (run{code: -11}) || ran {
					t.Errorf("%s: %+v, ran: %v", name, r, ran)
				}
				if !emulated && strings.Contains(lines[0], ` execve("`+binary+`",`) {
					lines = lines[1:]
				}
				for _, line := range lines {
					if !strings.Contains(line, "--- SIGSEGV ") && !strings.Contains(line, "+++ killed by SIGSEGV ") {
						t.Errorf("%s: %s", name, line)
					}
				}
			}
		})
	}
}

// checkFailingIn checks that the failures are those that they are taken for, and that the launch has none but such.
func checkFailingIn(t *testing.T, b *guarded) {
	t.Helper()
	reached := func(root string) map[string]bool {
		names := map[string]bool{}
		order, _ := b.reach(root)
		for _, name := range order {
			for _, c := range b.functions[name].calls {
				if failing().MatchString(c.to) {
					names[strings.TrimSuffix(c.to, ".abi0")] = true
				}
			}
		}
		return names
	}
	caused, all := reached("main.violate"), reached(b.entry)
	for name, to := range failingIn {
		if !caused[to] {
			t.Errorf("%s does not end in %s", name, to)
		}
		delete(all, to)
	}
	if len(all) > 0 {
		t.Errorf("no failure ends in %v", all)
	}
}
