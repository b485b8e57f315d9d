package main

// What a policy does to other processes, seen from outside: a process that the test started kept its memory, its
// descriptors, its limits and its keys, or it did not.

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// A restriction is one kind of policy, by what it means for other processes.
type restriction struct {
	name     string
	launcher []string
	network  string // "strict", "local" or "on"
	writes   bool   // writes are restricted
	own      bool   // by snib's own options
}

// restrictions lists those that this kernel can enforce: writes take Landlock.
func restrictions() []restriction {
	flags := func(policy string) []string {
		return []string{"codex-linux-sandbox", "--sandbox-policy-cwd", "/nonexistent", "--sandbox-policy", policy, "--"}
	}
	all := []restriction{
		{"own options", []string{"snib", "--"}, "local", true, true},
		{"own options, network on", []string{"snib", "--network", "--"}, "on", true, true},
		{"own options, sockets open", []string{"snib", "--unix", "/", "--"}, "local", true, true},
		{"own options, everything writable", []string{"snib", "-w", "/", "--"}, "local", true, true},
		{"options", []string{"codex-linux-sandbox", "--"}, "strict", true, false},
		{"options, network on", []string{"codex-linux-sandbox", "-s", "network-full-access", "--"}, "on", true, false},
		{"options, writes free", []string{"codex-linux-sandbox", "-s", "disk-full-write-access", "--"}, "strict", false, false},
		{"positional", []string{"codex-linux-sandbox", "/nonexistent", `{"mode":"read-only"}`, "--"}, "strict", true, false},
		{"flags", flags(`{"type":"read-only"}`), "local", true, false},
		{"flags, network on", flags(`{"type":"workspace-write","network_access":true}`), "on", true, false},
		{"flags, writes free", flags(`{"type":"external-sandbox"}`), "local", false, false},
	}
	return slices.DeleteFunc(all, func(r restriction) bool { return r.writes && kernelABI() == 0 })
}

func eachRestriction(t *testing.T, test func(t *testing.T, b *build, r restriction)) {
	eachBuild(t, func(t *testing.T, b *build) {
		for _, r := range restrictions() {
			t.Run(r.name, func(t *testing.T) { test(t, b, r) })
		}
	})
}

// domain tells whether the command is in a Landlock domain, which keeps it from tracing processes outside.
func (r *restriction) domain() bool { return r.writes || r.network != "on" && kernelABI() >= 4 }

// tracing tells whether the command may trace its own processes.
func (r *restriction) tracing() bool { return r.network != "strict" && r.domain() }

