package main

// What --why never suggests to open: homes, secrets, what runs by itself, and where programs lie. A command chooses what it tries, so without
// this it could have its user open anything. Places are told by their spelling and by their inodes: another name, a mount or a hard link of
// such a place is the place.

import (
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// homeSecrets are where programs keep keys, passwords, tokens and sessions, in a home.
const homeSecrets = `.ssh .gnupg .aws .azure .oci .kube .minikube .docker .netrc .authinfo .authinfo.gpg .npmrc .yarnrc .yarnrc.yml .pypirc .git-credentials .password-store
.pgpass .my.cnf .mylogin.cnf .s3cfg .boto .vault-token .terraformrc .terraform.d .kaggle .huggingface .cargo/credentials .cargo/credentials.toml .gem .bundle
.m2/settings.xml .m2/settings-security.xml .gradle/gradle.properties .nuget/NuGet .composer/auth.json .databrickscfg .snowsql .bash_history .zsh_history
.config/gcloud .config/gh .config/glab-cli .config/hub .config/git/credentials .config/rclone .config/op .config/sops .config/age .config/doctl .config/heroku .config/containers
.config/composer .config/pip .config/configstore .config/google-chrome .config/chromium .config/BraveSoftware .config/microsoft-edge .config/vivaldi .config/opera
.config/Signal .config/Slack .config/discord .config/Code .config/Cursor .config/github-copilot .config/keybase .config/kwalletrc .config/goa-1.0 .config/evolution
.config/autossh .config/wireguard .config/openvpn .config/syncthing .config/fly .fly .tsh .step .acme.sh .certbot .lego .mozilla .thunderbird .pki .cert
.local/share/keyrings .local/share/kwalletd .local/share/pass .local/share/gnupg .local/share/evolution .local/share/flatpak .gnome2/keyrings .electrum .bitcoin .ethereum
.claude .claude.json .codex .gemini .config/claude .config/codex .config/openai .anthropic .openai .aider.conf.yml .cursor .continue
.Xauthority .ICEauthority .xauth .k5login .krb5 .rhosts .shosts .muttrc .mutt .msmtprc .mbsyncrc .fetchmailrc .getmail .offlineimap .irssi .weechat .config/hexchat .purple`

// homeStarts are what a shell, an editor, a desktop or a tool runs or obeys by itself, in a home.
const homeStarts = `.bashrc .bash_profile .bash_login .bash_logout .bash_aliases .bashrc.d .bash_completion .profile .zshrc .zshenv .zprofile .zlogin .zlogout .zsh .oh-my-zsh .kshrc .mkshrc
.cshrc .tcshrc .login .logout .inputrc .config/fish .config/bash .config/zsh .config/nushell .config/elvish .pam_environment .xprofile .xinitrc .xsession .xsessionrc .Xresources
.config/autostart .config/environment.d .config/systemd .config/upstart .config/plasma-workspace .config/hypr .config/sway .config/i3 .i3 .config/openbox .config/bspwm
.local/bin .local/share/applications .local/share/systemd .local/share/dbus-1 .local/share/fish .local/share/nvim .local/share/code-server .local/lib
.gitconfig .config/git .git-templates .hgrc .config/hg .subversion .config/nvim .vim .vimrc .gvimrc .exrc .nanorc .emacs .emacs.d .config/emacs .config/helix .config/micro
.config/tmux .tmux.conf .tmux .screenrc .config/kitty .config/alacritty .config/wezterm .config/ghostty .config/starship.toml .config/direnv .direnvrc .config/mise .asdf .asdfrc
.tool-versions .pyenv .rbenv .nvm .sdkman .rustup/settings.toml .cargo/config .cargo/config.toml .cargo/env .cargo/bin .gradle/init.d .gradle/init.gradle .m2/extensions.xml .mavenrc
.pythonrc .pythonrc.py .pystartup .pdbrc .ipython .jupyter .Rprofile .Renviron .irbrc .pryrc .gemrc .perldb .gdbinit .config/gdb .gdbearlyinit .lldbinit .config/procps .digrc
.wgetrc .curlrc .config/curlrc .lesskey .config/less .lessfilter .mailcap .forward .procmailrc .qmail .config/mpv .vscode .vscode-server .vscode-oss .idea .config/JetBrains
.condarc .config/matplotlib .config/npm .config/yarn .config/go .config/mc .config/ranger .config/nnn .config/lf .config/htop .ansible.cfg .ansible .config/pre-commit`

// systemPlaces belong to the system: a path, and whether it is a secret.
var systemPlaces = []struct {
	paths string
	why   string
	reads bool
}{
	{"/etc/shadow /etc/shadow- /etc/gshadow /etc/gshadow- /etc/sudoers /etc/sudoers.d /etc/ssl/private /etc/krb5.keytab /etc/security/opasswd /etc/wireguard /etc/openvpn /etc/ipsec.secrets /etc/letsencrypt /etc/docker /etc/kubernetes " +
		"/etc/rancher /etc/NetworkManager/system-connections /etc/wpa_supplicant /etc/cloud /etc/machine-id /var/lib/systemd/credential.secret /var/lib/docker /var/lib/kubelet /var/lib/containers /var/spool/cron /proc/kcore /dev/mem /dev/kmem /dev/port",
		"secret", true},
	{"/usr /bin /sbin /lib /lib32 /lib64 /libx32 /nix /gnu /snap /boot", "holds programs of the system", false},
	{"/etc", "configures the system", false},
	{"/run /var/run /var/lib /var/spool /var/mail /var/db /var/www", "belongs to the system", false},
	{"/proc /sys", "is the kernel's own", false},
}

// safeDevices are those of /dev that hold nothing and command nothing but a terminal, memory or a computation.
const safeDevices = "/dev/null /dev/zero /dev/full /dev/random /dev/urandom /dev/tty /dev/ptmx /dev/pts /dev/shm /dev/kvm /dev/dri /dev/fuse /dev/snd"

// mostHomes bounds how many homes are looked into.
const mostHomes = 32

// forbiddenPlaces are those for one run.
func (w *whyRun) forbiddenPlaces() []forbidden {
	if w.places != nil {
		return w.places
	}
	add := func(f forbidden) {
		if f.path = filepath.Clean(f.path); f.path == "/" && f.why != rootReason {
			return
		}
		if real, err := filepath.EvalSymlinks(f.path); err == nil {
			f.above = identities(real)
		}
		w.places = append(w.places, f)
	}
	add(forbidden{path: "/", why: rootReason, reads: true, alone: true})
	homes := w.homes()
	for _, home := range homes {
		add(forbidden{path: home, why: "is a home directory", reads: true, alone: true})
		for _, name := range []string{".config", ".local", ".local/share", ".local/state", ".cargo", ".m2", ".gradle"} {
			add(forbidden{path: home + "/" + name, why: "holds what many programs obey", reads: true, alone: true})
		}
		for _, name := range strings.Fields(homeSecrets) {
			add(forbidden{path: home + "/" + name, why: "is where secrets lie", reads: true})
		}
		for _, name := range strings.Fields(homeStarts) {
			add(forbidden{path: home + "/" + name, why: "is run or obeyed by programs outside"})
		}
	}
	add(forbidden{path: "/home", why: "holds home directories", reads: true, alone: true})
	for _, path := range []string{"/opt", "/srv", "/mnt", "/media"} {
		add(forbidden{path: path, why: "holds what many programs and people keep there", alone: true})
	}
	for _, s := range systemPlaces {
		for _, path := range strings.Fields(s.paths) {
			why := s.why
			if s.reads {
				why = "is where secrets lie"
			}
			add(forbidden{path: path, why: why, reads: s.reads, home: !s.reads})
		}
	}
	keys, _ := filepath.Glob("/etc/ssh/ssh_host_*_key")
	for _, key := range keys {
		add(forbidden{path: key, why: "is where secrets lie", reads: true})
	}
	for _, dir := range strings.Split(w.variable("PATH"), ":") {
		if strings.HasPrefix(dir, "/") {
			add(forbidden{path: dir, why: "is a directory of PATH"})
		}
	}
	for _, name := range []string{"SSH_AUTH_SOCK", "GNUPGHOME", "AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE", "KUBECONFIG", "DOCKER_CONFIG", "NETRC", "NPM_CONFIG_USERCONFIG", "PGPASSFILE", "PASSWORD_STORE_DIR",
		"GOOGLE_APPLICATION_CREDENTIALS", "CLOUDSDK_CONFIG", "AZURE_CONFIG_DIR", "XAUTHORITY", "VAULT_TOKEN_FILE", "CODEX_HOME", "CLAUDE_CONFIG_DIR"} {
		if path := w.variable(name); strings.HasPrefix(path, "/") {
			add(forbidden{path: path, why: "is where secrets lie", reads: true})
		}
	}
	for _, name := range []string{"BASH_ENV", "ENV", "PYTHONSTARTUP", "GIT_CONFIG_GLOBAL", "XDG_CONFIG_HOME", "ZDOTDIR", "GIT_TEMPLATE_DIR", "LD_PRELOAD", "PYTHONPATH", "NODE_PATH", "LD_LIBRARY_PATH", "GOROOT"} {
		for _, path := range strings.Split(w.variable(name), ":") {
			if strings.HasPrefix(path, "/") {
				add(forbidden{path: path, why: "is run or obeyed by programs outside"})
			}
		}
	}
	return w.places
}

const rootReason = "is the root of everything"

// homes are the user's home and those of the other people of this machine.
func (w *whyRun) homes() (homes []string) {
	add := func(home string) {
		for _, known := range homes {
			if known == home {
				return
			}
		}
		if len(homes) < mostHomes && strings.HasPrefix(home, "/") && filepath.Clean(home) != "/" {
			homes = append(homes, home)
		}
	}
	add(filepath.Clean("/" + w.home))
	add("/root")
	content, _ := os.ReadFile("/etc/passwd")
	for line := range strings.Lines(string(content)) {
		// Users of the system have homes that many programs share, such as /var/lib.
		if words := strings.Split(line, ":"); len(words) > 5 && (len(words[2]) > 3 || words[2] == w.userID()) && isDirectory(words[5]) {
			add(filepath.Clean(words[5]))
		}
	}
	entries, _ := os.ReadDir("/home")
	for _, entry := range entries {
		add("/home/" + entry.Name())
	}
	return homes
}

// identities are a path's, and those of the directories that it is in.
func identities(path string) (all []fileID) {
	for ; ; path = filepath.Dir(path) {
		var stat unix.Stat_t
		if unix.Stat(path, &stat) == nil {
			all = append(all, fileIDOf(&stat))
		}
		if path == "/" || path == "." {
			return all
		}
	}
}

// never tells why a path is not to be suggested, for writing or for reading; "": it may be. What does not exist yet is judged by its spelling and
// the directories that it is in.
func (w *whyRun) never(path string, write bool) string {
	path = filepath.Clean(path)
	if strings.HasSuffix(path, "\n") {
		return "its name ends in a line feed" // a shell's "$(...)" drops that, so it would have to stand in the line as it is
	}
	self := identities(path)
	_, missing := os.Lstat(path)
	home := filepath.Clean("/" + w.home)
	inHome := home != "/" && path != home && isBeneath(path, home)
	for _, f := range w.forbiddenPlaces() {
		if !write && !f.reads {
			continue
		}
		name := quote(f.path)
		at := path == f.path || len(f.above) > 0 && missing == nil && len(self) > 0 && self[0] == f.above[0]
		under := isBeneath(path, f.path)
		for i, id := range self {
			under = under || len(f.above) > 0 && id == f.above[0] && (i > 0 || missing != nil)
		}
		holds := false
		for i, id := range f.above {
			holds = holds || i > 0 && missing == nil && len(self) > 0 && id == self[0]
		}
		switch {
		case at:
			return name + " " + f.why
		case under && !f.alone && !(f.home && inHome):
			return name + " " + f.why
		case holds:
			return "it holds " + name + ", which " + f.why
		}
	}
	switch {
	case write && isBeneath(path, "/dev") && !isSafeDevice(path):
		return "it is a device"
	case write:
		return w.repository(path)
	}
	return ""
}

func isSafeDevice(path string) bool {
	for _, device := range strings.Fields(safeDevices) {
		if isBeneath(path, device) {
			return true
		}
	}
	return strings.HasPrefix(path, "/dev/nvidia")
}

// repository tells that a path is, is in, or holds, the hooks or the configuration of a repository: git runs what they say. The one that the working
// directory is a linked worktree of is the exception.
func (w *whyRun) repository(path string) string {
	common := w.commonDirectory()
	for dir := path; dir != "/"; dir = filepath.Dir(dir) {
		if !isRepository(dir) {
			continue
		}
		for _, name := range []string{"hooks", "config", "info", "modules"} {
			if isBeneath(path, dir+"/"+name) {
				return "git runs what " + quote(dir+"/"+name) + " says"
			}
		}
		if path == dir && dir != common {
			return "git runs what " + quote(dir+"/hooks") + " says"
		}
	}
	if isRepository(path+"/.git") || isSmallFile(path+"/.git") {
		return "it holds a repository, and git runs what its hooks say"
	}
	dir, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer dir.Close()
	const most = 1000
	names, _ := dir.Readdirnames(most)
	for _, name := range names {
		if isRepository(path + "/" + name + "/.git") {
			return "it holds a repository, " + quote(name) + ", and git runs what its hooks say"
		}
	}
	return ""
}

func isRepository(dir string) bool {
	return isDirectory(dir+"/objects") && isDirectory(dir+"/refs") && isSmallFile(dir+"/HEAD")
}

// isSmallFile tells whether a path is a regular file. It does not open it.
func isSmallFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}

