// Bench measures what a launch through snib costs, and what a command pays afterwards.
//
// The contenders of a table run in turn, in a fresh order each round, on one CPU, so that whatever else the machine does
// hits all of them alike. A launch is timed from vfork to the exit of a command that only exits (runner.c). The measure
// of snib is baseline.c, which makes the same system calls with the same arguments, but for some of --protect; that it
// does is checked first.
//
// What a fault on a program's file costs depends on how the file came into the page cache: in one large write, or page
// by page. So those built here start from disk, as after a boot; "snib release, just written" shows the other case.
package main

import (
	"bufio"
	"embed"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"

	"golang.org/x/sys/unix"
)

//go:embed *.c *.h
var sources embed.FS

// What -check demands: of a launch and of a root in terms of baseline.c, of a rewritten launch in terms of the launch of the
// command line that it becomes.
const (
	maxLaunch    = 1.25
	maxPerRoot   = 1.2
	maxRewritten = 1.2
)

// results are what -check compares with those, and what -svg draws.
type results struct {
	launch, perRoot, rewritten float64
	bars                       []bar
}

// rootCounts are the numbers of writable roots that are compared.
var rootCounts = []int{1, 10, 100, 1000}

func main() {
	rounds := flag.Int("rounds", 1000, "launches of each contender")
	check := flag.Bool("check", false, fmt.Sprintf(
		"fail if snib takes more than %.2f times the baseline for a launch, %.2f times for a root, or %.2f times as long for a rewritten launch",
		maxLaunch, maxPerRoot, maxRewritten))
	svg := ""
	flag.BoolFunc("svg", "draw what a launch costs in docs/speed.svg, or with -svg=`FILE` there", func(s string) error {
		if svg = s; s == "true" {
			svg = "docs/speed.svg"
		}
		return nil
	})
	given := map[string]string{}
	flag.Func("with", "where another launcher is, as `name=path`; repeatable", func(s string) error {
		name, path, _ := strings.Cut(s, "=")
		if !slices.ContainsFunc(others, func(o other) bool { return o.name == name }) {
			return fmt.Errorf("no launcher %q is known", name)
		}
		given[name] = path
		return nil
	})
	flag.Parse()
	if *rounds < 1 {
		*rounds = 1
	}
	r, err := run(*rounds, given)
	if err == nil && svg != "" {
		err = os.WriteFile(svg, []byte(picture(r.bars, measure, *rounds)), 0o644)
	}
	if err == nil && *check && (r.launch > maxLaunch || r.perRoot > maxPerRoot || r.rewritten > maxRewritten) {
		err = fmt.Errorf("over the limit: a launch takes %.2f times the baseline's, a root %.2f times, a rewritten launch %.2f times its command line's",
			r.launch, r.perRoot, r.rewritten)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// run prints all tables.
func run(rounds int, given map[string]string) (r results, err error) {
	// This thread is pinned to a CPU, which what it starts inherits, and traces the launches that are compared.
	runtime.LockOSThread()
	// Not in /tmp, which is often a file system of its own kind.
	dir, err := os.MkdirTemp("/var/tmp", "snib-bench-")
	if err != nil {
		return r, err
	}
	defer os.RemoveAll(dir)
	b := &bench{dir: dir}
	if err := b.build(); err != nil {
		return r, err
	}
	if err := b.pin(); err != nil {
		return r, err
	}
	if r.launch, r.bars, err = b.launches(rounds, given); err != nil {
		return r, err
	}
	if r.perRoot, err = b.rootCosts(max(rounds/4, 1)); err != nil {
		return r, err
	}
	if err = b.hidden(max(rounds/4, 1)); err != nil {
		return r, err
	}
	if err = b.calls(); err != nil {
		return r, err
	}
	// The last two make network namespaces, which the kernel takes down later.
	if r.rewritten, err = b.rewritten(max(rounds/4, 1), given); err != nil {
		return r, err
	}
	return r, b.namespaces(max(rounds/4, 1), given)
}

// bench is the directory of a run.
type bench struct {
	dir   string
	roots []string
}

func (b *bench) path(name string) string { return filepath.Join(b.dir, name) }

// build makes the programs and the writable roots.
func (b *bench) build() error {
	names, err := sources.ReadDir(".")
	if err != nil {
		return err
	}
	for _, name := range names {
		text, err := sources.ReadFile(name.Name())
		if err != nil {
			return err
		}
		if err := os.WriteFile(b.path(name.Name()), text, 0o644); err != nil {
			return err
		}
	}
	for i := range slices.Max(rootCounts) {
		root := b.path(fmt.Sprintf("roots/root%04d", i))
		if err := os.MkdirAll(root, 0o755); err != nil {
			return err
		}
		b.roots = append(b.roots, root)
	}
	for _, step := range []func() error{
		func() error {
			return command("go", "build", "-trimpath", "-ldflags", "-s -w -E main.entry", "-o", b.path("snib"), "snib")
		},
		func() error { return command("go", "build", "-o", b.path("snib-plain"), "snib") },
		func() error { return b.compile("runner") },
		func() error { return b.compile("calls") },
		func() error { return b.compile("command", freestanding...) },
		func() error { return b.writePolicy() },
		func() error { return b.compile("baseline", freestanding...) },
		func() error { return b.compile("baseline-called", append(freestanding, "-DCALLED")...) },
		func() error { return b.compareCalls("baseline", rootCounts) },
		b.copySnib,
		func() error { return b.fromDisk(programs...) },
	} {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

var freestanding = []string{"-nostdlib", "-ffreestanding"}

func (b *bench) compile(name string, flags ...string) error {
	source, _, _ := strings.Cut(name, "-")
	return command("gcc", slices.Concat(flags, []string{"-O2", "-static", "-o", b.path(name), b.path(source + ".c")})...)
}

func command(name string, args ...string) error {
	cmd := exec.Command(name, args...)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%v: %v\n%s", cmd, err, out)
	}
	return nil
}

// writePolicy gives the baseline the rights and the filter that snib uses.
func (b *bench) writePolicy(options ...string) error {
	calls, err := trace(b.launcher("snib", 1, options...))
	if err != nil {
		return err
	}
	return os.WriteFile(b.path("policy.h"), policyHeader(calls), 0o644)
}

// compareCalls checks that a baseline makes the calls that snib makes, but for those by which --protect finds its path.
func (b *bench) compareCalls(baseline string, roots []int, options ...string) error {
	for _, n := range roots {
		want, err := trace(b.launcher("snib", n, options...))
		if err != nil {
			return err
		}
		have, err := trace(b.launcher(baseline, n, options...))
		if err != nil {
			return err
		}
		if slices.Contains(options, "--protect") {
			want, have = slices.DeleteFunc(want, call.finds), slices.DeleteFunc(have, call.finds)
		}
		if !slices.EqualFunc(have, want, call.equal) {
			return fmt.Errorf("with %d roots, %s does not make snib's calls:\n%v\n%v", n, baseline, have, want)
		}
	}
	return nil
}

// programs are what is built here and timed.
var programs = []string{"command", "baseline", "snib", "snib-plain", "baseline-called", "calls"}

// fromDisk drops programs from the page cache.
func (b *bench) fromDisk(names ...string) error {
	for _, name := range names {
		f, err := os.Open(b.path(name))
		if err != nil {
			return err
		}
		if err = f.Sync(); err == nil {
			err = unix.Fadvise(int(f.Fd()), 0, 0, unix.FADV_DONTNEED)
		}
		f.Close()
		if err != nil {
			return err
		}
	}
	return nil
}

// copySnib leaves a copy in the page cache as one write put it there.
func (b *bench) copySnib() error {
	text, err := os.ReadFile(b.path("snib"))
	if err != nil {
		return err
	}
	return os.WriteFile(b.path("snib-written"), text, 0o755)
}

// pin keeps this thread, and what it starts, on the last CPU that it may use.
func (b *bench) pin() error {
	var set unix.CPUSet
	if err := unix.SchedGetaffinity(0, &set); err != nil {
		return err
	}
	last := 0
	for cpu := range 64 * len(set) {
		if set.IsSet(cpu) {
			last = cpu
		}
	}
	set.Zero()
	set.Set(last)
	return unix.SchedSetaffinity(0, &set)
}

// launcher is the command line of snib, or the baseline, with n roots.
func (b *bench) launcher(name string, n int, options ...string) []string {
	argv := append([]string{b.path(name)}, options...)
	for _, root := range b.roots[:n] {
		argv = append(argv, "-w", root)
	}
	return append(argv, "--", b.path("command"))
}

// An other launcher has command lines, the fullest first, that come as near as it can to snib's policy with one root,
// $ROOT. The first that works is used.
type other struct {
	name  string
	label string // in the picture; "": not there
	lines []line
}

type line struct {
	lacks string
	args  string
}

const workspace = `"workspace-write","exclude_slash_tmp":true,"exclude_tmpdir_env_var":true}`

var others = []other{
	{"bwrap", "bubblewrap", []line{
		{"", "--ro-bind / / --dev-bind /dev/null /dev/null --bind $ROOT $ROOT --unshare-net --"},
	}},
	{"landrun", "landrun", []line{
		{"no filter", "--rox / --rw /dev/null --rwx $ROOT --"},
	}},
	{"codex-linux-sandbox", "", []line{
		{"", `--sandbox-policy-cwd $ROOT --sandbox-policy {"type":` + workspace + ` --`},
		{"", `$ROOT {"mode":` + workspace + ` --`},
		{"", "-s disk-full-read-access -s disk-write-folder=$ROOT --"},
	}},
	{"setpriv", "", []line{
		{"no filter", "--no-new-privs --landlock-access fs --landlock-rule path-beneath:execute,read-file,read-dir:/ " +
			"--landlock-rule path-beneath:write-file,truncate:/dev/null --landlock-rule path-beneath:execute,write-file,read-file," +
			"read-dir,remove-dir,remove-file,make-dir,make-reg,make-sock,make-fifo,make-sym,refer,truncate:$ROOT --"},
		{"no_new_privs only", "--no-new-privs --"},
	}},
}

// contender is a row of a table: a file, and the argv that it is executed with.
type contender struct {
	name  string
	label string // in the picture; "": not there
	file  string
	argv  []string
}

// measure is the label of what the others are compared with in the picture.
const measure = "C, the same system calls"

// contenders returns snib, what it is measured by, and the other launchers that there are.
func (b *bench) contenders(given map[string]string) ([]contender, error) {
	all := []contender{{"the command alone", "the command alone", b.path("command"), []string{b.path("command")}}}
	for _, c := range []struct{ name, label, file string }{
		{"C baseline", measure, "baseline"},
		{"snib release", "snib", "snib"},
		{"snib plain", "snib, plain go build", "snib-plain"},
		{"C baseline, calls by a function", "", "baseline-called"},
		{"snib release, just written", "", "snib-written"},
	} {
		all = append(all, contender{c.name, c.label, b.path(c.file), b.launcher(c.file, 1)})
	}
	for _, o := range others {
		file, err := locate(o.name, given)
		if err != nil {
			fmt.Println("not installed:", o.name)
			continue
		}
		c, err := b.other(o, file)
		if err != nil {
			return nil, err
		}
		all = append(all, c)
	}
	return all, nil
}

func locate(name string, given map[string]string) (string, error) {
	if file, is := given[name]; is {
		return file, nil
	}
	return exec.LookPath(name)
}

func (b *bench) other(o other, file string) (contender, error) {
	var why string
	for _, l := range o.lines {
		args := strings.Fields(strings.ReplaceAll(l.args, "$ROOT", b.roots[0]))
		c := contender{o.name, o.label, file, slices.Concat([]string{o.name}, args, []string{b.path("command")})}
		if l.lacks != "" {
			c.name += " (" + l.lacks + ")"
			if c.label != "" {
				c.label += ", " + l.lacks
			}
		}
		cmd := exec.Cmd{Path: c.file, Args: c.argv}
		out, err := cmd.CombinedOutput()
		if err == nil {
			return c, nil
		}
		why += fmt.Sprintf("\n%q: %v\n%s", c.argv, err, out)
	}
	return contender{}, fmt.Errorf("%s does not work:%s", o.name, why)
}

// samples are what was measured of one contender, each sorted.
type samples struct{ time, faults []float64 }

// race launches every contender once a round, with nothing but env in its environment, so that it is the same on every machine.
func (b *bench) race(all []contender, rounds int, env ...string) ([]samples, error) {
	args := []string{strconv.Itoa(max(rounds/10, 1)), strconv.Itoa(rounds)}
	for _, c := range all {
		args = append(append(append(args, c.file), c.argv...), "")
	}
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	cmd := exec.Command(b.path("runner"), args...)
	cmd.Env = append([]string{}, env...) // nil would be the environment of this process
	cmd.Stderr = os.Stderr
	cmd.ExtraFiles = []*os.File{w}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	w.Close()
	results := make([]samples, len(all))
	for s := bufio.NewScanner(r); s.Scan(); {
		var i int
		var time, faults float64
		if _, err := fmt.Sscan(s.Text(), &i, &time, &faults); err != nil {
			return nil, err
		}
		results[i].time = append(results[i].time, time)
		results[i].faults = append(results[i].faults, faults)
	}
	for i := range results {
		slices.Sort(results[i].time)
		slices.Sort(results[i].faults)
	}
	return results, cmd.Wait()
}

func quantile(sorted []float64, q float64) float64 {
	return sorted[int(q*float64(len(sorted)-1)+0.5)]
}

func median(sorted []float64) float64 { return quantile(sorted, 0.5) }

// launches prints what a launch costs, and returns the ratio of snib to the baseline, and the bars of the picture.
func (b *bench) launches(rounds int, given map[string]string) (float64, []bar, error) {
	all, err := b.contenders(given)
	if err != nil {
		return 0, nil, err
	}
	results, err := b.race(all, rounds)
	if err != nil {
		return 0, nil, err
	}
	t := newTable(fmt.Sprintf("%d launches each, from fork to exit, in microseconds; minor page faults", rounds),
		"", "quarter", "median", "3 quarters", "/ alone", "/ baseline", "faults", "- alone")
	alone, baseline, snib := results[0], results[1], results[2]
	var bars []bar
	for i, r := range results {
		if all[i].label != "" {
			bars = append(bars, bar{all[i].label, median(r.time)})
		}
		t.row(all[i].name, micro(quantile(r.time, 0.25)), micro(median(r.time)), micro(quantile(r.time, 0.75)),
			ratio(median(r.time), median(alone.time)), ratio(median(r.time), median(baseline.time)),
			fmt.Sprint(median(r.faults)), fmt.Sprint(median(r.faults)-median(alone.faults)))
	}
	return median(snib.time) / median(baseline.time), bars, t.Flush()
}

// rootCosts prints what more writable roots cost, and returns the ratio of snib to the baseline for one.
func (b *bench) rootCosts(rounds int) (perRoot float64, err error) {
	names := []string{"baseline", "snib", "baseline-called"}
	var all []contender
	for _, n := range rootCounts {
		for _, name := range names {
			all = append(all, contender{name: name, file: b.path(name), argv: b.launcher(name, n)})
		}
	}
	results, err := b.race(all, rounds)
	if err != nil {
		return 0, err
	}
	t := newTable(fmt.Sprintf("More writable roots: medians of %d launches, and what each root after the first adds, in microseconds", rounds),
		"roots", "C baseline", "snib release", "/ baseline", "a root: C baseline", "snib release", "/ baseline", "C, by a function")
	time := func(row, column int) float64 { return median(results[len(names)*row+column].time) }
	for i, n := range rootCounts {
		row := []string{strconv.Itoa(n), micro(time(i, 0)), micro(time(i, 1)), ratio(time(i, 1), time(i, 0))}
		if i > 0 {
			root := func(column int) float64 { return (time(i, column) - time(0, column)) / float64(n-rootCounts[0]) }
			row = append(row, micro(root(0)), micro(root(1)), ratio(root(1), root(0)), micro(root(2)))
			perRoot = root(1) / root(0)
		}
		t.row(row...)
	}
	return perRoot, t.Flush()
}

// home makes a directory of entries, of which the file secret is one.
func (b *bench) home(entries int) (string, error) {
	dir := b.path(fmt.Sprint("home-", entries))
	err := os.MkdirAll(dir, 0o755)
	for i := range entries - 1 {
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, fmt.Sprint("file-", i)), nil, 0o644)
		}
	}
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, "secret"), nil, 0o600)
	}
	return dir, err
}

