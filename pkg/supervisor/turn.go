package supervisor

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"sync"
	"time"

	"gazpacho/proto"
)

// tellTimeout bounds how long a worker takes to hear how to relay: one that takes longer is about to be replaced.
const tellTimeout = 5 * time.Second

// turnSettings are the settings that say the fields of proto.TURNSettings, by the names that workers have for those that are wrong.
var turnSettings = map[string]string{
	"listen": "turn-listen", "realm": "turn-realm", "users": "turn-user", "secrets": "turn-secret", "relayAddresses": "turn-relay-address",
	"minPort": "turn-relay-ports", "maxPort": "turn-relay-ports", "maxLifetime": "turn-max-lifetime", "nonceLifetime": "turn-nonce-lifetime",
	"allowPeers": "turn-allow-peer", "denyPeers": "turn-deny-peer", "certificate": "turn-tls-cert", "key": "turn-tls-key",
	"quotas": "turn-total-quota", "quotas.perUser": "turn-user-quota", "quotas.perIp": "turn-ip-quota", "quotas.total": "turn-total-quota",
	"quotas.bitrate": "turn-max-bitrate", "quotas.packetRate": "turn-max-packet-rate",
}

// turnError blames the setting that keeps a worker from relaying.
func turnError(err error) error {
	var refused *proto.Error
	if errors.As(err, &refused) && turnSettings[refused.Path] != "" {
		return &SettingError{Setting: turnSettings[refused.Path], Err: errors.New(refused.Message)}
	}
	return fmt.Errorf("a worker does not relay: %w", err)
}

// relaying is what a worker was told about TURN.
type relaying struct {
	media []string // where it takes media: addresses with ports, as clients call them

	mu   sync.Mutex // held while it is told, so that what it hears last is what is newest
	told proto.TURNSettings
}

// findMedia asks where a worker takes media, which the relays of the others lead to.
func (s *Supervisor) findMedia(ctx context.Context, w *Worker) error {
	if s.relays() == nil {
		return nil
	}
	dump, err := w.Server.Dump(ctx)
	if err == nil {
		w.relaying.media, err = s.cfg.RTC.mediaPorts(dump.UDPSockets)
	}
	return err
}

// relay has a worker that has just started relay for clients, if workers do.
func (s *Supervisor) relay(ctx context.Context, w *Worker) error {
	if s.relays() == nil {
		return nil
	}
	if s.cfg.TURNEvent != nil {
		w.ObserveTURN(func(name string, e proto.TURNEvent) { s.cfg.TURNEvent(w.Slot, name, e) })
	}
	if err := s.tell(ctx, w); err != nil {
		return turnError(err)
	}
	return nil
}

// relays is how workers relay now; nil: they do not.
func (s *Supervisor) relays() *proto.TURNSettings {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.turn
}

// UpdateTURN changes how workers relay: those that run, and those that will. Where they listen stays. It returns why a worker refuses.
func (s *Supervisor) UpdateTURN(ctx context.Context, settings proto.TURNSettings) error {
	s.mu.Lock()
	s.turn = &settings
	s.mu.Unlock()
	return s.tellAll(ctx)
}

// tellAll tells all workers what has changed for them: each lets its clients reach the media of all others, whose ports are known once they run.
func (s *Supervisor) tellAll(ctx context.Context) error {
	if s.relays() == nil {
		return nil
	}
	var all sync.WaitGroup
	var mu sync.Mutex
	var failed error
	for _, w := range s.Running() {
		all.Go(func() {
			if err := s.tell(ctx, w); err != nil && w.Err() == nil && ctx.Err() == nil {
				mu.Lock()
				defer mu.Unlock()
				failed = errors.Join(failed, turnError(err))
			}
		})
	}
	all.Wait()
	return failed
}

// watch is the life of a worker that runs. That it does is news to all who relay.
func (s *Supervisor) watch(ctx context.Context, p *process) error {
	telling, cancel := context.WithCancel(ctx)
	var told sync.WaitGroup
	defer told.Wait()
	defer cancel()
	told.Go(func() {
		if err := s.tellAll(telling); err != nil {
			s.cfg.Log.Error("clients of one worker cannot be relayed to the media of another", "slot", p.worker.Slot, "error", err)
		}
	})
	return p.watch(ctx)
}

// tell tells one worker, unless it knows.
func (s *Supervisor) tell(ctx context.Context, w *Worker) error {
	w.relaying.mu.Lock()
	defer w.relaying.mu.Unlock()
	settings := *s.relays()
	settings.MediaPorts = s.mediaOfOthers(w)
	if len(settings.RelayAddresses) == 0 {
		var err error
		if settings.RelayAddresses, err = s.cfg.RTC.relayAddresses(); err != nil {
			return err
		}
	}
	if reflect.DeepEqual(settings, w.relaying.told) {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, tellTimeout)
	defer cancel()
	err := w.UpdateTURN(ctx, settings)
	if err == nil {
		w.relaying.told = settings
	}
	return err
}

// mediaOfOthers is the media ports of all workers but one, in order.
func (s *Supervisor) mediaOfOthers(w *Worker) []string {
	var list []string
	for _, other := range s.Running() {
		if other.Slot != w.Slot {
			list = append(list, other.relaying.media...)
		}
	}
	slices.Sort(list)
	return list
}
