package main

import (
	"fmt"
	"io"
	"runtime"

	"github.com/spf13/cobra"
)

// helpWidth is the width of the help, in columns.
const helpWidth = 100

// addFlags defines the flags in groups, which the help keeps apart.
func addFlags(c *cobra.Command, cfg *config) {
	groups := []struct {
		title string
		flags *cobra.Command // only its set of flags is used
	}{{"Page and signaling", &cobra.Command{}}, {"Media", &cobra.Command{}}, {"Workers and files", &cobra.Command{}}, {"Log", &cobra.Command{}}}
	f := groups[0].flags.Flags()
	f.StringVar(&cfg.Listen, "listen", ":4443", "`address` of the HTTPS port")
	f.StringVar(&cfg.TLSCert, "tls-cert", "", "PEM `file` with the certificate and its chain; without one a self-signed certificate is made and kept")
	f.StringVar(&cfg.TLSKey, "tls-key", "", "PEM `file` with its key")
	f = groups[1].flags.Flags()
	f.StringSliceVar(&cfg.RTCListen, "rtc-listen", []string{"0.0.0.0", "::"},
		"`addresses` that workers listen on; 0.0.0.0 and :: stand for all of this machine's")
	f.IntVar(&cfg.RTCPort, "rtc-port", 40000, "`port` of the first worker, UDP and TCP; the next workers have the next ports; 0: any")
	f.StringSliceVar(&cfg.AnnouncedAddresses, "announced-address", nil,
		"`address` or host name that clients are told instead, when this machine is behind NAT; one of each IP version at most")
	f = groups[2].flags.Flags()
	f.IntVar(&cfg.Workers, "workers", runtime.NumCPU(), "`number` of worker processes; the default is the number of CPUs")
	f.StringVar(&cfg.WorkerBin, "worker-bin", "", "the worker `program` (default: worker, beside this program)")
	f.StringVar(&cfg.DataDir, "data-dir", "", "`directory` for what is kept, such as the certificate (default: "+defaultDataDirHelp+")")
	f = groups[3].flags.Flags()
	f.StringVar(&cfg.LogLevel, "log-level", "info", "debug, info, warn, error or none")
	f.StringVar(&cfg.LogFormat, "log-format", "text", "text or json, on standard error")
	for _, g := range groups {
		g.flags.Flags().SortFlags = false
		c.Flags().AddFlagSet(g.flags.Flags())
	}
	usage := func(w io.Writer) {
		fmt.Fprintf(w, "Usage:\n  %s [flags]\n\nExamples:\n%s\n", c.Name(), c.Example)
		for _, g := range groups {
			fmt.Fprintf(w, "\n%s:\n%s", g.title, g.flags.Flags().FlagUsagesWrapped(helpWidth))
		}
		fmt.Fprintf(w, "\nOther:\n  -h, --help      this text\n  -v, --version   the version\n")
	}
	c.SetUsageFunc(func(c *cobra.Command) error {
		usage(c.OutOrStderr())
		return nil
	})
	c.SetHelpFunc(func(c *cobra.Command, _ []string) {
		fmt.Fprintf(c.OutOrStdout(), "%s\n\n", c.Long)
		usage(c.OutOrStdout())
	})
}
