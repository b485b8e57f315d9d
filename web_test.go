package main

// As much of HTTP as the tests speak. net/http itself takes some milliseconds at each start of this binary, which the tests start some
// thousand times.

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"
)

// serveWeb answers the GET requests that come to a port of its own on loopback, each on a connection of its own, and returns its address.
// The answer is given the request's target, and who is in between (the field Via).
func serveWeb(t testing.TB, answer func(target, via string) (status int, body string)) (address string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				lines := bufio.NewScanner(conn)
				var words []string
				via := ""
				for lines.Scan() && lines.Text() != "" {
					if words == nil {
						words = strings.Fields(lines.Text())
					}
					if value, is := strings.CutPrefix(lines.Text(), "Via: "); is {
						via = value
					}
				}
				if len(words) != 3 || words[0] != "GET" {
					return
				}
				status, body := answer(words[1], via)
				fmt.Fprintf(conn, "HTTP/1.1 %d \r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s", status, len(body), body)
			}()
		}
	}()
	return listener.Addr().String()
}

// get asks a server for a target.
func get(address, target, via string) (status int, body string, err error) {
	conn, err := net.DialTimeout("tcp", address, launchTime)
	if err != nil {
		return 0, "", err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(launchTime)); err != nil {
		return 0, "", err
	}
	fmt.Fprintf(conn, "GET %s HTTP/1.0\r\nHost: %s\r\n", target, address)
	if via != "" {
		fmt.Fprintf(conn, "Via: %s\r\n", via)
	}
	fmt.Fprint(conn, "\r\n")
	all, err := io.ReadAll(conn)
	if err != nil {
		return 0, "", err
	}
	head, body, _ := strings.Cut(string(all), "\r\n\r\n")
	words := strings.Fields(head)
	if len(words) < 2 {
		return 0, "", fmt.Errorf("no answer of HTTP: %q", head)
	}
	status, err = strconv.Atoi(words[1])
	return status, body, err
}

// fetch gets a URL by Go's net package, through the proxy that the environment names.
func fetch(args []string) int {
	at, target, _ := strings.Cut(strings.TrimPrefix(args[0], "http://"), "/")
	target = "/" + target
	if proxy := os.Getenv("http_proxy"); proxy != "" {
		at, target = strings.TrimPrefix(proxy, "http://"), args[0]
	}
	status, body, err := get(at, target, "")
	if err != nil || status != 200 {
		fmt.Fprintln(os.Stderr, status, err)
		return 1
	}
	fmt.Print(body)
	return 0
}
