// Package srtp protects and unprotects packets for one peer, in place.
package srtp

// Session protects what goes to one peer and unprotects what comes from it. It is not safe for concurrent use. After a
// stream's first packet nothing here allocates.
//
// No pair of SSRC and index is ever used for two different packets, whatever the caller does (RFC 3711 section 9.1,
// RFC 7714 section 8.4): a session refuses what it cannot prove to be new. What comes in changes
// nothing before its tag was found right.
type Session struct {
	rtpTag, rtcpTail int // bytes a packet grows by
	send, receive    transform

	sent      map[uint32]*sentStream
	forgotten map[uint32]int64 // the highest index used for streams that Forget took away
	rtcpIndex uint32           // the last one used

	received map[uint32]*receivedStream
	accepted uint64 // packets, to tell which stream was silent longest
	fresh    prefix // of a packet whose stream does not exist yet
}

// NewSession returns a session with the master keys and salts of both directions, which have profile.KeyLen and
// profile.SaltLen bytes and are not kept. Its errors are ErrProfile, *KeyLengthError and ErrWeakKey.
func NewSession(profile Profile, sendKey, sendSalt, receiveKey, receiveSalt []byte) (*Session, error) {
	spec, ok := profile.spec()
	if !ok {
		return nil, ErrProfile
	}
	for _, in := range []struct {
		name string
		b    []byte
		want int
	}{
		{"send key", sendKey, spec.key},
		{"send salt", sendSalt, spec.salt},
		{"receive key", receiveKey, spec.key},
		{"receive salt", receiveSalt, spec.salt},
	} {
		if len(in.b) != in.want {
			return nil, &KeyLengthError{Profile: profile, Name: in.name, Want: in.want, Got: len(in.b)}
		}
	}
	s := &Session{
		rtpTag:    spec.rtpTag,
		rtcpTail:  spec.rtcpTag + rtcpIndexSize,
		sent:      map[uint32]*sentStream{},
		forgotten: map[uint32]int64{},
		received:  map[uint32]*receivedStream{},
	}
	var err error
	if s.send, err = newTransform(profile, sendKey, sendSalt); err != nil {
		return nil, err
	}
	if s.receive, err = newTransform(profile, receiveKey, receiveSalt); err != nil {
		return nil, err
	}
	return s, nil
}
