package supervisor

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"time"

	"gazpacho/pkg/channel"
	"gazpacho/pkg/control"
	"gazpacho/proto"
)

const (
	startTimeout = 10 * time.Second // from exec to bound sockets
	endTimeout   = 2 * time.Second  // from being asked to end to being killed
	maxLine      = 16 << 10         // of a worker's output; longer ones are cut into several
	exitSettings = 42               // of a worker: its settings are wrong
)

// process is one worker process.
type process struct {
	cmd    *exec.Cmd
	worker *Worker
	exited chan struct{} // closed when the process is gone and its output read
	err    error         // how it ended; once exited is closed
	last   lastLine
}

// start runs a worker until it is ready.
func (s *Supervisor) start(ctx context.Context, slot int) (*process, error) {
	infos, err := s.cfg.RTC.listenInfos(slot)
	if err != nil {
		return nil, err
	}
	conn, theirs, err := channel.Pair()
	if err != nil {
		return nil, err
	}
	p := &process{exited: make(chan struct{})}
	err = p.spawn(s.cfg, slot, theirs)
	theirs.Close()
	if err != nil {
		conn.Close()
		return nil, &SettingError{Setting: "worker-bin", Err: err}
	}
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	w, err := control.Attach(ctx, conn, control.Options{Epoch: 1, Software: "gazpacho"})
	if err != nil {
		p.kill()
		return nil, p.startError(ctx, err)
	}
	p.worker = &Worker{Worker: w, Slot: slot, Plain: plain(infos)}
	if err := s.open(ctx, p.worker, infos); err != nil {
		p.end(false)
		return nil, err
	}
	return p, nil
}

// open has a worker open its sockets. It relays first: what it opens then is shared with relays.
func (s *Supervisor) open(ctx context.Context, w *Worker, infos []proto.ListenInfo) (err error) {
	if err := s.relay(ctx, w); err != nil {
		return err
	}
	if w.Server, err = w.CreateWebRTCServer(ctx, infos); err != nil {
		return rtcError(err)
	}
	return s.findMedia(ctx, w)
}

// spawn starts the process and the goroutine that waits for its end.
func (p *process) spawn(cfg Config, slot int, theirs *os.File) error {
	p.cmd = exec.Command(cfg.WorkerBin, append([]string{"--channel", "fd:3", "--detach-grace", "0"}, cfg.Args...)...)
	p.cmd.ExtraFiles = []*os.File{theirs}
	// Its own group: an interrupt from the terminal is ours to hand on, in order.
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	output, input, err := os.Pipe()
	if err != nil {
		return err
	}
	p.cmd.Stdout, p.cmd.Stderr = input, input
	err = p.cmd.Start()
	input.Close()
	if err != nil {
		output.Close()
		return err
	}
	go func() {
		p.read(output, func(line string) {
			if cfg.Output != nil {
				cfg.Output(slot, line)
			}
		})
		output.Close()
		p.err = p.cmd.Wait()
		close(p.exited)
	}()
	return nil
}

// read hands on the process's output line by line until its end.
func (p *process) read(output io.Reader, line func(string)) {
	r := bufio.NewReaderSize(output, maxLine)
	for {
		b, _, err := r.ReadLine()
		if err != nil {
			return
		}
		if text := strings.TrimRight(string(b), " \r"); text != "" {
			p.last.set(text)
			line(text)
		}
	}
}

// watch returns when the worker is dead, with the reason, or when ctx ends.
func (p *process) watch(ctx context.Context) error {
	heard := make(chan struct{}, 1)
	beats := time.NewTicker(beatEvery)
	defer beats.Stop()
	pulse := newPulse(time.Now())
	life, cancel := context.WithCancel(ctx)
	var ask sync.WaitGroup
	defer ask.Wait()
	defer cancel()
	for asking := false; ; {
		if !asking {
			asking = true
			ask.Go(func() {
				if _, err := p.worker.ResourceUsage(life); err == nil {
					heard <- struct{}{}
				}
			})
		}
		select {
		case <-beats.C:
			answered := false
			select {
			case <-heard:
				answered, asking = true, false
			default:
			}
			if pulse.beat(time.Now(), answered, cpuTimeOf(p.cmd.Process.Pid)) {
				return errSilent
			}
		case <-p.exited:
			return p.exitError()
		case <-p.worker.Done():
			return p.doneError()
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// doneError is why the channel ended; most often the process is ending, which tells more.
func (p *process) doneError() error {
	select {
	case <-p.exited:
		return p.exitError()
	case <-time.After(50 * time.Millisecond):
		return p.worker.Err()
	}
}

func (p *process) exitError() error {
	if p.err == nil {
		return errExited
	}
	return p.err
}

// end makes sure that nothing is left of the process. Friendly asks it first.
func (p *process) end(friendly bool) {
	if !friendly {
		p.kill()
		p.worker.Detach()
		return
	}
	p.worker.Close()
	select {
	case <-p.exited:
	case <-time.After(endTimeout):
		p.kill()
	}
}

func (p *process) kill() {
	_ = p.cmd.Process.Kill() // it may be gone
	<-p.exited
}

// startError explains why a worker did not come up: its own last words are worth more than ours.
func (p *process) startError(ctx context.Context, err error) error {
	var exit *exec.ExitError
	if errors.As(p.err, &exit) && exit.ExitCode() == exitSettings {
		return &SettingError{Setting: "worker", Err: errors.New(p.last.get())}
	}
	if ctx.Err() != nil {
		return &SettingError{Setting: "worker-bin", Err: fmt.Errorf("%s does not answer as a worker does", p.cmd.Path)}
	}
	if last := p.last.get(); last != "" {
		err = fmt.Errorf("%w; its last words: %s", err, last)
	}
	return &SettingError{Setting: "worker-bin", Err: fmt.Errorf("%s does not start: %w", p.cmd.Path, err)}
}

// rtcError blames the flag that made a worker's sockets impossible.
func rtcError(err error) error {
	var refused *proto.Error
	if !errors.As(err, &refused) || refused.Path == "" {
		return err
	}
	setting := "rtc-listen"
	if refused.Code == proto.CodeBusy {
		setting = "rtc-port"
	}
	return &SettingError{Setting: setting, Err: errors.New(refused.Message)}
}

// lastLine is the newest line of a process's output.
type lastLine struct {
	mu   sync.Mutex
	line string
}

func (l *lastLine) set(line string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.line = line
}

func (l *lastLine) get() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.line
}
