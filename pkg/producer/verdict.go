package producer

// Verdict is what became of a packet given to a producer.
type Verdict uint8

// The verdicts. Media and RTX went to the taps. The rest are reasons why a packet did not.
const (
	Media           Verdict = iota
	RTX                     // a retransmission that repaired a loss
	Paused                  // the producer is paused
	Padding                 // no payload: a publisher probes for bandwidth
	DropUnasked             // a retransmission of what was not missing
	DropDuplicate           // kept already, or older than what is kept
	DropSequence            // the number is out of range; a second one in a row begins the stream anew
	DropPayload             // the codec cannot read it
	DropStream              // no encoding is expected to have this SSRC or RID
	DropPayloadType         // not among the codecs
	DropClosed
	NumVerdicts
)

var verdictNames = [NumVerdicts]string{
	Media: "media", RTX: "rtx", Paused: "producerPaused", Padding: "producerPadding", DropUnasked: "producerUnaskedRtx",
	DropDuplicate: "producerDuplicate", DropSequence: "producerSequence", DropPayload: "producerPayload",
	DropStream: "producerStream", DropPayloadType: "producerPayloadType", DropClosed: "producerClosed",
}

// String returns the key under which statistics show the verdict.
func (v Verdict) String() string {
	if v < NumVerdicts {
		return verdictNames[v]
	}
	return "unknown"
}

// Forwarded tells whether the taps got the packet.
func (v Verdict) Forwarded() bool { return v <= RTX }

// Accepted tells whether the packet's SSRC belongs to the producer, forwarded or not: a transport learns it then.
func (v Verdict) Accepted() bool { return v < DropStream }
