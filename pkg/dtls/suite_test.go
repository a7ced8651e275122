package dtls

import (
	"bytes"
	"crypto/tls"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"

	"github.com/pion/dtls/v2/pkg/protocol/recordlayer"
)

// tap is a net.Conn that keeps what is written to it.
type tap struct {
	net.Conn
	mu    sync.Mutex
	wrote []byte
}

func (t *tap) Write(b []byte) (int, error) {
	t.mu.Lock()
	t.wrote = append(t.wrote, b...)
	t.mu.Unlock()
	return t.Conn.Write(b)
}

// tlsRecords cuts a TLS stream into records.
func tlsRecords(b []byte) (out [][]byte) {
	for len(b) >= 5 {
		n := 5 + int(binary.BigEndian.Uint16(b[3:]))
		out, b = append(out, b[:n]), b[n:]
	}
	return out
}

// asDTLS is a TLS record with its sequence number, the way a DTLS record has it in its header. That is
// all the difference there is for this suite: RFC 7905 section 2 makes nonce and additional data from
// the 64 bits that are the sequence number of TLS, and epoch and number of DTLS.
func asDTLS(record []byte, seq uint64) []byte {
	b := append([]byte(nil), record[:3]...)
	b = binary.BigEndian.AppendUint64(b, seq)
	return append(b, record[3:]...)
}

