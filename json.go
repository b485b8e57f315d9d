package main

import (
	"unicode/utf8"
	"unsafe"
)

// JSON (RFC 8259), read from a string without allocation. It runs in the restricted context described at the head of
// launch_linux.go.

// reader reads JSON (RFC 8259) from text. The first thing that is wrong sticks in why, and at stays there.
type reader struct {
	text string
	at   int
	why  reason
}

// maxDepth bounds the recursion of value, and with it the stack that a hostile policy can use.
const maxDepth = 127

// peek returns the byte at r.at, and 0 at the end and after a failure. JSON has no NUL outside of strings.
func (r *reader) peek() byte {
	if r.why != ok || r.at >= len(r.text) {
		return 0
	}
	return r.text[r.at]
}

func (r *reader) fail(why reason) {
	if r.why == ok {
		r.why = why
	}
}

func (r *reader) space() {
	for c := r.peek(); c == ' ' || c == '\t' || c == '\n' || c == '\r'; c = r.peek() {
		r.at++
	}
}

func (r *reader) expect(c byte, why reason) {
	if r.peek() != c {
		r.fail(why)
		return
	}
	r.at++
}

// value reads one value of any kind at the given depth of nesting.
func (r *reader) value(depth int) kind {
	switch c := r.peek(); {
	case c == '"':
		return r.keyword()
	case c == '{':
		if r.nested('}', wantCommaOrBrace, depth) == kindEverything {
			return kindFullAccessTag
		}
		return kindObject
	case c == '[':
		r.nested(']', wantCommaOrBracket, depth)
		return kindArray
	case c == 't':
		r.literal("true")
		return kindTrue
	case c == 'f':
		r.literal("false")
		return kindFalse
	case c == 'n':
		r.literal("null")
		return kindNull
	case c == '-' || isDigit(c):
		r.number()
		return kindNumber
	}
	r.fail(wantValue)
	return kindNone
}

// nested reads an object or an array from its opening bracket to close. It returns the kind of an object's member "type".
func (r *reader) nested(close byte, why reason, depth int) (tag kind) {
	if depth >= maxDepth {
		r.fail(tooDeep)
		return tag
	}
	r.at++
	r.space()
	for first := true; r.why == ok && r.peek() != close; first = false {
		if !first {
			r.expect(',', why)
			r.space()
		}
		isTag := false
		if close == '}' {
			isTag = r.name("type") == memberTag
			r.space()
			r.expect(':', wantColon)
			r.space()
		}
		is := r.value(depth + 1)
		if isTag && tag == kindNone {
			tag = is
		} else if isTag {
			tag = kindString
		}
		r.space()
	}
	r.expect(close, why)
	return tag
}

func (r *reader) literal(s string) {
	for i := range len(s) {
		r.expect(s[i], wantValue)
	}
}

func (r *reader) number() {
	if r.peek() == '-' {
		r.at++
	}
	if r.peek() == '0' {
		r.at++
	} else {
		r.digits()
	}
	if r.peek() == '.' {
		r.at++
		r.digits()
	}
	if c := r.peek(); c == 'e' || c == 'E' {
		r.at++
		if c := r.peek(); c == '+' || c == '-' {
			r.at++
		}
		r.digits()
	}
}

