package main

// Probes of namespaces: what a network of its own has, and whether there are namespaces at all.

import (
	"fmt"
	"net"
	"os/exec"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// nested is how a process starts as root of namespaces of its own: nobody is mapped, and what is ambient stays.
func nested(flags uintptr) *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWUSER | flags,
		AmbientCaps: []uintptr{unix.CAP_SYS_ADMIN, unix.CAP_NET_ADMIN, unix.CAP_DAC_OVERRIDE, unix.CAP_SYS_CHROOT}}
}

func init() {
	for name, op := range map[string]func(a []string) error{
		"attackNested": func(a []string) error {
			cmd := exec.Command("/proc/self/exe", append([]string{"attack"}, a...)...)
			cmd.Args[0], cmd.SysProcAttr = "probe", nested(unix.CLONE_NEWNS)
			return cmd.Run()
		},
		"talk":           func(a []string) error { return talk(a[0], a[1]) },
		"interfaceNames": func([]string) error { return interfaceNames() },
		"setnsNet":       func(a []string) error { return enterOf(a[0], "net") },
	} {
		probes[name] = op
	}
}

// talk is a server and its client: network is one of package net's, and the address has no port.
func talk(network, address string) error {
	message := []byte("hello")
	got := make([]byte, 16)
	if strings.HasPrefix(network, "udp") {
		server, err := net.ListenPacket(network, net.JoinHostPort(address, "0"))
		if err != nil {
			return err
		}
		client, err := net.Dial(network, server.LocalAddr().String())
		if err == nil {
			_, err = client.Write(message)
		}
		if err != nil {
			return err
		}
		n, _, err := server.ReadFrom(got)
		return same(got[:n], message, err)
	}
	server, err := net.Listen(network, net.JoinHostPort(address, "0"))
	if err != nil {
		return err
	}
	client, err := net.Dial(network, server.Addr().String())
	if err == nil {
		_, err = client.Write(message)
	}
	if err != nil {
		return err
	}
	accepted, err := server.Accept()
	if err != nil {
		return err
	}
	n, err := accepted.Read(got)
	return same(got[:n], message, err)
}

func same(got, want []byte, err error) error {
	if err == nil && string(got) != string(want) {
		err = fmt.Errorf("heard %q", got)
	}
	return err
}

// interfaceNames tells which there are.
func interfaceNames() error {
	all, err := net.Interfaces()
	if err != nil {
		return err
	}
	var names []string
	for _, i := range all {
		names = append(names, i.Name)
	}
	return fmt.Errorf("%s", strings.Join(names, ","))
}

// enterOf enters a namespace of another process.
func enterOf(process, name string) error {
	fd, err := unix.Open("/proc/"+process+"/ns/"+name, unix.O_RDONLY, 0)
	if err != nil {
		return err
	}
	return unix.Setns(fd, 0)
}
