// Package turn is a TURN server as a state machine: allocations, permissions, channels.
//
// It speaks RFC 8656 (and 5766), 8489 with SHA-256 and anonymous user names, 6062 (TCP to peers) and 8016 (mobility). It opens no socket, reads no
// clock and starts no goroutine: a Server is told what arrived and when, and writes what follows from it into slots that its environment lends.
// All calls belong to one goroutine.
//
//	client ──Handle──▶ Server ──RelaySocket.Commit──▶ peer          ChannelData, Send indications
//	client ◀──Egress.Commit── Server ◀──HandleRelay── peer          ChannelData, Data indications
//	client ──Handle──▶ Server ──Media.Deliver──▶ our own transports  and back with HandleRelay: no socket between the two
//
// What the environment does:
//
//   - One Listener for each place clients come in (Server.Listen). A datagram of a UDP or DTLS client, or one message of a TCP or TLS client, goes to
//     Handle as it is; the framing of streams (FrameSize) is the environment's to split, padding included or not.
//   - Tuples name clients. All that belongs to one TCP, TLS or DTLS connection carries one tuple; its Protocol is TCP for TCP and TLS, whose
//     ChannelData are padded, and UDP for UDP and DTLS. When the connection ends: ClientClosed.
//   - RelaySockets.Open binds one UDP socket for a Relay; what arrives there goes to HandleRelay with that Relay, ICMP errors to HandleICMP.
//     A Relay that was closed meanwhile drops what is handed to it late.
//   - TCP relays (RFC 6062): Streams listens and dials; a Stream is one connection of a peer. After a ConnectionBind the core calls Stream.Splice with
//     the tuple of the client's new connection, from within Handle: from then on all bytes of the two connections are exchanged as they are, those
//     that were read behind the request too, and the two end together. Whichever ends is told with PeerClosed, once.
//   - Media, if there are media ports of our own, decides which address is one and takes what clients send to it. What the transport answers goes to
//     HandleRelay, with the media port as the peer.
//   - Timers: the Server sets its deadlines there.
//
// The order of the gates of a request: well-formed, FINGERPRINT, the budget of unauthenticated answers, NONCE, user, integrity, unknown attributes, then
// what the method asks for. Nothing is kept for anybody before integrity is proved, but for counts in tables of fixed size (R-TURN-2).
//
// User names and passwords are compared as bytes. RFC 8489 wants them prepared by OpaqueString (RFC 8265), which leaves printable ASCII as it is:
// configure others in the prepared form (NFC).
package turn
