// Package attack sends every bad thing that the list of requirements names while calls run, and holds the calls to what they were before.
package attack
