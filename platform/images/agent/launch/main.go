// Becomes another program in another process's surroundings: `launch SETTINGS PROGRAM ARGUMENT...`, settings as JSON.
//
// It replaces itself without a child in between, so that the process the agent started is the program itself, dies with
// the agent, and is in the right control groups before the program's first instruction.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"syscall"
)

type settings struct {
	// Files of namespaces, such as /proc/7/ns/net.
	Network string `json:"network"`
	Mounts  string `json:"mounts"`
	// Folders of control groups.
	Cgroups        []string `json:"cgroups"`
	OomScoreAdjust *int     `json:"oomScoreAdjust"`
	UserID         *int     `json:"userId"`
	GroupID        *int     `json:"groupId"`
	// The process that it shall not outlive; 0: none.
	Parent int `json:"parent"`
}

const (
	cannotLaunch   = 125
	prSetDeathsig  = 1
	searchedAlways = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
)

// The number of the system call by processor; the standard library does not name it.
var sysSetns = map[string]uintptr{"amd64": 308, "arm64": 268}[runtime.GOARCH]

func init() {
	// Namespaces and users belong to a thread: all is done on the first one.
	runtime.LockOSThread()
}

func main() {
	if len(os.Args) < 3 {
		fail("usage: launch SETTINGS PROGRAM ARGUMENT...")
	}
	var wanted settings
	if err := json.Unmarshal([]byte(os.Args[1]), &wanted); err != nil {
		fail("cannot read the settings: %v", err)
	}
	joinCgroups(wanted)
	enterNamespaces(wanted)
	program := find(os.Args[2])
	become(wanted)
	dieWith(wanted.Parent)
	err := syscall.Exec(program, os.Args[2:], os.Environ())
	fail("cannot run %s: %v", program, err)
}

// Control groups first: once in another mount namespace, their files are elsewhere.
func joinCgroups(wanted settings) {
	for _, folder := range wanted.Cgroups {
		write(filepath.Join(folder, "cgroup.procs"), "0")
	}
	if wanted.OomScoreAdjust != nil {
		write("/proc/self/oom_score_adj", strconv.Itoa(*wanted.OomScoreAdjust))
	}
}

func enterNamespaces(wanted settings) {
	for _, each := range []struct {
		file string
		flag uintptr
	}{{wanted.Network, syscall.CLONE_NEWNET}, {wanted.Mounts, syscall.CLONE_NEWNS}} {
		if each.file == "" {
			continue
		}
		namespace, err := syscall.Open(each.file, syscall.O_RDONLY|syscall.O_CLOEXEC, 0)
		if err != nil {
			fail("cannot open %s: %v", each.file, err)
		}
		if each.flag == syscall.CLONE_NEWNS {
			// A mount namespace is only entered by who shares root and working folder with no other thread.
			if err := syscall.Unshare(syscall.CLONE_FS); err != nil {
				fail("cannot leave the other threads: %v", err)
			}
		}
		if _, _, code := syscall.RawSyscall(sysSetns, uintptr(namespace), each.flag, 0); code != 0 {
			fail("cannot enter %s: %v", each.file, code)
		}
	}
}

func find(name string) string {
	if os.Getenv("PATH") == "" {
		os.Setenv("PATH", searchedAlways)
	}
	program, err := exec.LookPath(name)
	if err != nil {
		fail("cannot find %s: %v", name, err)
	}
	return program
}

func become(wanted settings) {
	if wanted.GroupID != nil {
		call("leave the groups", syscall.SYS_SETGROUPS, 0)
		call("become the group", syscall.SYS_SETGID, uintptr(*wanted.GroupID))
	}
	if wanted.UserID != nil {
		call("become the user", syscall.SYS_SETUID, uintptr(*wanted.UserID))
	}
}

// After the change of user, which would clear it; a parent that died before was not noticed by the kernel.
func dieWith(parent int) {
	if parent == 0 {
		return
	}
	if _, _, code := syscall.RawSyscall(syscall.SYS_PRCTL, prSetDeathsig, uintptr(syscall.SIGKILL), 0); code != 0 {
		fail("cannot ask to die with the agent: %v", code)
	}
	if os.Getppid() != parent {
		fail("the agent died")
	}
}

func call(what string, number uintptr, argument uintptr) {
	if _, _, code := syscall.RawSyscall(number, argument, 0, 0); code != 0 {
		fail("cannot %s: %v", what, code)
	}
}

func write(path, text string) {
	file, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err == nil {
		_, err = file.WriteString(text)
		file.Close()
	}
	if err != nil {
		fail("cannot write %s: %v", path, err)
	}
}

func fail(format string, values ...any) {
	fmt.Fprintf(os.Stderr, "launch: "+format+"\n", values...)
	os.Exit(cannotLaunch)
}
