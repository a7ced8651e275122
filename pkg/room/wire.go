package room

import (
	"encoding/json"

	"gazpacho/proto"
)

// The bodies of the protocol of mediasoup's demo, as JSON has them. What is json.RawMessage is checked where it is used, or handed
// on as it came.

// CreateWebRTCTransport is the body of createWebRtcTransport.
type CreateWebRTCTransport struct {
	ForceTCP  bool `json:"forceTcp"`
	Producing bool `json:"producing"`
	Consuming bool `json:"consuming"`
}

// WebRTCTransportInfo is its answer.
type WebRTCTransportInfo struct {
	ID             string                `json:"id"`
	ICEParameters  proto.ICEParameters   `json:"iceParameters"`
	ICECandidates  []proto.ICECandidate  `json:"iceCandidates"`
	DTLSParameters proto.DTLSParameters  `json:"dtlsParameters"`
	SCTPParameters *proto.SCTPParameters `json:"sctpParameters,omitempty"`
	ICEServers     []ICEServer           `json:"iceServers,omitempty"` // where TURN is offered
}

// ConnectWebRTCTransport is the body of connectWebRtcTransport.
type ConnectWebRTCTransport struct {
	TransportID    string                `json:"transportId"`
	DTLSParameters *proto.DTLSParameters `json:"dtlsParameters"`
}

// Join is the body of join. Without RTPCapabilities the peer is offered no consumers.
type Join struct {
	DisplayName     string          `json:"displayName"`
	Device          json.RawMessage `json:"device"`
	RTPCapabilities json.RawMessage `json:"rtpCapabilities"`
}

// JoinResult is its answer.
type JoinResult struct {
	Peers []PeerInfo `json:"peers"`
}

// PeerInfo is a peer or broadcaster as the others see it.
type PeerInfo struct {
	ID          string          `json:"id"`
	DisplayName string          `json:"displayName"`
	Device      json.RawMessage `json:"device,omitempty"`
}

// Produce is the body of produce.
type Produce struct {
	TransportID   string                     `json:"transportId"`
	Kind          string                     `json:"kind"`
	RTPParameters json.RawMessage            `json:"rtpParameters"`
	Paused        bool                       `json:"paused"`
	AppData       map[string]json.RawMessage `json:"appData"`
}

// ProduceData is the body of produceData.
type ProduceData struct {
	TransportID          string                     `json:"transportId"`
	SCTPStreamParameters json.RawMessage            `json:"sctpStreamParameters"`
	Label                string                     `json:"label"`
	Protocol             string                     `json:"protocol"`
	AppData              map[string]json.RawMessage `json:"appData"`
}

// Created is the answer to produce and produceData.
type Created struct {
	ID string `json:"id"`
}

// SetConsumerPreferredLayers is the body of setConsumerPreferredLayers.
type SetConsumerPreferredLayers struct {
	ConsumerID    string `json:"consumerId"`
	SpatialLayer  int    `json:"spatialLayer"`
	TemporalLayer *int   `json:"temporalLayer"`
}

// Notifications and requests to clients.
type (
	newConsumer struct {
		PeerID         string                     `json:"peerId"`
		ProducerID     string                     `json:"producerId"`
		ID             string                     `json:"id"`
		Kind           string                     `json:"kind"`
		RTPParameters  proto.RTPParameters        `json:"rtpParameters"`
		Type           string                     `json:"type"`
		AppData        map[string]json.RawMessage `json:"appData"`
		ProducerPaused bool                       `json:"producerPaused"`
	}
	newDataConsumer struct {
		PeerID               *string                    `json:"peerId"` // nil: the bot
		DataProducerID       string                     `json:"dataProducerId"`
		ID                   string                     `json:"id"`
		SCTPStreamParameters proto.SCTPStreamParameters `json:"sctpStreamParameters"`
		Label                string                     `json:"label"`
		Protocol             string                     `json:"protocol"`
		AppData              map[string]json.RawMessage `json:"appData"`
	}
	aboutDataConsumer struct {
		DataConsumerID string `json:"dataConsumerId"`
	}
	aboutPeer struct {
		PeerID string `json:"peerId"`
	}
	aboutConsumer struct {
		ConsumerID string `json:"consumerId"`
	}
	consumerScore struct {
		ConsumerID string              `json:"consumerId"`
		Score      proto.ConsumerScore `json:"score"`
	}
	consumerLayersChanged struct {
		ConsumerID    string `json:"consumerId"`
		SpatialLayer  *int   `json:"spatialLayer"`
		TemporalLayer *int   `json:"temporalLayer"`
	}
	producerClosed struct {
		ProducerID string `json:"producerId"`
		Reason     string `json:"reason"`
	}
	producerScore struct {
		ProducerID string              `json:"producerId"`
		Score      proto.ProducerScore `json:"score"`
	}
	peerDisplayNameChanged struct {
		PeerID         string `json:"peerId"`
		DisplayName    string `json:"displayName"`
		OldDisplayName string `json:"oldDisplayName"`
	}
	activeSpeaker struct {
		PeerID *string `json:"peerId"`
		Volume *int    `json:"volume,omitempty"`
	}
)
