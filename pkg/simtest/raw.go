package simtest

import (
	"context"
	"crypto"
	"crypto/tls"
	"crypto/x509"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pion/dtls/v2"
	"github.com/pion/dtls/v2/pkg/crypto/fingerprint"
	"github.com/pion/dtls/v2/pkg/crypto/selfsign"
	"github.com/pion/stun/v3"

	"gazpacho/pkg/rtp"
	"gazpacho/pkg/srtp"
	"gazpacho/proto"
)

// Raw is a WebRTC client of one UDP socket that has no opinion on what is well-formed: what it sends is authentic, and as wrong as the test
// wants it. It is a DTLS client.
type Raw struct {
	Transport proto.WebRTCTransportDump
	Conn      *net.UDPConn
	DTLS      *dtls.Conn // once connected; carries SCTP

	Media, Control, Records, Answers atomic.Uint64 // datagrams received, by protocol: SRTP, SRTCP, DTLS, STUN

	t        testing.TB
	w        *Worker
	local    string // the client's own ICE user name fragment
	record   func(datagram []byte)
	island   net.Conn    // the DTLS library's datagrams
	shaking  atomic.Bool // there is a library
	mu       sync.Mutex
	session  *srtp.Session
	packet   []byte
	sections int
	closed   chan struct{}
	once     sync.Once
	reader   sync.WaitGroup
}

// RawOptions shape a Raw.
type RawOptions struct {
	Data    bool                  // the worker's transport has SCTP
	Consent int                   // the worker's consent timeout in seconds; 0 is its own
	Record  func(datagram []byte) // is given all that is received; may be nil
	Sent    func(datagram []byte) // is given all that DTLS sends; may be nil
}

// NewRaw makes a transport in a router and a client for it, which has sent nothing.
func NewRaw(w *Worker, routerID, serverID string, o RawOptions) *Raw {
	w.t.Helper()
	options := proto.WebRTCTransportOptions{
		TransportID: w.ID("transport"), WebRTCServerID: serverID, SCTPOptions: proto.SCTPOptions{EnableSCTP: o.Data},
	}
	if o.Consent != 0 {
		options.ICEConsentTimeout = &o.Consent
	}
	r := &Raw{
		t: w.t, w: w, local: "raw", record: o.Record, packet: make([]byte, 2000), closed: make(chan struct{}),
		Transport: Request[proto.WebRTCTransportDump](w, proto.RouterCreateWebRTCTransportWithServer, routerID, options),
	}
	c := r.Transport.ICECandidates[0]
	conn, err := net.DialUDP("udp4", nil, &net.UDPAddr{IP: net.ParseIP(c.Address), Port: int(c.Port)})
	if err != nil {
		w.t.Fatal(err)
	}
	_ = conn.SetReadBuffer(1 << 20)
	r.Conn = conn
	ours, theirs := net.Pipe()
	r.island = theirs
	r.reader.Go(r.read)
	r.reader.Go(func() {
		b := make([]byte, 2000)
		for {
			n, err := ours.Read(b)
			if err != nil {
				return
			}
			if o.Sent != nil {
				o.Sent(b[:n])
			}
			r.Send(b[:n])
		}
	})
	deliver := r.record
	r.record = func(b []byte) {
		if deliver != nil {
			deliver(b)
		}
		if r.shaking.Load() && b[0] >= 20 && b[0] <= 63 {
			_, _ = ours.Write(b)
		}
	}
	w.t.Cleanup(r.Close)
	return r
}

// ConnectRaw is NewRaw with ICE and DTLS.
func ConnectRaw(w *Worker, routerID, serverID string, o RawOptions) *Raw {
	w.t.Helper()
	r := NewRaw(w, routerID, serverID, o)
	r.Nominate()
	r.Handshake()
	r.keepAlive()
	return r
}

func (r *Raw) read() {
	b := make([]byte, 2000)
	for {
		n, err := r.Conn.Read(b)
		switch {
		case err != nil:
			select {
			case <-r.closed:
				return
			default: // an ICMP error
				continue
			}
		case n == 0:
			continue
		case b[0] <= 3:
			r.Answers.Add(1)
		case b[0] <= 63:
			r.Records.Add(1)
		case rtp.IsRTCP(b[:n]):
			r.Control.Add(1)
		default:
			r.Media.Add(1)
		}
		r.record(b[:n])
	}
}

