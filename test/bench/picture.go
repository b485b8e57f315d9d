package main

// The picture of what a launch costs: docs/speed.svg.

import (
	"fmt"
	"html"
	"strings"
)

// bar is a row of the picture: its text and a time in nanoseconds.
type bar struct {
	label string
	time  float64
}

// Lengths of the picture, in pixels.
const (
	pictureWidth = 760
	barsTop      = 62
	barPitch     = 34
	barHeight    = 20
	barsLeft     = 236
	longestBar   = 320 // leaves room for the text behind it
)

// picture draws the bars, whose lengths are proportional to their times. The text behind a bar has its ratio to the one called measure. The
// background is the picture's own, so that it can be read on light and dark pages.
func picture(bars []bar, measure string, rounds int) string {
	var longest, one float64
	for _, b := range bars {
		longest = max(longest, b.time)
		if b.label == measure {
			one = b.time
		}
	}
	height := barsTop + barPitch*len(bars) + 34
	var out, told strings.Builder
	for i, b := range bars {
		y := barsTop + barPitch*i
		length := b.time / longest * longestBar
		label := html.EscapeString(b.label)
		color, weight := "#8c959f", "normal"
		if b.label == "snib" {
			color, weight = "#0969da", "bold"
		}
		value := fmt.Sprintf("%.0f µs", b.time/1000)
		if b.label != measure {
			value += fmt.Sprintf(", %.2f × C", b.time/one)
		}
		fmt.Fprintf(&told, "%s: %s\n", label, value)
		fmt.Fprintf(&out, `<text x="%d" y="%d" text-anchor="end" font-weight="%s">%s</text>`+"\n", barsLeft-10, y+15, weight, label)
		fmt.Fprintf(&out, `<rect class="bar" x="%d" y="%d" width="%.1f" height="%d" fill="%s"/>`+"\n", barsLeft, y, length, barHeight, color)
		fmt.Fprintf(&out, `<text x="%.1f" y="%d" font-weight="%s">%s</text>`+"\n", barsLeft+length+8, y+15, weight, value)
	}
	return fmt.Sprintf(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %[1]d %[2]d" width="%[1]d" height="%[2]d" role="img" aria-labelledby="title desc" font-family="sans-serif" font-size="14" fill="#1f2328">
<title id="title">What a launch costs</title>
<desc id="desc">%[3]s</desc>
<rect x="0.5" y="0.5" width="%[4]d" height="%[5]d" rx="8" fill="#ffffff" stroke="#d1d9e0"/>
<text x="20" y="30" font-size="17" font-weight="bold">What a launch costs</text>
<text x="20" y="48" font-size="12" fill="#59636e">from fork to the exit of a command that only exits, in microseconds; shorter is better</text>
%[6]s<text x="20" y="%[7]d" font-size="12" fill="#59636e">medians of %[8]d launches each, in turn, in one run of go run ./test/bench -svg</text>
</svg>
`, pictureWidth, height, told.String(), pictureWidth-1, height-1, out.String(), height-14, rounds)
}
