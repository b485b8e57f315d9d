package main

// From words to a policy: whose options a command line has, what snib's own ask for, and where the command starts. This file runs in
// the restricted context described at the head of launch_linux.go.
//
// Everything from the command's place on is the command's: no word there changes the policy.

// parse reads and validates the whole command line, the policy's JSON included. It opens and changes nothing. A word that only
// main knows, such as --explain, is unknown here: nothing is launched then.
func (p *policy) parse(argv []*byte) failure {
	var f failure
	if isHelper(baseName(word(argv, 0))) {
		f = p.parseHelper(argv)
	} else {
		f = p.parseOwn(argv)
	}
	if f.reason == noReason && p.commandAt >= len(argv)-1 {
		f.reason = noCommand
	}
	return f
}

// isHelper tells whether name is one of those of the helper that snib stands in for.
func isHelper(name string) bool {
	return name == "codex-linux-sandbox" || name == "codex-linux-sandbox-x64" || name == "codex-linux-sandbox-arm64"
}

func (p *policy) parseOwn(argv []*byte) failure {
	p.grammar, p.restrictWrites, p.network = snibOptions, true, networkLocal
	granted := 0   // the last word that grants something, or takes it; 0: none does
	wantsRead := 0 // the last word that goes with --read only
	unprotectedAt := 0
	for p.ownEnd = 1; isOption(word(argv, p.ownEnd)) && p.helperAt == 0; {
		i := p.ownEnd
		id, value, next, why := nextOption(ownOptions[:], argv, i)
		if why != noReason {
			return failure{reason: why, arg: i}
		}
		if id <= optUnix && value == "" {
			return failure{reason: emptyPath, arg: i}
		}
		if id <= optSignals {
			granted = i
		}
		if (id == optProtect || id == optLoopback) && p.namespaceAt == 0 {
			p.namespaceAt = i
		}
		switch id {
		case optProtect:
			p.protects = true
		case optHide:
			p.hides = true
		case optRead:
			p.restrictReads = true
		case optList:
			p.list, wantsRead = true, i
		case optBare:
			p.bare, wantsRead = true, i
		case optDev:
			p.dev = true
		case optNetwork, optLoopback, optConnect:
			to := networkOn
			switch id {
			case optLoopback:
				to = networkLoopback
			case optConnect:
				to = networkPorts
				if port, valid := number(value); !valid || port < 1 || port > 65535 {
					return failure{reason: badPort, arg: next - 1}
				}
			}
			if p.network != networkLocal && p.network != to {
				return failure{reason: networksExclude, arg: i}
			}
			p.network = to
		case optUnix:
			p.unix, p.unixAll = true, p.unixAll || value == "/"
		case optSignals:
			p.signals = true
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
			p.statusFD, p.statusAt = fd, next-1
		case optStrict:
			p.strict = true
		case optLog:
			p.log = true
		case optUnprotected:
			p.unprotected, unprotectedAt = true, i
		case optAs:
			if !isHelper(value) {
				return failure{reason: badName, arg: next - 1}
			}
			p.helperAt = next - 1
		}
		p.ownEnd = next
	}
	if p.statusFD != 0 {
		if _, arg := p.nextKept(argv, p.statusFD); arg != p.statusAt {
			return failure{reason: keptStatusFD, arg: arg}
		}
	}
	if wantsRead != 0 && !p.restrictReads {
		return failure{reason: withoutRead, arg: wantsRead}
	}
	if p.helperAt != 0 {
		if granted != 0 {
			return failure{reason: ownWithAs, arg: granted}
		}
		return p.parseHelper(argv)
	}
	if p.unprotected {
		return failure{reason: unprotectedAlone, arg: unprotectedAt}
	}
	p.optionsEnd, p.commandAt = p.ownEnd, p.ownEnd
	if word(argv, p.ownEnd) == "--" {
		p.commandAt++
	}
	return failure{}
}
