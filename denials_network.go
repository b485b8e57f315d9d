package main

// Which of the network's options would have allowed what was denied. Without a network a program does not come as far as to say where it wants
// to connect: its socket is denied. Then the environment and the command's own words are asked for addresses.

import (
	"os"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// nameCaches are daemons that answer what a program then finds without them.
var nameCaches = []string{"/run/nscd", "/var/run/nscd", "/run/nslcd", "/var/run/nslcd", "/var/lib/sss/pipes", "/run/systemd/userdb", "/run/systemd/resolve", "/run/avahi-daemon", "/dev/log", "/run/systemd/journal"}

// wantsSocket returns what would have allowed something with a socket.
func (w *whyRun) wantsSocket(d *denial) (wants []want, reason string) {
	switch d.family {
	case unix.AF_UNIX:
		return w.wantsUnix(d)
	case unix.AF_NETLINK:
		if w.policy.opensIP() {
			return nil, noOption
		}
		return []want{{id: optLoopback, soft: true}}, ""
	case unix.AF_INET, unix.AF_INET6:
	case -1:
		return nil, noOption
	default:
		return nil, noOption + ": its family is neither IP nor AF_UNIX"
	}
	tcp := d.socketType == unix.SOCK_STREAM || d.socketType < 0 && d.action != actSend
	outside := want{id: optNetwork}
	if d.port != 0 && tcp && w.abi >= firstPorts {
		outside = want{id: optConnect, value: strconv.Itoa(d.port)}
	}
	switch {
	case w.policy.network == networkOn || d.errno == unix.EPROTONOSUPPORT:
		return nil, noOption + ": programs do without"
	case d.socketType == unix.SOCK_RAW:
		return nil, noOption + ": raw sockets want a capability"
	case d.action == actListen:
		return []want{{id: optLoopback}}, ""
	case d.action == actSocket:
		return w.wantsIP(d), ""
	case w.policy.network == networkLoopback || d.served || !d.loopback:
		return []want{outside}, ""
	}
	return []want{{id: optLoopback}}, ""
}

// wantsIP returns what would have allowed an IP socket that was denied before it had an address.
func (w *whyRun) wantsIP(d *denial) []want {
	if d.socketType == unix.SOCK_STREAM || d.socketType < 0 {
		return w.destinations(d)
	}
	// With SOCK_DGRAM alone a program looks for a name; beside SOCK_STREAM it may just try what addresses are good for.
	for _, other := range w.denials {
		if other.action == actSocket && other.program == d.program && (other.family == unix.AF_INET || other.family == unix.AF_INET6) && other.socketType == unix.SOCK_STREAM {
			return w.destinations(d)
		}
	}
	return []want{{id: optNetwork}}
}

// proxyVariables name a server that programs connect to in the place of others.
var proxyVariables = []string{"http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"}

// namedAddresses are the URLs of the proxies that an environment names, or else those in the words of a command.
func namedAddresses(words, environment []string) (named []string) {
	const most = 8
	for _, entry := range environment {
		if name, value, _ := strings.Cut(entry, "="); slices.Contains(proxyVariables, name) && value != "" && len(named) < most {
			if !strings.Contains(value, "://") {
				value = "http://" + value
			}
			named = append(named, addressesIn(value)...)
		}
	}
	if len(named) > 0 {
		return named
	}
	for _, word := range words {
		if len(named) < most {
			named = append(named, addressesIn(word)...)
		}
	}
	return named
}

// destinations returns what opens the addresses that the program's environment and words name, or the command's, or else localhost: the least.
func (w *whyRun) destinations(d *denial) (wants []want) {
	named := d.named
	if len(named) == 0 {
		named = namedAddresses(w.words[min(w.policy.commandAt, len(w.words)):], w.envp)
	}
	for _, address := range named {
		host, port := hostAndPort(address)
		o := want{id: optConnect, value: port}
		switch {
		case host == "" || port == "" || isLocal(host) && !isServed(port):
			continue
		case w.abi < firstPorts || !isLocal(host) && strings.Trim(host, "0123456789abcdefABCDEF.:") != "":
			o = want{id: optNetwork} // names are looked up by UDP
		}
		if !slices.Contains(wants, o) {
			wants = append(wants, o)
		}
	}
	if len(wants) == 0 {
		wants = []want{{id: optLoopback}}
	}
	return wants
}

// addressesIn finds URLs in a word.
func addressesIn(word string) (all []string) {
	const most = 8
	for len(all) < most {
		at := strings.Index(word, "://")
		if at < 0 {
			break
		}
		start := at
		for start > 0 && inWord(rune(word[start-1])) {
			start--
		}
		end := at + 3
		for end < len(word) && !strings.ContainsRune(" \t\n'\"`<>;|&)", rune(word[end])) {
			end++
		}
		all = append(all, word[start:end])
		word = word[end:]
	}
	return all
}

// wellKnownPorts are those of schemes.
var wellKnownPorts = map[string]string{"http": "80", "ws": "80", "https": "443", "wss": "443", "git": "9418", "ssh": "22", "socks5": "1080", "socks5h": "1080", "socks4": "1080"}

// hostAndPort returns those of a URL; "" where it has none.
func hostAndPort(url string) (host, port string) {
	scheme, rest, _ := strings.Cut(url, "://")
	rest, _, _ = strings.Cut(rest, "/")
	if at := strings.LastIndexByte(rest, '@'); at >= 0 {
		rest = rest[at+1:]
	}
	host, port, _ = strings.Cut(rest, ":")
	if strings.HasPrefix(rest, "[") {
		host, port, _ = strings.Cut(rest[1:], "]")
		port = strings.TrimPrefix(port, ":")
	}
	if port == "" {
		port = wellKnownPorts[scheme]
	}
	if n, valid := number(port); !valid || n < 1 || n > 65535 {
		return host, ""
	}
	return host, port
}

func isLocal(host string) bool {
	return host == "localhost" || host == "::1" || strings.HasPrefix(host, "127.")
}

// isServed tells whether a program outside listens at a port of TCP on this machine.
func isServed(port string) bool {
	const listening = "0A" // TCP_LISTEN in include/net/tcp_states.h
	n, _ := number(port)
	want := ":" + strings.ToUpper(strconv.FormatUint(uint64(n)+0x10000, 16))[1:]
	for _, file := range []string{"/proc/self/net/tcp", "/proc/self/net/tcp6"} {
		content, _ := os.ReadFile(file)
		for line := range strings.Lines(string(content)) {
			if words := strings.Fields(line); len(words) > 3 && words[3] == listening && strings.HasSuffix(words[1], want) {
				return true
			}
		}
	}
	return false
}

// wantsUnix returns what would have allowed something with a socket of AF_UNIX.
func (w *whyRun) wantsUnix(d *denial) (wants []want, reason string) {
	place := want{id: optUnix, value: "/"}
	switch {
	case w.policy.unixAll:
		return nil, noOption
	case d.action == actListen && w.policy.network == networkPorts:
		return []want{{id: optNetwork}}, ""
	case d.action == actSocket:
		return []want{{id: optUnix, value: "/", soft: true}}, ""
	case d.action == actListen:
		return []want{place}, ""
	}
	for _, cache := range nameCaches {
		if isBeneath(d.path, cache) {
			return nil, "not suggested: programs do without this daemon"
		}
	}
	if d.path != "" && w.abi >= confinesUnix {
		place.value = d.path
	}
	if d.kind == pathMissing && d.path != "" {
		return []want{{id: optUnix, value: "/"}}, "" // it may be one of the command's own that could not be made
	}
	if w.isDaemon(d) {
		d.left = true
		return []want{place}, "opens what the program behind it does, so it is not in the line"
	}
	return []want{place}, ""
}

// isDaemon tells whether a socket is one behind which a program does what it is told with the rights of root, or of the user outside: those of the
// system and of a session, and what is known by its name.
func (w *whyRun) isDaemon(d *denial) bool {
	if d.path == "" {
		return true // an abstract name opens with all the others
	}
	for _, dir := range []string{"/run", "/var/run", "/var/lib", "/var/snap", "/tmp/.X11-unix", "/tmp/.ICE-unix"} {
		if isBeneath(d.path, dir) && !isBeneath(d.path, dir+"/postgresql") && !isBeneath(d.path, dir+"/mysqld") && !isBeneath(d.path, dir+"/redis") {
			return true
		}
	}
	for _, name := range []string{"SSH_AUTH_SOCK", "DBUS_SESSION_BUS_ADDRESS", "DOCKER_HOST", "XDG_RUNTIME_DIR", "TMUX", "NVIM", "WAYLAND_DISPLAY", "CONTAINER_HOST"} {
		value := w.variable(name)
		if i := strings.IndexByte(value, '/'); i >= 0 && len(value) > i+1 {
			value, _, _ = strings.Cut(value[i:], ",")
			if value = strings.TrimPrefix(value, "//"); isBeneath(d.path, "/"+strings.Trim(value, "/")) {
				return true
			}
		}
	}
	name := strings.ToLower(d.path)
	for _, part := range []string{"docker", "containerd", "podman", "buildkit", "crio", "lxd", "incus", "libvirt", "dbus", "bus", "systemd", "ssh-", "agent", "gpg", "keyring", "tmux-", "screen", "emacs", "nvim", "vscode", "x11", "wayland", "pulse",
		"pipewire", "supervisor", "haproxy", "snapd", "polkit", "kwallet", "1password", "bitwarden", "control", "admin"} {
		if strings.Contains(name, part) {
			return true
		}
	}
	return w.never(d.path, true) != "" && !strings.HasPrefix(w.never(d.path, true), "\"/run")
}

// reconcile makes one choice of the network's options, which exclude each other, and puts it in the place of what the denials want. replaced: it stands in
// the place of an option that the command line has.
func (w *whyRun) reconcile() (chosen []want, replaced bool) {
	var ports []want
	loopback, network, soft := false, false, false
	each := func(f func(d *denial, o *want)) {
		for i := range w.denials {
			d := &w.denials[i]
			for k := range d.wants {
				f(d, &d.wants[k])
			}
		}
	}
	each(func(d *denial, o *want) {
		switch {
		case d.left:
		case o.id == optLoopback:
			loopback, soft = loopback || !o.soft, soft || o.soft
		case o.id == optNetwork:
			network = true
		case o.id == optConnect && !slices.Contains(ports, *o):
			ports = append(ports, *o)
		}
	})
	loopback = loopback || soft && !network && len(ports) == 0
	has := w.policy.network
	switch {
	case !loopback && !network && len(ports) == 0:
		return nil, false
	case network || loopback && (len(ports) > 0 || has == networkPorts) || has == networkLoopback:
		chosen, replaced = []want{{id: optNetwork}}, has == networkPorts || has == networkLoopback
	case len(ports) > 0:
		chosen = ports
	case w.loopbackFails != nil && w.loopbackFails() != "":
		chosen = []want{{id: optNetwork}}
	default:
		chosen = []want{{id: optLoopback}}
	}
	each(func(d *denial, o *want) {
		if !d.left && (o.id == optLoopback || o.id == optNetwork || o.id == optConnect && chosen[0].id != optConnect) {
			*o = chosen[0]
		}
	})
	for i := range w.denials {
		w.denials[i].wants = slices.Compact(w.denials[i].wants)
	}
	return chosen, replaced
}

// withoutNetwork is the command line without the options that --network excludes, and where its own options end.
func (w *whyRun) withoutNetwork() (words []string, end int) {
	argv := pointers(w.words)
	words = append(words, w.words[0])
	for i := 1; i < w.policy.ownEnd; {
		id, _, next, _ := nextOption(ownOptions[:], argv, i)
		if id != optLoopback && id != optConnect {
			words = append(words, w.words[i:next]...)
		}
		i = next
	}
	return append(words, w.words[w.policy.ownEnd:]...), len(words)
}
