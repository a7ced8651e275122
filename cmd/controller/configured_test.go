package main

import "testing"

// configured is testConfig with settings from the environment and the command line, as main takes them.
func configured(t *testing.T, environ []string, args ...string) config {
	t.Helper()
	cfg := newConfig()
	if err := cfg.Set.Flags().Parse(args); err != nil {
		t.Fatal(err)
	}
	if err := cfg.Set.Load(environ); err != nil {
		t.Fatal(err)
	}
	test := testConfig(t)
	cfg.Listen, cfg.AdminListen, cfg.RTCListen, cfg.RTCPort = test.Listen, test.AdminListen, test.RTCListen, test.RTCPort
	cfg.Workers, cfg.WorkerBin, cfg.DataDir, cfg.Version = test.Workers, test.WorkerBin, test.DataDir, test.Version
	return *cfg
}
