package main

// The command lines of the helper that snib stands in for: which grammar one is, and the policy of those that name it or give it as
// JSON. This file runs in the restricted context described at the head of launch_linux.go.

func (p *policy) parseHelper(argv []*byte) failure {
	p.grammar, p.restrictWrites, p.network = codexOptions, true, networkStrict
	permission := 0 // the last word that grants one; 0: none does
	i := p.helperAt + 1
	for isOption(word(argv, i)) {
		id, value, next, why := nextOption(helperOptions[:], argv, i)
		if why != noReason {
			return failure{reason: why, arg: i}
		}
		switch id {
		case optPermission:
			if !p.permit(value) {
				return failure{reason: badPermission, arg: next - 1}
			}
			permission = i
		case optPolicyCWD, optPolicy, optProfile, optFileSystem, optNetworkPolicy:
			to := p.partOf(id)
			if to.arg != 0 {
				return failure{reason: repeatedOption, arg: i}
			}
			*to = newPart(argv, next-1, value)
		case optNoProc, optCommandCWD, optLegacy:
			p.grammar = codexFlags
		case optInheritPID:
			p.grammar, p.signals = codexFlags, true
		case optBwrap:
			if !p.unprotected {
				return failure{reason: needsMounts, arg: i}
			}
			p.grammar = codexFlags
		case optProxy, optProxyRoute, optApplySeccomp, optVerifyFD, optManaged:
			return failure{reason: needsNetworkNamespace, arg: i}
		}
		i = next
	}
	p.optionsEnd, p.commandAt = i, i
	ended := word(argv, i) == "--"
	if ended {
		p.commandAt++
	}

	first := p.commandAt
	switch {
	case p.cwd.arg != 0 || p.json.arg != 0 || p.grammar == codexFlags || p.isProfile():
		p.grammar = codexFlags
		other := max(p.json.arg, p.fileSystem.arg, p.networkPolicy.arg)
		switch {
		case permission != 0:
			return failure{reason: mixedGrammars, arg: permission}
		case p.cwd.arg == 0:
			return failure{reason: noPolicyCWD}
		case p.profile.arg != 0 && other != 0:
			if word(argv, other) == "" || word(argv, other)[0] != '-' {
				other-- // the option's value
			}
			return failure{reason: profileAndPolicy, arg: other}
		case p.json.arg == 0 && p.profile.arg == 0:
			return failure{reason: noPolicy}
		case p.isProfile() && p.profile.arg == 0 && p.fileSystem.arg == 0:
			return failure{reason: noFileSystem}
		case p.isProfile() && p.profile.arg == 0 && p.networkPolicy.arg == 0:
			return failure{reason: noNetworkPolicy}
		}
	case p.optionsEnd == p.helperAt+1 && !ended && startsJSON(word(argv, first+1)):
		p.grammar = codexPositional
		p.cwd = newPart(argv, first, word(argv, first))
		p.json = newPart(argv, first+1, word(argv, first+1))
		p.commandAt = first + 2
		next := word(argv, p.commandAt)
		switch {
		case next == "--":
			p.commandAt++
		case isOption(next):
			return failure{reason: unknownOption, arg: p.commandAt}
		}
	case p.optionsEnd == p.helperAt+1 && !ended && first < len(argv)-1:
		return failure{reason: needsDashes, arg: first}
	default:
		return failure{}
	}
	if p.cwd.length == 0 {
		return failure{reason: emptyCWD, arg: p.cwd.arg}
	}
	if p.profile.arg != 0 {
		p.grammar = codexProfile
		return failure{}
	}
	cwd := p.cwd
	why, at := p.readPolicy(p.json.text(argv))
	if p.isProfile() {
		p.grammar, p.cwd = codexProfile, cwd // the client has derived what this says from the same configuration
		if why == wantFullAccess {
			why = noReason
		}
	}
	return failure{reason: why, arg: p.json.arg, offset: p.json.offset + at}
}

// isProfile tells whether a policy of the codexProfile grammar was given.
func (p *policy) isProfile() bool {
	return p.profile.arg != 0 || p.fileSystem.arg != 0 || p.networkPolicy.arg != 0
}

// partOf is where the value of one of the helper's options goes.
func (p *policy) partOf(id optionID) *part {
	switch id {
	case optPolicyCWD:
		return &p.cwd
	case optPolicy:
		return &p.json
	case optProfile:
		return &p.profile
	case optFileSystem:
		return &p.fileSystem
	}
	return &p.networkPolicy
}