// outside starts a process that is outside of every sandbox, and ends with the test.
func outside(t testing.TB) *another {
	t.Helper()
	a, err := startWaiting(rolePath("waiting"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(a.end)
	return a
}

func (a *another) mustState(t testing.TB) string {
	t.Helper()
	s, err := a.state()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// intrusions are the ways into another process.
var intrusions = []string{"readVM", "attach", "seize", "writeVM", "getFD"}

const (
	untouched = "original original"
	intruded  = "original ok ok ok ok" // the outcomes
	touched   = "written. taken..."
)

func intrude(p process) []string {
	op := []string{"each"}
	for _, name := range intrusions {
		op = slices.Concat(op, []string{name}, p.args(), []string{","})
	}
	return op
}

// The memory and the descriptors of processes outside stay out of reach; in local mode, and with a network, debuggers and
// tracers work on the command's own.
func TestTracing(t *testing.T) {
	t.Parallel()
	own := release.outcome(t, nil, "onOwn", rolePath("waiting"))
	outcomes, _, _ := strings.Cut(own, ":")
	if own != intruded+": "+touched {
		ways := strings.Fields(intruded)
		for i, got := range strings.Fields(outcomes) {
			if got != ways[i] && (got != "EPERM" || !filteredAlready()) {
				t.Fatalf("control, own process: %s", own)
			}
		}
		t.Logf("a filter of somebody else's leaves: %s", own)
	}
	eachBuild(t, func(t *testing.T, b *build) {
		other := outside(t)
		for _, r := range restrictions() {
			if got := b.outcome(t, r.launcher, intrude(other.process)...); got != strings.TrimSpace(strings.Repeat("EPERM ", len(intrusions))) {
				t.Errorf("%s: a process outside: %s", r.name, got)
			}
			if got := other.mustState(t); got != untouched {
				t.Errorf("%s: a process outside was left with %s", r.name, got)
			}
			want := own
			if !r.tracing() {
				want = "EPERM EPERM EPERM EPERM EPERM: " + untouched
			}
			if got := b.outcome(t, r.launcher, "onOwn", rolePath("waiting")); got != want {
				t.Errorf("%s: its own process: %s, want %s", r.name, got, want)
			}
		}
		if got := b.outcome(t, nil, intrude(other.process)...); got != outcomes {
			t.Errorf("control: %s, want %s", got, outcomes)
		}
		if got := other.mustState(t); (got == touched) != (outcomes == intruded) {
			t.Errorf("control: left with %s", got)
		}
	})
}

// Landlock keeps what /proc has of the memory and the environment of processes outside from the command, root's too.
func TestProcessOutside(t *testing.T) {
	t.Parallel()
	needABI(t, 1)
	proc := fmt.Sprintf("/proc/%d/", outside(t).pid)
	ops := []string{"each", "openBoth", proc + "mem", ",", "read", proc + "environ", ",", "read", proc + "maps", ",", "read", proc + "auxv"}
	eachBuild(t, func(t *testing.T, b *build) {
		if got := b.outcome(t, nil, ops...); got != "ok ok ok ok" {
			t.Errorf("control: %s", got)
		}
		for _, sandbox := range [][]string{{"snib", "-w", "/"}, {"snib", "--network"}, {"codex-linux-sandbox", "--"}} {
			if got := b.outcome(t, sandbox, ops...); got != "EACCES EACCES EACCES EACCES" {
				t.Errorf("%q: %s", sandbox, got)
			}
		}
	})
}

// The command does not make its caller its tracer. The original's grammars leave that alone while the network is on.
func TestTraceMe(t *testing.T) {
	t.Parallel()
	run := func(t *testing.T, path string, launcher []string) string {
		t.Helper()
		argv := slices.Concat([]string{"caller", path}, launcher, []string{probePath, "traceMe"})
		r := start(t, rolePath("caller"), argv, nil)
		if r.code != 0 || r.stderr != "" {
			t.Fatalf("%q: %+v", argv, r)
		}
		return strings.TrimSpace(r.stdout)
	}
	if got := run(t, probePath, nil); got != "ok traced" {
		t.Fatalf("control: %s", got)
	}
	eachRestriction(t, func(t *testing.T, b *build, r restriction) {
		want := "EPERM untraced"
		if !r.own && r.network == "on" {
			want = "ok traced"
		}
		if got := run(t, b.path, r.launcher); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	})
}

// strace and LeakSanitizer attach to what they look at. Neither works in strict mode, which shows that it is the tracing
// that they need.
func TestTracers(t *testing.T) {
	t.Parallel()
	needLong(t)
	needABI(t, 1)
	strict := []string{"codex-linux-sandbox", "-s", "disk-full-write-access", "--"}
	t.Run("strace", func(t *testing.T) {
		strace, command := need(t, "strace"), need(t, "true")
		dir := scratch(t)
		trace := func(path string, launcher []string) (run, string) {
			file := dir + "/trace"
			r := start(t, path, slices.Concat(launcher, []string{strace, "-o", file, command}), nil)
			content, _ := os.ReadFile(file)
			os.Remove(file)
			return r, string(content)
		}
		works := func(r run, trace string) bool {
			return r.code == 0 && strings.Contains(trace, "execve(") && strings.Contains(trace, "exited with 0")
		}
		if r, got := trace(strace, nil); !works(r, got) {
			t.Errorf("control: %+v: %s", r, got)
		}
		eachBuild(t, func(t *testing.T, b *build) {
			for _, sandbox := range [][]string{{"snib", "-w", dir, "--"}, {"snib", "--network", "-w", dir, "--"}, workspace(t, dir)} {
				if r, got := trace(b.path, sandbox); !works(r, got) {
					t.Errorf("%q: %+v: %s", sandbox, r, got)
				}
			}
			if r, got := trace(b.path, strict); works(r, got) {
				t.Errorf("%q: %+v: %s", strict, r, got)
			}
		})
	})
	t.Run("LeakSanitizer", func(t *testing.T) {
		gcc := need(t, "gcc")
		dir := scratch(t)
		source, leaking := dir+"/leaking.c", dir+"/leaking"
		const program = "#include <stdlib.h>\nvoid *volatile kept;\nint main(void) { kept = malloc(7); kept = 0; return 0; }\n"
		if err := os.WriteFile(source, []byte(program), 0o644); err != nil {
			t.Fatal(err)
		}
		if r := start(t, gcc, []string{gcc, "-fsanitize=leak", "-o", leaking, source}, nil); r.code != 0 {
			t.Skip("needs gcc with LeakSanitizer")
		}
		const finding = "detected memory leaks"
		if r := start(t, leaking, []string{leaking}, nil); !strings.Contains(r.stderr, finding) {
			t.Fatalf("control: %+v", r)
		}
		eachBuild(t, func(t *testing.T, b *build) {
			for _, sandbox := range [][]string{{"snib", "--"}, {"snib", "--network", "--"}, workspace(t)} {
				if r := start(t, b.path, append(slices.Clone(sandbox), leaking), nil); !strings.Contains(r.stderr, finding) {
					t.Errorf("%q: %+v", sandbox, r)
				}
			}
			if r := start(t, b.path, append(slices.Clone(strict), leaking), nil); strings.Contains(r.stderr, finding) {
				t.Errorf("%q: %+v", strict, r)
			}
		})
	})
}

// The limits of processes outside are the command's to read only. The original's grammars leave them alone.
func TestLimits(t *testing.T) {
	t.Parallel()
	eachBuild(t, func(t *testing.T, b *build) {
		other := outside(t)
		limit := func() uint64 {
			t.Helper()
			var limit unix.Rlimit
			if err := unix.Prlimit(other.pid, unix.RLIMIT_NOFILE, nil, &limit); err != nil {
				t.Fatal(err)
			}
			return limit.Cur
		}
		pid := fmt.Sprint(other.pid)
		lower := func(launcher []string) string {
			return b.outcome(t, launcher, "each", "lowerLimit", pid, ",", "lowerLimitWide", pid, ",", "lowerLimitFar", pid)
		}
		for _, r := range restrictions() {
			before := limit()
			want, left := "EPERM EPERM EPERM", before
			if !r.own {
				want, left = "ok ok ok", before-3
			}
			if got := lower(r.launcher); got != want {
				t.Errorf("%s: %s, want %s", r.name, got, want)
			}
			if after := limit(); after != left {
				t.Errorf("%s: the limit of a process outside went from %d to %d", r.name, before, after)
			}
			want = fmt.Sprintf("%d ok", left)
			if got := b.outcome(t, r.launcher, "each", "readLimit", pid, ",", "ownLimits"); got != want {
				t.Errorf("%s: reading, and the command's own: %s, want %s", r.name, got, want)
			}
		}
		before := limit()
		if got := lower(nil); got != "ok ok ok" || limit() != before-3 {
			t.Errorf("control: %s, from %d to %d", got, before, limit())
		}
	})
}

// A namespace is not entered by its file, even one that the command made and has every right to.
func TestSetns(t *testing.T) {
	t.Parallel()
	ops := []string{"inNamespaces", "each", "setns", ",", "setHostname"}
	if got := release.outcome(t, nil, ops...); got != "ok ok" {
		if filteredAlready() || slices.Contains([]string{"EPERM", "EACCES", "ENOSPC", "EUSERS"}, got) {
			t.Skip("needs user namespaces")
		}
		t.Fatalf("control: %s", got)
	}
	eachRestriction(t, func(t *testing.T, b *build, r restriction) {
		if got := b.outcome(t, r.launcher, ops...); got != "EPERM ok" {
			t.Errorf("setns, sethostname: %s", got)
		}
	})
}

// Keys are the user's, not the command's: it neither reads nor changes one that it inherits.
func TestKeyrings(t *testing.T) {
	t.Parallel()
	keys := func(t *testing.T, path string, launcher []string, ops ...string) string {
		t.Helper()
		argv := slices.Concat([]string{"keyholder", path}, launcher, []string{probePath, "each"})
		for _, op := range ops {
			argv = append(argv, op, "ID", "NAME", ",")
		}
		r := start(t, rolePath("keyholder"), argv, nil)
		if r.code != 0 || r.stderr != "" {
			t.Fatalf("%q: %+v", argv, r)
		}
		return strings.TrimSpace(r.stdout)
	}
	for _, c := range []struct{ ops, want string }{
		{"readKey findKey", "original ok: original"},
		{"updateKey", "ok: updated"},
		{"addKey", "ok: added"},
	} {
		got := keys(t, probePath, nil, strings.Fields(c.ops)...)
		if got == "no key: ENOSYS" || got == "no key: EPERM" && filteredAlready() {
			t.Skip("needs keyrings")
		}
		if got != c.want {
			t.Errorf("control: %s: %s, want %s", c.ops, got, c.want)
		}
	}
	if got := keys(t, probePath, nil, "unlinkKey"); !strings.HasPrefix(got, "ok: ") || strings.HasSuffix(got, "original") {
		t.Errorf("control: unlinkKey: %s", got)
	}
	eachRestriction(t, func(t *testing.T, b *build, r restriction) {
		got := keys(t, b.path, r.launcher, "readKey", "findKey", "updateKey", "addKey", "unlinkKey")
		if got != "EPERM EPERM EPERM EPERM EPERM: original" {
			t.Error(got)
		}
	})
}

// What looks into the kernel, and so into every process, is not reached: its arguments are ones that the kernel refuses
// for another reason. Where it asks for a capability first, only root can tell.
func TestKernelCalls(t *testing.T) {
	t.Parallel()
	for _, op := range []string{"bpf", "perf"} {
		if got := release.outcome(t, nil, op); got == "EPERM" {
			if os.Geteuid() == 0 && !filteredAlready() {
				t.Errorf("%s: control: %s", op, got)
			}
			continue
		}
		eachRestriction(t, func(t *testing.T, b *build, r restriction) {
			if got := b.outcome(t, r.launcher, op); got != "EPERM" {
				t.Errorf("%s: %s", op, got)
			}
		})
	}
}

// The command makes no children of its caller's, whose wait would find them in the command's place. clone3, which has that flag in
// memory and can put a process into a cgroup besides, is not there.
func TestChildrenOfCaller(t *testing.T) {
	t.Parallel()
	needUserInGuests(t)
	run := func(path string, launcher []string) (foreign, outcome string) {
		t.Helper()
		r := start(t, rolePath("parent"), slices.Concat([]string{"parent", path}, launcher, []string{probePath, "forkForCaller"}), nil)
		if r.code != 0 {
			t.Fatalf("%q: %+v", launcher, r)
		}
		return strings.TrimSpace(r.stdout), strings.TrimSpace(r.stderr)
	}
	if foreign, outcome := run(probePath, nil); foreign != "1" || outcome != "ok" {
		t.Fatalf("control: %s, %s children besides", outcome, foreign)
	}
	clone3 := release.outcome(t, nil, "clone3")
	eachRestriction(t, func(t *testing.T, b *build, r restriction) {
		wantForeign, want := "0", "EPERM"
		if !r.own && r.network == "on" {
			wantForeign, want = "1", "ok"
		}
		if foreign, outcome := run(b.path, r.launcher); foreign != wantForeign || outcome != want {
			t.Errorf("%s, %s children besides; want %s, %s", outcome, foreign, want, wantForeign)
		}
		if got := b.outcome(t, r.launcher, "clone3"); got != "ENOSYS" || clone3 == "ENOSYS" && !filteredAlready() {
			t.Errorf("clone3: %s, without a sandbox %s", got, clone3)
		}
	})
}
