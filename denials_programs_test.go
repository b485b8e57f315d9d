package main

// --why with real programs: each fails under -w ., and works by the line that one run of --why ends with.

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// whyPrograms are programs that fail under -w .: what they need to run, the command, what the line adds to the options, and a script that succeeds if the
// command did its work, and only then. At port 3128 an HTTP server answers.
var whyPrograms = []struct {
	name, tools, setup, command, adds, check string
	abi                                      int
}{
	{"go build", "go", `printf 'module m\n\ngo 1.20\n' >go.mod; printf 'package m\n' >m.go`, "go build -o m.a .", "--dev", "test -s m.a", 3},
	{"npm test", "npm node", `echo '{"name":"m","version":"1.0.0","scripts":{"test":"node x.js"}}' >package.json
cat >x.js <<'X'
const http = require("http"), server = http.createServer((q, r) => r.end("hello")).listen(0, "127.0.0.1", () =>
	http.get({host: "127.0.0.1", port: server.address().port}, r => r.on("data", d => { server.close(); require("fs").writeFileSync("done", d); })));
X`, "npm test", "--loopback", `test "$(cat done)" = hello`, 3},
	{"git worktree", "git", worktree, "git commit -q -a -m work", "-w @/repo/.git", `test "$(git log --format=%s -1)" = work`, 3},
	{"python multiprocessing", "python3", `printf 'import multiprocessing as m\ndef f(x): return x * x\nif __name__ == "__main__":\n    with m.Pool(2) as p: open("done", "w").write(str(p.map(f, range(3))))\n' >p.py`,
		"python3 p.py", "--dev", `test "$(cat done)" = "[0, 1, 4]"`, 3},
	{"curl", "curl", "", "curl -sS -o page http://127.0.0.1:3128/", "--connect 3128", "grep -q served page", 4},
	{"sh, a file elsewhere", "sh", "mkdir ~/elsewhere; echo old >~/elsewhere/file", "sh -c 'echo new >~/elsewhere/file'", "-w @/elsewhere/file", "test $(cat ~/elsewhere/file) = new", 3},
}

func TestWhyPrograms(t *testing.T) {
	needLong(t)
	t.Parallel()
	users := []int{os.Getuid()}
	if users[0] == 0 {
		users = append(users, 65534)
	}
	for _, c := range whyPrograms {
		for _, uid := range users {
			t.Run(fmt.Sprint(c.name, " uid ", uid), func(t *testing.T) {
				t.Parallel()
				needABI(t, c.abi)
				search := os.Getenv("PATH")
				if uid != os.Getuid() {
					search = "/usr/local/go/bin:/usr/local/bin:/usr/bin:/bin" // what others can reach
				}
				for _, tool := range strings.Fields(c.tools) {
					need(t, tool)
					if exec.Command("env", "PATH="+search, "sh", "-c", "command -v "+tool).Run() != nil {
						t.Skip("needs " + tool + " for each user")
					}
				}
				home := homeOf(t, uid)
				_, port, _ := net.SplitHostPort(serveWeb(t, func(string, string) (int, string) { return 200, "served\n" }))
				served := strings.NewReplacer("3128", port, "@", home)
				in := func(script string) run {
					t.Helper()
					return start(t, need(t, "sh"), []string{"sh", "-c", script}, func(cmd *exec.Cmd) {
						cmd.Dir = home + "/work"
						cmd.Env = []string{"HOME=" + home, "PATH=" + home + "/bin:" + search, "CGO_ENABLED=0", "GOFLAGS=-mod=mod", "GOTOOLCHAIN=local", "PYTHONDONTWRITEBYTECODE=1", "LANG=C.UTF-8"}
						if uid != os.Getuid() {
							cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(uid)}}
						}
					})
				}
				command, check, adds := served.Replace(c.command), c.check, served.Replace(c.adds)
				if r := in("set -e\n" + c.setup); r.code != 0 {
					t.Fatalf("set up: %+v", r)
				}
				r := in("snib --why -w . -- " + command)
				if plain := in("snib -w . -- " + command); plain.code != r.code || r.code == 0 || in(check).code == 0 {
					t.Fatalf("it does not fail: %+v; without --why %+v", r, plain)
				}
				lines := strings.Split(strings.TrimSuffix(r.stderr, "\n"), "\n")
				line, is := strings.CutPrefix(lines[len(lines)-1], "    snib -w . ")
				options, tail, _ := strings.Cut(line, " -- ")
				if adds == "--loopback" && release.snib(t, "--loopback", "--", "true").code != 0 {
					adds = "--network"
				}
				if !is || options != adds || tail != command {
					t.Errorf("adds %q and runs %q; want %q and %q; %s", options, tail, adds, command, r.stderr)
				}
				if r := in("snib -w . " + line); r.code != 0 || in(check).code != 0 {
					t.Errorf("%q: %+v", line, r)
				}
			})
		}
	}
}

// homeOf makes a user's home that no --dev opens, in which others than root can be.
func homeOf(t *testing.T, uid int) string {
	t.Helper()
	for _, base := range []string{"/home", "/srv", os.Getenv("HOME")} {
		if base == "" || isBeneath(base, "/tmp") || isBeneath(base, "/var/tmp") {
			continue
		}
		home, err := os.MkdirTemp(base, "snib-why-")
		if err != nil {
			continue
		}
		t.Cleanup(func() { os.RemoveAll(home) })
		for _, name := range []string{"", "/bin", "/work", "/.cache"} {
			if err := os.MkdirAll(home+name, 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.Chown(home+name, uid, uid); err != nil && uid != os.Getuid() {
				t.Fatal(err)
			}
		}
		if err := os.Chmod(home, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(release.path, home+"/bin/snib"); err != nil {
			t.Fatal(err)
		}
		if python := ownPython(); python != "" && uid == os.Getuid() {
			if err := os.Symlink(python, home+"/bin/python3"); err != nil {
				t.Fatal(err)
			}
		}
		real, err := filepath.EvalSymlinks(home)
		if err != nil {
			t.Fatal(err)
		}
		return real
	}
	t.Skip("needs a directory outside of /tmp and /var/tmp")
	return ""
}