// The suite makes and opens the very bytes that crypto/tls does, from the same master secret.
func TestSuiteAgainstCryptoTLS(t *testing.T) {
	certsOnce.Do(testCertificates)
	a, b := net.Pipe()
	client, server := &tap{Conn: a}, &tap{Conn: b}
	var keyLog bytes.Buffer
	config := &tls.Config{
		MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{suiteChaCha20}, InsecureSkipVerify: true,
		Certificates: []tls.Certificate{ourCert.pair}, KeyLogWriter: &keyLog,
	}
	const question, answer = "how do you do", "quite well, thank you"
	done := make(chan error, 1)
	go func() {
		s := tls.Server(server, &tls.Config{MaxVersion: tls.VersionTLS12, Certificates: config.Certificates})
		b := make([]byte, 100)
		n, err := s.Read(b)
		if err == nil && string(b[:n]) != question {
			err = fmt.Errorf("read %q", b[:n])
		}
		_, err2 := s.Write([]byte(answer))
		done <- errors.Join(err, err2)
	}()
	c := tls.Client(client, config)
	if _, err := c.Write([]byte(question)); err != nil {
		t.Fatal(err)
	}
	got := make([]byte, 100)
	if n, err := c.Read(got); err != nil || string(got[:n]) != answer {
		t.Fatalf("%q, %v", got[:n], err)
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	_, _ = a.Close(), b.Close()

	fields := strings.Fields(keyLog.String()) // CLIENT_RANDOM, random, master secret
	clientRandom, _ := hex.DecodeString(fields[1])
	master, _ := hex.DecodeString(fields[2])
	fromServer := tlsRecords(server.wrote)
	serverRandom := fromServer[0][5+4+2:][:32]

	for _, tt := range []struct {
		name    string
		records [][]byte
		text    string
		client  bool
	}{
		{"client's", tlsRecords(client.wrote), question, true},
		{"server's", fromServer, answer, false},
	} {
		last := tt.records[len(tt.records)-1]
		sealed := asDTLS(last, 1) // 0 was Finished

		opener := &chacha20{}
		if err := opener.Init(master, clientRandom, serverRandom, !tt.client); err != nil {
			t.Fatal(err)
		}
		plain, err := opener.Decrypt(append([]byte(nil), sealed...))
		if err != nil || string(plain[recordHeader:]) != tt.text {
			t.Errorf("%s record: %q, %v", tt.name, plain, err)
		}

		sealer := &chacha20{}
		if err := sealer.Init(master, clientRandom, serverRandom, tt.client); err != nil {
			t.Fatal(err)
		}
		raw := append(append([]byte(nil), sealed[:11]...), 0, byte(len(tt.text)))
		out, err := sealer.Encrypt(nil, append(raw, tt.text...))
		if err != nil || !bytes.Equal(out, sealed) {
			t.Errorf("%s record: sealed %x, %v, want %x", tt.name, out, err, sealed)
		}
	}
}

// pair is a client's and a server's suite with the same keys.
func suitePair(t *testing.T) (client, server *chacha20) {
	client, server = &chacha20{}, &chacha20{}
	master, random := make([]byte, 48), make([]byte, 32)
	if err := errors.Join(client.Init(master, random, random, true), server.Init(master, random, random, false)); err != nil {
		t.Fatal(err)
	}
	return client, server
}

// RFC 7905 section 2: "The nonce ... 64-bit record sequence number ... padded on the left ... XORed". So a
// record opens under no other epoch, number, type or version than its own.
func TestSuiteBindsTheHeader(t *testing.T) {
	client, server := suitePair(t)
	sealed, err := client.Encrypt(nil, rawRecord(contentData, 1, 5, []byte("text")))
	if err != nil {
		t.Fatal(err)
	}
	if want := recordHeader + 4 + 16; len(sealed) != want {
		t.Errorf("%d bytes, want %d", len(sealed), want)
	}
	for i := range sealed {
		bad := append([]byte(nil), sealed...)
		bad[i] ^= 1
		_, err := server.Decrypt(bad)
		// The length field is bound by the length itself.
		if length := i == 11 || i == 12; (err == nil) != length {
			t.Errorf("byte %d changed: %v", i, err)
		}
	}
	for n := range sealed {
		if _, err := server.Decrypt(append([]byte(nil), sealed[:n]...)); err == nil {
			t.Errorf("opened %d bytes of %d", n, len(sealed))
		}
	}
	if _, err := client.Decrypt(append([]byte(nil), sealed...)); err == nil {
		t.Error("a record opened at the end that sealed it")
	}
	if plain, err := server.Decrypt(sealed); err != nil || string(plain[recordHeader:]) != "text" {
		t.Errorf("%q, %v", plain, err)
	}
}

// R-DTLS-7: "AEAD nonces strictly increase per key".
func TestSuiteNeverUsesANonceTwice(t *testing.T) {
	client, _ := suitePair(t)
	for _, tt := range []struct {
		epoch uint16
		seq   uint64
		ok    bool
	}{{1, 0, true}, {1, 0, false}, {1, 5, true}, {1, 4, false}, {1, 5, false}, {1, 6, true}, {2, 0, true}, {1, 7, false}} {
		out, err := client.Encrypt(nil, rawRecord(contentData, tt.epoch, tt.seq, []byte("x")))
		if (err == nil) != tt.ok || err != nil && (!errors.Is(err, errNonce) || out != nil) {
			t.Errorf("epoch %d, number %d: %v", tt.epoch, tt.seq, err)
		}
	}
}

func TestSuiteWithoutKeys(t *testing.T) {
	c := &chacha20{}
	if c.IsInitialized() {
		t.Error("initialized")
	}
	b := rawRecord(contentData, 1, 0, make([]byte, 40))
	_, err1 := c.Encrypt(&recordlayer.RecordLayer{}, b)
	_, err2 := c.Decrypt(b)
	_, err3 := c.export(10)
	for _, err := range []error{err1, err2, err3} {
		if !errors.Is(err, errSuiteUnset) {
			t.Errorf("%v", err)
		}
	}
	if c.String() != "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256" || uint16(c.ID()) != 0xcca9 {
		t.Errorf("%s %#x", c, c.ID())
	}
}

// RFC 5764 section 4.2: client_write_SRTP_master_key, server_..., client_write_SRTP_master_salt, server_...
func TestSRTPKeys(t *testing.T) {
	tests := []struct {
		profile   Profile
		key, salt int
	}{
		{AES128CMHMACSHA180, 16, 14},
		{AES128CMHMACSHA132, 16, 14},
		{AEADAES128GCM, 16, 12},
		{AEADAES256GCM, 32, 12},
	}
	for _, tt := range tests {
		export := func(length int) ([]byte, error) {
			b := make([]byte, length)
			for i := range b {
				b[i] = byte(i)
			}
			return b, nil
		}
		at := 0
		next := func(n int) []byte {
			b, _ := export(at + n)
			at += n
			return b[at-n:]
		}
		ck, sk, cs, ss := next(tt.key), next(tt.key), next(tt.salt), next(tt.salt)
		for _, role := range []Role{Client, Server} {
			k, err := srtpKeys(tt.profile, role, export)
			if role == Server {
				k.LocalKey, k.RemoteKey, k.LocalSalt, k.RemoteSalt = k.RemoteKey, k.LocalKey, k.RemoteSalt, k.LocalSalt
			}
			if err != nil || !bytes.Equal(k.LocalKey, ck) || !bytes.Equal(k.RemoteKey, sk) ||
				!bytes.Equal(k.LocalSalt, cs) || !bytes.Equal(k.RemoteSalt, ss) || k.Profile != tt.profile {
				t.Errorf("%v as %s: %+v, %v", tt.profile, role, k, err)
			}
		}
	}
	if _, err := srtpKeys(5, Server, nil); err == nil {
		t.Error("keys for a profile that is not ours")
	}
	broken := errors.New("broken")
	if _, err := srtpKeys(AEADAES128GCM, Server, func(int) ([]byte, error) { return nil, broken }); !errors.Is(err, broken) {
		t.Errorf("%v", err)
	}
}
