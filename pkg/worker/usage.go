package worker

import (
	"syscall"

	"gazpacho/proto"
)

// resourceUsage is getrusage(2) of this process.
func resourceUsage() (any, *proto.Error) {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return nil, proto.Failed(proto.CodeInternal, "getrusage: %s", err)
	}
	return proto.ResourceUsage{
		UTime: milliseconds(u.Utime), STime: milliseconds(u.Stime), MaxRSS: uint64(u.Maxrss),
		IxRSS: uint64(u.Ixrss), IdRSS: uint64(u.Idrss), IsRSS: uint64(u.Isrss),
		MinFlt: uint64(u.Minflt), MajFlt: uint64(u.Majflt), NSwap: uint64(u.Nswap),
		InBlock: uint64(u.Inblock), OuBlock: uint64(u.Oublock),
		MsgSnd: uint64(u.Msgsnd), MsgRcv: uint64(u.Msgrcv), NSignals: uint64(u.Nsignals),
		NVCSw: uint64(u.Nvcsw), NIvCSw: uint64(u.Nivcsw),
	}, nil
}

func milliseconds(t syscall.Timeval) uint64 { return uint64(t.Nano() / 1e6) }
