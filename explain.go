package main

// The reports: what a command line would do, and what a kernel can enforce. Nothing is restricted here but, for --status,
// threads that end with it.

import (
	"os"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"unicode/utf8"
	"unsafe"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

// answer prints what the command line asks for instead of a launch, and returns the exit code.
func answer(name string, args []string) int {
	argv, err := syscall.SlicePtrFromStrings(args)
	if err != nil {
		panic(err)
	}
	envp, err := syscall.SlicePtrFromStrings(runtimeEnvs())
	if err != nil {
		panic(err)
	}
	var p policy
	p.parse(argv)
	if p.request == requestStatus || p.request == requestStatusJSON {
		return printStatus(name, p.request == requestStatusJSON)
	}
	plan := newPlan(&p, argv, envp)
	switch p.request {
	case requestExplain:
		return printReport(name, plan.text(colours()))
	case requestExplainJSON:
		return printReport(name, plan.json())
	}
	return reported(name, plan.writeFilter())
}

// plan is what a launch would do.
type plan struct {
	policy  *policy
	argv    []*byte
	args    []string // of the command, its name first
	abi     int
	errno   syscall.Errno // why there is no Landlock
	abiFrom string        // whose ABI it is
	asks    int           // how often the launch asks what a descriptor is
	rules   ruleset
	paths   []plannedPath
	code    []bpf.RawInstruction
	file    string // for --bpf
	calls   []string
	failure failure // how the launch ends, as far as can be told; noReason: in execve
}

type plannedPath struct {
	name     string
	use      pathUse
	errno    syscall.Errno // why it cannot be opened
	resolved string        // empty: not known
	file     bool          // it is not a directory
	outside  bool          // it is in no file system that Landlock restricts
	access   uint64
}

// newPlan takes the decisions of launch, for the ABI that the command line names or this kernel's.
func newPlan(p *policy, argv, envp []*byte) *plan {
	l := &plan{policy: p, argv: argv, abiFrom: "this kernel"}
	if l.abi, l.errno = landlockABI(); l.errno != 0 {
		l.abi = 0
	}
	for i := 1; i < p.own; {
		id, value, next, _ := nextOption(ownOptions[:], argv, i)
		switch id {
		case optABI:
			l.abi, _ = number(value)
			l.abiFrom, l.errno = "--abi", unix.ENOSYS
		case optBPF:
			l.file = value
		}
		i = next
	}
	for i := p.command; i < len(argv)-1; i++ {
		l.args = append(l.args, word(argv, i))
	}
	if p.network == networkLocal {
		l.askSockets()
	}
	l.rules = newRuleset(p, l.abi)
	if p.restrictWrites {
		var c cursor
		buf := make([]byte, unix.PathMax)
		for name, use := p.nextPath(&c, argv, envp, buf); name != nil; name, use = p.nextPath(&c, argv, envp, buf) {
			l.paths = append(l.paths, l.newPath(name, use))
		}
	}
	if p.restricts() {
		l.code = new(program).build(filterConfig(p, l.abi, &l.rules))
	}
	l.failure = l.run()
	return l
}

// askSockets is holdsOnlyLocalSockets, and counts its calls.
func (l *plan) askSockets() {
	ask := func(fd int) bool {
		domain, errno := socketOption(fd, unix.SO_DOMAIN)
		l.asks++
		if errno == 0 && domain == unix.AF_UNIX {
			l.asks++
			if kind, errno := socketOption(fd, unix.SO_TYPE); errno == 0 && kind != unix.SOCK_DGRAM {
				l.asks++
			}
		}
		return isLocalSocket(fd)
	}
	p := l.policy
	all := true
	for fd := 0; fd < 3 && all; fd++ {
		all = ask(fd)
	}
	for fd, _ := p.nextKept(l.argv, 3); fd >= 0 && all; fd, _ = p.nextKept(l.argv, fd+1) {
		all = fd == p.statusFD || ask(fd)
	}
	if !all {
		p.network = networkStrict
	}
}

// newPath opens a path as addRules does.
func (l *plan) newPath(name *byte, use pathUse) plannedPath {
	planned := plannedPath{name: strings.Clone(text(name)), use: use}
	flags := uintptr(unix.O_PATH)
	if use == slashTmp {
		flags |= unix.O_DIRECTORY
	}
	fd, errno := result(openAt(name, flags))
	if errno != 0 {
		planned.errno = errno
		return planned
	}
	defer closeFD(fd)
	var stat unix.Stat_t
	if unix.Fstat(fd, &stat) == nil {
		planned.file = stat.Mode&unix.S_IFMT != unix.S_IFDIR
	}
	if resolved, err := os.Readlink("/proc/self/fd/" + strconv.Itoa(fd)); err == nil {
		// What is in no file system that can be mounted has a name such as "pipe:[1]".
		planned.outside = resolved[0] != '/'
		planned.resolved = resolved
	}
	switch {
	case planned.outside:
	case use == readEverything:
		planned.access = l.rules.read
	case planned.file:
		planned.access = l.rules.writeFile
	default:
		planned.access = l.rules.write
	}
	return planned
}

// run notes the system calls of the launch, in order, up to the one that ends it; with the path, where one is opened. It
// returns how the launch ends.
func (l *plan) run() failure {
	p, argv := l.policy, l.argv
	add := func(names ...string) { l.calls = append(l.calls, names...) }
	ranges, low := 1, 3
	for fd, arg := p.nextKept(argv, 0); fd >= 0; fd, arg = p.nextKept(argv, fd+1) {
		add("fcntl")
		// The runtime's own are close-on-exec, as none can be that was inherited.
		if flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0); err != nil || flags&unix.FD_CLOEXEC != 0 {
			return failure{reason: closedDescriptor, arg: arg}
		}
		if fd > low {
			ranges++
		}
		low = max(low, fd+1)
	}
	if p.restricts() {
		for range ranges {
			add("close_range")
		}
		for range l.asks {
			add("getsockopt")
		}
		add("landlock_create_ruleset")
		if l.abi == 0 && p.restrictWrites {
			return failure{reason: noLandlock, errno: l.errno}
		}
		if lacking := p.missing(l.abi) & p.mustHave(); lacking != 0 {
			return failure{reason: notEnforced, arg: lacking.first()}
		}
		if !l.rules.empty() {
			add("landlock_create_ruleset")
		}
		for _, planned := range l.paths {
			add("openat " + strconv.Quote(planned.name))
			switch {
			case planned.errno != 0 && planned.use == namedRoot && p.grammar == snibOptions:
				remember(unsafe.StringData(planned.name + "\x00"))
				return failure{reason: missingPath, errno: planned.errno}
			case planned.errno != 0:
				continue
			case planned.file && planned.use != nullDevice && !planned.outside:
				add("landlock_add_rule") // EINVAL: the rights of a directory
			}
			add("landlock_add_rule", "close")
		}
		add("capget")
		if capable() {
			add("capset", "capget")
		}
		add("prctl")
		if !l.rules.empty() {
			add("landlock_restrict_self")
		}
		add("seccomp")
	}
	if p.statusFD != 0 {
		if !p.restricts() {
			add("landlock_create_ruleset")
		}
		add("rt_sigprocmask", "write", "close", "rt_sigprocmask")
	}
	add("execve")
	return failure{}
}