// smallFile is what a regular file begins with. The command may have put something else there, and may still be putting.
func smallFile(path string) string {
	file, err := os.OpenFile(path, os.O_RDONLY|unix.O_NONBLOCK|unix.O_NOCTTY, 0)
	if err != nil {
		return ""
	}
	defer file.Close()
	var content [4096]byte
	if info, err := file.Stat(); err != nil || !info.Mode().IsRegular() {
		return ""
	}
	n, _ := file.Read(content[:])
	return string(content[:n])
}

// commonDirectory is the repository that the working directory is a linked worktree of; "": none. The command can write the file that leads there, but
// not the one that leads back.
func (w *whyRun) commonDirectory() string {
	for dir := w.cwd; strings.HasPrefix(dir, "/"); dir = filepath.Dir(dir) {
		if git, is := strings.CutPrefix(strings.TrimSuffix(smallFile(dir+"/.git"), "\n"), "gitdir: "); is {
			if !strings.HasPrefix(git, "/") {
				git = dir + "/" + git
			}
			git, err := filepath.EvalSymlinks(git)
			common := filepath.Dir(filepath.Dir(git)) // REPOSITORY/worktrees/NAME
			back, failed := filepath.EvalSymlinks(filepath.Dir(strings.TrimSuffix(smallFile(git+"/gitdir"), "\n")))
			if here, wrong := filepath.EvalSymlinks(dir); err != nil || failed != nil || wrong != nil || back != here || !isRepository(common) {
				return ""
			}
			return common
		}
		if dir == "/" || isDirectory(dir+"/.git") {
			break
		}
	}
	return ""
}

// isBeneath tells whether a path is another one or in it, by their spelling.
func isBeneath(path, dir string) bool {
	return path == dir || dir == "/" || strings.HasPrefix(path, dir+"/")
}
