package fbwire

import (
	"reflect"
	"strings"

	"gazpacho/proto"
)

// Schemas that lack one of these are of something else than the libraries this worker is for.
var (
	neededMethods = strings.Fields(`
		worker.dump worker.getResourceUsage worker.updateSettings worker.createWebRtcServer worker.createRouter worker.closeWebRtcServer worker.closeRouter
		webRtcServer.dump router.dump router.createWebRtcTransport router.createWebRtcTransportWithServer router.createPlainTransport
		router.createPipeTransport router.createDirectTransport router.closeTransport router.createActiveSpeakerObserver
		router.createAudioLevelObserver router.closeRtpObserver transport.dump transport.getStats transport.setMaxIncomingBitrate
		transport.setMaxOutgoingBitrate transport.setMinOutgoingBitrate transport.restartIce transport.produce transport.produceData
		transport.consume transport.consumeData transport.enableTraceEvent transport.closeProducer transport.closeConsumer
		transport.closeDataProducer transport.closeDataConsumer plainTransport.connect pipeTransport.connect webRtcTransport.connect
		producer.dump producer.getStats producer.pause producer.resume producer.enableTraceEvent consumer.dump consumer.getStats
		consumer.pause consumer.resume consumer.setPreferredLayers consumer.setPriority consumer.requestKeyFrame consumer.enableTraceEvent
		dataProducer.dump dataProducer.getStats dataProducer.pause dataProducer.resume dataConsumer.dump dataConsumer.getStats
		dataConsumer.pause dataConsumer.resume dataConsumer.getBufferedAmount dataConsumer.setBufferedAmountLowThreshold dataConsumer.send
		dataConsumer.setSubchannels dataConsumer.addSubchannel dataConsumer.removeSubchannel
		rtpObserver.pause rtpObserver.resume rtpObserver.addProducer rtpObserver.removeProducer`)
	neededEvents = strings.Fields(`
		transport.sctpStateChange transport.trace webRtcTransport.iceSelectedTupleChange webRtcTransport.iceStateChange
		webRtcTransport.dtlsStateChange plainTransport.tuple plainTransport.rtcpTuple directTransport.rtcp producer.score producer.trace
		producer.videoOrientationChange consumer.producerPause consumer.producerResume consumer.producerClose consumer.layersChange
		consumer.rtp consumer.score consumer.trace dataConsumer.bufferedAmountLow dataConsumer.sctpSendBufferFull
		dataConsumer.dataProducerPause dataConsumer.dataProducerResume dataConsumer.dataProducerClose dataConsumer.message
		activeSpeakerObserver.dominantSpeaker audioLevelObserver.silence audioLevelObserver.volumes`)
)

// Names of the schema that are not ours in other case.
const (
	runningEvent = "WORKER_RUNNING"
	closeEvent   = "WORKER_CLOSE" // since 3.19.18; before, it was a method
	closeServer  = "WORKER_WEBRTCSERVER_CLOSE"
)

// methodName is our name, in plain letters, for a method of the schema.
func methodName(name string) string {
	if name == closeServer {
		return plain(proto.WorkerCloseWebRTCServer)
	}
	return plain(name)
}

// requestArm is the name, in plain letters, of the arm that holds a method's body.
func requestArm(method string) string {
	return strings.TrimSuffix(plain(method), "withserver") + "request"
}

// unanswered are methods whose answers have a body in some generations only, or never had one.
var unanswered = map[string]bool{proto.DataConsumerSend: true, proto.WorkerCreateWebRTCServer: true}

// responseArms are the names, in plain letters, that the arm of an answer may have: after its method, or after its type.
func responseArms(m *proto.Method, typ reflect.Type) []string {
	if m.Name == proto.WorkerCreateWebRTCServer {
		return nil
	}
	name := plain(typ.Name())
	return []string{
		plain(m.Name) + "response", name + "response", strings.TrimSuffix(name, "stats") + "getstatsresponse", plain(m.Target) + name + "response",
	}
}

// armNamed finds an arm by its name in plain letters.
func armNamed(union *Enum, names ...string) *Value {
	for _, name := range names {
		for i := range union.Values {
			if v := &union.Values[i]; v.Table != nil && plain(v.Name) == name {
				return v
			}
		}
	}
	return nil
}

// needs checks that the fields a struct cannot do without are in a table, or in one of those inlined in it.
func needs(t *Table, typ reflect.Type) error {
	has := map[string]bool{}
	var collect func(t *Table)
	collect = func(t *Table) {
		for _, f := range t.Fields {
			for _, g := range targets(t, f, goFields(typ)) {
				has[g.key] = true
			}
			switch {
			case !isInlined(t, f):
			case f.Type.Kind == TableRef:
				collect(f.Type.Table)
			default:
				for _, arm := range f.Type.Enum.Values {
					if arm.Table != nil {
						collect(arm.Table)
					}
				}
			}
		}
	}
	collect(t)
	for _, g := range goFields(typ) {
		if g.needed && !has[g.key] {
			return missing("%s has no field for %s", t.Name, g.key)
		}
	}
	return nil
}