func (l *plan) writeFilter() error {
	raw := unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(l.code))), len(l.code)*unix.SizeofSockFilter)
	if l.file == "-" {
		_, err := os.Stdout.Write(raw)
		return err
	}
	return os.WriteFile(l.file, raw, 0o644)
}

// fails says how the launch fails, or "".
func (l *plan) fails() string {
	if l.failure.reason == noReason {
		return ""
	}
	message, _ := explainFailure(l.failure, os.Args)
	return message
}

// networkMeaning says what may be done with sockets.
func (l *plan) networkMeaning() string {
	switch c := filterConfig(l.policy, l.abi, &l.rules); {
	case c&strict != 0:
		return "off: AF_UNIX sockets with read, write, send and recv only"
	case c&local != 0:
		return "off: AF_UNIX stream and seqpacket pairs only"
	case c&confined != 0:
		return "off: AF_UNIX among the command's own processes"
	}
	return "on"
}

// accessNames lists the Landlock rights in a mask of file system rights.
func accessNames(mask uint64) (names []string) {
	for _, t := range rights {
		if t.class == classFS && mask&t.value != 0 {
			names = append(names, t.name)
		}
	}
	return names
}

func protectionNames(s protections) (names []string) {
	for i := range protectionCount {
		if s&bit(i) != 0 {
			names = append(names, protectionName(i))
		}
	}
	return names
}

func protectionList() string {
	return strings.Join(protectionNames(1<<protectionCount-1), ", ")
}

