package proto

// What a controller does with a client's routers and WebRtcServers when the client is gone.
const (
	OnDisconnectClose = "close"
	OnDisconnectKeep  = "keep"
)

// OwnerRooms is the owner of routers that rooms of the controller are made of. Clients may look at them, and change nothing.
const OwnerRooms = "rooms"

// AttachClient is the body of controller.attach, which a client sends before any other request. Any number of clients are attached at a time.
type AttachClient struct {
	Protocol     Version `json:"protocol" needed:"true"`                                   // the sender's
	OnDisconnect string  `json:"onDisconnect,omitempty" default:"close" enum:"close,keep"` // what becomes of the client's routers and WebRtcServers when it is gone
	Software     string  `json:"software,omitempty"`                                       // for logs
}

// AttachClientResult is the answer of controller.attach.
type AttachClientResult struct {
	Protocol Version `json:"protocol"` // the lower of both sides'
	ClientID string  `json:"clientId"` // by which others see whose a router is
}

// WorkerInfo is an element of the answer of controller.listWorkers. Of a slot whose worker has died and not been started again there are slot and
// state only.
type WorkerInfo struct {
	Slot     int    `json:"slot"`     // from 0; a worker that takes another's place has its slot
	State    string `json:"state"`    // running, or dead
	WorkerID string `json:"workerId"` // of this run of the process
	PID      int    `json:"pid"`
	Load     int    `json:"load"` // producers and consumers
	Routers  int    `json:"routers"`
}

// RouterInfo is an element of the answer of controller.listRouters.
type RouterInfo struct {
	RouterID string `json:"routerId"`
	WorkerID string `json:"workerId"`
	Owner    string `json:"owner"` // the id of a client, rooms, or empty: nobody's, until somebody opens it as its own
}

// WebRTCServerInfo is an element of the answer of controller.listWebRtcServers.
type WebRTCServerInfo struct {
	WebRTCServerID string `json:"webRtcServerId"`
	WorkerID       string `json:"workerId"`
	Owner          string `json:"owner"` // the id of a client, or empty
}

// OpenRouter is the body of controller.openRouter.
type OpenRouter struct {
	RouterID string `json:"routerId" needed:"true"` // of any client's
	Own      bool   `json:"own,omitempty"`          // make it the client's, whosever it was
}

// LeaveRouter is the body of controller.leaveRouter.
type LeaveRouter struct {
	RouterID string `json:"routerId" needed:"true"`
}

// TakeWebRTCServer is the body of controller.takeWebRtcServer.
type TakeWebRTCServer struct {
	WebRTCServerID string `json:"webRtcServerId" needed:"true"` // of any client's
}

// RouterContents is the answer of controller.openRouter: what there is. How each of it stands is told by its dump.
type RouterContents struct {
	RouterID        string              `json:"routerId"`
	WorkerID        string              `json:"workerId"`
	Owner           string              `json:"owner"`
	RTPCapabilities RTPCapabilities     `json:"rtpCapabilities"`
	Transports      []TransportContents `json:"transports"`
	RTPObservers    []ObserverContents  `json:"rtpObservers"`
}

// TransportContents is a transport and what it carries.
type TransportContents struct {
	TransportID     string             `json:"transportId"`
	Type            string             `json:"type"` // webrtc, plain, pipe or direct
	Producers       []ProducerContents `json:"producers"`
	ConsumerIDs     []string           `json:"consumerIds"`
	DataProducers   []ProducerContents `json:"dataProducers"`
	DataConsumerIDs []string           `json:"dataConsumerIds"`
}

// ProducerContents is a producer, of media or of data, and what requests for it are addressed to: its id, unless it came through a pipe with the id
// that it has in another router, too.
type ProducerContents struct {
	ID        string `json:"id"`
	HandlerID string `json:"handlerId"`
}

// ObserverContents is an observer.
type ObserverContents struct {
	RTPObserverID string `json:"rtpObserverId"`
	Type          string `json:"type"` // audioLevel or activeSpeaker
}

// NewTransport is the body of router.newTransport.
type NewTransport struct {
	TransportID string `json:"transportId"`
	Type        string `json:"type"` // webrtc, plain, pipe or direct
}

// NewConsumer is the body of transport.newConsumer.
type NewConsumer struct {
	ConsumerID string `json:"consumerId"`
}

// NewDataConsumer is the body of transport.newDataConsumer.
type NewDataConsumer struct {
	DataConsumerID string `json:"dataConsumerId"`
}

// NewWebRTCServer is the body of worker.createWebRtcServer. If no worker is named, by handler id or PID, it is the least loaded one.
type NewWebRTCServer struct {
	WebRTCServerID string       `json:"webRtcServerId,omitempty"`  // new; made up if absent
	ListenInfos    []ListenInfo `json:"listenInfos" needed:"true"` // each is one socket
	PID            int          `json:"pid,omitempty"`             // of the worker
}

// WebRTCServerCreated is the answer of worker.createWebRtcServer.
type WebRTCServerCreated struct {
	WebRTCServerDump
	WorkerID string `json:"workerId"`
}

// NewRouter is the body of worker.createRouter. If no worker is named, by handler id or PID, it is the least loaded one.
type NewRouter struct {
	RouterID    string               `json:"routerId,omitempty"`    // new; made up if absent
	MediaCodecs []RTPCodecCapability `json:"mediaCodecs,omitempty"` // what it forwards
	PID         int                  `json:"pid,omitempty"`         // of the worker
}

// RouterCreated is the answer of worker.createRouter.
type RouterCreated struct {
	RouterID        string          `json:"routerId"`
	WorkerID        string          `json:"workerId"`
	RTPCapabilities RTPCapabilities `json:"rtpCapabilities"` // what producers are mapped to, and what consumers may take
}

// UpdateMediaCodecs is the body of router.updateMediaCodecs. What is forwarded already stays as it is.
type UpdateMediaCodecs struct {
	MediaCodecs []RTPCodecCapability `json:"mediaCodecs"`
}

// CanConsume is the body of router.canConsume.
type CanConsume struct {
	ProducerID      string          `json:"producerId" needed:"true"` // of the router
	RTPCapabilities RTPCapabilities `json:"rtpCapabilities"`          // of the endpoint, in the router's numbers
}

// CanConsumeResult is the answer of router.canConsume.
type CanConsumeResult struct {
	CanConsume bool `json:"canConsume"`
}

// RTPObserverCreated is the answer of the methods that make an observer.
type RTPObserverCreated struct {
	RTPObserverID string `json:"rtpObserverId"`
}

// Closed is the body of the events that tell of an end.
type Closed struct {
	// Reason is close (somebody else asked), workerclose, routerclose, transportclose, or pipeclose (its other end, or what it is of, has ended).
	Reason string `json:"reason"`
}

// Origin is what the object of an event belongs to: the last element of each event's envelope, for clients that do not keep books themselves.
// What does not apply is absent.
type Origin struct {
	WorkerID    string `json:"workerId,omitempty"`
	RouterID    string `json:"routerId,omitempty"`
	TransportID string `json:"transportId,omitempty"`
}
