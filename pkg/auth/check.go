package auth

// Check finds what is wrong with a configuration before anything is read. Errors are *ConfigError.
func (c Config) Check() error {
	_, err := c.complete()
	return err
}