var useNames = [pathUses]string{"reading everywhere", "null device", "writable", "policy's cwd", "/tmp of the policy", "$TMPDIR"}

// colours tells whether stdout takes colours.
func colours() bool {
	_, err := unix.IoctlGetTermios(1, unix.TCGETS)
	return err == nil && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
}

// wrap breaks words into lines of at most 80 columns, each after indent.
func wrap(indent string, words []string) string {
	out, line := "", indent
	for _, word := range words {
		if len(line)+1+len(word) > 80 && line != indent {
			out, line = out+line+"\n", indent
		}
		if line != indent {
			line += " "
		}
		line += word
	}
	return out + line + "\n"
}

// text renders the plan for people.
func (l *plan) text(colour bool) string {
	p := l.policy
	out := ""
	heading := func(s string) {
		if colour {
			s = "\x1b[1m" + s + "\x1b[0m"
		}
		out += "\n" + s + "\n"
	}
	grammars := map[grammar]string{snibOptions: "snib's options", codexOptions: "helper, -s PERM",
		codexPositional: "helper, CWD POLICY_JSON", codexFlags: "helper, --sandbox-policy"}
	out += "for Landlock ABI " + strconv.Itoa(l.abi) + " (" + l.abiFrom + "), " + runtime.GOARCH + "\n"

	heading("policy: " + grammars[p.grammar])
	writes := "everywhere"
	if p.restrictWrites {
		writes = "beneath the paths below"
	}
	out += "  reads    everywhere\n  writes   " + writes + "\n  network  " + l.networkMeaning() + "\n"
	if len(l.args) > 0 {
		quoted := make([]string, len(l.args))
		for i, arg := range l.args {
			quoted[i] = strconv.Quote(arg)
		}
		out += strings.Replace(wrap("           ", quoted), "         ", "  command", 1)
	}
	if !p.restricts() {
		return out + "\nnothing is restricted, and no_new_privs stays as it is\n"
	}

	if p.restrictWrites {
		heading("paths, and the rights granted on or beneath them")
	}
	for _, path := range l.paths {
		out += "  " + strconv.Quote(path.name)
		if path.resolved != path.name && path.resolved != "" {
			out += " = " + strconv.Quote(path.resolved)
		}
		out += " (" + useNames[path.use] + ")\n"
		switch {
		case path.errno != 0 && path.use == namedRoot && p.grammar == snibOptions:
			out += "    " + path.errno.Error() + "\n"
		case path.errno != 0:
			out += "    " + path.errno.Error() + ": skipped\n"
		case path.outside:
			out += "    Landlock does not restrict it\n"
		default:
			out += wrap("    ", accessNames(path.access))
		}
	}

	asked, missing := p.asked(), p.missing(l.abi)
	landlocked := asked.landlocked(l.abi)
	closed := asked &^ landlocked &^ missing & ownRights
	heading("denied by Landlock wherever no rule grants it")
	out += wrap("  ", orNone(protectionNames(landlocked)))
	heading("asked, not known to Landlock of this ABI, and denied all the same")
	out += wrap("  ", orNone(protectionNames(closed)))
	heading("asked, and not enforced")
	out += wrap("  ", orNone(protectionNames(missing)))

	heading("system calls of the launch")
	for _, call := range l.calls {
		out += "  " + call + "\n"
	}
	if why := l.fails(); why != "" {
		out += "it fails, and runs nothing\n" + wrap("  ", strings.Split(why, " "))
	}
	heading("filter: " + strconv.Itoa(len(l.code)) + " instructions")
	for _, line := range l.listing() {
		out += strings.Replace(wrap("      ", strings.Split(line, " ")), "    ", "", 1)
	}
	return out
}

func orNone(names []string) []string {
	if len(names) == 0 {
		return []string{"nothing"}
	}
	return names
}

// listing says what the filter does with a call: a line a rule that holds, in their order.
func (l *plan) listing() (lines []string) {
	verdicts := [verdictCount]string{"EPERM", "ENOSYS", "EOPNOTSUPP", "killed", "allowed"}
	lines = append(lines, "another architecture: killed")
	if x32 != 0 {
		lines = append(lines, "x32: killed, but for -1")
	}
	c := filterConfig(l.policy, l.abi, &l.rules)
	for _, table := range [][]rule{archRules, rules[:]} {
		for i := range table {
			if r := &table[i]; r.when&c != 0 {
				lines = append(lines, r.name+conditions(r)+": "+verdicts[r.verdict])
			}
		}
	}
	return append(lines, "any other call: allowed")
}

