package main

// JSON in the making, for reports.

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// jsonWriter is a JSON object in the making. A string that is not UTF-8 is written with U+FFFD in the place of what is not.
type jsonWriter struct{ text []byte }

func (o *jsonWriter) raw(name, value string) {
	if len(o.text) > 0 {
		o.text = append(o.text, ',')
	}
	o.text = append(append(append(o.text, jsonString(name)...), ':'), value...)
}

func (o *jsonWriter) string(name, value string) { o.raw(name, jsonString(value)) }

func (o *jsonWriter) number(name string, value int) { o.raw(name, strconv.Itoa(value)) }

func (o *jsonWriter) bool(name string, value bool) { o.raw(name, strconv.FormatBool(value)) }

func (o *jsonWriter) list(name string, all []string) { o.raw(name, jsonList(all, jsonString)) }

func (o *jsonWriter) String() string { return "{" + string(o.text) + "}" }

func jsonList[T any](all []T, render func(T) string) string {
	rendered := make([]string, len(all))
	for i, item := range all {
		rendered[i] = render(item)
	}
	return "[" + strings.Join(rendered, ",") + "]"
}

func jsonString(s string) string {
	out := []byte{'"'}
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			out = append(out, '\\', byte(r))
		case r < ' ' || r == 0x7f:
			digits := strconv.FormatUint(uint64(r), 16)
			out = append(append(out, `\u`...), strings.Repeat("0", 4-len(digits))+digits...)
		default:
			out = utf8.AppendRune(out, r)
		}
	}
	return string(append(out, '"'))
}
