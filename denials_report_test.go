package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// madeUpRun is a run of a command line in a directory, with the home beside it. The directory is outside of what --dev opens.
func madeUpRun(t *testing.T, words []string) *whyRun {
	t.Helper()
	base := whyBase(t)
	for _, dir := range []string{"/home", "/work", "/cache/go/00", "/cache/go/01", "/home/.ssh", "/home/.cache", "/data/p", "/data/q", "/data/r", "/bin"} {
		if err := os.MkdirAll(base+dir, 0o777); err != nil {
			t.Fatal(err)
		}
	}
	for _, file := range []string{"/home/.bashrc", "/home/.ssh/id", "/data/file", "/home/notes"} {
		if err := os.WriteFile(base+file, nil, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	for i, word := range words {
		words[i] = strings.ReplaceAll(word, "@", base)
	}
	w := &whyRun{words: words, cwd: base + "/work", home: base + "/home", uid: os.Getuid(), abi: 9, exit: 1,
		envp: []string{"HOME=" + base + "/home", "PATH=" + base + "/bin:/usr/bin:/bin"}}
	w.policy = asked(words)
	return w
}

// whyBase makes a directory outside of /tmp and /var/tmp, which --dev opens; it is resolved.
func whyBase(t *testing.T) string {
	t.Helper()
	for _, base := range []string{os.Getenv("HOME"), "/"} {
		if base == "" || isBeneath(base, "/tmp") || isBeneath(base, "/var/tmp") {
			continue
		}
		if dir, err := os.MkdirTemp(base, "snib-why-"); err == nil {
			t.Cleanup(func() { os.RemoveAll(dir) })
			if real, err := filepath.EvalSymlinks(dir); err == nil {
				return real
			}
		}
	}
	t.Skip("needs a directory outside of /tmp and /var/tmp")
	return ""
}

// TestWhySuggest: what each kind of denial suggests. "@" is a directory made for it.
func TestWhySuggest(t *testing.T) {
	needOneGuest(t)
	ip := func(d denial) denial {
		d.family = unix.AF_INET
		if d.socketType == 0 {
			d.socketType = unix.SOCK_STREAM
		}
		d.errno = unix.EPERM
		return d
	}
	local := func(d denial) denial { d.family, d.errno = unix.AF_UNIX, unix.EACCES; return d }
	file := func(d denial) denial { d.errno = unix.EACCES; return d }
	for _, c := range []struct {
		name    string
		options string // of the command line; "-w @/work" where empty
		change  func(w *whyRun)
		denials []denial
		want    string   // the options of the line; empty: no line
		reasons []string // each is in the reason of its denial; "" needs none
	}{
		{name: "a file is created", denials: []denial{file(denial{action: actCreate, path: "@/data/new", kind: pathMissing})}, want: "-w @/data"},
		{name: "a file is written", denials: []denial{file(denial{action: actWrite, path: "@/data/file", kind: pathFile})}, want: "-w @/data/file"},
		{name: "a file that has no name", denials: []denial{file(denial{action: actCreate, path: "@/data", kind: pathDirectory})}, want: "-w @/data"},
		{name: "and a neighbour of it is created", denials: []denial{file(denial{action: actWrite, path: "@/data/file", kind: pathFile}), file(denial{action: actCreate, path: "@/data/file.lock"})}, want: "-w @/data"},
		{name: "a file is truncated", denials: []denial{file(denial{action: actTruncate, path: "@/data/file", kind: pathFile})}, want: "-w @/data/file"},
		{name: "what is truncated below ABI 3", change: func(w *whyRun) { w.abi = 2 }, denials: []denial{{action: actTruncate, errno: unix.EPERM, path: "@/data/file", kind: pathFile}}, reasons: []string{"cannot be allowed"}},
		{name: "a file is removed", denials: []denial{file(denial{action: actRemove, path: "@/data/file", kind: pathFile})}, want: "-w @/data"},
		{name: "moved between directories", denials: []denial{{action: actRename, errno: unix.EXDEV, path: "@/data/p/x", second: "@/data/q/x", pathLacks: true, secondLacks: true}}, want: "-w @/data/p -w @/data/q"},
		{name: "linked from elsewhere", denials: []denial{{action: actLink, errno: unix.EXDEV, path: "@/data/file", second: "@/work/x", pathLacks: true}}, want: "-w @/data"},
		{name: "linked on ABI 1", change: func(w *whyRun) { w.abi = 1 }, denials: []denial{{action: actLink, errno: unix.EXDEV, path: "@/work/a/x", second: "@/work/x", pathLacks: true}}, reasons: []string{"below Landlock ABI 2"}},
		{name: "what does not exist", denials: []denial{file(denial{action: actCreate, path: "@/data/x/y/z", kind: pathMissing})}, want: "-w @/data"},
		{name: "several in one tree", denials: []denial{file(denial{action: actCreate, path: "@/data/p/1"}), file(denial{action: actCreate, path: "@/data/q/1"}), file(denial{action: actCreate, path: "@/data/r/1"})}, want: "-w @/data"},
		{name: "two in one tree", denials: []denial{file(denial{action: actCreate, path: "@/data/p/1"}), file(denial{action: actCreate, path: "@/data/q/1"})}, want: "-w @/data/p -w @/data/q"},
		{name: "a cache in parts", denials: []denial{file(denial{action: actCreate, path: "@/cache/go/00/1"})}, want: "-w @/cache/go"},
		{name: "a cache of --dev", denials: []denial{file(denial{action: actCreate, path: "@/home/.cache/x"})}, want: "--dev"},
		{name: "temporary files", denials: []denial{file(denial{action: actCreate, path: "/tmp/sort1"}), file(denial{action: actCreate, path: "/tmp/sort2"})}, want: "--dev"},
		{name: "the terminal, which shells look for", denials: []denial{file(denial{action: actWrite, path: "/dev/tty", kind: pathDevice}), {action: actSignal, errno: unix.EPERM, pid: 1}}, want: "--signals"},
		{name: "the terminal alone", denials: []denial{file(denial{action: actWrite, path: "/dev/tty", kind: pathDevice})}, want: "--dev"},
		{name: "a variable leads to a home", change: func(w *whyRun) { w.envp = append(w.envp, "XDG_CACHE_HOME="+w.home) }, denials: []denial{file(denial{action: actCreate, path: "@/home/x"})}, reasons: []string{"is a home directory"}},
		{name: "a home", denials: []denial{file(denial{action: actCreate, path: "@/home/x", call: "openat"})}, reasons: []string{"is a home directory"}},
		{name: "a directory in a home that is not there yet", denials: []denial{file(denial{action: actCreate, path: "@/home/.npm", call: "mkdir"})}, reasons: []string{"-w @/home/.npm is enough once"}},
		{name: "the cache that is not there yet", change: func(w *whyRun) { os.Remove(w.home + "/.cache") }, denials: []denial{file(denial{action: actCreate, path: "@/home/.cache", call: "mkdir"})}, reasons: []string{"--dev is enough once"}},
		{name: "a file of a home", denials: []denial{file(denial{action: actWrite, path: "@/home/notes", kind: pathFile})}, want: "-w @/home/notes"},
		{name: "the root", denials: []denial{file(denial{action: actCreate, path: "/snib-x"})}, reasons: []string{"root of everything"}},
		{name: "secrets", denials: []denial{file(denial{action: actWrite, path: "@/home/.ssh/id", kind: pathFile})}, reasons: []string{"secrets"}},
		{name: "what starts", denials: []denial{file(denial{action: actWrite, path: "@/home/.bashrc", kind: pathFile})}, reasons: []string{"programs outside"}},
		{name: "PATH", denials: []denial{file(denial{action: actCreate, path: "@/bin/ls"})}, reasons: []string{"directory of PATH"}},
		{name: "the system", denials: []denial{file(denial{action: actCreate, path: "/usr/x"}), file(denial{action: actCreate, path: "/proc/x"})}, reasons: []string{`"/usr"`, "kernel's own"}},
		{name: "a disk", denials: []denial{file(denial{action: actWrite, path: "/dev/sda", kind: pathDevice})}, reasons: []string{"not suggested"}},
		{name: "beneath what can be written", denials: []denial{file(denial{action: actCreate, path: "@/work/x"})}, change: rehearsedHere, reasons: []string{"cannot be allowed"}},

		{name: "--protect", denials: []denial{{action: actWrite, errno: unix.EROFS, path: "@/data/file", protected: true}}, reasons: []string{"--protect"}},
		{name: "--hide", denials: []denial{file(denial{action: actRead, path: "@/data/file", hidden: true})}, reasons: []string{"--hide"}},
		{name: "read", options: "-r @/work -w @/work", denials: []denial{file(denial{action: actRead, path: "@/data/file", kind: pathFile})}, want: "-r @/data/file"},
		{name: "list", options: "-r @/work -w @/work", denials: []denial{file(denial{action: actRead, path: "@/data", kind: pathDirectory})}, want: "--list @/data"},
		{name: "read secrets", options: "-r @/work -w @/work", denials: []denial{file(denial{action: actRead, path: "@/home/.ssh/id", kind: pathFile})}, reasons: []string{"secrets"}},
		{name: "execute with --bare", options: "-r @/work --bare", denials: []denial{file(denial{action: actExecute, path: "/usr/bin/true", kind: pathFile})}, want: "-r /usr"},

		{name: "a TCP socket", denials: []denial{ip(denial{action: actSocket})}, want: "--loopback"},
		{name: "without namespaces", change: func(w *whyRun) { w.loopbackFails = func() string { return "no" } }, denials: []denial{ip(denial{action: actSocket})}, want: "--network"},
		{name: "a UDP socket", denials: []denial{ip(denial{action: actSocket, socketType: unix.SOCK_DGRAM})}, want: "--network"},
		{name: "both", denials: []denial{ip(denial{action: actSocket, socketType: unix.SOCK_DGRAM}), ip(denial{action: actSocket})}, want: "--loopback"},
		{name: "a proxy", change: func(w *whyRun) { w.envp = append(w.envp, "http_proxy=http://10.0.0.1:3128") }, denials: []denial{ip(denial{action: actSocket})}, want: "--connect 3128"},
		{name: "a program's own proxy", denials: []denial{ip(denial{action: actSocket, named: []string{"http://10.0.0.1:3128"}})}, want: "--connect 3128"},
		{name: "a name", denials: []denial{ip(denial{action: actSocket, named: []string{"https://example.invalid/x"}})}, want: "--network"},
		{name: "a server that is not there yet", denials: []denial{ip(denial{action: actSocket, named: []string{"http://localhost:1/x"}})}, want: "--loopback"},
		{name: "a proxy below ABI 4", change: func(w *whyRun) { w.abi = 3; w.envp = append(w.envp, "http_proxy=http://10.0.0.1:3128") }, denials: []denial{ip(denial{action: actSocket})}, want: "--network"},
		{name: "netlink alone", denials: []denial{{action: actSocket, family: unix.AF_NETLINK, errno: unix.EPERM}}, want: "--loopback"},
		{name: "netlink beside others", denials: []denial{{action: actSocket, family: unix.AF_NETLINK, errno: unix.EPERM}, file(denial{action: actCreate, path: "/tmp/x"})}, want: "--dev"},
		{name: "another family", denials: []denial{{action: actSocket, family: unix.AF_VSOCK, errno: unix.EPERM}}, reasons: []string{"neither IP nor AF_UNIX"}},
		{name: "another port", options: "--connect 80", denials: []denial{ip(denial{action: actConnect, address: "10.0.0.1:443", port: 443})}, want: "--connect 443"},
		{name: "a server beside --connect", options: "--connect 80", denials: []denial{ip(denial{action: actListen})}, want: "--network", reasons: []string{""}},
		{name: "outside of --loopback", options: "--loopback", denials: []denial{ip(denial{action: actConnect, address: "10.0.0.1:443", port: 443})}, want: "--network"},
		{name: "a server outside", denials: []denial{ip(denial{action: actConnect, address: "127.0.0.1:443", port: 443, loopback: true, served: true})}, want: "--connect 443"},
		{name: "a server inside and a port outside", denials: []denial{ip(denial{action: actListen}), ip(denial{action: actConnect, address: "10.0.0.1:443", port: 443})}, want: "--network"},
		{name: "MPTCP", options: "--connect 80", denials: []denial{{action: actSocket, family: unix.AF_INET, socketType: unix.SOCK_STREAM, protocol: 262, errno: unix.EPROTONOSUPPORT}}, reasons: []string{"programs do without"}},

		{name: "another program's socket", denials: []denial{local(denial{action: actConnect, path: "@/data/s", kind: pathSocket})}, want: "--unix @/data/s", change: func(w *whyRun) { makeSocket(w.cwd + "/../data/s") }},
		{name: "docker", denials: []denial{local(denial{action: actConnect, path: "/run/docker.sock", kind: pathSocket})}, reasons: []string{"not in the line"}},
		{name: "nscd", denials: []denial{local(denial{action: actConnect, path: "/run/nscd/socket", kind: pathSocket})}, reasons: []string{"do without"}},
		{name: "the agent", change: func(w *whyRun) { w.envp = append(w.envp, "SSH_AUTH_SOCK="+w.cwd+"/a"); makeSocket(w.cwd + "/a") }, denials: []denial{local(denial{action: actConnect, path: "@/work/a", kind: pathSocket})}, reasons: []string{"not in the line"}},
		{name: "a server below ABI 9", change: func(w *whyRun) { w.abi = 7 }, denials: []denial{{action: actListen, family: unix.AF_UNIX, errno: unix.EPERM, path: "@/work/s"}}, want: "--unix /"},
		{name: "a socket's file", denials: []denial{local(denial{action: actListen, path: "@/data/s", kind: pathMissing})}, want: "-w @/data"},

		{name: "a signal", denials: []denial{{action: actSignal, errno: unix.EPERM, pid: 1}}, want: "--signals"},
		{name: "a limit", denials: []denial{{action: actLimit, errno: unix.EPERM, pid: 1}}, want: "--signals"},
		{name: "traceme", denials: []denial{{action: actTrace, call: "ptrace", errno: unix.EPERM}}, want: "--signals"},
		{name: "tracing others", denials: []denial{{action: actTrace, call: "process_vm_readv", errno: unix.EPERM}}, reasons: []string{"cannot be allowed"}},
		{name: "mount", denials: []denial{{action: actMount, call: "mount", errno: unix.EPERM}}, reasons: []string{"cannot be allowed"}},
		{name: "a terminal's ioctl", denials: []denial{{action: actIoctl, errno: unix.EACCES, path: "/dev/tty", kind: pathDevice, request: 0x5402}}, want: "--dev"},
		{name: "TIOCSTI", denials: []denial{{action: actIoctl, errno: unix.EPERM, request: 0x5412}}, reasons: []string{"cannot be allowed"}},
		{name: "attributes", denials: []denial{{action: actAttribute, call: "setxattr", errno: unix.EOPNOTSUPP}}, reasons: []string{"programs do without"}},

		{name: "a kept descriptor", options: "-w @/work --keep-fd 99", denials: []denial{file(denial{action: actCreate, path: "@/data/x"})}, want: "-w @/data"},
		{name: "handled, beside what was not", denials: []denial{{action: actSignal, errno: unix.EPERM, pid: 1, handled: true}, file(denial{action: actCreate, path: "@/data/x"})}, want: "-w @/data"},
		{name: "two of a kind", denials: []denial{file(denial{action: actCreate, path: "@/data/x"}), {action: actSignal, errno: unix.EPERM, pid: 1}, file(denial{action: actCreate, path: "@/data/y"})}, want: "-w @/data --signals"},
		{name: "a hidden path in the way", options: "-w @/work --hide @/data/file", denials: []denial{file(denial{action: actCreate, path: "@/data/x"})}, reasons: []string{"not in the line"}},
	} {
		if _, err := os.Stat("/usr/bin"); err != nil && slices.ContainsFunc(c.denials, func(d denial) bool { return strings.HasPrefix(d.path, "/usr/") }) {
			continue // a guest has no such directory
		}
		t.Run(c.name, func(t *testing.T) {
			options := c.options
			if options == "" {
				options = "-w @/work"
			}
			w := madeUpRun(t, slices.Concat([]string{"snib"}, strings.Fields(options), []string{"--", "make", "-w", "x"}))
			base := filepath.Dir(w.cwd)
			if c.change != nil {
				c.change(w)
			}
			for _, d := range c.denials {
				d.path, d.second = strings.ReplaceAll(d.path, "@", base), strings.ReplaceAll(d.second, "@", base)
				d.program, d.count = "tool", 1
				w.denials = append(w.denials, d)
			}
			w.suggest()
			want := []string(nil)
			if c.want != "" {
				kept := slices.DeleteFunc(strings.Fields(strings.ReplaceAll(options, "@", base)), func(s string) bool {
					return c.want == "--network" && (s == "--loopback" || s == "--connect" || s == "80")
				})
				want = slices.Concat([]string{"snib"}, kept, strings.Fields(strings.ReplaceAll(c.want, "@", base)), []string{"--", "make", "-w", "x"})
			}
			if !slices.Equal(w.suggested, want) {
				t.Errorf("suggested %q, want %q; %s", w.suggested, want, w.text())
			}
			if len(w.suggested) > 0 {
				var p policy
				if f := p.parse(pointers(w.suggested)); f.reason != noReason {
					t.Errorf("%q: %q", w.suggested, f.message(w.suggested).text)
				}
			}
			for i, d := range w.denials {
				reason := ""
				if i < len(c.reasons) {
					reason = strings.ReplaceAll(c.reasons[i], "@", base)
				}
				if !strings.Contains(d.reason, reason) || reason == "" && c.want != "" && d.reason != "" {
					t.Errorf("%d: reason %q, want %q", i, d.reason, reason)
				}
				if len(d.options) == 0 && d.reason == "" {
					t.Errorf("%d: neither an option nor a reason", i)
				}
			}
			if !json.Valid([]byte(w.json())) {
				t.Errorf("not JSON: %s", w.json())
			}
		})
	}
}

// TestWhyHelper: beside a helper's policy no option can stand, so the lines say what it would have to allow.
func TestWhyHelper(t *testing.T) {
	needOneGuest(t)
	for _, words := range [][]string{
		{"codex-linux-sandbox", "-s", "disk-full-read-access", "--", "make"},
		{"snib", "--as", "codex-linux-sandbox", "-s", "disk-full-read-access", "--", "make"},
		{"snib", "--as", "codex-linux-sandbox", "--sandbox-policy-cwd", "@/work", "--permission-profile",
			`{"type":"managed","file_system":{"type":"restricted","entries":[{"path":{"type":"special","value":{"kind":"root"}},"access":"read"}]},"network":"restricted"}`, "--", "make"},
	} {
		w := madeUpRun(t, words)
		rehearsed := *w.policy
		w.rehearsal = rehearse(&rehearsed, pointers(w.words), pointers(w.envp), w.abi)
		w.policy = &rehearsed
		base := filepath.Dir(w.cwd)
		w.denials = []denial{{action: actCreate, call: "openat", errno: unix.EACCES, path: base + "/data/x", count: 1}, {action: actSocket, call: "socket", errno: unix.EPERM, family: unix.AF_INET, socketType: unix.SOCK_STREAM, count: 1}}
		w.suggest()
		if w.suggested != nil || len(w.denials[0].options) > 0 || !strings.Contains(w.denials[0].reason, "the policy would have to make") || !strings.Contains(w.denials[1].reason, "the network") {
			t.Errorf("%q: %s", words, w.text())
		}
		if want := helperName(words) + ": denied: create "; !strings.HasPrefix(w.text(), want) && words[0] != "snib" {
			t.Errorf("%q, want %q", w.text(), want)
		}
	}
}

// TestWhyNever: places that no command can have suggested, under whatever name.
func TestWhyNever(t *testing.T) {
	needOneGuest(t)
	w := madeUpRun(t, []string{"snib", "-w", "@/work", "--", "make"})
	base := filepath.Dir(w.cwd)
	for _, dir := range []string{"/home/.config/gcloud", "/home/.ssh", "/home/proj/sub/p", "/repo/.git/objects", "/repo/.git/refs", "/repo/.git/hooks", "/repo/src", "/bare/objects/ab", "/bare/refs", "/repo/.git/worktrees/work", "/home/x/y", "/many/one/.git/objects", "/many/one/.git/refs"} {
		if err := os.MkdirAll(base+dir, 0o777); err != nil {
			t.Fatal(err)
		}
	}
	for file, content := range map[string]string{"/repo/.git/HEAD": "ref: refs/heads/x\n", "/bare/HEAD": "", "/home/.netrc": "", "/many/one/.git/HEAD": "", "/work/.git": "gitdir: " + base + "/repo/.git/worktrees/work\n", "/other": ""} {
		if err := os.WriteFile(base+file, []byte(content), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Link(base+"/home/.netrc", base+"/data/linked"); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(base+"/home/.ssh", base+"/data/ssh"); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(base+"/home", base+"/data/people"); err != nil {
		t.Fatal(err)
	}
	check := func(path string, write bool, want string) {
		t.Helper()
		if got := w.never(path, write); (got == "") != (want == "") || !strings.Contains(got, want) {
			t.Errorf("%q, write %v: %q, want %q", path, write, got, want)
		}
	}
	for path, want := range map[string]string{
		"/": "root", base + "/home": "home", base + "/home/.ssh/new/key": "secrets", base + "/home/.netrc": "secrets", base + "/home/.config": "obey", base + "/data/linked": "secrets", base + "/data/ssh": "secrets",
		base + "/data/line\n": "line feed", base + "/data/two\nlines": "",
		base + "/data/ssh/x": "secrets", base + "/data/people": "home", base + "/data/people/.ssh/id": "secrets", base: "", base + "/data": "", base + "/home/proj/sub": "",
	} {
		if path == base {
			check(path, false, "which is")
			continue
		}
		check(path, false, want)
		check(path, true, want)
	}
	for path, want := range map[string]string{
		base + "/home/.bashrc": "programs outside", base + "/home/.config/autostart/x": "", base + "/home/x": "", base + "/bin": "PATH", base + "/bin/x": "PATH", "/usr/share/x": "programs", "/etc/x": "configures",
		"/run/x": "system", "/var/lib/x": "system", "/var": "holds", "/dev/sda": "device", "/dev": "", "/dev/tty": "-", base + "/repo": "repository", base + "/repo/src": "-", base + "/repo/.git/hooks": "git runs", base + "/repo/.git/hooks/x": "git runs",
		base + "/repo/.git": "git runs", base + "/bare": "git runs", base + "/bare/objects/ab": "-", base + "/bare/config": "git runs", base + "/many": "repository",
		"/opt": "keep there", "/opt/project": "-",
	} {
		switch want {
		case "-":
			check(path, true, "")
		case "":
			if w.never(path, true) == "" && path != base+"/home/x" {
				t.Errorf("%q may be suggested", path)
			}
		default:
			if _, err := os.Stat("/var/lib"); err == nil || path != "/var" {
				check(path, true, want)
			}
		}
	}
	// A worktree's own repository is the exception. The file that leads there can be written by the command, the one that leads back cannot.
	if got := w.commonDirectory(); got != "" {
		t.Errorf("without a way back: %q", got)
	}
	if err := os.WriteFile(base+"/repo/.git/worktrees/work/gitdir", []byte(base+"/work/.git\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	if got := w.commonDirectory(); got != base+"/repo/.git" {
		t.Errorf("the worktree's repository: %q", got)
	}
	check(base+"/repo/.git", true, "")
	check(base+"/repo/.git/hooks", true, "git runs")
	w.denials = []denial{{action: actCreate, errno: unix.EACCES, path: base + "/repo/.git/worktrees/work/index.lock"}}
	w.suggest()
	if got, want := strings.Join(w.denials[0].options, " "), "-w "+base+"/repo/.git"; got != want {
		t.Errorf("suggested %q, want %q", got, want)
	}
}

// rehearsedHere fills in what the launch would grant.
func rehearsedHere(w *whyRun) {
	p := *w.policy
	w.rehearsal = rehearse(&p, pointers(w.words), pointers(w.envp), w.abi)
}

// makeSocket leaves the file of a socket.
func makeSocket(path string) {
	if fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0); err == nil {
		_ = unix.Bind(fd, &unix.SockaddrUnix{Name: path})
		unix.Close(fd)
	}
}