// conditions says when the checks of a rule hold.
func conditions(r *rule) (text string) {
	for _, k := range r.checks {
		if k.is == unchecked {
			continue
		}
		conjunction := ", if"
		if text != "" {
			conjunction = " and"
		}
		text += conjunction + " argument " + strconv.Itoa(int(k.arg))
		if k.mask != 0 {
			text += " & " + hexNumber(k.mask)
		}
		var names []string
		for _, v := range k.values {
			names = append(names, v.name)
		}
		switch k.is {
		case oneOf:
			text += " is " + strings.Join(names, " or ")
		case noneOf:
			text += " is not " + strings.Join(names, " or ")
		case notNull:
			text += " is not null"
		}
	}
	return text
}

// capable tells whether a launch would have capabilities to drop.
func capable() bool {
	var data [2]unix.CapUserData
	if unix.Capget(&unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}, &data[0]) != nil {
		return false
	}
	held := uint64(data[1].Permitted|data[1].Inheritable)<<32 | uint64(data[0].Permitted|data[0].Inheritable)
	return held&^keptCapabilities != 0
}

func hexNumber(k uint32) string { return "0x" + strconv.FormatUint(uint64(k), 16) }

// jsonWriter is a JSON object in the making. A string that is not UTF-8 is written with U+FFFD in the place of what is not.
type jsonWriter struct{ text string }

func (o *jsonWriter) raw(name, value string) {
	if o.text != "" {
		o.text += ","
	}
	o.text += jsonString(name) + ":" + value
}
func (o *jsonWriter) string(name, value string)      { o.raw(name, jsonString(value)) }
func (o *jsonWriter) number(name string, value int)  { o.raw(name, strconv.Itoa(value)) }
func (o *jsonWriter) bool(name string, value bool)   { o.raw(name, strconv.FormatBool(value)) }
func (o *jsonWriter) list(name string, all []string) { o.raw(name, jsonList(all, jsonString)) }
func (o *jsonWriter) String() string                 { return "{" + o.text + "}" }

func jsonList[T any](all []T, render func(T) string) string {
	rendered := make([]string, len(all))
	for i, item := range all {
		rendered[i] = render(item)
	}
	return "[" + strings.Join(rendered, ",") + "]"
}

func jsonString(s string) string {
	out := `"`
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			out += `\` + string(r)
		case r < ' ' || r == 0x7f:
			digits := strconv.FormatUint(uint64(r), 16)
			out += `\u` + strings.Repeat("0", 4-len(digits)) + digits
		default:
			out = string(utf8.AppendRune([]byte(out), r))
		}
	}
	return out + `"`
}

// json renders the plan for programs.
func (l *plan) json() string {
	p := l.policy
	var o jsonWriter
	o.string("schema", "snib-explain-1")
	o.string("snib", version)
	o.string("arch", runtime.GOARCH)
	o.number("landlock_abi", l.abi)
	o.list("command", l.args)
	o.string("grammar", [...]string{"snib", "options", "positional", "flags"}[p.grammar])
	o.bool("restricts_writes", p.restrictWrites)
	o.string("network", p.network.String())
	o.raw("paths", jsonList(l.paths, func(path plannedPath) string {
		var o jsonWriter
		o.string("path", path.name)
		o.string("use", [pathUses]string{"read", "null-device", "writable", "cwd", "slash-tmp", "tmpdir"}[path.use])
		o.bool("exists", path.errno == 0)
		o.string("resolved", path.resolved)
		o.bool("directory", path.errno == 0 && !path.file)
		o.list("access", accessNames(path.access))
		return o.String()
	}))
	asked, missing := p.asked(), p.missing(l.abi)
	landlocked := asked.landlocked(l.abi)
	others := asked &^ ownRights
	o.list("landlock", protectionNames(landlocked))
	o.list("other", protectionNames(others&^missing))
	o.list("closed", protectionNames(asked&^others&^landlocked&^missing))
	o.list("missing", protectionNames(missing))
	o.list("calls", l.calls)
	o.string("failure", l.fails())
	o.raw("filter", jsonList(l.code, func(in bpf.RawInstruction) string {
		return jsonList([]uint64{uint64(in.Op), uint64(in.Jt), uint64(in.Jf), uint64(in.K)}, func(n uint64) string { return strconv.FormatUint(n, 10) })
	}))
	return o.String() + "\n"
}