// permit takes one permission of the codexOptions grammar, and reports whether it is one.
func (p *policy) permit(name string) bool {
	switch name {
	case "disk-full-read-access", "disk-write-cwd", "disk-write-platform-user-temp-folder":
	case "disk-write-platform-global-temp-folder":
		p.slashTmp = true
	case "disk-full-write-access":
		p.restrictWrites = false
	case "network-full-access":
		p.network = networkOn
	default:
		path, is := folder(name)
		return is && path != ""
	}
	return true
}

// startsJSON tells whether s, after white space, begins like a policy.
func startsJSON(s string) bool {
	r := jsonReader{text: s}
	r.space()
	return r.peek() == '{' || r.peek() == '['
}

// readPolicy validates POLICY_JSON and takes what it says. On failure it returns the byte where the text stops being a policy,
// counting from 0. A member means something only in a variant that has it; the variant's tag may stand anywhere.
func (p *policy) readPolicy(text string) (why reason, at int) {
	o, why, at := jsonObject(text)
	if why != noReason {
		return why, at
	}
	tag, missing, unknown := "type", noType, unknownType
	if p.grammar == codexPositional {
		tag, missing, unknown = "mode", noMode, unknownMode
	}
	variant, why, at := o.member(tag)
	switch {
	case why != noReason:
		return why, at
	case variant == 0:
		return missing, o.end
	case text[variant] != '"':
		return tagNotString, variant
	case o.is(variant, "danger-full-access"):
		p.restrictWrites, p.network = false, networkOn
		return noReason, 0
	case o.is(variant, "read-only"):
		p.cwd, p.network = part{}, p.off()
		return o.readsEverything("access")
	case o.is(variant, "workspace-write"):
		return p.workspaceWrite(o)
	case o.is(variant, "external-sandbox") && p.grammar == codexFlags:
		return p.externalSandbox(o)
	}
	return unknown, variant
}

// off is how the grammar's clients expect the network to be when it is off.
func (p *policy) off() network {
	if p.grammar == codexFlags {
		return networkLocal
	}
	return networkStrict
}

func (p *policy) workspaceWrite(o object) (why reason, at int) {
	if p.roots, why, at = o.writableRoots(p.grammar == codexFlags); why != noReason {
		return why, at
	}
	var set [3]bool
	for i, name := range [...]string{"network_access", "exclude_tmpdir_env_var", "exclude_slash_tmp"} {
		if set[i], why, at = o.flag(name); why != noReason {
			return why, at
		}
	}
	p.network, p.tmpdir, p.slashTmp = p.off(), !set[1], !set[2]
	if set[0] {
		p.network = networkOn
	}
	return o.readsEverything("read_only_access")
}

func (p *policy) externalSandbox(o object) (why reason, at int) {
	p.cwd, p.restrictWrites, p.network = part{}, false, p.off()
	access, why, at := o.member("network_access")
	switch {
	case why != noReason:
		return why, at
	case access == 0 || o.is(access, "restricted"):
		return noReason, 0
	case o.is(access, "enabled"):
		p.network = networkOn
		return noReason, 0
	}
	return wantAccess, access
}

// readsEverything takes a member that says what may be read. Clients leave it out where that is everything, and nothing
// less can be given.
func (o object) readsEverything(name string) (why reason, at int) {
	value, why, at := o.member(name)
	if why != noReason || value == 0 {
		return why, at
	}
	if o.text[value] == '{' {
		access := object{text: o.text, start: value}
		if tag, why, _ := access.member("type"); why == noReason && tag != 0 && access.is(tag, "full-access") {
			return noReason, 0
		}
	}
	return wantFullAccess, value
}

// writableRoots returns where the elements of the array of writable roots start; 0: there is none.
func (o object) writableRoots(absolute bool) (start int, why reason, at int) {
	start, why, at = o.member("writable_roots")
	switch {
	case why != noReason || start == 0:
		return 0, why, at
	case o.text[start] != '[':
		return 0, wantArray, start
	}
	r := jsonReader{text: o.text, at: start}
	for e := r.enter(); r.next(&e); {
		at = r.at
		if r.peek() != '"' {
			return 0, wantString, at
		}
		var first [1]byte
		_, nul := r.str(first[:])
		switch {
		case nul:
			return 0, nulInPath, at
		case absolute && first[0] != '/':
			return 0, relativeRoot, at
		}
	}
	return start + 1, noReason, 0
}
