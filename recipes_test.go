package main

// The pages of recipes: every command that they show is run, without a sandbox, as it stands there, and without what it is said to
// need.

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
)

// recipe is how a command of docs/recipes.md is tried.
type recipe struct {
	tools []string
	setup string   // a script that runs first, in the directory; at port 3128, here and in the command, an HTTP server answers
	check string   // a script that succeeds if the command did its work, and only then
	drop  []string // without any of these it does not
	harm  string   // a script that succeeds if the command did what the sandbox is to deny, and only then
	lift  string   // without this option it does
	abi   int      // Landlock's, from which the command can work
	until int      // Landlock's, from which a drop of --unix is no loss
}

const (
	goFixture = `printf 'module m\n\ngo 1.20\n' >go.mod; printf 'package m\n' >m.go
printf 'package m\n\nimport ("os"; "testing")\n\nfunc TestM(t *testing.T) { os.WriteFile("done", nil, 0o666) }\n' >m_test.go`
	worktree = `printf '[user]\n name = me\n email = me@example.com\n' >~/.gitconfig; git init -q ~/repo; cd ~/repo; echo a >a; git add a; git commit -qm first
git worktree add -q --detach ~/work; echo b >>~/work/a`
)

// recipes are by the words that a command has after its options, as far as they tell it from the others, with an option in front
// where only that does.
func recipes() map[string]recipe {
	return map[string]recipe{
		"npm install": {tools: []string{"npm", "curl"}, setup: `mkdir ~/.npm dep; echo '{"name":"dep","version":"1.0.0"}' >dep/package.json
echo '{"name":"m","version":"1.0.0","dependencies":{"dep":"file:dep"},"scripts":{"preinstall":"curl -sS -o page http://127.0.0.1:3128/"}}' >package.json`,
			check: "test -e node_modules/dep/package.json && test -e ~/.npm/_logs", drop: []string{"-w ~/.npm", "--network"}},
		"npm test": {tools: []string{"npm"}, setup: `echo '{"name":"m","version":"1.0.0","scripts":{"test":"node --test"}}' >package.json
echo 'require("node:test")("t", () => require("fs").writeFileSync("done", ""))' >x.test.js`,
			check: "test -e done", drop: []string{"-w ."}},
		"--loopback npm test": {tools: []string{"npm"}, setup: `echo '{"name":"m","version":"1.0.0","scripts":{"test":"node --test"}}' >package.json
cat >x.test.js <<'X'
const test = require("node:test"), http = require("http"), fs = require("fs");
for (const host of ["127.0.0.1", "::1"])
	test(host, (t, done) => {
		const server = http.createServer((q, r) => r.end("hello")).listen(0, host, () =>
			http.get({host, port: server.address().port}, r => r.on("data", d => { server.close(); fs.appendFileSync("done", d); done(); })));
	});
X`, check: `test "$(cat done)" = hellohello`, drop: []string{"--loopback", "-w ."}},
		"npm run e2e": {tools: []string{"npm", "chromium-headless-shell"}, setup: `echo '{"name":"m","version":"1.0.0","scripts":{"e2e":"node e2e.js"}}' >package.json
cat >e2e.js <<'X'
const server = require("http").createServer((q, r) => r.end("<p id=p></p><script>p.textContent = 6 * 7</script>")).listen(0, "127.0.0.1", () =>
	require("child_process").execFile("chromium-headless-shell", ["--no-sandbox", "--dump-dom", "http://127.0.0.1:" + server.address().port], (error, page) => {
		require("fs").writeFileSync("done", page);
		process.exit(error ? 1 : 0);
	}));
X`, check: "grep -q 42 done", drop: []string{"--loopback", "-w ."}},
		"chromium-headless-shell": {tools: []string{"chromium-headless-shell"}, setup: "echo '<p>hello' >page.html", check: "test -s screenshot.png", drop: []string{"-w ."}},
		"python3 -m pytest": {tools: []string{"python3"}, setup: `printf 'import unittest, tempfile, multiprocessing\nclass T(unittest.TestCase):\n    def test(self):\n        multiprocessing.Lock(); open("done", "w")\n' >test_x.py`,
			check: "test -e done", drop: []string{"--dev", "-w ."}},
		"go test ./...": {tools: []string{"go"}, setup: goFixture, check: "test -e done", drop: []string{"--dev"}},
		"--loopback go test ./...": {tools: []string{"go"}, setup: `printf 'module m\n\ngo 1.20\n' >go.mod; printf 'package m\n' >m.go
cat >m_test.go <<'X'
package m

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"testing"
)

func TestM(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "hello") }))
	defer server.Close()
	answer, err := http.Get(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	text, _ := io.ReadAll(answer.Body)
	os.WriteFile("done", text, 0o666)
}
X`, check: `test "$(cat done)" = hello`, drop: []string{"--dev", "--loopback"}},
		"--loopback python3 -m pytest": {tools: []string{"python3"}, setup: `cat >test_x.py <<'X'
import unittest, multiprocessing, threading, http.server, urllib.request
class T(unittest.TestCase):
    def test(self):
        server = http.server.HTTPServer(("127.0.0.1", 0), http.server.SimpleHTTPRequestHandler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        multiprocessing.Lock()
        with urllib.request.urlopen("http://127.0.0.1:%d/test_x.py" % server.server_port) as answer:
            open("done", "wb").write(answer.read())
        server.shutdown()
X`, check: "cmp done test_x.py", drop: []string{"--dev", "--loopback", "-w ."}},
		"cargo test --offline": {tools: []string{"cargo", "cc"}, setup: `mkdir src; printf '[package]\nname = "m"\nversion = "0.1.0"\nedition = "2021"\n' >Cargo.toml
cat >src/lib.rs <<'X'
#[test]
fn t() {
    let path = std::env::temp_dir().join(format!("snib-{}", std::process::id()));
    std::fs::write(&path, "").unwrap();
    std::fs::remove_file(path).unwrap();
    std::fs::write("done", "").unwrap();
}
X`, check: "test -e done", drop: []string{"--dev", "-w ."}},
		"make": {tools: []string{"make", "gcc"}, setup: `printf 'int main(void) { return 0; }\n' >m.c; printf 'm: m.c\n\tgcc -o m m.c\n' >Makefile`, check: "./m", drop: []string{"--dev", "-w ."}},
		"--protect make": {tools: []string{"make", "gcc", "git"}, setup: `git init -q; git config user.name me; git config user.email me@example.com
printf 'int main(void) { return 0; }\n' >m.c; git add m.c; git commit -qm first; echo >>m.c
printf 'm: m.c\n\tgcc -o m m.c\n\tgit status --short >short\n\tgit diff --stat >stat\n\tgit log >log\n\t-git commit -qam second 2>said\n\t-echo x >.git/hooks/x\n' >Makefile`,
			check: `./m && test -s short -a -s stat -a -s log && { test ! -s said || grep -qF "fatal: Unable to create '$PWD/.git/index.lock': Read-only file system" said; }`,
			drop:  []string{"--dev", "-w ."}, harm: `test "$(git log -1 --format=%s)" = second && test -e .git/hooks/x`, lift: "--protect .git"},
		"git commit": {tools: []string{"git"}, setup: worktree,
			check: "test $(git log --format=%s -1) = work", drop: []string{`-w "$(git rev-parse --git-common-dir)"`}},
		"--read git commit": {tools: []string{"git"}, setup: `printf '[user]\n name = me\n email = me@example.com\n' >~/.gitconfig; git init -q; echo a >a; git add a; git commit -qm first; echo b >>a`,
			check: "test $(git log --format=%s -1) = work", drop: []string{"-r ~/.gitconfig", "-w ."}},
		"gpg --batch --sign notes": {tools: []string{"gpg", "gpgconf"}, setup: `mkdir -m 700 ~/.gnupg; echo text >notes; gpg -q --batch --passphrase '' --quick-gen-key me@example.com ed25519 sign never; gpgconf --kill all`,
			check: "gpgconf --kill all; gpg -q --batch --verify notes.gpg", drop: []string{"-w ~/.gnupg", "--unix /"}, until: confinesUnix},
		"tmux -L job new-session -d make": {tools: []string{"tmux", "make"}, setup: `printf 'all:\n\techo x >done\n' >Makefile`,
			check: "i=0; until test -e done; do test $((i += 1)) -lt 50 || exit 1; sleep .1; done", drop: []string{"--dev", "--unix /"}, until: confinesUnix},
		"curl": {tools: []string{"curl"}, check: "grep -q http://example.invalid/ page", drop: []string{"--connect 3128", "-w ."}, abi: firstPorts},
		"codex exec": {tools: []string{"curl"}, setup: `mkdir ~/.codex ~/.ssh ~/.aws ~/other; echo secret >~/.ssh/key; echo secret >~/.aws/key
printf '#!/bin/sh\necho x >done; echo x >~/.codex/log; echo x >/tmp/codex-$$ && rm /tmp/codex-$$ && echo x >tmp\necho x >~/other/escaped\ncat ~/.ssh/key ~/.aws/key >stolen\ncurl -sS -o page http://127.0.0.1:3128/ && test $# = 4\n' >~/bin/codex; chmod 755 ~/bin/codex`,
			check: "test -e done && test -e ~/.codex/log && test -e tmp", drop: []string{"-w ~/.codex", "--dev", "-w .", "--network"}},
	}
}

