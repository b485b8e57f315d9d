package main

// The child roles: what the test binary does when it is started under another name.

import (
	"bufio"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"unsafe"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

// roles are the children, by the base name of argv[0]. A role returns its exit code.
var roles = map[string]func(args []string) int{
	"probe":      probe,
	"waiting":    waiting,
	"caller":     caller,
	"parent":     parent,
	"keyholder":  keyholder,
	"holding":    holding,
	"prepared":   prepared,
	"replayed":   replayed,
	"landlocked": landlocked,
	"lowered":    lowered,
	"filtered":   filtered,
	"words":      words,
	"forbidding": forbidding,
	"init":       guest,
}

// probe does one operation and prints its outcome in one line.
func probe(args []string) int {
	fmt.Println(attempt(args))
	return 0
}

// attempt does one operation and returns its outcome. The operation "each" is several, separated by ",".
func attempt(args []string) string {
	name, args := args[0], args[1:]
	if name == "each" {
		var outcomes []string
		for len(args) > 0 {
			end := slices.Index(args, ",")
			if end < 0 {
				end = len(args)
			}
			outcomes = append(outcomes, attempt(args[:end]))
			args = args[min(end+1, len(args)):]
		}
		return strings.Join(outcomes, " ")
	}
	op, is := probes[name]
	if !is {
		panic("unknown operation " + name)
	}
	return errnoName(op(args))
}

var waitingMemory = [8]byte([]byte("original"))

// waiting is another process: it lets anybody trace it, says that it is there and what there is to get at, answers each
// line with the contents of its memory and its file, and ends with its stdin.
func waiting([]string) int {
	// Where Yama is not there, nobody needs to be let.
	_ = unix.Prctl(unix.PR_SET_PTRACER, ^uintptr(0), 0, 0, 0)
	fd, err := unix.MemfdCreate("waiting", unix.MFD_CLOEXEC)
	if err != nil {
		fmt.Println(err)
		return 1
	}
	if _, err := unix.Write(fd, waitingMemory[:]); err != nil {
		fmt.Println(err)
		return 1
	}
	fmt.Printf("waiting %p %d\n", &waitingMemory, fd)
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		content := make([]byte, len(waitingMemory))
		if _, err := unix.Pread(fd, content, 0); err != nil {
			fmt.Println(err)
			return 1
		}
		fmt.Printf("%s %s\n", waitingMemory[:], content)
	}
	return 0
}

// another is a process of the role "waiting".
type another struct {
	process
	cmd   *exec.Cmd
	stdin io.WriteCloser
	lines *bufio.Reader
}

func startWaiting(path string) (*another, error) {
	a := &another{cmd: exec.Command(path)}
	a.cmd.Env = []string{"SECRET=1"}
	a.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	var err error
	if a.stdin, err = a.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	stdout, err := a.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := a.cmd.Start(); err != nil {
		return nil, err
	}
	a.pid, a.lines = a.cmd.Process.Pid, bufio.NewReader(stdout)
	if _, err := fmt.Fscanf(a.lines, "waiting 0x%x %d\n", &a.memory, &a.fd); err != nil {
		a.end()
		return nil, err
	}
	return a, nil
}

// state is what its memory and its file hold.
func (a *another) state() (string, error) {
	if _, err := io.WriteString(a.stdin, "\n"); err != nil {
		return "", err
	}
	line, err := a.lines.ReadString('\n')
	return strings.TrimSpace(line), err
}

func (a *another) end() {
	a.stdin.Close()
	a.cmd.Wait()
}

