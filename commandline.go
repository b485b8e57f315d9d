package main

// From words to a policy: which grammar a command line is, what it asks for, and where its command starts. It runs in the restricted context described at the head of
// launch_linux.go.

// parse reads and validates the whole command line. It opens and changes nothing.
func (p *policy) parse(argv []*byte) failure {
	var f failure
	if isHelper(base(word(argv, 0))) {
		f = p.parseHelper(argv)
	} else {
		f = p.parseOwn(argv)
	}
	switch {
	case f.reason != ok:
		return f
	case p.request != requestNone:
		return failure{reason: wantRequested}
	case p.command >= len(argv)-1:
		return failure{reason: noCommand}
	}
	return failure{}
}

func (p *policy) parseOwn(argv []*byte) failure {
	p.grammar, p.restrictWrites, p.network = snibOptions, true, networkLocal
	i := 1
	required, granted := 0, 0 // the words with --require, -w or --network; 0: there is none
	for isOption(word(argv, i)) {
		id, value, next, why := nextOption(ownOptions[:], argv, i)
		if why != ok {
			return failure{reason: why, arg: i}
		}
		switch id {
		case optWrite:
			if value == "" {
				return failure{reason: emptyPath, arg: i}
			}
			granted = i
		case optNetwork:
			p.network = networkOn
			granted = i
		case optKeepFD:
			if _, valid := number(value); !valid {
				return failure{reason: badDescriptor, arg: next - 1}
			}
			p.keepFD = true
		case optStatusFD:
			fd, valid := number(value)
			if !valid || fd <= 2 {
				return failure{reason: badStatusFD, arg: next - 1}
			}
			if p.statusFD != 0 {
				return failure{reason: repeatedOption, arg: i}
			}
			p.statusFD = fd
		case optRequire:
			if !p.requires(value) {
				return failure{reason: unknownProtection, arg: next - 1}
			}
			required = next - 1
		case optLog:
			p.log = true
		default:
			if why, arg := p.ask(id, value, i, next); why != ok {
				return failure{reason: why, arg: arg}
			}
		}
		i = next
		if id == optAs {
			p.start = next - 1
			if !isHelper(value) {
				return failure{reason: badName, arg: p.start}
			}
			break
		}
	}
	p.own = i
	if p.plan != 0 && p.request != requestExplain && p.request != requestExplainJSON && p.request != requestBPF {
		return failure{reason: noPlan, arg: p.plan}
	}
	if p.statusFD != 0 && p.keeps(argv, p.statusFD) {
		return failure{reason: keptStatusFD}
	}
	if p.start != 0 {
		if granted != 0 {
			return failure{reason: ownWithAs, arg: granted}
		}
		if f := p.parseHelper(argv); f.reason != ok {
			return f
		}
	} else {
		p.options, p.command = i, i
		if word(argv, i) == "--" {
			p.command++
		}
	}
	if p.require&^p.asked() != 0 {
		return failure{reason: notAsked, arg: required}
	}
	return failure{}
}

// ask takes an option, argv[i], that asks for something other than a launch, and passes over any other. The word that is
// wrong is arg.
func (p *policy) ask(id optionID, value string, i, next int) (why reason, arg int) {
	before := p.request
	switch id {
	case optHelp:
		return wantHelp, 0
	case optVersion:
		return wantVersion, 0
	case optExplain:
		p.request = requestExplain
		if value == "json" {
			p.request = requestExplainJSON
		}
	case optStatus:
		p.request = requestStatus
		if value == "json" {
			p.request = requestStatusJSON
		}
	case optBPF:
		p.request = requestBPF
		if value == "" {
			return emptyPath, i
		}
	case optABI:
		p.plan = i
		if _, valid := number(value); !valid {
			return badABI, next - 1
		}
	}
	switch {
	case (id == optExplain || id == optStatus) && value != "" && value != "json":
		return badFormat, i
	case before != requestNone && (p.request != before || id == optBPF):
		return secondRequest, i
	}
	return ok, 0
}