// readPage returns the text of a page.
func readPage(t *testing.T, page string) string {
	t.Helper()
	content, err := os.ReadFile(page)
	if err != nil {
		t.Skip("needs the source")
	}
	return string(content)
}

// documented returns the commands of a page: what stands in backquotes and begins with snib, or sets a variable for it, and
// the indented lines.
func documented(t *testing.T, page string) (list []string) {
	t.Helper()
	for _, m := range regexp.MustCompile("(?m)`((?:\\w+=\\S+ )*snib [^`]*)`|^    (.*)$").FindAllStringSubmatch(readPage(t, page), -1) {
		list = append(list, m[1]+m[2])
	}
	return list
}

// ownPython is the program behind python3: one that is a script of a version manager looks for its versions in the home.
var ownPython = sync.OnceValue(func() string {
	out, _ := exec.Command("python3", "-c", "import sys; print(sys.executable)").Output()
	return strings.TrimSpace(string(out))
})

// beyondDev makes a home that no --dev opens.
func beyondDev(t *testing.T) string {
	t.Helper()
	home := ""
	for _, base := range []string{os.Getenv("HOME"), "/dev"} {
		if base == "" || base == "/tmp" || strings.HasPrefix(base, "/var/tmp") {
			continue
		}
		if dir, err := os.MkdirTemp(base, "snib-"); err == nil {
			home = dir
			break
		}
	}
	if home == "" {
		t.Skip("needs a directory outside of /tmp and /var/tmp")
	}
	t.Cleanup(func() { os.RemoveAll(home) })
	for _, name := range []string{"bin", "work", ".cache"} {
		if err := os.Mkdir(filepath.Join(home, name), 0o777); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(release.path, home+"/bin/snib"); err != nil {
		t.Fatal(err)
	}
	if python := ownPython(); python != "" {
		if err := os.Symlink(python, home+"/bin/python3"); err != nil {
			t.Fatal(err)
		}
	}
	return home
}

// inHome runs a script in a home's directory, with the caches and toolchains of who runs the tests.
func inHome(t *testing.T, home, script string) run {
	t.Helper()
	return start(t, need(t, "sh"), []string{"sh", "-c", script}, func(cmd *exec.Cmd) {
		cmd.Dir = home + "/work"
		env := []string{"HOME=" + home, "PATH=" + home + "/bin:" + os.Getenv("PATH"), "CGO_ENABLED=0", "GOFLAGS=-mod=mod", "GOTOOLCHAIN=local",
			"PYTHONDONTWRITEBYTECODE=1", "TERM=xterm", "LANG=C.UTF-8"}
		own := os.Getenv("HOME")
		for variable, dir := range map[string]string{"CARGO_HOME": ".cargo", "RUSTUP_HOME": ".rustup"} {
			if _, err := os.Stat(filepath.Join(own, dir)); err == nil {
				env = append(env, variable+"="+filepath.Join(own, dir))
			}
		}
		if cache, err := os.UserCacheDir(); err == nil {
			if _, err := os.Stat(cache + "/go-build"); err == nil {
				env = append(env, "XDG_CACHE_HOME="+cache)
			}
		}
		cmd.Env = env
	})
}

func TestRecipes(t *testing.T) {
	needLong(t)
	t.Parallel()
	needABI(t, 3)
	used := map[string]bool{}
	commands := documented(t, "docs/recipes.md")
	for _, command := range commands {
		if command == ".ci/run jobs" {
			if ci, err := os.ReadFile(".ci/run"); err != nil || !strings.Contains(string(ci), "\njobs() { test/jobs && test/jobs --why; }\n") {
				t.Errorf("%q: .ci/run has no such stage", command)
			}
			continue
		}
		options, tail, is := strings.Cut(command, " -- ")
		key := ""
		for k := range recipes() {
			words, option := k, ""
			if strings.HasPrefix(k, "--") {
				option, words, _ = strings.Cut(k, " ")
			}
			if strings.HasPrefix(tail+" ", words+" ") && strings.Contains(options, option) && len(k) > len(key) {
				key = k
			}
		}
		if !is || key == "" {
			t.Errorf("%q: nothing runs it", command)
			continue
		}
		used[key] = true
		c := recipes()[key]
		t.Run(key, func(t *testing.T) {
			t.Parallel()
			for _, tool := range c.tools {
				need(t, tool)
			}
			needABI(t, c.abi)
			if strings.HasSuffix(key, "python3 -m pytest") && exec.Command("python3", "-c", "import pytest").Run() != nil {
				command = strings.Replace(command, "pytest", "unittest", 1)
			}
			try := func(command string) (works bool, r run, home string) {
				t.Helper()
				home = beyondDev(t)
				_, port, _ := net.SplitHostPort(serveWeb(t, func(target, _ string) (int, string) { return 200, target + "\n" }))
				served := strings.NewReplacer("3128", port)
				command = served.Replace(command)
				if r := inHome(t, home, "set -e\n"+served.Replace(c.setup)); r.code != 0 {
					t.Fatalf("set up: %+v", r)
				}
				r = inHome(t, home, command)
				if slices.Contains(c.tools, "tmux") {
					defer inHome(t, home, "tmux -L job kill-server")
				}
				return r.code == 0 && inHome(t, home, c.check).code == 0, r, home
			}
			assignments, _, _ := strings.Cut(options, "snib ")
			tail := strings.SplitN(command, " -- ", 2)[1]
			works, r, home := try(assignments + tail)
			if !works {
				t.Fatalf("control: %+v", r)
			}
			if stolen, err := os.ReadFile(home + "/work/stolen"); key == "codex exec" && string(stolen) != "secret\nsecret\n" {
				t.Errorf("control: it read %q, %v", stolen, err)
			}
			harmed := func() bool { return c.harm != "" && inHome(t, home, c.harm).code == 0 }
			if c.harm != "" && !harmed() {
				t.Errorf("control: no harm: %+v", r)
			}
			if works, r, home = try(command); !works || harmed() {
				t.Errorf("%q: %+v", command, r)
			}
			if key == "codex exec" {
				if _, err := os.Stat(home + "/other/escaped"); err == nil {
					t.Errorf("%q: it wrote to ~/other", command)
				}
				if stolen, err := os.ReadFile(home + "/work/stolen"); err != nil || len(stolen) > 0 {
					t.Errorf("%q: it read %q, %v", command, stolen, err)
				}
			}
			if c.lift != "" {
				without := strings.Replace(command, " "+c.lift, "", 1)
				if works, r, home = try(without); without == command || !works || !harmed() {
					t.Errorf("%q: no harm without %q: %+v", command, c.lift, r)
				}
			}
			for _, drop := range c.drop {
				if drop == "--unix /" && kernelABI() >= c.until {
					continue
				}
				less := strings.Replace(command, " "+drop, "", 1)
				if less == command {
					t.Errorf("%q: no %q", command, drop)
				} else if works, _, _ := try(less); works {
					t.Errorf("%q: works without %q", command, drop)
				}
			}
		})
	}
	for key := range recipes() {
		if !used[key] {
			t.Errorf("%q: not in the page", key)
		}
	}
}

// The README quotes the page: each recipe of its first table stands there too.
func TestQuotedRecipes(t *testing.T) {
	first, _, is := strings.Cut(readPage(t, "README.md"), "\n## ")
	if !is {
		t.Fatal("the README has no sections")
	}
	page := documented(t, "docs/recipes.md")
	quoted := 0
	for _, line := range strings.Split(first, "\n") {
		cells := strings.Split(line, " | ")
		if len(cells) != 3 || !strings.HasPrefix(cells[1], "`") {
			continue
		}
		quoted++
		if command := strings.Trim(cells[1], "`"); !slices.Contains(page, command) {
			t.Errorf("%q: not in the page", command)
		}
	}
	if quoted != 5 {
		t.Errorf("%d recipes quoted, want 5", quoted)
	}
}

// What docs/denied.md shows is what snib, strace and grep print, but for numbers, names and the home. The lines that it suggests work.
func TestDeniedPage(t *testing.T) {
	needLong(t)
	t.Parallel()
	shown := map[string]recipe{
		"snib --why -w . -- COMMAND": {},
		"strace -f -Z -e trace=%file,%network,%signal,ioctl -o denied.txt snib -w . -- COMMAND": {},
		"$ snib --why -w . -- go build": {tools: []string{"go"}, setup: `printf 'module m\n\ngo 1.20\n' >go.mod; printf 'package m\n' >m.go`},
		"$ snib --why -w . -- npm test >/dev/null": {tools: []string{"npm"}, setup: `echo '{"name":"m","version":"1.0.0","scripts":{"test":"node --test"}}' >package.json
cat >x.test.js <<'X'
const test = require("node:test"), http = require("http");
test("server", (t, done) => {
	const server = http.createServer((q, r) => r.end("hello")).listen(0, "127.0.0.1", () =>
		http.get({host: "127.0.0.1", port: server.address().port}, r => r.on("data", d => { server.close(); done(); })));
});
X`},
		"$ snib --why -w . -- git commit -q -a -m work":                                                            {tools: []string{"git"}, setup: worktree},
		"$ strace -f -Z -e trace=%file,%network,%signal,ioctl -o denied.txt snib -w . -- git commit -q -a -m work": {tools: []string{"git", "strace"}, setup: worktree},
	}
	content, err := os.ReadFile("docs/denied.md")
	if err != nil {
		t.Skip("needs the source")
	}
	needABI(t, 3)
	blocks := 0
	for block := range strings.SplitSeq(string(content), "\n\n") {
		lines := strings.Split(strings.ReplaceAll(block, "\n    ", "\n"), "\n")
		first, is := strings.CutPrefix(lines[0], "    ")
		if !is {
			continue
		}
		blocks++
		c, known := shown[first]
		command, shows := strings.CutPrefix(first, "$ ")
		if !known || !shows {
			if !known {
				t.Errorf("%q: nothing runs it", first)
			}
			continue
		}
		t.Run(command, func(t *testing.T) {
			t.Parallel()
			for _, tool := range c.tools {
				need(t, tool)
			}
			home := beyondDev(t)
			normal := func(line string) string {
				line = regexp.MustCompile(`^\d+ +`).ReplaceAllString(line, "PID ")
				line = regexp.MustCompile(`/tmp/go-build\d+`).ReplaceAllString(line, "/tmp/go-buildN")
				line = regexp.MustCompile(`worktrees/\w+`).ReplaceAllString(line, "worktrees/tree")
				return strings.NewReplacer(home+"/repo", "/home/me/project", home, "/home/me").Replace(strings.TrimSpace(line))
			}
			// As in the page, caches are the home's own.
			in := func(script string) run { return inHome(t, home, "unset XDG_CACHE_HOME\n"+script) }
			if r := in("set -e\n" + c.setup); r.code != 0 {
				t.Fatalf("set up: %+v", r)
			}
			script := command
			for _, line := range lines[1:] {
				if more, is := strings.CutPrefix(line, "$ "); is {
					script = "{ " + script + "; } >/dev/null 2>&1\n" + more
				}
			}
			r := in(script)
			var printed []string
			for _, line := range strings.Split(r.stderr+r.stdout, "\n") {
				printed = append(printed, normal(line))
			}
			suggested := ""
			for _, line := range lines[1:] {
				if !strings.HasPrefix(line, "$ ") && !slices.Contains(printed, normal(line)) {
					t.Errorf("no line %q in %+v", line, r)
				}
				if strings.HasPrefix(line, "    snib ") {
					suggested = strings.NewReplacer("/home/me/project", home+"/repo").Replace(strings.TrimSpace(line))
				}
			}
			if strings.Contains(command, "--why") && suggested == "" {
				t.Error("no line is suggested")
			}
			if suggested == "" {
				return
			}
			if r.code == 0 {
				t.Errorf("it works: %+v", r)
			}
			if strings.Contains(suggested, "--loopback") {
				needNamespaces(t)
			}
			if r := in(suggested); r.code != 0 {
				t.Errorf("%q: %+v", suggested, r)
			}
		})
	}
	if blocks < len(shown) {
		t.Errorf("%d blocks, want %d", blocks, len(shown))
	}
}
