package main

// The line that --why and --explain print, read again by shells.

import (
	"cmp"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// shells are asked to read a line from a file and, as if it had been typed, from stdin.
var shells = []struct {
	name        string
	interactive []string
}{
	{"sh", []string{"-i"}},
	{"dash", []string{"-i"}},
	{"bash", []string{"--norc", "--noprofile", "-i"}},
	{"zsh", []string{"-f", "-i"}},
	{"fish", []string{"--no-config", "-i"}},
}

// awkwardWords hold each byte, alone, beside letters, at the end and in pairs, and what shells have a use for.
func awkwardWords() (words []string) {
	all, made, between := "", [4]string{}, ""
	for b := 1; b < 256; b++ {
		c := string([]byte{byte(b)})
		all += c
		for i, before := range []string{"\n", "\x01", "\xff", "7"} {
			made[i] += before + c // the words that printf(1) makes
		}
		words = append(words, c)
		// What quotes cannot hold, printf(1) makes: a process for each word.
		if between += "a" + c + "b"; ' ' <= b && b <= '~' || b%16 == 15 {
			words = append(words, between)
			between = ""
		}
		if ' ' <= b && b <= '~' {
			words = append(words, "a"+c, c+"b", c+c, "'"+c, c+"'", `\`+c, c+`\`, c+"\n", "\u00e9"+c, "!"+c, "$"+c, "%"+c)
		}
	}
	words = append(words, made[:]...)
	// After a line break the words of a command are quoted otherwise, so those that end in one come last.
	slices.SortStableFunc(words, func(a, b string) int {
		last := func(s string) int { return len(s) - len(strings.TrimRight(s, "\n")) }
		return cmp.Compare(min(last(a), 1), min(last(b), 1))
	})
	return append(words, "", all, all+"\n", "it's", "''", "'''", "a''b", `\'`, `\\`, `\\'\\`, "!!", "!a", "a!b\n", "~", "~root", "=ls", "a=b", "--x=~", "-w", "--", "%self", "%d%s",
		"$(touch made)", "`touch made`", "'; touch made; '", "\n touch made\n", "\ntouch made", "${HOME}", "*", "?", "[a-z]", "{a,b}", "#", "a#b", "^a^b", "!$", "!#", "&", "|", ";", "(",
		"\u202e", "\u00e9\u4e2d", "\xc3", "\xe4\xb8", "\U0001f600", `\101`, `\x41`, "\x01\\101", "\x01%s", "\x01-n", "-n\x01", "\r", "\x1b[2J", "\x7f", "if", "\n\n", "a\n\n", "$'a'", "\x01'\"$`")
}

func TestShellLine(t *testing.T) {
	needLong(t)
	t.Parallel()
	all := awkwardWords()
	const row = 400 // a process each
	for _, shell := range shells {
		if sh, err := filepath.EvalSymlinks("/bin/sh"); err == nil && shell.name == filepath.Base(sh) && shell.name != "bash" {
			continue // it is sh already; bash is another shell by that name
		}
		for _, locale := range []string{"C", "C.UTF-8"} {
			for _, interactive := range []bool{false, true} {
				if interactive && locale == "C" {
					continue
				}
				t.Run(fmt.Sprint(shell.name, " ", locale, " interactive=", interactive), func(t *testing.T) {
					t.Parallel()
					path := need(t, shell.name)
					dir := scratch(t)
					script := ""
					for i := 0; i < len(all); i += row {
						script += shellLine(append([]string{rolePath("words"), filepath.Join(dir, "out")}, all[i:min(i+row, len(all))]...)) + "\n"
					}
					if err := os.WriteFile(dir+"/script", []byte(script), 0o666); err != nil {
						t.Fatal(err)
					}
					argv := []string{shell.name, dir + "/script"}
					if interactive {
						argv = append([]string{shell.name}, shell.interactive...)
					}
					r := start(t, path, argv, func(cmd *exec.Cmd) {
						cmd.Dir = dir
						cmd.Env = append(os.Environ(), "LC_ALL="+locale, "HOME="+dir, "TERM=dumb", "HISTFILE=")
						if interactive {
							cmd.Stdin = strings.NewReader(script)
						}
					})
					out, _ := os.ReadFile(dir + "/out")
					got := strings.Split(strings.TrimSuffix(string(out), "\x00"), "\x00")
					for i, word := range all {
						if i >= len(got) || got[i] != word {
							t.Fatalf("word %d: %q as %s: got %q, of %d; exit %d, stderr ends in %.2000q", i, word, shellLine(all[i:i+1]), got[min(i, len(got)-1)], len(got),
								r.code, r.stderr[max(0, len(r.stderr)-2000):])
						}
					}
					if _, err := os.Stat(dir + "/made"); err == nil || len(got) != len(all) {
						t.Errorf("%d words became %d, %v", len(all), len(got), err)
					}
				})
			}
		}
	}
}
