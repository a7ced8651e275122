package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"runtime"
	"syscall"

	"gazpacho/pkg/worker"
)

// Exit codes that mediasoup's libraries know, besides exitSettings.
const (
	exitChannel     = 40
	exitEnvironment = 41
)

// What a library sets, and where it reads and writes: it writes to the worker's descriptor 3, and reads from 4.
const (
	versionVariable = "MEDIASOUP_VERSION"
	schemaVariable  = "MEDIASOUP_FBS_DIR"
	libraryIn       = 3
	libraryOut      = 4
)

// channelError is a channel that cannot be used.
type channelError struct{ error }

// environmentError is a variable that every library sets, and is not.
type environmentError struct{ error }

// isDropIn tells whether a mediasoup library started this process: it says which version it is, and names no channel.
func isDropIn(args []string) bool {
	ours := false
	for _, arg := range args {
		switch name := optionName(arg); name {
		case "channel", "help", "h", "version", "v":
			return false
		default:
			option, _ := findOption(name)
			ours = ours || option != ""
		}
	}
	return ours || os.Getenv(versionVariable) != ""
}

// dropIn is the life of a worker for a mediasoup library.
func dropIn(ctx context.Context, args []string) error {
	if os.Getenv(versionVariable) == "" {
		return environmentError{errors.New(versionVariable + " is not set: is this process started by a mediasoup library?")}
	}
	in, err := descriptor(libraryIn)
	if err != nil {
		return err
	}
	out, err := descriptor(libraryOut)
	if err != nil {
		return err
	}
	s, err := parseLibraryArgs(args)
	if err != nil {
		return err
	}
	library, err := s.open(in, out)
	if err != nil {
		return err
	}
	var level slog.LevelVar
	level.Set(s.level)
	if os.Getenv("GOMAXPROCS") == "" {
		runtime.GOMAXPROCS(min(2, runtime.NumCPU()))
	}
	s.Library, s.Version, s.Log, s.Level = library, version, slog.New(library.LogHandler(&level)), &level
	releaseFile()
	return worker.Run(ctx, s.Config)
}

// descriptor opens one of the library's two byte streams, a socket or a pipe. It is read and written without occupying a thread, and it is not for
// processes that this one might start.
func descriptor(fd int) (*os.File, error) {
	var about syscall.Stat_t
	err := syscall.Fstat(fd, &about)
	// What was not passed on may be a descriptor of Go's runtime by now.
	if kind := about.Mode & syscall.S_IFMT; err == nil && kind != syscall.S_IFSOCK && kind != syscall.S_IFIFO {
		err = errors.New("is neither a socket nor a pipe")
	}
	if err == nil {
		err = syscall.SetNonblock(fd, true)
	}
	if err != nil {
		return nil, channelError{fmt.Errorf("descriptor %d: %w", fd, err)}
	}
	syscall.CloseOnExec(fd)
	return os.NewFile(uintptr(fd), fmt.Sprintf("channel-%d", fd)), nil
}
