package main

import (
	"github.com/spf13/cobra"
)

// exampleIntroduction begins the example file.
const exampleIntroduction = `Settings of Gazpacho's controller, each with its default. Take out the # before those that you change.

Start it with: controller --config gazpacho.yaml. Flags and variables of the environment have the same names, such as --rtc-port and GAZPACHO_RTC_PORT, and go before what is said here. ` +
	"`controller config --config gazpacho.yaml`" + ` checks this file and shows what holds in the end.`

// configCommand prints settings. They are printed before they are checked: who has to find a mistake wants to see where each came
// from. The check is that of the start, without its effects.
func configCommand(cfg *config) *cobra.Command {
	var example bool
	c := &cobra.Command{
		Use:   "config",
		Short: "print the effective settings and where each came from, or an example file",
		Long: `Prints the settings that the controller would start with, as a YAML file, each with the place that it
came from, and checks them. Secrets are hidden.`,
		Example: `  controller config --config gazpacho.yaml
  controller config --example >gazpacho.yaml`,
		Args: noArgs,
	}
	c.Flags().BoolVar(&example, "example", false, "print a file with all settings, their help and their defaults, commented out")
	c.RunE = func(c *cobra.Command, _ []string) error {
		if example {
			return cfg.Set.WriteExample(c.OutOrStdout(), exampleIntroduction)
		}
		if err := cfg.Set.WriteEffective(c.OutOrStdout()); err != nil {
			return err
		}
		s, err := cfg.check()
		for _, warning := range s.warnings {
			c.PrintErrln("warning:", warning)
		}
		return err
	}
	return c
}