func (p *policy) parseHelper(argv []*byte) failure {
	p.grammar, p.restrictWrites, p.network = codexOptions, true, networkStrict
	permission := 0 // the last word that grants one; 0: none does
	i := p.start + 1
	for isOption(word(argv, i)) {
		id, value, next, why := nextOption(helperOptions[:], argv, i)
		if why != ok {
			return failure{reason: why, arg: i}
		}
		switch id {
		case optHelp:
			return failure{reason: wantHelp}
		case optPermission:
			if !p.permit(value) {
				return failure{reason: badPermission, arg: next - 1}
			}
			permission = i
		case optPolicyCWD:
			if p.cwd.arg != 0 {
				return failure{reason: repeatedOption, arg: i}
			}
			p.cwd = newPart(argv, next-1, value)
		case optPolicy:
			if p.json.arg != 0 {
				return failure{reason: repeatedOption, arg: i}
			}
			p.json = newPart(argv, next-1, value)
		case optNoProc:
			p.grammar = codexFlags
		case optBwrap:
			return failure{reason: needsMounts, arg: i}
		case optProxy, optProxyRoute, optApplySeccomp:
			return failure{reason: needsNetworkNamespace, arg: i}
		}
		i = next
	}
	p.options, p.command = i, i
	ended := word(argv, i) == "--"
	if ended {
		p.command++
	}

	first := p.command
	switch {
	case p.cwd.arg != 0 || p.json.arg != 0 || p.grammar == codexFlags:
		p.grammar = codexFlags
		switch {
		case permission != 0:
			return failure{reason: mixedGrammars, arg: permission}
		case p.cwd.arg == 0:
			return failure{reason: noPolicyCWD}
		case p.json.arg == 0:
			return failure{reason: noPolicy}
		}
	case p.options == p.start+1 && !ended && startsJSON(word(argv, first+1)):
		p.grammar = codexPositional
		p.cwd = newPart(argv, first, word(argv, first))
		p.json = newPart(argv, first+1, word(argv, first+1))
		p.command = first + 2
		next := word(argv, p.command)
		switch {
		case next == "--":
			p.command++
		case next == "-h" || next == "--help":
			return failure{reason: wantHelp}
		case isOption(next):
			return failure{reason: unknownOption, arg: p.command}
		}
	case p.options == p.start+1 && !ended && first < len(argv)-1:
		return failure{reason: needsDashes, arg: first}
	default:
		return failure{}
	}
	if p.cwd.length == 0 {
		return failure{reason: emptyCWD, arg: p.cwd.arg}
	}
	why, at := p.parseJSON(p.json.text(argv))
	return failure{reason: why, arg: p.json.arg, offset: p.json.offset + at}
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

// folder returns PATH of disk-write-folder=PATH.
func folder(permission string) (path string, is bool) {
	const prefix = "disk-write-folder="
	if len(permission) < len(prefix) || permission[:len(prefix)] != prefix {
		return "", false
	}
	return permission[len(prefix):], true
}

// startsJSON tells whether s, after white space, begins like a policy.
func startsJSON(s string) bool {
	r := reader{text: s}
	r.space()
	return r.peek() == '{' || r.peek() == '['
}

// The members of a policy that have a meaning. Which of them a policy takes depends on its variant.
const (
	memberTag        = iota
	memberAccess     // what "read-only" lets the command read
	memberReadAccess // what "workspace-write" does
	memberRoots
	memberNetwork
	memberExcludeTmpdir
	memberExcludeSlashTmp
	members
)

type kind uint8

const (
	kindNone kind = iota // the member is absent
	kindObject
	kindFullAccessTag // an object whose tag is "full-access"
	kindArray
	kindNumber
	kindNull
	kindTrue
	kindFalse
	kindString // none of those below
	kindReadOnly
	kindWorkspaceWrite
	kindFullAccess
	kindExternalSandbox
	kindEverything
	kindRestricted
	kindEnabled
)

type member struct {
	kind   kind
	at     int // where its value starts
	repeat int // where its name stands again; 0: nowhere
}

// parseJSON validates the policy in one pass and takes what it says. On failure it returns the byte where the JSON stops
// being a policy, counting from 0.
//
// A member means something only in a variant that has it. The tag may come last, so the members are noted while the
// object is read, whatever they hold, and judged when the variant is known.
func (p *policy) parseJSON(text string) (why reason, at int) {
	r := reader{text: text}
	tag := "type"
	if p.grammar == codexPositional {
		tag = "mode"
	}
	var found [members]member
	var roots rootList
	r.space()
	if r.peek() != '{' {
		return wantObject, r.at
	}
	r.at++
	r.space()
	for first := true; r.why == ok && r.peek() != '}'; first = false {
		if !first {
			r.expect(',', wantCommaOrBrace)
			r.space()
		}
		nameAt := r.at
		which := r.name(tag)
		r.space()
		r.expect(':', wantColon)
		r.space()
		if r.why != ok {
			break
		}
		m := member{at: r.at}
		switch {
		case which == memberRoots && r.peek() == '[':
			m.kind = kindArray
			list := r.roots(p.grammar == codexFlags)
			if found[memberRoots].kind == kindNone {
				roots = list
			}
		default:
			m.kind = r.value(1)
		}
		if which < members {
			if found[which].kind != kindNone {
				m = found[which]
				m.repeat = nameAt
			}
			found[which] = m
		}
		r.space()
	}
	end := r.at
	r.expect('}', wantCommaOrBrace)
	r.space()
	if r.why == ok && r.at < len(r.text) {
		r.fail(wantEnd)
	}
	if r.why != ok {
		return r.why, r.at
	}

	variant := found[memberTag]
	switch {
	case variant.repeat != 0:
		return repeatedMember, variant.repeat
	case variant.kind == kindNone && p.grammar == codexPositional:
		return noMode, end
	case variant.kind == kindNone:
		return noType, end
	case variant.kind < kindString:
		return tagNotString, variant.at
	}
	switch {
	case variant.kind == kindFullAccess:
		p.restrictWrites, p.network = false, networkOn
		return ok, 0
	case variant.kind == kindReadOnly:
		p.cwd, p.network = part{}, p.off()
		return readsEverything(found[memberAccess])
	case variant.kind == kindWorkspaceWrite:
		return p.workspaceWrite(&found, roots)
	case variant.kind == kindExternalSandbox && p.grammar == codexFlags:
		return p.externalSandbox(found[memberNetwork])
	case p.grammar == codexPositional:
		return unknownMode, variant.at
	}
	return unknownType, variant.at
}

// off is how the grammar's clients expect the network to be when it is off.
func (p *policy) off() network {
	if p.grammar == codexFlags {
		return networkLocal
	}
	return networkStrict
}

// readsEverything takes a member that says what may be read. Clients leave it out where that is everything, and nothing
// less can be given.
func readsEverything(m member) (why reason, at int) {
	switch {
	case m.repeat != 0:
		return repeatedMember, m.repeat
	case m.kind != kindNone && m.kind != kindFullAccessTag:
		return wantFullAccess, m.at
	}
	return ok, 0
}

func (p *policy) workspaceWrite(found *[members]member, roots rootList) (why reason, at int) {
	for which := memberRoots; which < members; which++ {
		m := found[which]
		switch {
		case m.repeat != 0:
			return repeatedMember, m.repeat
		case m.kind == kindNone:
		case which == memberRoots && m.kind != kindArray:
			return wantArray, m.at
		case which != memberRoots && m.kind != kindTrue && m.kind != kindFalse:
			return wantBool, m.at
		}
	}
	if roots.why != ok {
		return roots.why, roots.at
	}
	if why, at = readsEverything(found[memberReadAccess]); why != ok {
		return why, at
	}
	p.roots = roots.at
	p.network = p.off()
	if found[memberNetwork].kind == kindTrue {
		p.network = networkOn
	}
	p.tmpdir = found[memberExcludeTmpdir].kind != kindTrue
	p.slashTmp = found[memberExcludeSlashTmp].kind != kindTrue
	return ok, 0
}

func (p *policy) externalSandbox(m member) (why reason, at int) {
	p.cwd, p.restrictWrites = part{}, false
	switch {
	case m.repeat != 0:
		return repeatedMember, m.repeat
	case m.kind == kindNone || m.kind == kindRestricted:
		p.network = p.off()
	case m.kind == kindEnabled:
		p.network = networkOn
	default:
		return wantAccess, m.at
	}
	return ok, 0
}