func (r *reader) digits() {
	if !isDigit(r.peek()) {
		r.fail(wantDigit)
	}
	for isDigit(r.peek()) {
		r.at++
	}
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// longestName is the length of the longest name or keyword that means something.
const longestName = len("exclude_tmpdir_env_var")

// name reads a member's name, and returns which member it is; members stands for any that means nothing.
func (r *reader) name(tag string) int {
	if r.peek() != '"' {
		r.fail(wantName)
		return members
	}
	var buf [longestName]byte
	n, _ := r.str(buf[:])
	switch s := unsafe.String(&buf[0], min(n, len(buf))); {
	case n > len(buf):
	case s == tag:
		return memberTag
	case s == "access":
		return memberAccess
	case s == "read_only_access":
		return memberReadAccess
	case s == "writable_roots":
		return memberRoots
	case s == "network_access":
		return memberNetwork
	case s == "exclude_tmpdir_env_var":
		return memberExcludeTmpdir
	case s == "exclude_slash_tmp":
		return memberExcludeSlashTmp
	}
	return members
}

// keyword reads a string that names a variant or a kind of network access.
func (r *reader) keyword() kind {
	var buf [longestName]byte
	n, _ := r.str(buf[:])
	if n <= len(buf) {
		switch unsafe.String(&buf[0], n) {
		case "read-only":
			return kindReadOnly
		case "workspace-write":
			return kindWorkspaceWrite
		case "danger-full-access":
			return kindFullAccess
		case "external-sandbox":
			return kindExternalSandbox
		case "full-access":
			return kindEverything
		case "restricted":
			return kindRestricted
		case "enabled":
			return kindEnabled
		}
	}
	return kindString
}

// rootList is a writable_roots array: where its elements start or, if why is set, where one is that cannot be a root.
type rootList struct {
	why reason
	at  int
}

// roots reads the array at r.at. Only text that is not JSON fails the reader: in a variant without roots, what the
// elements are does not matter.
func (r *reader) roots(absolute bool) rootList {
	start := rootList{at: r.at + 1}
	var bad rootList
	r.at++
	r.space()
	for first := true; r.why == ok && r.peek() != ']'; first = false {
		if !first {
			r.expect(',', wantCommaOrBracket)
			r.space()
		}
		at, why := r.at, ok
		if r.peek() != '"' {
			r.value(2)
			why = wantString
		} else {
			var c [1]byte
			_, nul := r.str(c[:])
			switch {
			case nul:
				why = nulInPath
			case absolute && c[0] != '/':
				why = relativeRoot
			}
		}
		if why != ok && bad.why == ok {
			bad = rootList{why, at}
		}
		r.space()
	}
	r.expect(']', wantCommaOrBracket)
	if bad.why != ok {
		return bad
	}
	return start
}

// str reads the string at r.at and decodes it into buf as far as that reaches. It returns the decoded length, and whether
// there is a NUL in it.
func (r *reader) str(buf []byte) (n int, nul bool) {
	r.at++
	for {
		if r.at >= len(r.text) {
			r.fail(wantQuote)
			return n, nul
		}
		start := r.at
		c := rune(r.text[r.at])
		switch {
		case c == '"':
			r.at++
			return n, nul
		case c < ' ':
			r.fail(wantEscapedControl)
		case c == '\\':
			c = r.escape()
		case c < utf8.RuneSelf:
			r.at++
		default:
			size := 0
			if c, size = utf8.DecodeRuneInString(r.text[r.at:]); size == 1 {
				r.fail(wantUTF8)
			}
			r.at += size
		}
		if r.why != ok {
			r.at = start
			return n, nul
		}
		var b [utf8.UTFMax]byte
		size := utf8.EncodeRune(b[:], c)
		for _, c := range b[:size] {
			if n < len(buf) {
				buf[n] = c
			}
			n++
		}
		nul = nul || c == 0
	}
}

// escape reads one escape sequence, both halves of a surrogate pair included.
func (r *reader) escape() rune {
	r.at++
	c := r.peek()
	r.at++
	switch c {
	case '"', '\\', '/':
		return rune(c)
	case 'b':
		return '\b'
	case 'f':
		return '\f'
	case 'n':
		return '\n'
	case 'r':
		return '\r'
	case 't':
		return '\t'
	case 'u':
		high := r.hex()
		if high < 0xd800 || high > 0xdfff {
			return high
		}
		r.expect('\\', wantSurrogatePair)
		r.expect('u', wantSurrogatePair)
		low := r.hex()
		if high > 0xdbff || low < 0xdc00 || low > 0xdfff {
			r.fail(wantSurrogatePair)
		}
		return 0x10000 + (high-0xd800)<<10 + (low - 0xdc00)
	}
	r.fail(wantEscape)
	return 0
}

func (r *reader) hex() (v rune) {
	for range 4 {
		switch c := r.peek(); {
		case isDigit(c):
			v = v<<4 | rune(c-'0')
		case 'a' <= c|0x20 && c|0x20 <= 'f':
			v = v<<4 | rune(c|0x20-'a'+10)
		default:
			r.fail(wantHex)
		}
		r.at++
	}
	return v
}