// Check is a fresh authentic connectivity check that nominates.
func (r *Raw) Check() []byte {
	ice := r.Transport.ICEParameters
	m, err := stun.Build(stun.BindingRequest, stun.TransactionID, stun.NewUsername(ice.UsernameFragment+":"+r.local),
		stun.RawAttribute{Type: stun.AttrPriority, Value: []byte{0x6e, 0, 0, 0xff}},
		stun.RawAttribute{Type: stun.AttrICEControlling, Value: make([]byte, 8)}, stun.RawAttribute{Type: stun.AttrUseCandidate},
		stun.NewShortTermIntegrity(ice.Password), stun.Fingerprint)
	if err != nil {
		r.t.Fatal(err)
	}
	return m.Raw
}

// Nominate sends checks until one is answered.
func (r *Raw) Nominate() {
	r.t.Helper()
	before := r.Answers.Load()
	for deadline := time.Now().Add(patience); r.Answers.Load() == before; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			r.t.Fatal("no check is answered")
		}
		r.Send(r.Check())
	}
}

// keepAlive sends checks until the client is closed.
func (r *Raw) keepAlive() {
	r.reader.Go(func() {
		tick := time.NewTicker(2 * time.Second)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				r.Send(r.Check())
			case <-r.closed:
				return
			}
		}
	})
}

// Announce gives the worker the fingerprint that the client's certificate is to have.
func (r *Raw) Announce(sha256 string) {
	r.t.Helper()
	Request[proto.ConnectWebRTCTransportResult](r.w, proto.WebRTCTransportConnect, r.Transport.ID, proto.ConnectWebRTCTransport{
		DTLSParameters: proto.DTLSParameters{Role: "client", Fingerprints: []proto.DTLSFingerprint{{Algorithm: "sha-256", Value: sha256}}},
	})
}

// Certify makes a certificate and announces it.
func (r *Raw) Certify() tls.Certificate {
	r.t.Helper()
	certificate, err := selfsign.GenerateSelfSigned()
	if err != nil {
		r.t.Fatal(err)
	}
	r.Announce(fingerprintOf(r.t, certificate))
	return certificate
}

// Handshake announces a certificate and runs DTLS.
func (r *Raw) Handshake() {
	r.t.Helper()
	if err := r.Shake(r.Certify(), patience); err != nil {
		r.t.Fatalf("handshake: %v", err)
	}
}

// Shake runs DTLS with a certificate, which need not be the one announced.
func (r *Raw) Shake(certificate tls.Certificate, atMost time.Duration) error {
	r.shaking.Store(true)
	ctx, cancel := context.WithTimeout(context.Background(), atMost)
	defer cancel()
	conn, err := dtls.ClientWithContext(ctx, r.island, &dtls.Config{
		Certificates: []tls.Certificate{certificate}, InsecureSkipVerify: true, FlightInterval: 200 * time.Millisecond,
		SRTPProtectionProfiles: []dtls.SRTPProtectionProfile{dtls.SRTP_AEAD_AES_128_GCM}, ExtendedMasterSecret: dtls.RequireExtendedMasterSecret,
	})
	if err != nil {
		return err
	}
	r.DTLS = conn
	return r.keys()
}

// keys makes the SRTP session (RFC 5764 section 4.2).
func (r *Raw) keys() error {
	const key, salt = 16, 12
	state := r.DTLS.ConnectionState()
	m, err := state.ExportKeyingMaterial("EXTRACTOR-dtls_srtp", nil, 2*(key+salt))
	if err != nil {
		return err
	}
	client, server, salts := m[:key], m[key:2*key], m[2*key:]
	profile, _ := srtp.ParseProfile("AEAD_AES_128_GCM")
	session, err := srtp.NewSession(profile, client, salts[:salt], server, salts[salt:])
	if err != nil {
		return err
	}
	r.mu.Lock()
	r.session = session
	r.mu.Unlock()
	return nil
}

// Send sends a datagram as it is.
func (r *Raw) Send(b []byte) { _, _ = r.Conn.Write(b) }

// Close leaves without a word: not even DTLS says goodbye.
func (r *Raw) Close() {
	r.once.Do(func() {
		close(r.closed)
		r.Conn.Close()
		r.island.Close()
	})
	r.reader.Wait()
}

func fingerprintOf(t testing.TB, c tls.Certificate) string {
	t.Helper()
	parsed, err := x509.ParseCertificate(c.Certificate[0])
	if err != nil {
		t.Fatal(err)
	}
	f, err := fingerprint.Fingerprint(parsed, crypto.SHA256)
	if err != nil {
		t.Fatal(err)
	}
	return f
}