// hidden prints what it costs to hide a file. Beside the entries of its directory there are those of the directories above that.
func (b *bench) hidden(rounds int) error {
	all := []contender{{name: "nothing", file: b.path("snib"), argv: b.launcher("snib", 1)}}
	for _, entries := range []int{30, 2000} {
		dir, err := b.home(entries)
		if err != nil {
			return err
		}
		argv := b.launcher("snib", 1, "--hide", filepath.Join(dir, "secret"))
		all = append(all, contender{name: fmt.Sprint("one of ", entries), file: b.path("snib"), argv: argv})
	}
	results, err := b.race(all, rounds)
	if err != nil {
		return err
	}
	t := newTable(fmt.Sprintf("--hide: medians of %d launches, and what each entry more adds, in microseconds", rounds), "hidden", "launch", "/ nothing", "an entry")
	for i, r := range results {
		row := []string{all[i].name, micro(median(r.time)), ratio(median(r.time), median(results[0].time))}
		if i == 2 {
			row = append(row, micro((median(r.time)-median(results[1].time))/(2000-30)))
		}
		t.row(row...)
	}
	return t.Flush()
}

// calls prints how fast a command makes system calls in the sandbox, and without one.
func (b *bench) calls() error {
	const runs, count = 31, 20000
	works := [][]string{{"getppid"}, {"socketpair"}, {"sendto"}, {"ioctl"}, {"fcntl"}}
	names := []string{"getppid", "socketpair, close twice", "sendto, read", "ioctl", "fcntl"}
	for _, depth := range []int{1, 5, 20} {
		dir := filepath.Join(b.roots[depth], strings.Repeat("d/", depth-1))
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return err
		}
		file := filepath.Join(dir, "file")
		if err := os.WriteFile(file, nil, 0o644); err != nil {
			return err
		}
		works = append(works, []string{"open", file})
		names = append(names, fmt.Sprintf("open, close, %d beneath a root", depth))
	}
	home, err := b.home(30)
	if err != nil {
		return err
	}
	hiding := len(works)
	works = append(works, []string{"read", home + "/file-0"}, []string{"read", home + "/file-0"})
	names = append(names, "open for reading, close", "the same, beside a hidden file")
	rates := make([][2][]float64, len(works))
	for range runs {
		for i, work := range works {
			for sandboxed := range 2 {
				argv := append([]string{b.path("calls"), strconv.Itoa(count)}, work...)
				if sandboxed == 1 {
					launcher := []string{b.path("snib"), "-w", b.roots[1], "-w", b.roots[5], "-w", b.roots[20], "--"}
					if i > hiding {
						launcher = slices.Insert(launcher, 1, "--hide", home+"/secret")
					}
					argv = slices.Concat(launcher, argv)
				}
				cmd := exec.Command(argv[0], argv[1:]...)
				cmd.Stderr = os.Stderr
				out, err := cmd.Output()
				if err != nil {
					return fmt.Errorf("%v: %v", cmd, err)
				}
				time, err := strconv.ParseFloat(strings.TrimSpace(string(out)), 64)
				if err != nil {
					return err
				}
				rates[i][sandboxed] = append(rates[i][sandboxed], count/time*1e9)
			}
		}
	}
	t := newTable(fmt.Sprintf("Calls a second of processor time, medians of %d runs of %d", runs, count), "", "no sandbox", "sandbox", "ratio")
	for i, r := range rates {
		slices.Sort(r[0])
		slices.Sort(r[1])
		t.row(names[i], fmt.Sprintf("%.0f", median(r[0])), fmt.Sprintf("%.0f", median(r[1])), ratio(median(r[1]), median(r[0])))
	}
	return t.Flush()
}

