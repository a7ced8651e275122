package main

import (
	"bufio"
	"os"
	"strconv"
	"strings"
	"syscall"
)

// releaseFile lets go of the pages of the program's file that starting touched: flags, settings, initialisation. What is used again comes back from the
// page cache by itself, 64 KiB at a time, which is less than half of it. Mappings of which anything was written stay as they are.
func releaseFile() {
	executable, err := os.Executable()
	if err != nil {
		return
	}
	f, err := os.Open("/proc/self/smaps")
	if err != nil {
		return
	}
	defer f.Close()
	var mapping extent
	for lines := bufio.NewScanner(f); lines.Scan(); {
		fields := strings.Fields(lines.Text())
		switch {
		case len(fields) >= 5 && !strings.HasSuffix(fields[0], ":"):
			mapping = extent{}
			if len(fields) == 6 && fields[5] == executable && (fields[1] == "r-xp" || fields[1] == "r--p") {
				mapping = parseExtent(fields[0])
			}
		case mapping.to != 0 && fields[0] == "Anonymous:" && fields[1] == "0":
			_, _, _ = syscall.RawSyscall(syscall.SYS_MADVISE, mapping.from, mapping.to-mapping.from, syscall.MADV_DONTNEED) // it is for the better only
		}
	}
}

// extent is the range "from-to", in hexadecimal.
type extent struct{ from, to uintptr }

func parseExtent(addresses string) (e extent) {
	from, to, _ := strings.Cut(addresses, "-")
	start, err := strconv.ParseUint(from, 16, 64)
	end, err2 := strconv.ParseUint(to, 16, 64)
	if err == nil && err2 == nil && end > start {
		e = extent{uintptr(start), uintptr(end)}
	}
	return e
}
