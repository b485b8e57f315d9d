// The program of the example image: it tries to write in two directories that are its user's, and to make a socket.
package main

import (
	"fmt"
	"os"
	"syscall"
)

func main() {
	for _, path := range []string{"/work/note", "/other/note"} {
		if err := os.WriteFile(path, []byte("hello\n"), 0o644); err != nil {
			fmt.Println(err)
			continue
		}
		fmt.Println("wrote", path)
	}
	if _, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0); err != nil {
		fmt.Println("socket:", err)
		return
	}
	fmt.Println("made a socket")
}