// namespaced are the options that take namespaces, and what bubblewrap does instead. Without --loopback snib shuts the network;
// bubblewrap leaves it open.
var namespaced = []struct{ name, snib, bwrap string }{
	{"neither", "", ""},
	{"--protect", "--protect $ROOT/.git", "--ro-bind $ROOT/.git $ROOT/.git"},
	{"--loopback", "--loopback", "--unshare-net"},
	{"both", "--protect $ROOT/.git --loopback", "--ro-bind $ROOT/.git $ROOT/.git --unshare-net"},
}

// namespaces prints what --protect and --loopback cost.
func (b *bench) namespaces(rounds int, given map[string]string) error {
	if err := os.Mkdir(filepath.Join(b.roots[0], ".git"), 0o755); err != nil {
		return err
	}
	head := []string{"", "C baseline", "snib release", "/ baseline", "/ neither"}
	bwrap, missing := locate("bwrap", given)
	if missing == nil {
		head = append(head, "bwrap", "/ neither", "/ snib")
	}
	var all []contender
	for i, o := range namespaced {
		options := strings.Fields(strings.ReplaceAll(o.snib, "$ROOT", b.roots[0]))
		snib := contender{name: "snib", file: b.path("snib"), argv: b.launcher("snib", 1, options...)}
		name := "baseline"
		if i > 0 {
			cmd := exec.Cmd{Path: snib.file, Args: snib.argv}
			if out, err := cmd.CombinedOutput(); err != nil {
				fmt.Printf("\n%s: not here: %v\n%s", o.name, err, out)
				return nil
			}
			name = "baseline-" + o.name
			if err := b.writePolicy(options...); err != nil {
				return err
			}
			if err := b.compile(name, freestanding...); err != nil {
				return err
			}
			if err := b.compareCalls(name, rootCounts[:1], options...); err != nil {
				return err
			}
			if err := b.fromDisk(name); err != nil {
				return err
			}
		}
		all = append(all, contender{name: name, file: b.path(name), argv: b.launcher(name, 1, options...)}, snib)
		if missing == nil {
			args := "--ro-bind / / --dev-bind /dev/null /dev/null --bind $ROOT $ROOT " + o.bwrap + " --"
			c, err := b.other(other{name: "bwrap", lines: []line{{"", args}}}, bwrap)
			if err != nil {
				return err
			}
			all = append(all, c)
		}
	}
	results, err := b.race(all, rounds)
	if err != nil {
		return err
	}
	t := newTable(fmt.Sprintf("Namespaces: medians of %d launches, in microseconds", rounds), head...)
	columns := len(all) / len(namespaced)
	time := func(row, column int) float64 { return median(results[columns*row+column].time) }
	for i, o := range namespaced {
		row := []string{o.name, micro(time(i, 0)), micro(time(i, 1)), ratio(time(i, 1), time(i, 0)), ratio(time(i, 1), time(0, 1))}
		if missing == nil {
			row = append(row, micro(time(i, 2)), ratio(time(i, 2), time(0, 2)), ratio(time(i, 2), time(i, 1)))
		}
		t.row(row...)
	}
	return t.Flush()
}

