package producer

// Verdict is what became of a packet given to a producer.
type Verdict uint8

// The verdicts. Media and RTX went to the taps; Paused was accepted but goes nowhere while the producer is paused; the rest are
// reasons for a drop.
const (
	Media Verdict = iota
	RTX
	Paused
	DropStream      // no encoding is expected to have this SSRC, RID or payload type
	DropPayloadType // not among the codecs
	DropEmpty       // padding without payload, as a prober sends it
	DropPayload     // the codec cannot read it
	DropDuplicate   // was received before, or is older than what is kept
	DropSequence    // the number is out of range; a second in a row restarts the stream
	DropRTX         // a retransmission nobody asked for, or without its original number
	DropClosed
	NumVerdicts
)

var verdictNames = [NumVerdicts]string{
	Media: "media", RTX: "rtx", Paused: "producerPaused", DropStream: "producerStream", DropPayloadType: "producerPayloadType",
	DropEmpty: "producerEmpty", DropPayload: "producerPayload", DropDuplicate: "producerDuplicate",
	DropSequence: "producerSequence", DropRTX: "producerRtx", DropClosed: "producerClosed",
}

// String returns the name under which statistics count the verdict.
func (v Verdict) String() string {
	if v < NumVerdicts {
		return verdictNames[v]
	}
	return "unknown"
}

// Accepted tells whether the packet's SSRC is known to be one of the producer's streams: the transport learns it then.
func (v Verdict) Accepted() bool { return v <= Paused }
