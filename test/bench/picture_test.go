package main

import (
	"encoding/xml"
	"fmt"
	"math"
	"os"
	"strings"
	"testing"
	"unicode/utf8"
)

// drawing is all that a picture may hold.
type drawing struct {
	Title string `xml:"title"`
	Desc  string `xml:"desc"`
	Rects []struct {
		Class string  `xml:"class,attr"`
		X     float64 `xml:"x,attr"`
		Width float64 `xml:"width,attr"`
	} `xml:"rect"`
	Texts []struct {
		X    float64 `xml:"x,attr"`
		Text string  `xml:",chardata"`
	} `xml:"text"`
	Others []struct{ XMLName xml.Name } `xml:",any"`
}

// row is a row of a picture: its label, the text behind its bar and the microseconds in that, and the bar's length.
type row struct {
	label, value string
	micro        int
	length       float64
}

// rows reads a picture, and fails where it is not what a picture must be.
func rows(t *testing.T, svg string) []row {
	t.Helper()
	var d drawing
	if err := xml.Unmarshal([]byte(svg), &d); err != nil {
		t.Fatal(err)
	}
	if len(svg) >= 8000 || d.Title == "" || len(d.Others) > 0 {
		t.Errorf("%d bytes, title %q, others %v", len(svg), d.Title, d.Others)
	}
	// Above the rows are a heading and what is measured, below them how.
	if len(d.Texts) < 3 {
		t.Fatalf("texts %v", d.Texts)
	}
	texts := d.Texts[2 : len(d.Texts)-1]
	var rows []row
	for _, r := range d.Rects {
		if r.X+r.Width > pictureWidth {
			t.Errorf("a rectangle from %v, %v long", r.X, r.Width)
		}
		if r.Class != "bar" {
			continue
		}
		if len(texts) < 2 {
			t.Fatalf("%d bars, texts %v", len(d.Rects)-1, d.Texts)
		}
		line := row{label: texts[0].Text, value: texts[1].Text, length: r.Width}
		if _, err := fmt.Sscanf(line.value, "%d µs", &line.micro); err != nil {
			t.Errorf("%q: %v", line.value, err)
		}
		if told := line.label + ": " + line.value + "\n"; !strings.Contains(d.Desc, told) {
			t.Errorf("%q is not in the description %q", told, d.Desc)
		}
		// A character is not wider than 9 pixels.
		if end := texts[1].X + 9*float64(utf8.RuneCountInString(line.value)); texts[1].X < r.X+r.Width || end > pictureWidth {
			t.Errorf("%q from %v to %v", line.value, texts[1].X, end)
		}
		if texts[0].X > r.X || 9*float64(utf8.RuneCountInString(line.label)) > texts[0].X {
			t.Errorf("%q ends at %v", line.label, texts[0].X)
		}
		rows, texts = append(rows, line), texts[2:]
	}
	if len(texts) > 0 {
		t.Errorf("texts without a bar: %v", texts)
	}
	return rows
}

func TestPicture(t *testing.T) {
	for _, bars := range [][]bar{
		{{measure, 1000}},
		{{"the command alone", 87_400}, {measure, 236_000}, {"snib", 283_200}, {"bubblewrap", 2_848_000}},
		{{"<a&b>\"'", 1}, {measure, 500_000}, {"snib, plain go build", 49_999_499}},
	} {
		svg := picture(bars, measure, 7)
		if svg != picture(bars, measure, 7) || !strings.Contains(svg, "medians of 7 launches") {
			t.Error(svg)
		}
		have := rows(t, svg)
		if len(have) != len(bars) {
			t.Fatalf("%d rows for %d bars", len(have), len(bars))
		}
		for i, b := range bars {
			if have[i].label != b.label || have[i].micro != int(math.Round(b.time/1000)) {
				t.Errorf("%v for %v", have[i], b)
			}
			last := len(bars) - 1 // the longest
			if want := b.time / bars[last].time * have[last].length; math.Abs(have[i].length-want) > 0.06 {
				t.Errorf("%v is %v long, not %v", b, have[i].length, want)
			}
		}
	}
	svg := picture([]bar{{measure, 200_000}, {"snib", 250_000}}, measure, 1)
	if have := rows(t, svg); have[0].value != "200 µs" || have[1].value != "250 µs, 1.25 × C" {
		t.Error(have)
	}
}

// The picture in docs is drawn from the numbers of the page around it.
func TestPictureInDocs(t *testing.T) {
	svg, err := os.ReadFile("../../docs/speed.svg")
	if err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile("../../docs/speed.md")
	if err != nil {
		t.Fatal(err)
	}
	have := rows(t, string(svg))
	var longest row
	for _, r := range have {
		if r.length > longest.length {
			longest = r
		}
	}
	for _, r := range have {
		// The numbers in the text are rounded.
		if want := float64(r.micro) / float64(longest.micro) * longest.length; math.Abs(r.length-want) > 0.5 {
			t.Errorf("%v is not %v long", r, want)
		}
		if cell := fmt.Sprintf("| %d |", r.micro); !strings.Contains(string(page), cell) {
			t.Errorf("%q is not in a table of docs/speed.md", cell)
		}
	}
	for _, label := range []string{"the command alone", measure, "snib", "snib, plain go build", "bubblewrap"} {
		found := false
		for _, r := range have {
			found = found || r.label == label
		}
		if !found {
			t.Errorf("no bar for %q", label)
		}
	}
}
