package main

// Tables for reports: the options that ask for one, and what the tables of the core say.

import (
	"strconv"
	"strings"
)

// accessNames lists the Landlock rights in a mask of file system rights.
func accessNames(mask uint64) (names []string) {
	for _, t := range rights {
		if t.class == classFS && mask&t.value != 0 {
			names = append(names, t.name)
		}
	}
	return names
}

// protection is what becomes of the rights that a policy asks for on a kernel of some ABI.
type protection struct {
	landlock []string // denied by Landlock wherever no rule grants it
	closed   []string // no Landlock right on this ABI; denied by the filter, or by the kernel
	lost     []string // neither
}

func protections(p *policy, abi int) (all protection) {
	for i := range rights {
		t := &rights[i]
		switch {
		case !t.asked(p):
		case abi >= t.abi:
			all.landlock = append(all.landlock, t.name)
		case t.lost || abi == 0 && !t.offline:
			all.lost = append(all.lost, t.name)
		default:
			all.closed = append(all.closed, t.name)
		}
	}
	return all
}

// listing says what the filter does with a call: a line a rule that holds, in their order.
func listing(c config) (lines []string) {
	verdicts := [verdictCount]string{"EPERM", "ENOSYS", "EPROTONOSUPPORT", "EOPNOTSUPP", "killed", "allowed"}
	lines = append(lines, "another architecture: killed")
	if x32 != 0 {
		lines = append(lines, "x32: killed, but for -1")
	}
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

func hexNumber(k uint32) string { return "0x" + strconv.FormatUint(uint64(k), 16) }

func orNothing(names []string) []string {
	if len(names) == 0 {
		return []string{"nothing"}
	}
	return names
}

// What reports ask for.
const (
	optExplain = optReports + iota
	optABI
	optBPF
	optStatus
	optHelp
	optVersion
	optWhy
)

// reportOptions ask for something other than a launch. The launch does not know them, and so leaves them to main.
var reportOptions = [...]option{
	{optExplain, 0, "--explain", "[json]", "print what would be done, and do nothing"},
	{optABI, 0, "--abi", "N", "explain it for Landlock ABI N (0: none)"},
	{optBPF, 0, "--bpf", "FILE", "write the filter to FILE, and do nothing"},
	{optWhy, 0, "--why", "[json]", "run COMMAND, then say what it was denied"},
	{optStatus, 0, "--status", "[json]", "print what this kernel can enforce"},
	{optHelp, 'h', "--help", "", "print this help"},
	{optVersion, 0, "--version", "", "print the version"},
}
