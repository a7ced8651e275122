package main

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strconv"
	"strings"

	"gazpacho/pkg/worker"
)

// libraryOptions are what a library may say on the command line, and the directory of its schema, which a wrapper or custom arguments add. Those with
// true are heeded; the others were for the inside of another worker.
var libraryOptions = map[string]bool{
	"logLevel": true, "logTags": false, "rtcMinPort": true, "rtcMaxPort": true, "dtlsCertificateFile": true, "dtlsPrivateKeyFile": true,
	"libwebrtcFieldTrials": false, "disableLiburing": false, "useBuiltInSctpStack": false, schemaOption: true,
}

const schemaOption = "mediasoup-fbs"

// Ports where a listen info names neither a port nor a range.
const (
	defaultMinPort = 10_000
	defaultMaxPort = 59_999
)

// optionName is what stands between one or two dashes and the value, or nothing.
func optionName(arg string) string {
	if !strings.HasPrefix(arg, "-") {
		return ""
	}
	name, _, _ := strings.Cut(strings.TrimPrefix(strings.TrimPrefix(arg, "-"), "-"), "=")
	return name
}

// findOption finds an option by its name or by any beginning of it that no other has, as getopt_long_only(3) does: --logTag is --logTags.
func findOption(name string) (string, error) {
	if _, ok := libraryOptions[name]; ok {
		return name, nil
	}
	found := ""
	for option := range libraryOptions {
		if name == "" || !strings.HasPrefix(option, name) {
			continue
		}
		if found != "" {
			return "", fmt.Errorf("%q is the beginning of two options", name)
		}
		found = option
	}
	if found == "" {
		return "", fmt.Errorf("there is no option %q", name)
	}
	return found, nil
}

// librarySettings are a library's arguments after they were checked.
type librarySettings struct {
	worker.Config
	level            slog.Level
	minPort, maxPort uint16
	schema           string // directory, or empty
}

func settingError(name string, format string, args ...any) error {
	return &worker.SettingError{Setting: name, Err: fmt.Errorf(format, args...)}
}

// splitLibraryArgs reads options and their values. Arguments that are no options mean nothing, and nothing after -- does.
func splitLibraryArgs(args []string) (map[string]string, error) {
	values := map[string]string{}
	for i := 0; i < len(args) && args[i] != "--"; i++ {
		if !strings.HasPrefix(args[i], "-") || args[i] == "-" {
			continue
		}
		option, err := findOption(optionName(args[i]))
		if err != nil {
			return nil, &worker.SettingError{Setting: "arguments", Err: err}
		}
		_, value, ok := strings.Cut(args[i], "=")
		if !ok && option == schemaOption && i+1 < len(args) {
			i++
			value, ok = args[i], true
		}
		if !ok {
			return nil, settingError(option, "has no value")
		}
		values[option] = value
	}
	return values, nil
}

// parseLibraryArgs checks the arguments. Errors are *worker.SettingError.
func parseLibraryArgs(args []string) (*librarySettings, error) {
	values, err := splitLibraryArgs(args)
	if err != nil {
		return nil, err
	}
	s := &librarySettings{level: slog.LevelError, schema: values[schemaOption]}
	if s.schema == "" {
		s.schema = os.Getenv(schemaVariable)
	}
	if name, ok := values["logLevel"]; ok {
		name = strings.ToLower(name)
		level, known := worker.ParseLevel(name)
		if !known || name == "info" {
			return nil, settingError("logLevel", "%q is not debug, warn, error or none", name)
		}
		s.level = level
	}
	if s.minPort, s.maxPort, err = portRange(values); err != nil {
		return nil, err
	}
	s.Certificate, err = worker.LoadCertificate(values["dtlsCertificateFile"], values["dtlsPrivateKeyFile"])
	return s, err
}

// portRange reads the ports, which are taken modulo 65536 as ever.
func portRange(values map[string]string) (least, most uint16, err error) {
	least, most = defaultMinPort, defaultMaxPort
	for name, port := range map[string]*uint16{"rtcMinPort": &least, "rtcMaxPort": &most} {
		text, ok := values[name]
		if !ok {
			continue
		}
		n, err := strconv.ParseInt(text, 10, 32)
		if err != nil {
			return 0, 0, settingError(name, "%q is no number", text)
		}
		*port = uint16(n)
	}
	if most < least {
		return 0, 0, settingError("rtcMaxPort", "%d is less than rtcMinPort, %d", most, least)
	}
	return least, most, nil
}

// open finds the library's schema and opens its channel.
func (s *librarySettings) open(in, out *os.File) (*worker.Library, error) {
	dir := s.schema
	if dir == "" {
		var err error
		if dir, err = findSchema(os.Getenv(versionVariable)); err != nil {
			return nil, &worker.SettingError{Setting: schemaOption, Err: err}
		}
	}
	return worker.OpenLibrary(worker.LibraryConfig{In: in, Out: out, Schema: dir, MinPort: s.minPort, MaxPort: s.maxPort})
}

// libraryExit is the code for an error of dropIn. That a library is gone is no fault.
func libraryExit(err error) int {
	var environment environmentError
	var channel channelError
	switch {
	case errors.As(err, &environment):
		return exitEnvironment
	case errors.As(err, &channel), worker.IsProtocolError(err):
		return exitChannel
	case worker.IsLibraryGone(err) && !worker.IsPanic(err):
		return 0
	}
	return exitCode(err)
}
