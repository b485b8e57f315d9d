package main

// Which option would have allowed what was denied: for each denial, and then all of them on one command line that snib accepts. What a line
// would open beside is weighed in denials_secrets.go, and the network's options in denials_network.go.

import (
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

func (o want) words() []string {
	at := slices.IndexFunc(ownOptions[:], func(own option) bool { return own.id == o.id })
	name := ownOptions[at].long
	if short := ownOptions[at].short; short != 0 {
		name = "-" + string(rune(short))
	}
	if ownOptions[at].value == "" {
		return []string{name}
	}
	return []string{name, o.value}
}

// mostPlaces bounds how many places a line opens: more than these are for a person to sort out.
const mostPlaces = 12

// suggest fills in, for each denial, the options that would have allowed it, or why there are none, and the command line with them all.
func (w *whyRun) suggest() {
	slices.SortStableFunc(w.denials, func(a, b denial) int { return b.count - a.count })
	allHandled := true
	for i := range w.denials {
		d := &w.denials[i]
		allHandled = allHandled && d.handled
		d.wants, d.reason = w.wantsOf(d)
	}
	for i := range w.denials {
		d := &w.denials[i]
		d.left = d.left || len(d.wants) == 0 || d.handled && !allHandled
	}
	hard := slices.ContainsFunc(w.denials, func(d denial) bool {
		return !d.left && slices.ContainsFunc(d.wants, func(o want) bool { return !o.soft })
	})
	for i := range w.denials {
		d := &w.denials[i]
		if hard && len(d.wants) > 0 && !slices.ContainsFunc(d.wants, func(o want) bool { return !o.soft }) {
			d.left = true
		}
	}
	w.widen()
	network, replaced := w.reconcile()
	w.line(network, replaced)
	for i := range w.denials {
		d := &w.denials[i]
		for _, o := range d.wants {
			d.options = append(d.options, o.words()...)
		}
		if w.byHelper() && len(d.wants) > 0 {
			d.options, d.reason, d.left = nil, policyAdvice(d.wants[0]), true
		}
	}
}

// policyAdvice says what a helper's policy would have to allow: none of snib's own options goes with it.
func policyAdvice(o want) string {
	switch o.id {
	case optWrite:
		return "the policy would have to make " + quote(o.value) + " writable"
	case optDev:
		return "the policy would have to make temporary directories or caches writable"
	case optRead, optList:
		return "the policy would have to make " + quote(o.value) + " readable"
	case optSignals:
		return "no policy of this helper allows it"
	}
	return "the policy would have to enable the network"
}

// wantsOf returns the options that would have allowed a denial, or why there are none. It sets left where they are not for the line.
func (w *whyRun) wantsOf(d *denial) (wants []want, reason string) {
	switch {
	case d.hidden:
		return nil, "--hide keeps it unreadable"
	case d.protected:
		return nil, "--protect keeps it as it is"
	}
	switch d.action {
	case actRead, actExecute:
		return w.wantsReading(d)
	case actWrite, actCreate, actTruncate, actRemove, actRename, actLink:
		return w.wantsWriting(d)
	case actIoctl:
		if d.errno == unix.EACCES && d.path != "" {
			return w.wantsWriting(d)
		}
		return nil, noOption + ": the request changes a file or drives a terminal"
	case actSocket, actConnect, actListen, actSend:
		if d.action == actListen && d.family == unix.AF_UNIX && d.errno == unix.EACCES && d.path != "" {
			return w.wantsWriting(d) // the socket's file
		}
		return w.wantsSocket(d)
	case actSignal, actLimit:
		if !w.policy.signals {
			return []want{{id: optSignals}}, ""
		}
	case actTrace:
		if d.call == "ptrace" && d.pid == 0 && !w.policy.signals {
			return []want{{id: optSignals}}, ""
		}
	}
	switch d.errno {
	case unix.EOPNOTSUPP, unix.ENOSYS, unix.EPROTONOSUPPORT:
		return nil, noOption + ": programs do without"
	}
	return nil, noOption
}

// wantsWriting returns what makes a path writable.
func (w *whyRun) wantsWriting(d *denial) (wants []want, reason string) {
	switch {
	case d.action == actTruncate && d.errno != unix.EACCES:
		return nil, noOption + " below Landlock ABI 3: open the file for writing to truncate it"
	case d.errno != unix.EACCES && d.errno != unix.EXDEV:
		return nil, noOption
	case d.errno == unix.EXDEV && w.abi < 2:
		return nil, noOption + " below Landlock ABI 2, where nothing is linked or moved to another directory"
	case d.path == "":
		return nil, noOption
	}
	either := d.pathLacks || d.secondLacks
	if d.second == "" || d.pathLacks || !either && !w.isWritable(d.path) {
		wants, reason = w.wantsPlace(d, d.path, wants)
	}
	if reason == "" && d.second != "" && (d.secondLacks || !either && !w.isWritable(d.second)) {
		wants, reason = w.wantsPlace(d, d.second, wants)
	}
	if reason == "" && len(wants) == 0 {
		reason = noOption
	}
	if reason != "" {
		return nil, reason
	}
	return wants, ""
}

// wantsPlace adds what makes one path writable.
func (w *whyRun) wantsPlace(d *denial, path string, wants []want) ([]want, string) {
	target := path
	nameless := d.action == actCreate && d.kind == pathDirectory // O_TMPFILE names the directory
	whole := d.action == actWrite || d.action == actTruncate || d.action == actIoctl || nameless
	if !whole || d.kind == pathMissing {
		target = filepath.Dir(path)
	}
	if w.isWritable(target) {
		return nil, noOption + ": devices are not made, nor what only another directory allows"
	}
	if w.devCovers(path) {
		return append(wants, want{id: optDev, soft: path == "/dev/tty"}), "" // shells look whether there is one
	}
	place := existing(target)
	for isHash(filepath.Base(place)) && w.never(filepath.Dir(place), true) == "" {
		place = filepath.Dir(place)
	}
	if common := w.commonDirectory(); common != "" && isBeneath(place, common) && w.never(common, true) == "" && w.never(place, true) == "" {
		place = common
	}
	why := w.never(place, true)
	if why == "" {
		return append(wants, want{id: optWrite, value: place}), ""
	}
	why = "not suggested: " + why
	// What is not there yet can be made outside, and opened then.
	if place != target || strings.HasPrefix(d.call, "mkdir") {
		made := target
		if place == target {
			made = path
		}
		if w.devCovered(made, w.missingDevRows()) {
			return nil, why + "; --dev is enough once " + quote(made) + " has been made"
		}
		if w.never(made, true) == "" && made != place {
			return nil, why + "; " + shellLine([]string{"-w", made}) + " is enough once that has been made"
		}
	}
	return nil, why
}

// existing is the deepest directory of a path that is there.
func existing(path string) string {
	for path != "/" {
		if _, err := os.Stat(path); err == nil {
			break
		}
		path = filepath.Dir(path)
	}
	return path
}

// isHash tells whether a directory is one of those that a cache spreads its files over: another file goes to another one.
func isHash(name string) bool {
	return len(name) <= 3 && strings.Trim(name, "0123456789abcdef") == ""
}

// wantsReading returns what makes a path readable.
func (w *whyRun) wantsReading(d *denial) (wants []want, reason string) {
	switch {
	case !w.policy.restrictReads && w.policy.hides:
		return nil, "--hide keeps it unreadable, as a neighbour of what is hidden"
	case !w.policy.restrictReads || d.path == "":
		return nil, noOption
	}
	place := existing(d.path)
	for _, row := range baseSystem[:8] { // programs and libraries, that --bare leaves out
		if row := strings.TrimSuffix(row, "\x00"); isBeneath(place, row) {
			return []want{{id: optRead, value: row}}, ""
		}
	}
	if why := w.never(place, false); why != "" {
		return nil, "not suggested: " + why
	}
	if d.kind == pathDirectory {
		return []want{{id: optList, value: place}}, ""
	}
	return []want{{id: optRead, value: place}}, ""
}

// devRows are the paths of --dev as they lead here; those that are missing are given apart.
func (w *whyRun) devRows() (there, missing []string) {
	var buf [4096]byte
	envp := pointers(w.envp)
	for row := range devPaths {
		p := nextDevPath(row, envp, buf[:])
		if p == nil {
			continue
		}
		path := filepath.Clean(text(p))
		real, err := filepath.EvalSymlinks(path)
		if err != nil {
			missing = append(missing, strings.Clone(path))
			continue
		}
		there = append(there, real)
		if devPaths[row].variable != "" && w.never(real, true) != "" {
			return nil, nil // a variable leads to something that nobody wants to open
		}
	}
	return there, missing
}

// devCovers tells whether --dev makes a path writable.
func (w *whyRun) devCovers(path string) bool {
	there, _ := w.devRows()
	return w.devCovered(path, there)
}

func (w *whyRun) missingDevRows() []string {
	_, missing := w.devRows()
	return missing
}

func (w *whyRun) devCovered(path string, rows []string) bool {
	return slices.ContainsFunc(rows, func(row string) bool { return isBeneath(path, row) })
}

// isWritable tells whether the launch grants writing to a path.
func (w *whyRun) isWritable(path string) bool {
	const writeFile = 1 << 1 // LANDLOCK_ACCESS_FS_WRITE_FILE
	return w.rehearsal != nil && slices.ContainsFunc(w.rehearsal.paths, func(p rehearsedPath) bool {
		return p.access&writeFile != 0 && p.resolved != "" && isBeneath(path, p.resolved)
	})
}

// widen replaces several places in one directory by that directory, unless it is too wide, and places in others by those.
func (w *whyRun) widen() {
	for _, id := range []optionID{optWrite, optRead} {
		const several = 3
		for again := true; again; {
			again = false
			in := map[string][]string{} // by directory
			for _, d := range w.denials {
				for _, o := range d.wants {
					dir := filepath.Dir(o.value)
					if !d.left && o.id == id && !slices.Contains(in[dir], o.value) {
						in[dir] = append(in[dir], o.value)
					}
				}
			}
			for dir, places := range in {
				if len(places) >= several && !w.isWide(dir, id == optWrite) {
					w.replacePlaces(id, func(place string) bool { return slices.Contains(places, place) }, dir)
					again = true
				}
			}
		}
		for _, d := range w.denials {
			for _, o := range d.wants {
				if o.id == id && !d.left {
					w.replacePlaces(id, func(place string) bool { return place != o.value && isBeneath(place, o.value) }, o.value)
				}
			}
		}
	}
}

// isWide tells whether a directory holds more than what a few denials in it speak for.
func (w *whyRun) isWide(dir string, write bool) bool {
	return strings.Count(dir, "/") < 2 || isBeneath(w.cwd, dir) || w.home != "" && isBeneath(w.home, dir) || w.never(dir, write) != ""
}

func (w *whyRun) replacePlaces(id optionID, which func(place string) bool, by string) {
	for i := range w.denials {
		d := &w.denials[i]
		for k := range d.wants {
			if o := &d.wants[k]; o.id == id && !d.left && which(o.value) {
				o.value = by
			}
		}
		d.wants = slices.Compact(d.wants)
	}
}

// line makes the command line with all options that are for it. Each is tried by a rehearsal: one that does not go with those before is left out.
func (w *whyRun) line(network []want, replaced bool) {
	if w.byHelper() {
		return
	}
	words, at := append([]string{}, w.words...), w.policy.ownEnd
	if replaced {
		words, at = w.withoutNetwork()
	}
	var given []string
	try := func(o want) (why string) {
		option := o.words()
		if slices.Contains(given, strings.Join(option, "\x00")) {
			return ""
		}
		more := append(append(append([]string{}, words[:at]...), option...), words[at:]...)
		if why := w.refused(more); why != "" {
			return why
		}
		words, at, given = more, at+len(option), append(given, strings.Join(option, "\x00"))
		return ""
	}
	places := 0
	for i := range w.denials {
		d := &w.denials[i]
		if d.left {
			continue
		}
		for _, o := range d.wants {
			why := ""
			switch o.id {
			case optNetwork, optLoopback, optConnect:
				for _, o := range network {
					why = try(o)
				}
			case optWrite, optRead, optList:
				before := len(given)
				if places == mostPlaces && !slices.Contains(given, strings.Join(o.words(), "\x00")) {
					why = "more places than a line should open"
				} else if why = try(o); len(given) > before {
					places++
				}
			default:
				why = try(o)
			}
			if why != "" {
				d.left, d.reason = true, "not in the line: "+why
			}
		}
	}
	if len(given) > 0 || replaced {
		w.suggested = words
	}
}

// refused tells why the launch would not take a command line; "": it would.
func (w *whyRun) refused(words []string) string {
	argv, envp := pointers(words), pointers(w.envp)
	var p policy
	if f := p.parse(argv); f.reason != noReason {
		return f.message(words).text
	}
	// Descriptors that the launch was to keep are not this process's any more.
	bare := append([]string{}, words[:1]...)
	for i := 1; i < p.ownEnd; {
		id, _, next, _ := nextOption(ownOptions[:], argv, i)
		if id != optKeepFD && id != optStatusFD {
			bare = append(bare, words[i:next]...)
		}
		i = next
	}
	bare = append(bare, words[p.ownEnd:]...)
	p, argv = policy{}, pointers(bare)
	if f := p.parse(argv); f.reason != noReason {
		return f.message(bare).text
	}
	r := rehearse(&p, argv, envp, w.abi)
	if r.failure.reason != noReason && r.failure.reason != execFailed {
		return r.failure.message(bare).text
	}
	return ""
}
