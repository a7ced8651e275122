package dtls

import (
	"net"

	pion "github.com/pion/dtls/v2"
)

// outcome is what a handshake that succeeded yields.
type outcome struct {
	keys    Keys
	data    net.Conn // nil if application data is not wanted
	remnant *remnant // nil if it is
}

// leave ends the library's part in a connection without application data, and returns what is left to do. The library
// insists on sealing a close_notify, which goes nowhere: its carrier is closed. So record numbers are counted after
// that (R-DTLS-7).
func (i *island) leave(conn *pion.Conn) (*remnant, error) {
	_ = i.mail.Close()
	_ = conn.Close() // waits for the library's goroutines
	if i.suite != nil && i.suite.IsInitialized() {
		records := i.suite.keys.Load().chacha20Records // without the master secret
		return &remnant{cipher: &records, next: i.suite.next}, nil
	}
	s, err := secretsOf(conn)
	if err != nil {
		return nil, err
	}
	g, err := newGCM(s, i.role)
	if err != nil {
		return nil, err
	}
	return &remnant{cipher: g, next: firstProtected + s.SequenceNumber}, nil
}
