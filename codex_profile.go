package main

// The text of a policy of grammars D and E: read into entries. This file runs in the restricted context described at the head
// of launch_linux.go.

// need returns where the value of a member that must be there starts.
func (o object) need(field policyField) (value int, why reason, at int) {
	value, why, at = o.member(fieldNames[field])
	if why == noReason && value == 0 {
		rewriting.field = field
		return 0, noField, o.start
	}
	return value, why, at
}

func unknownWordOf(field policyField) reason {
	rewriting.field = field
	return unknownWord
}

// jsonText reads over a JSON text of any kind, and returns where its value starts.
func jsonText(text string) (start int, why reason, at int) {
	r := jsonReader{text: text}
	r.space()
	start = r.at
	r.value(0)
	r.space()
	if r.why == noReason && r.at < len(text) {
		r.fail(wantEnd)
	}
	return start, r.why, r.at
}

// networkOf tells whether the value that starts at a place leaves the network on.
func networkOf(o object, at int) (on bool, why reason, wrong int) {
	if at >= len(o.text) || o.text[at] != '"' {
		return false, wantString, at
	}
	switch {
	case o.is(at, "enabled"):
		return true, noReason, 0
	case o.is(at, "restricted"):
		return false, noReason, 0
	}
	return false, unknownWordOf(fieldNetwork), at
}

// readEntry takes one element of the list of entries.
func (p *policy) readEntry(o object, argv, envp []*byte) (why reason, at int) {
	if o.text[o.start] != '{' {
		return wantObject, o.start
	}
	value, why, at := o.need(fieldAccess)
	if why != noReason {
		return why, at
	}
	access := noEntry
	switch {
	case o.is(value, "read"):
		access = readEntry
	case o.is(value, "write"):
		access = writeEntry
	case o.is(value, "deny"), o.is(value, "none"):
		access = denyEntry
	default:
		return unknownWordOf(fieldAccess), value
	}
	accessAt := value
	if value, why, at = o.member(fieldNames[fieldMissing]); why != noReason {
		return why, at
	}
	if value != 0 && o.text[value] != 'n' && !o.is(value, "skip") { // or null
		return unknownWordOf(fieldMissing), value
	}
	if value, why, at = o.need(fieldPath); why != noReason {
		return why, at
	}
	if o.text[value] != '{' {
		return wantObject, value
	}
	path := object{text: o.text, start: value}
	tag, why, at := path.need(fieldPathType)
	if why != noReason {
		return why, at
	}
	e := policyEntry{start: rewriting.used, at: o.start, access: access}
	switch {
	case path.is(tag, "glob_pattern"):
		if value, why, at = path.need(fieldPattern); why != noReason {
			return why, at
		}
		return globEntry, value
	case path.is(tag, "path"):
		if value, why, at = path.need(fieldPath); why != noReason {
			return why, at
		}
		if why = e.appendJSON(path, value); why == noReason && (e.length == 0 || rewriting.text[e.start] != '/') {
			why = relativePath
		}
		if why != noReason {
			return why, value
		}
	case path.is(tag, "special"):
		if value, why, at = path.need(fieldValue); why != noReason {
			return why, at
		}
		if path.text[value] != '{' {
			return wantObject, value
		}
		special := object{text: o.text, start: value}
		if why, at = p.specialEntry(&e, special, argv, envp); why != noReason {
			return why, at
		}
		switch {
		case e.length == 0 && !e.temporary:
			return noReason, 0
		case e.length == 0 && access != readEntry:
			return unknownWordOf(fieldAccess), accessAt
		case e.length == 0:
			return enterMinimal(e), o.start
		}
	default:
		return unknownWordOf(fieldPathType), tag
	}
	return enterEntry(&e), o.start
}

// specialEntry appends the path of an entry that has a name for it. Where it has none, its length stays 0: it does not count, or, where
// temporary is set, it is the minimal system.
func (p *policy) specialEntry(e *policyEntry, o object, argv, envp []*byte) (why reason, at int) {
	kind, why, at := o.need(fieldSpecialKind)
	if why != noReason {
		return why, at
	}
	subpath, why, at := o.member(fieldNames[fieldSubpath])
	if why != noReason {
		return why, at
	}
	if subpath != 0 && o.text[subpath] == 'n' { // null
		subpath = 0
	}
	switch {
	case o.is(kind, "root"):
		why = e.append("/")
	case o.is(kind, "slash_tmp"):
		e.temporary = true
		why = e.append("/tmp")
	case o.is(kind, "tmpdir"):
		if value := getenv(envp, "TMPDIR="); value != nil && *value != 0 {
			e.temporary = true
			why = e.appendFrom(text(value))
		}
	case o.is(kind, "project_roots"), o.is(kind, "current_working_directory"):
		why = e.appendFrom(p.cwd.text(argv))
		if why == noReason && subpath != 0 {
			before := e.length + 1
			if why = e.append("/"); why == noReason {
				why = e.appendJSON(o, subpath)
			}
			if why == noReason && e.length > before && rewriting.text[e.start+before] == '/' {
				why = unknownWordOf(fieldSubpath)
			}
			if why != noReason {
				return why, subpath
			}
		}
	case o.is(kind, "minimal"):
		e.temporary = true
	case o.is(kind, "unknown"):
	default:
		return unknownWordOf(fieldSpecialKind), kind
	}
	return why, kind
}

// minimalSystem is what the policy calls minimal.
var minimalSystem = [...]string{"/bin", "/sbin", "/usr", "/etc", "/lib", "/lib64", "/nix/store"}

// enterMinimal enters it, with the access of an entry.
func enterMinimal(e policyEntry) (why reason) {
	for _, path := range minimalSystem {
		e.start, e.length, e.temporary = rewriting.used, 0, false
		if why == noReason {
			why = e.append(path)
		}
		if why == noReason {
			why = enterEntry(&e)
		}
	}
	return why
}
