package main

// JSON (RFC 8259), read from a string without allocation: once for its syntax, then by the names of members. This file runs in the
// restricted context described at the head of launch_linux.go.

import (
	"unicode/utf8"
	"unsafe"
)

// jsonReader reads JSON. The first thing that is wrong sticks in why, and at stays there.
type jsonReader struct {
	text string
	at   int
	why  reason
}

// maxDepth bounds the recursion of value, and with it the stack that a hostile text can use.
const maxDepth = 127

// jsonObject reads over white space, an object and white space, which must be all of the text. On failure it returns the byte
// where the text stops being that, counting from 0.
func jsonObject(text string) (o object, why reason, at int) {
	r := jsonReader{text: text}
	r.space()
	if r.peek() != '{' {
		return o, wantObject, r.at
	}
	o = object{text: text, start: r.at}
	r.value(0)
	o.end = r.at - 1
	r.space()
	if r.why == noReason && r.at < len(text) {
		r.fail(wantEnd)
	}
	return o, r.why, r.at
}

// object is an object that has been read over, and so is valid JSON.
type object struct {
	text       string
	start, end int // of its braces
}

// member returns where the value of a member starts; 0: there is none. One that stands twice is a failure.
func (o object) member(name string) (value int, why reason, at int) {
	r := jsonReader{text: o.text, at: o.start}
	for e := r.enter(); r.next(&e); {
		nameAt := r.at
		r.name()
		if o.is(nameAt, name) {
			if value != 0 {
				return 0, repeatedMember, nameAt
			}
			value = r.at
		}
		r.value(1)
	}
	return value, noReason, 0
}

// longestName is the length of the longest name or value that means something.
const longestName = len("current_working_directory")

// is tells whether the value that starts at a place is that string.
func (o object) is(at int, want string) bool {
	rest := o.text[at:]
	switch {
	case rest[0] != '"':
		return false
	case len(rest) > len(want)+1 && rest[1:len(want)+1] == want && rest[len(want)+1] == '"':
		return true
	case rest[1] != want[0] && rest[1] != '\\':
		return false
	}
	r := jsonReader{text: o.text, at: at}
	var buf [longestName]byte
	n, _ := r.str(buf[:])
	return n <= len(buf) && unsafe.String(&buf[0], n) == want
}

// flag returns a member that is true or false; absent, it is false.
func (o object) flag(name string) (set bool, why reason, at int) {
	value, why, at := o.member(name)
	if why == noReason && value != 0 && o.text[value] != 't' && o.text[value] != 'f' {
		return false, wantBool, value
	}
	return value != 0 && o.text[value] == 't', why, at
}

// peek returns the byte at r.at, and 0 at the end and after a failure. JSON has no NUL outside of strings.
func (r *jsonReader) peek() byte {
	if r.why != noReason || r.at >= len(r.text) {
		return 0
	}
	return r.text[r.at]
}

func (r *jsonReader) fail(why reason) {
	if r.why == noReason {
		r.why = why
	}
}

func (r *jsonReader) space() {
	for c := r.peek(); c == ' ' || c == '\t' || c == '\n' || c == '\r'; c = r.peek() {
		r.at++
	}
}

func (r *jsonReader) expect(c byte, why reason) {
	if r.peek() != c {
		r.fail(why)
		return
	}
	r.at++
}

// value reads over one value of any kind, in which depth others nest.
func (r *jsonReader) value(depth int) {
	switch c := r.peek(); {
	case c == '"':
		r.str(nil)
	case c == '{' || c == '[':
		if depth >= maxDepth {
			r.fail(tooDeep)
			return
		}
		for e := r.enter(); r.next(&e); {
			if c == '{' {
				r.name()
			}
			r.value(depth + 1)
		}
	case c == 't':
		r.literal("true")
	case c == 'f':
		r.literal("false")
	case c == 'n':
		r.literal("null")
	case c == '-' || isDigit(c):
		r.number()
	default:
		r.fail(wantValue)
	}
}

// elements is how far the reading of an object or an array has come.
type elements struct {
	closing byte
	why     reason // what is wrong if neither a comma nor closing follows
	some    bool   // at least one was read
}

// enter reads an opening bracket.
func (r *jsonReader) enter() elements {
	e := elements{closing: ']', why: wantCommaOrBracket}
	if r.peek() == '{' {
		e = elements{closing: '}', why: wantCommaOrBrace}
	}
	r.at++
	return e
}

// next goes to the next element, or reads the closing bracket.
func (r *jsonReader) next(e *elements) bool {
	r.space()
	if r.peek() == e.closing || r.why != noReason {
		r.expect(e.closing, e.why)
		return false
	}
	if e.some {
		r.expect(',', e.why)
		r.space()
	}
	e.some = true
	return r.why == noReason
}

// name reads the name of a member, and on to its value.
func (r *jsonReader) name() {
	if r.peek() != '"' {
		r.fail(wantName)
		return
	}
	r.str(nil)
	r.space()
	r.expect(':', wantColon)
	r.space()
}

func (r *jsonReader) literal(s string) {
	for i := range len(s) {
		r.expect(s[i], wantValue)
	}
}

func (r *jsonReader) number() {
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

func (r *jsonReader) digits() {
	if !isDigit(r.peek()) {
		r.fail(wantDigit)
	}
	for isDigit(r.peek()) {
		r.at++
	}
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// str reads the string at r.at and decodes it into buf as far as that reaches. It returns the decoded length, and whether
// there is a NUL in it.
func (r *jsonReader) str(buf []byte) (n int, nul bool) {
	r.at++
	for {
		plain := r.at
		for r.at < len(r.text) && isPlain(r.text[r.at]) {
			r.at++
		}
		if n < len(buf) {
			copy(buf[n:], r.text[plain:r.at])
		}
		n += r.at - plain
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
		default:
			size := 0
			if c, size = utf8.DecodeRuneInString(r.text[r.at:]); size == 1 {
				r.fail(wantUTF8)
			}
			r.at += size
		}
		if r.why != noReason {
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

// isPlain tells whether a byte stands for itself in a string.
func isPlain(c byte) bool { return c >= ' ' && c != '"' && c != '\\' && c < utf8.RuneSelf }

// escape reads one escape sequence, both halves of a surrogate pair included.
func (r *jsonReader) escape() rune {
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

func (r *jsonReader) hex() (v rune) {
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