// holding becomes a user that holds capabilities in its inheritable and its ambient set, and executes a command: uid,
// inheritable, ambient, path, argv. An ambient capability is permitted and effective after the next execve(2).
func holding(args []string) int {
	runtime.LockOSThread()
	uid, inheritable, ambient := uintptr(atoi(args[0])), uint64(atoi(args[1])), uint64(atoi(args[2]))
	held := inheritable | ambient
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	data := [2]unix.CapUserData{
		{Effective: uint32(held), Permitted: uint32(held), Inheritable: uint32(held)},
		{Effective: uint32(held >> 32), Permitted: uint32(held >> 32), Inheritable: uint32(held >> 32)},
	}
	steps := []func() error{
		func() error { return rawErrno(unix.SYS_SETGROUPS, 0, 0, 0, 0) },
		func() error { return unix.Prctl(unix.PR_SET_KEEPCAPS, 1, 0, 0, 0) },
		func() error { return rawErrno(unix.SYS_SETRESGID, uid, uid, uid, 0) },
		func() error { return rawErrno(unix.SYS_SETRESUID, uid, uid, uid, 0) },
		func() error { return unix.Capset(&header, &data[0]) },
	}
	for c := range 64 {
		if ambient>>c&1 != 0 {
			steps = append(steps, func() error { return unix.Prctl(unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_RAISE, uintptr(c), 0, 0) })
		}
	}
	steps = append(steps, func() error { return unix.Exec(args[3], args[4:], os.Environ()) })
	for i, step := range steps {
		if err := step(); err != nil {
			fmt.Println("step", i, err)
			return 1
		}
	}
	return 1
}

// preparation is what the child "prepared" changes about itself before it executes Argv.
type preparation struct {
	Path      string
	Argv      []string
	Env       []string
	Umask     int
	Block     []syscall.Signal
	Ignore    []syscall.Signal
	Nice      int
	Limits    map[int]uint64 // soft limits
	Close     []int
	Duplicate map[int]int // to, from
	Gone      bool        // the current directory is one that was removed
	HideProc  bool        // /proc is unmounted, in a mount namespace of its own
}

// changed is p with its strings changed. They are in hexadecimal where p is written down as JSON, which holds nothing but UTF-8.
func (p preparation) changed(change func(string) string) preparation {
	p.Path, p.Argv, p.Env = change(p.Path), slices.Clone(p.Argv), slices.Clone(p.Env)
	for _, list := range [][]string{p.Argv, p.Env} {
		for i := range list {
			list[i] = change(list[i])
		}
	}
	return p
}

func prepared(args []string) int {
	var p preparation
	file, err := os.Open(args[0])
	if err == nil {
		err = json.NewDecoder(file).Decode(&p)
		file.Close()
	}
	if err != nil {
		fmt.Println(err)
		return 1
	}
	p = p.changed(func(s string) string {
		content, err := hex.DecodeString(s)
		if err != nil {
			panic(err)
		}
		return string(content)
	})
	if err := p.become(); err != nil {
		fmt.Println(err)
	}
	return 1
}

func (p *preparation) become() error {
	runtime.LockOSThread()
	if p.HideProc {
		if err := unix.Unshare(unix.CLONE_NEWNS); err != nil {
			return err
		}
		if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
			return err
		}
		if err := unix.Unmount("/proc", unix.MNT_DETACH); err != nil {
			return err
		}
	}
	if p.Gone {
		dir, err := os.MkdirTemp(scratchBase, "")
		if err != nil {
			return err
		}
		if err := os.Chdir(dir); err != nil {
			return err
		}
		if err := os.Remove(dir); err != nil {
			return err
		}
	}
	unix.Umask(p.Umask)
	if err := unix.Setpriority(unix.PRIO_PROCESS, 0, p.Nice); err != nil {
		return err
	}
	if len(p.Duplicate) == 0 {
		if err := unix.CloseRange(3, 1<<32-1, unix.CLOSE_RANGE_CLOEXEC); err != nil {
			return err
		}
	}
	for to, from := range p.Duplicate {
		if err := unix.Dup3(from, to, 0); err != nil {
			return err
		}
	}
	argv, err := syscall.SlicePtrFromStrings(p.Argv)
	if err != nil {
		return err
	}
	env, err := syscall.SlicePtrFromStrings(p.Env)
	if err != nil {
		return err
	}
	path, err := syscall.BytePtrFromString(p.Path)
	if err != nil {
		return err
	}
	for _, s := range p.Ignore {
		signal.Ignore(s)
	}
	var set unix.Sigset_t
	for _, s := range p.Block {
		set.Val[0] |= 1 << (s - 1)
	}
	if err := unix.PthreadSigmask(unix.SIG_SETMASK, &set, nil); err != nil {
		return err
	}
	_ = syscall.Exec("", nil, nil) // puts back the soft RLIMIT_NOFILE, as in main.go
	for which, soft := range p.Limits {
		var limit unix.Rlimit
		if err := unix.Getrlimit(which, &limit); err != nil {
			return err
		}
		limit.Cur = soft
		if err := unix.Setrlimit(which, &limit); err != nil {
			return err
		}
	}
	for _, fd := range p.Close {
		unix.Close(fd)
	}
	_, _, errno := syscall.RawSyscall(unix.SYS_EXECVE,
		uintptr(unsafe.Pointer(path)), uintptr(unsafe.Pointer(&argv[0])), uintptr(unsafe.Pointer(&env[0])))
	return errno
}

