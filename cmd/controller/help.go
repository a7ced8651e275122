package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"gazpacho/pkg/settings"
)

// helpWidth is the width of the help, in columns.
const helpWidth = 100

// setHelp makes the help of a command and of those below it. Cobra's own would print all flags in one heap, and once more for each
// command.
func setHelp(c *cobra.Command, set *settings.Set) {
	usage := func(c *cobra.Command, w io.Writer) {
		if c.HasParent() {
			fmt.Fprintf(w, "Usage:\n  %s [flags]\n\nExamples:\n%s\n\nFlags:\n%s", c.CommandPath(), c.Example, c.LocalFlags().FlagUsagesWrapped(helpWidth))
			fmt.Fprintf(w, "\nAll settings of `%s --help` may be given as well.\n", c.Root().Name())
			return
		}
		fmt.Fprintf(w, "Usage:\n  %s [flags]\n  %s command [flags]\n\nCommands:\n", c.Name(), c.Name())
		for _, sub := range c.Commands() {
			if !sub.Hidden {
				fmt.Fprintf(w, "  %-8s %s\n", sub.Name(), sub.Short)
			}
		}
		fmt.Fprintf(w, "\nExamples:\n%s\n", c.Example)
		set.WriteUsage(w, helpWidth)
		fmt.Fprintf(w, "\nOther:\n  -h, --help      this text\n  -v, --version   the version\n")
	}
	c.SetUsageFunc(func(c *cobra.Command) error {
		usage(c, c.OutOrStderr())
		return nil
	})
	c.SetHelpFunc(func(c *cobra.Command, _ []string) {
		fmt.Fprintf(c.OutOrStdout(), "%s\n\n", c.Long)
		usage(c, c.OutOrStdout())
	})
}
