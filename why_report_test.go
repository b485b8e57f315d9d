package main

import "testing"

func TestWhyReport(t *testing.T) {
	words := []string{"snib", "-w", ".", "--", "make"}
	w := whyRun{words: words, policy: asked(words), exit: 2, denials: []denial{{action: actCreate, call: "openat", path: "/srv/cache", program: "cc", count: 2}}}
	w.suggest()
	if got, want := w.text(), "snib: denied: create \"/srv/cache\" by \"cc\", 2 times: -w /srv/cache\nsnib: hint: this allows it:\n    snib -w . -w /srv/cache -- make\n"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if w.json() == "" {
		t.Error("no JSON")
	}
}