// clientProfile is what the client 0.169 sends for a workspace.
const clientProfile = `{"type":"managed","file_system":{"type":"restricted","entries":[` +
	`{"path":{"type":"special","value":{"kind":"root"}},"access":"read"},` +
	`{"path":{"type":"path","path":"$ROOT"},"access":"write"},` +
	`{"path":{"type":"special","value":{"kind":"slash_tmp"}},"access":"write"},` +
	`{"path":{"type":"special","value":{"kind":"tmpdir"}},"access":"write"},` +
	`{"path":{"type":"path","path":"$ROOT/.git"},"access":"read","missing_path_behavior":"skip"},` +
	`{"path":{"type":"path","path":"$ROOT/.agents"},"access":"read","missing_path_behavior":"skip"},` +
	`{"path":{"type":"path","path":"$ROOT/.codex"},"access":"read","missing_path_behavior":"skip"},` +
	`{"path":{"type":"path","path":"$ROOT/.aws"},"access":"read","missing_path_behavior":"skip"}]},"network":"restricted"}`

// becomes returns the command line that a client's becomes, which must make the same calls once it is rewritten.
func (b *bench) becomes(argv []string) ([]string, error) {
	cmd := exec.Command(argv[0], append([]string{"--explain=json"}, argv[1:]...)...)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("%v: %v", cmd, err)
	}
	var report struct{ Rewritten []string }
	if err := json.Unmarshal(out, &report); err != nil {
		return nil, err
	}
	if len(report.Rewritten) == 0 {
		return nil, fmt.Errorf("%v: not rewritten", cmd)
	}
	return slices.Concat(argv[:1], report.Rewritten[1:], argv[len(argv)-1:]), nil
}

