package main

// Ordinary commands do beneath a root what they do without a sandbox: they end the same way, say the same, and leave the
// same files. Some of them ask for what the filter refuses, and have to do without.

import (
	"archive/zip"
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// ordinary are scripts of a shell that stops at the first failure, each run in a fresh workplace. What is prepared is
// prepared without a sandbox; the contents of files whose name ends in varying differ from run to run anyway.
var ordinary = []struct {
	name, tools, prepare, script, varying string
}{
	{name: "git clone", tools: "git", prepare: repository, script: `git clone -q origin copy; cd copy; git log --oneline --stat`, varying: ".git/index"},
	{name: "git commit", tools: "git", prepare: repository, script: `cd origin; echo more >>a; git add a; git commit -q -m more; git log --oneline; git status -s`, varying: ".git/index"},
	{name: "git stash", tools: "git", prepare: repository, script: `cd origin; echo more >>a; git stash -q; cat a; git stash pop -q; git diff`, varying: ".git/index"},
	{name: "git rebase", tools: "git", prepare: repository, script: `cd origin; git checkout -q -b side HEAD~1; echo s >s; git add s; git commit -q -m s; git rebase -q main; git worktree add -q ../tree main; git log --oneline`, varying: "/index"},
	{name: "git gc", tools: "git", prepare: repository, script: `cd origin; git gc -q; git fsck --strict; git count-objects`, varying: ".git/index"},
	{name: "cp -a", tools: "cp", script: `cp -a from to; cp -p from/script copy; cp -r from/sub sub; ls -l to | wc -l`},
	{name: "tar", tools: "tar", script: `tar -c --sort=name --mtime=@0 -f all.tar from; mkdir out; tar -xpf all.tar -C out; tar -tf all.tar`},
	{name: "rsync -a", tools: "rsync", script: `rsync -a from/ to; echo more >>from/text; rsync -ai --delete --exclude=sub from/ to`},
	{name: "install", tools: "install", script: `install -D -m 755 from/script usr/bin/script; install -d -m 700 var; install -p -m 600 from/text var`},
	{name: "mv", tools: "mv", script: `mv from/text moved; mv from elsewhere; mv -n moved elsewhere; mv "$TMPDIR/../spare" .`},
	{name: "ln", tools: "ln", script: `ln from/text hard; ln -s from/text soft; ln -sfn from/sub soft; stat -c %h hard`},
	{name: "touch, mkdir, chmod, rm", tools: "touch mkdir chmod rm", script: `touch new; touch -d @1000000000 from/text; stat -c %Y from/text; mkdir -p -m 700 a/b/c; chmod -R g+ws a; chmod 1777 a/b; rm -r from/sub`},
	{name: "chown", tools: "chown id", script: `chown -R "$(id -u):$(id -g)" from; stat -c %A from/script`},
	{name: "patch", tools: "patch diff", script: `cp from/text changed; echo more >>changed; diff -u --label from/text --label new from/text changed >d || :; patch -b -p0 <d`},
	{name: "sed -i", tools: "sed", script: `sed -i.orig s/line/row/ from/text; sed -i /2/d from/text`},
	{name: "perl -i", tools: "perl", script: `perl -pi.orig -e 's/line/row/' from/text; perl -e 'chmod 0600, "from/text"; utime 0, 0, "from/text"; rename "from/text", "r"; print -s "r", "\n"'`},
	{name: "sort", tools: "sort", script: `seq 20000 -1 1 | sort -n -S 64K -o sorted; sort -u -o from/text from/text; tail -1 sorted`},
	{name: "split, dd, truncate", tools: "split dd truncate", script: `split -l 2 from/text part.; dd if=/dev/zero of=zeros bs=1k count=3 status=none; truncate -s 5000 zeros; truncate -s 10 from/text`},
	{name: "find", tools: "find", script: `find from -name '*.c' -exec cp {} . \;; find from -type f -newermt 1999-01-01 -printf '%f\n' | sort; find from -depth -delete`},
	{name: "tee, mkfifo", tools: "tee mkfifo", script: `mkfifo pipe; cat pipe >out & echo through | tee pipe copy; wait; test -e /dev/null; echo gone >/dev/null`},
	{name: "gzip", tools: "gzip", script: `gzip -n -k from/text; gzip -n from/script; gunzip from/script.gz; zcat from/text.gz`},
	{name: "zip", tools: "zip", script: `zip -q -X -r all.zip from; zip -q -d all.zip from/sub/code.c; zip -T all.zip | wc -l`},
	{name: "gcc", tools: "gcc", script: `gcc -O1 -Wall -o program from/sub/code.c; ./program`},
	{name: "make", tools: "make gcc", script: `printf 'program: code.o\n\tgcc -o $@ $^\ncode.o: from/sub/code.c\n\tgcc -c -o $@ $<\n' >Makefile; make -j2; make; touch -d @2000000000 from/sub/code.c; make -s 2>/dev/null; ./program`},
	{name: "ar", tools: "ar gcc ranlib", script: `gcc -c -o code.o from/sub/code.c; ar rcD lib.a code.o; ranlib -D lib.a; ar t lib.a; ar xo lib.a`},
	{name: "go build", tools: "go", script: `go mod init example.org/tiny 2>/dev/null; echo 'package tiny; const Answer = 42' >tiny.go; go build -o tiny.a .; go list -f '{{.Name}} {{.Module.Path}}' .`},
	{name: "python3 -m venv", tools: "python3", script: `python3 -m venv --without-pip --symlinks venv; venv/bin/python3 -c 'import sys; print(sys.prefix != sys.base_prefix)'`},
	{name: "pip install", tools: "python3 pip3", script: `python=$(python3 -c 'import sys; print(sys.executable)'); "$python" -m pip install -q --no-index --no-compile --root-user-action=ignore --target lib tiny-1.0-py3-none-any.whl; PYTHONPATH=lib "$python" -c 'import tiny; print(tiny.answer)'`},
	{name: "python3", tools: "python3", script: `python3 - <<'END'
import shutil, sqlite3, tempfile, os
shutil.copytree("from", "to")
shutil.copy2("from/text", "copy")
with sqlite3.connect("base") as base:
    base.execute("create table t (n)")
    base.executemany("insert into t values (?)", [(n,) for n in range(100)])
    print(base.execute("select sum(n) from t").fetchone())
with tempfile.TemporaryDirectory() as dir:
    os.chmod(dir, 0o755)
END`},
	{name: "npm install", tools: "npm", script: `mkdir dep top; echo '{"name":"dep","version":"1.0.0","main":"i.js","bin":"i.js"}' >dep/package.json; echo 'module.exports = 42' >dep/i.js
cd top; echo '{"name":"top","version":"1.0.0"}' >package.json; npm install --offline --silent --no-audit --no-fund --install-links file:../dep`},
}

// repository makes one of two commits and a change.
const repository = `git init -q -b main origin; cd origin; echo one >a; ln -s a link; git add .; git commit -q -m one; echo two >b; chmod +x b; git add .; git commit -q -m two; git tag -a -m t v1`

// workplace makes what the scripts work on: work, home, tmp and a spare file. It always looks the same.
func workplace(t testing.TB, dir string) {
	t.Helper()
	for _, name := range []string{"work/from/sub", "home", "tmp"} {
		if err := os.MkdirAll(filepath.Join(dir, name), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, f := range []struct {
		name, content string
		mode          os.FileMode
	}{
		{"work/from/text", "line 1\nline 3\nline 2\nline 3\n", 0o644},
		{"work/from/script", "#!/bin/sh\necho script\n", 0o755},
		{"work/from/secret", "secret\n", 0o600},
		{"work/from/sub/code.c", "#include <stdio.h>\nint main(void) { return puts(\"hello\") < 0; }\n", 0o444},
		{"work/tiny-1.0-py3-none-any.whl", tinyWheel(t), 0o644},
		{"spare", "spare\n", 0o644},
	} {
		if err := os.WriteFile(filepath.Join(dir, f.name), []byte(f.content), f.mode); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("sub/code.c", filepath.Join(dir, "work/from/link")); err != nil {
		t.Fatal(err)
	}
	// Where there are attributes, one that is not preserved must be no failure.
	_ = unix.Setxattr(filepath.Join(dir, "work/from/text"), attribute, []byte("x"), 0)
	when := time.Unix(1_600_000_000, 0)
	for _, name := range []string{"text", "script", "secret", "sub/code.c", "sub", "."} {
		if err := os.Chtimes(filepath.Join(dir, "work/from", name), when, when); err != nil {
			t.Fatal(err)
		}
	}
}

// tinyWheel is a package of Python's.
func tinyWheel(t testing.TB) string {
	t.Helper()
	var buffer bytes.Buffer
	archive := zip.NewWriter(&buffer)
	for _, f := range []struct{ name, content string }{
		{"tiny.py", "answer = 42\n"},
		{"tiny-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: tiny\nVersion: 1.0\n"},
		{"tiny-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"},
		{"tiny-1.0.dist-info/RECORD", "tiny.py,,\ntiny-1.0.dist-info/METADATA,,\ntiny-1.0.dist-info/WHEEL,,\ntiny-1.0.dist-info/RECORD,,\n"},
	} {
		w, err := archive.Create(f.name)
		if err == nil {
			_, err = w.Write([]byte(f.content))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := archive.Close(); err != nil {
		t.Fatal(err)
	}
	return buffer.String()
}

// left is what a command left behind: its outcome, and names, modes and contents of files.
func left(t testing.TB, r run, dir, varying string) (lines []string) {
	t.Helper()
	lines = strings.Split(fmt.Sprintf("exit %d\n%s", r.code, r.stdout), "\n")
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		name, _ := filepath.Rel(dir, path)
		line := fmt.Sprintf("%s %v", name, info.Mode())
		switch {
		case info.Mode()&fs.ModeSymlink != 0:
			target, err := os.Readlink(path)
			if err != nil {
				return err
			}
			line += " " + target
		case info.Mode().IsRegular() && (varying == "" || !strings.HasSuffix(path, varying)):
			content, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			line += fmt.Sprintf(" %q", content)
		}
		lines = append(lines, line)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return lines
}

// differences runs a script without a sandbox and under snib, in the same place, and returns what is not the same.
func differences(t testing.TB, prepare, script, varying string) (control run, differ string) {
	t.Helper()
	sh, dir := need(t, "sh"), scratch(t)
	execute := func(path string, argv []string, script string) (run, []string) {
		r := start(t, path, append(argv, "sh", "-ec", script), func(cmd *exec.Cmd) {
			cmd.Dir = dir + "/work"
			cmd.Env = []string{
				"PATH=" + os.Getenv("PATH"), "HOME=" + dir + "/home", "TMPDIR=" + dir + "/tmp", "LC_ALL=C",
				"GIT_CONFIG_NOSYSTEM=1", "GIT_AUTHOR_NAME=a", "GIT_AUTHOR_EMAIL=a@example.org", "GIT_AUTHOR_DATE=1600000000 +0000",
				"GIT_COMMITTER_NAME=c", "GIT_COMMITTER_EMAIL=c@example.org", "GIT_COMMITTER_DATE=1600000000 +0000",
				"GOCACHE=" + dir + "/home/go-build", "GOPATH=" + dir + "/home/go", "GOFLAGS=-mod=mod", "GOPROXY=off", "GOTOOLCHAIN=local", "GOENV=off",
				"PIP_DISABLE_PIP_VERSION_CHECK=1", "PYTHONDONTWRITEBYTECODE=1", "npm_config_update_notifier=false",
			}
		})
		return r, left(t, r, dir+"/work", varying)
	}
	fresh := func() {
		t.Helper()
		entries, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, entry := range entries {
			if err := os.RemoveAll(filepath.Join(dir, entry.Name())); err != nil {
				t.Fatal(err)
			}
		}
		workplace(t, dir)
		if prepare != "" {
			if r, _ := execute(sh, nil, prepare); r.code != 0 {
				t.Fatalf("prepare: %+v", r)
			}
		}
	}
	fresh()
	control, want := execute(sh, nil, script)
	fresh()
	r, got := execute(release.path, []string{"snib", "-w", dir, "--"}, script)
	for _, line := range got {
		if !slices.Contains(want, line) {
			differ += fmt.Sprintf("\n+ %.300s", line)
		}
	}
	for _, line := range want {
		if !slices.Contains(got, line) {
			differ += fmt.Sprintf("\n- %.300s", line)
		}
	}
	if differ != "" {
		differ += "\n" + r.stderr
	}
	return control, differ
}

func TestCommands(t *testing.T) {
	t.Parallel()
	needABI(t, 3) // before, truncating fails, and so do some
	need(t, "sh")
	needLong(t)
	for _, c := range ordinary {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			for _, tool := range strings.Fields(c.tools) {
				need(t, tool)
			}
			control, differ := differences(t, c.prepare, c.script, c.varying)
			if control.code != 0 {
				t.Fatalf("control: %+v", control)
			}
			if differ != "" {
				t.Error(differ)
			}
		})
	}
}

// What does not work inside is seen as a difference: the outcome, an output, a mode, a file.
func TestCommandsDenied(t *testing.T) {
	needABI(t, 3)
	need(t, "tar")
	for name, script := range map[string]string{
		"set-uid program, unpacked": `cp from/script s; chmod u+s s; tar -cf s.tar s; chmod u-s s; tar -xpf s.tar`,
		"a write outside":           `echo x >/var/tmp/snib-$$ && rm /var/tmp/snib-$$ || echo denied`,
	} {
		t.Run(name, func(t *testing.T) {
			if control, differ := differences(t, "", script, ""); control.code != 0 || differ == "" {
				t.Errorf("control: %+v; no difference", control)
			}
		})
	}
}
