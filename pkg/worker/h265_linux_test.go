package worker_test

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"gazpacho/pkg/ortc"
	"gazpacho/pkg/simtest"
	"gazpacho/proto"
)

// ports finds a port for RTP and the next one, for RTCP, which nobody has at present.
func ports(t *testing.T) uint16 {
	t.Helper()
	for range 50 {
		rtp, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
		if err != nil {
			t.Fatal(err)
		}
		port := rtp.LocalAddr().(*net.UDPAddr).Port
		rtcp, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: port + 1})
		rtp.Close()
		if err == nil {
			rtcp.Close()
			if port%2 == 0 {
				return uint16(port)
			}
		}
	}
	t.Fatal("no two ports were free")
	return 0
}

// ffmpeg runs until it ends or the test does.
func ffmpeg(t *testing.T, args ...string) (out *bytes.Buffer, wait func() error) {
	t.Helper()
	out = new(bytes.Buffer)
	cmd := exec.CommandContext(t.Context(), "ffmpeg", append([]string{"-nostdin", "-hide_banner", "-loglevel", "error"}, args...)...)
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Start(); err != nil {
		t.Fatalf("H265 is tried with ffmpeg: %v", err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	return out, func() error {
		select {
		case err := <-ended:
			return err
		case <-time.After(60 * time.Second):
			return fmt.Errorf("it does not end")
		}
	}
}

// What an encoder for H265 sends into a router, a decoder gets out of it and can decode, from the first key frame on; the router has H265 since its media
// codecs name it.
func TestH265Encoded(t *testing.T) {
	caps, refused := ortc.GenerateRouterRTPCapabilities([]proto.RTPCodecCapability{{MimeType: "video/H265", ClockRate: 90000}})
	if refused != nil {
		t.Fatal(refused)
	}
	params := proto.RTPParameters{
		Codecs:    []proto.RTPCodecParameters{{MimeType: "video/H265", PayloadType: 96, ClockRate: 90000}},
		Encodings: []proto.RTPEncodingParameters{{SSRC: 22}},
	}
	if refused := ortc.ValidateRTPParameters(&params); refused != nil {
		t.Fatal(refused)
	}
	ssrc := uint32(1)
	random := func() uint32 { ssrc += 1000; return ssrc }
	mapping, refused := ortc.ProducerRTPParametersMapping(&params, caps, random)
	if refused != nil {
		t.Fatal(refused)
	}
	consumable, refused := ortc.ConsumableRTPParameters(proto.Video, params, caps, mapping)
	if refused != nil {
		t.Fatal(refused)
	}
	out, refused := ortc.ConsumerRTPParameters(ortc.ConsumerOptions{Consumable: consumable, Remote: caps, Random: random})
	if refused != nil {
		t.Fatal(refused)
	}

	w := simtest.StartWorker(t)
	router := w.Router()
	in := plainOn(w, router, "in", proto.PlainTransportOptions{ListenInfo: udp("127.0.0.1", 0), Comedia: true, RTCPMux: new(false)})
	w.Do(proto.TransportProduce, "in", proto.Produce{ProducerID: "p", Kind: proto.Video, RTPParameters: params, RTPMapping: mapping})
	plainOn(w, router, "out", proto.PlainTransportOptions{ListenInfo: udp("127.0.0.1", 0), RTCPMux: new(false)})
	port := ports(t)
	w.Do(proto.PlainTransportConnect, "out", proto.ConnectPlainTransport{IP: "127.0.0.1", Port: port, RTCPPort: port + 1})
	w.Do(proto.TransportConsume, "out", proto.Consume{
		ConsumerID: "c", ProducerID: "p", Kind: proto.Video, Type: proto.Simple, RTPParameters: out, ConsumableRTPEncodings: consumable.Encodings,
	})

	sdp := filepath.Join(t.TempDir(), "h265.sdp")
	text := fmt.Sprintf("v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=video %d RTP/AVP %d\r\na=rtpmap:%[2]d H265/90000\r\n",
		port, out.Codecs[0].PayloadType)
	if err := os.WriteFile(sdp, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	decoded, decoder := ffmpeg(t, "-protocol_whitelist", "file,udp,rtp", "-i", sdp, "-frames:v", "20", "-f", "framemd5", "-")
	encoded, _ := ffmpeg(t, "-re", "-f", "lavfi", "-i", "testsrc=size=160x120:rate=30", "-t", "50", "-c:v", "libx265", "-preset", "ultrafast",
		"-tune", "zerolatency", "-x265-params", "keyint=15:repeat-headers=1:log-level=none", "-f", "rtp", "-payload_type", "96", "-ssrc", "22",
		fmt.Sprintf("rtp://127.0.0.1:%d?rtcpport=%d&pkt_size=1000", in.Tuple.LocalPort, in.RTCPTuple.LocalPort))
	if err := decoder(); err != nil {
		t.Fatalf("%v: %s; the encoder: %s; sent: %+v", err, decoded, encoded, simtest.Request[proto.PlainTransportStats](w, proto.TransportGetStats, "in", nil))
	}
	if n := bytes.Count(decoded.Bytes(), []byte("\n0,")); n < 20 {
		t.Errorf("%d pictures: %s", n, decoded)
	}
	stats := simtest.Request[[]proto.RTPStreamStats](w, proto.ConsumerGetStats, "c", nil)
	if stats[0].PacketCount < 20 || stats[0].MimeType != "video/H265" || stats[1].MimeType != "video/H265" {
		t.Errorf("%+v", stats)
	}
}