// landlocked is the probe under the second lock alone: Landlock as for a policy without a network, and no filter.
func landlocked(args []string) int {
	runtime.LockOSThread()
	abi, errno := landlockABI()
	p := policy{restrictWrites: true, network: networkLocal}
	rules := newRuleset(&p, abi)
	ruleset := -1
	if errno == 0 {
		ruleset, errno = createRuleset(rules.handled)
	}
	if errno == 0 {
		errno = setNoNewPrivs()
	}
	if errno == 0 {
		errno = restrictSelf(ruleset, 0)
	}
	if errno != 0 {
		fmt.Println(errno)
		return 1
	}
	return probe(args)
}

// lowered is the launch as it would be on a kernel of a lower Landlock ABI: the decisions of that ABI, enforced on this
// kernel. The words after the ABI are snib's own.
func lowered(args []string) int {
	runtime.LockOSThread()
	abi := atoi(args[0])
	argv, err := syscall.SlicePtrFromStrings(append([]string{"snib"}, args[1:]...))
	if err != nil {
		fmt.Println(err)
		return 1
	}
	envp, err := syscall.SlicePtrFromStrings(os.Environ())
	if err != nil {
		fmt.Println(err)
		return 1
	}
	var p policy
	f := p.parse(argv)
	rules := newRuleset(&p, abi)
	code := buildFilter(&shared().filter, filterConfig(&p, abi, !rules.empty()))
	ruleset, errno := createRuleset(rules.handled)
	if f.reason == noReason && errno == 0 {
		f = p.addRules(ruleset, &rules, argv, envp)
	}
	for _, step := range []func() syscall.Errno{
		reduceCapabilities,
		setNoNewPrivs,
		func() syscall.Errno { return restrictSelf(ruleset, 0) },
		func() syscall.Errno { return installFilter(code, 0) },
		func() syscall.Errno { return execute(argv, envp, p.commandAt) },
	} {
		if f.reason == noReason && errno == 0 {
			errno = step()
		}
	}
	fmt.Println(f, errno)
	return 1
}

// filtered is the child: it installs a filter, given in hexadecimal, empty for none, makes those of kernelCalls whose
// indices follow, and prints the errno of each; or it prints why the filter could not be installed.
func filtered(args []string) int {
	runtime.LockOSThread()
	filter, err := hex.DecodeString(args[0])
	if err != nil {
		fmt.Println(err)
		return 1
	}
	errno := setNoNewPrivs()
	if errno == 0 && len(filter) > 0 {
		code := make([]bpf.RawInstruction, len(filter)/unix.SizeofSockFilter)
		copy(filterBytes(code), filter)
		errno = installFilter(code, 0)
		runtime.KeepAlive(code)
	}
	if errno != 0 {
		fmt.Println(unix.ErrnoName(errno))
		return 1
	}
	for _, arg := range args[1:] {
		i, err := strconv.Atoi(arg)
		if err != nil {
			fmt.Println(err)
			return 1
		}
		c := &kernelCalls[i]
		nr, _ := c.number()
		_, _, errno := syscall.RawSyscall6(uintptr(nr), uintptr(c.args[0]), uintptr(c.args[1]),
			uintptr(c.args[2]), uintptr(c.args[3]), uintptr(c.args[4]), uintptr(c.args[5]))
		fmt.Println(uint(errno))
	}
	return 0
}

// replay is what the child "replayed" saw and could do.
type replay struct {
	Args  []string
	CWD   string
	Wrote map[string]string // outcome by place
	Inet  string
}

