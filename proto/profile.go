package proto

// Profiles that worker.getProfile takes. The first three take their time, the others are of the moment.
const (
	ProfileCPU       = "cpu"
	ProfileMutex     = "mutex"
	ProfileBlock     = "block"
	ProfileHeap      = "heap"
	ProfileAllocs    = "allocs"
	ProfileGoroutine = "goroutine"
)

// GetProfile is the body of worker.getProfile. Kind is cpu, mutex or block, which are observed for 1 to 60 Seconds and one at a time; or
// heap, allocs or goroutine, which are of the moment, with Seconds absent.
type GetProfile struct {
	Kind    string `json:"kind" needed:"true" enum:"cpu,mutex,block,heap,allocs,goroutine"`
	Seconds int    `json:"seconds,omitempty" min:"0" max:"60"`
}

// Profile is the answer of worker.getProfile. Data is what `go tool pprof` reads.
type Profile struct {
	Data Blob `json:"data"`
}