// compareRewritten checks that a client's command line makes the calls of the one that it becomes, after those by which it is rewritten.
func compareRewritten(client, own []string) error {
	have, err := trace(client)
	if err != nil {
		return err
	}
	want, err := trace(own)
	if err != nil {
		return err
	}
	if more := len(have) - len(want); more < 0 || !slices.EqualFunc(have[more:], want, call.equal) {
		return fmt.Errorf("%q does not end with the calls of %q:\n%v\n%v", client, own, have, want)
	}
	return nil
}

// rewritten prints what it costs to rewrite a client's profile, and returns the ratio of the launch as a client asks for it to that of the
// command line that it becomes.
func (b *bench) rewritten(rounds int, given map[string]string) (highest float64, err error) {
	workspace, temporary := b.path("workspace"), b.roots[1]
	if err := os.MkdirAll(workspace+"/.git", 0o755); err != nil {
		return 0, err
	}
	// The profile's tmpdir, for --explain and trace.
	if err := os.Setenv("TMPDIR", temporary); err != nil {
		return 0, err
	}
	var all []contender
	var names []string
	// The last takes namespaces, and is left out where there are none.
	for _, name := range []string{"--unprotected", "as sent"} {
		client := []string{b.path("snib"), "--as", "codex-linux-sandbox", "--sandbox-policy-cwd", workspace, "--command-cwd", workspace,
			"--permission-profile", strings.ReplaceAll(clientProfile, "$ROOT", workspace), "--", b.path("command")}
		if name == "--unprotected" {
			client = slices.Insert(client, 1, name)
		}
		own, err := b.becomes(client)
		if err != nil {
			return 0, err
		}
		if out, err := exec.Command(own[0], own[1:]...).CombinedOutput(); err != nil && name != "--unprotected" {
			fmt.Printf("\na client's profile %s: not here: %v\n%s", name, err, out)
			break
		}
		if err := compareRewritten(client, own); err != nil {
			return 0, err
		}
		names = append(names, name)
		all = append(all, contender{name: name, file: client[0], argv: client}, contender{name: "its command line", file: own[0], argv: own})
	}
	head := []string{"", "rewritten", "its command line", "ratio"}
	bwrap, missing := locate("bwrap", given)
	if missing == nil && slices.Contains(names, "as sent") {
		args := "--ro-bind / / --dev-bind /dev/null /dev/null --bind $W $W --bind /tmp /tmp --bind $T $T --ro-bind $W/.git $W/.git --unshare-net --"
		c, err := b.other(other{name: "bwrap", lines: []line{{"", strings.NewReplacer("$W", workspace, "$T", temporary).Replace(args)}}}, bwrap)
		if err != nil {
			return 0, err
		}
		all = append(all, c)
		head = append(head, "bwrap", "/ rewritten")
	}
	results, err := b.race(all, rounds, "TMPDIR="+temporary)
	if err != nil {
		return 0, err
	}
	t := newTable(fmt.Sprintf("A client's profile: medians of %d launches, in microseconds", rounds), head...)
	time := func(i int) float64 { return median(results[i].time) }
	for i, name := range names {
		client, own := time(2*i), time(2*i+1)
		if name == "as sent" {
			highest = client / own
		}
		row := []string{name, micro(client), micro(own), ratio(client, own)}
		if name == "as sent" && len(all) > 2*len(names) {
			row = append(row, micro(time(2*len(names))), ratio(time(2*len(names)), client))
		}
		t.row(row...)
	}
	return highest, t.Flush()
}

type table struct{ *tabwriter.Writer }

func newTable(title string, head ...string) table {
	fmt.Printf("\n%s\n\n", title)
	t := table{tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)}
	t.row(head...)
	return t
}

func (t table) row(cells ...string) { fmt.Fprintln(t, strings.Join(cells, "\t")+"\t") }

func micro(ns float64) string { return fmt.Sprintf("%.2f", ns/1000) }

func ratio(a, b float64) string { return fmt.Sprintf("%.3f", a/b) }