// replayed stands in for the command of an invocation. The places to write to are in its environment, and none in its
// arguments, which it only repeats.
func replayed(args []string) int {
	places := map[string]string{}
	if err := json.Unmarshal([]byte(os.Getenv("REPLAY")), &places); err != nil {
		fmt.Println(err)
		return 1
	}
	r := replay{Args: args, Wrote: map[string]string{}}
	r.CWD, _ = os.Getwd()
	for name, path := range places {
		r.Wrote[name] = errnoName(writeTo(path, unix.O_WRONLY|unix.O_CREAT|unix.O_EXCL))
	}
	r.Inet = attempt([]string{"socket", fmt.Sprint(unix.AF_INET), fmt.Sprint(unix.SOCK_STREAM)})
	if err := json.NewEncoder(os.Stdout).Encode(r); err != nil {
		return 1
	}
	return 0
}

// caller starts a command, as a shell would, and waits for it. It prints the command's line, and whether it found itself
// the tracer of a stopped child.
func caller(args []string) int {
	runtime.LockOSThread() // it is the thread that becomes the tracer
	var pipe [2]int
	if err := unix.Pipe2(pipe[:], unix.O_CLOEXEC); err != nil {
		fmt.Println(err)
		return 1
	}
	pid, err := syscall.ForkExec(args[0], args[1:], &syscall.ProcAttr{Env: os.Environ(), Files: []uintptr{0, uintptr(pipe[1]), 2}})
	if err != nil {
		fmt.Println(err)
		return 1
	}
	unix.Close(pipe[1])
	found := "untraced"
	for {
		var status unix.WaitStatus
		_, err := unix.Wait4(pid, &status, unix.WALL, nil)
		switch {
		case err == unix.EINTR:
		case err != nil:
			fmt.Println(err)
			return 1
		case status.Stopped():
			found = "traced"
			if err := unix.PtraceCont(pid, int(status.StopSignal())); err != nil {
				fmt.Println(err)
				return 1
			}
		default:
			line, err := io.ReadAll(os.NewFile(uintptr(pipe[0]), "pipe"))
			if err != nil {
				fmt.Println(err)
			}
			fmt.Printf("%s %s\n", strings.TrimSpace(string(line)), found)
			return status.ExitStatus()
		}
	}
}

// keyholder puts a key into a session keyring of its own, and starts a command, whose last words have the key's id and
// name for "ID" and "NAME". It prints the command's line, and what became of the key.
func keyholder(args []string) int {
	runtime.LockOSThread() // a session keyring is a thread's
	const name = "snib-test"
	_, err := unix.KeyctlInt(unix.KEYCTL_JOIN_SESSION_KEYRING, 0, 0, 0, 0)
	var id int
	if err == nil {
		id, err = unix.AddKey("user", name, []byte("original"), unix.KEY_SPEC_SESSION_KEYRING)
	}
	if err != nil {
		fmt.Println("no key:", errnoName(err))
		return 0
	}
	for i := range args {
		switch args[i] {
		case "ID":
			args[i] = fmt.Sprint(id)
		case "NAME":
			args[i] = name
		}
	}
	cmd := &exec.Cmd{Path: args[0], Args: args[1:], Stderr: os.Stderr}
	out, err := cmd.Output()
	if err != nil {
		fmt.Println(err)
		return 1
	}
	payload, err := readKey(id)
	if err != nil {
		payload = errnoName(err)
	}
	fmt.Printf("%s: %s\n", strings.TrimSpace(string(out)), payload)
	return 0
}

// parent starts a command, waits as a program does that has no other child, and prints how many it found besides.
func parent(args []string) int {
	pid, err := syscall.ForkExec(args[0], args[1:], &syscall.ProcAttr{Env: os.Environ(), Files: []uintptr{0, 2, 2}})
	if err != nil {
		fmt.Println(err)
		return 1
	}
	foreign := 0
	for {
		switch found, err := unix.Wait4(-1, nil, unix.WALL, nil); {
		case err == unix.EINTR:
		case err != nil: // ECHILD
			fmt.Println(foreign)
			return 0
		case found != pid:
			foreign++
		}
	}
}

// words appends its arguments to a file, each with a NUL.
func words(args []string) int {
	file, err := os.OpenFile(args[0], os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o666)
	if err != nil {
		return 1
	}
	defer file.Close()
	if _, err := file.WriteString(strings.Join(args[1:], "\x00") + "\x00"); err != nil {
		return 1
	}
	return 0
}
