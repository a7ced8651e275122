package socket

import (
	"errors"
	"syscall"
)

// isUnreachable tells errors that the network caused, by ICMP or by routing, from the system's own.
func isUnreachable(err error) bool {
	var errno syscall.Errno
	return errors.As(err, &errno) && unreachable(errno)
}

func unreachable(errno syscall.Errno) bool {
	switch errno {
	case syscall.ECONNREFUSED, syscall.EHOSTUNREACH, syscall.ENETUNREACH, syscall.EHOSTDOWN,
		syscall.ENETDOWN, syscall.EADDRNOTAVAIL, syscall.EAFNOSUPPORT,
		// A firewall rule, and a broadcast address.
		syscall.EPERM, syscall.EACCES,
		// An address of another family or with port 0.
		syscall.EINVAL:
		return true
	}
	return false
}
