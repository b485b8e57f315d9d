package main

// Which option would have allowed what was denied.

// suggest fills in, for each denial, the options that would have allowed it, or why there are none, and the command line with them all.
func (w *whyRun) suggest() {
	var options []string
	for i := range w.denials {
		if d := &w.denials[i]; d.path != "" {
			d.options = []string{"-w", d.path}
			options = append(options, d.options...)
		}
	}
	if len(options) > 0 {
		at := w.policy.ownEnd
		w.suggested = append(append(append([]string{}, w.words[:at]...), options...), w.words[at:]...)
	}
}
