package worker_test

import (
	"fmt"
	"net"
	"strings"
	"testing"

	"gazpacho/pkg/simtest"
	"gazpacho/proto"
)

func udp(ip string, port uint16) proto.ListenInfo {
	return proto.ListenInfo{Protocol: "udp", IP: ip, Port: port}
}

func server(id string, infos ...proto.ListenInfo) proto.CreateWebRTCServer {
	return proto.CreateWebRTCServer{WebRTCServerID: id, ListenInfos: infos}
}

// occupy takes a UDP and a TCP port of the same number.
func occupy(t *testing.T) uint16 {
	t.Helper()
	for range 50 {
		u, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
		if err != nil {
			t.Fatal(err)
		}
		port := u.LocalAddr().(*net.UDPAddr).Port
		l, err := net.Listen("tcp4", fmt.Sprint("127.0.0.1:", port))
		if err != nil {
			u.Close()
			continue
		}
		t.Cleanup(func() { u.Close(); l.Close() })
		return uint16(port)
	}
	t.Fatal("no port was free")
	return 0
}

// What cannot be bound names the listen info and its field, and nothing stays bound.
func TestListenInfosThatCannotBeBound(t *testing.T) {
	w := simtest.StartWorker(t)
	busy := occupy(t)
	free := simtest.Request[proto.WebRTCServerDump](w, proto.WorkerCreateWebRTCServer, "", server("probe", udp("127.0.0.1", 0))).UDPSockets[0].Port
	w.Do(proto.WorkerCloseWebRTCServer, "", proto.CloseWebRTCServer{WebRTCServerID: "probe"})
	good := udp("127.0.0.1", free)
	with := func(change func(*proto.ListenInfo)) proto.ListenInfo {
		i := udp("127.0.0.1", 0)
		change(&i)
		return i
	}
	tests := []struct {
		name       string
		info       proto.ListenInfo
		code, path string
	}{
		{"busy UDP port", udp("127.0.0.1", busy), proto.CodeBusy, "port"},
		{"busy TCP port", with(func(i *proto.ListenInfo) { i.Protocol, i.Port = "tcp", busy }), proto.CodeBusy, "port"},
		{"no IP", udp("example.org", 0), proto.CodeBadField, "ip"},
		{"no IP at all", udp("", 0), proto.CodeBadField, "ip"},
		{"not of this machine", udp("192.0.2.1", 0), proto.CodeBadField, "ip"},
		{"not of this machine, with a port", udp("192.0.2.1", 4000), proto.CodeBadField, "ip"},
		{"protocol", with(func(i *proto.ListenInfo) { i.Protocol = "sctp" }), proto.CodeBadField, "protocol"},
		{"range of no ports", with(func(i *proto.ListenInfo) { i.PortRange = &proto.PortRange{Min: 5000, Max: 4000} }), proto.CodeBadField, "portRange"},
		{"range from 0", with(func(i *proto.ListenInfo) { i.PortRange = &proto.PortRange{Max: 4000} }), proto.CodeBadField, "portRange"},
		{"full range", with(func(i *proto.ListenInfo) { i.PortRange = &proto.PortRange{Min: busy, Max: busy} }), proto.CodeNoPort, "portRange"},
	}
	router := w.Router()
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			e := refused(t, w, proto.WorkerCreateWebRTCServer, "", server("s", good, tt.info))
			if e.Code != tt.code || e.Path != "listenInfos[1]."+tt.path {
				t.Errorf("server: %v (code %s), want %s about listenInfos[1].%s", e, e.Code, tt.code, tt.path)
			}
			o := proto.WebRTCTransportOptions{TransportID: "t", ListenInfos: []proto.ListenInfo{good, tt.info}, EnableTCP: new(true)}
			e = refused(t, w, proto.RouterCreateWebRTCTransport, router, o)
			if e.Code != tt.code || e.Path != "listenInfos[1]."+tt.path {
				t.Errorf("transport: %v (code %s), want %s about listenInfos[1].%s", e, e.Code, tt.code, tt.path)
			}
			if tt.info.Protocol == "udp" {
				e = refused(t, w, proto.RouterCreatePlainTransport, router, proto.PlainTransportOptions{TransportID: "t", ListenInfo: tt.info})
				if e.Code != tt.code || e.Path != "listenInfo."+tt.path {
					t.Errorf("plain transport: %v (code %s), want %s about listenInfo.%s", e, e.Code, tt.code, tt.path)
				}
				e = refused(t, w, proto.RouterCreatePlainTransport, router,
					proto.PlainTransportOptions{TransportID: "t", ListenInfo: good, RTCPListenInfo: &tt.info, RTCPMux: new(bool)})
				if e.Code != tt.code || e.Path != "rtcpListenInfo."+tt.path {
					t.Errorf("plain transport: %v (code %s), want %s about rtcpListenInfo.%s", e, e.Code, tt.code, tt.path)
				}
			}
			// All or nothing: the good one's port is free again at once, and so is the id.
			simtest.Request[proto.WebRTCServerDump](w, proto.WorkerCreateWebRTCServer, "", server("s", good))
			w.Do(proto.WorkerCloseWebRTCServer, "", proto.CloseWebRTCServer{WebRTCServerID: "s"})
		})
	}
}

func TestPortRanges(t *testing.T) {
	w := simtest.StartWorker(t)
	low := occupy(t)
	if low > 65000 {
		low -= 500
	}
	ranged := udp("127.0.0.1", 0)
	ranged.PortRange = &proto.PortRange{Min: low, Max: low + 20}
	seen := map[uint16]bool{}
	for i := range 10 {
		d := simtest.Request[proto.WebRTCServerDump](w, proto.WorkerCreateWebRTCServer, "", server(fmt.Sprint("s", i), ranged))
		port := d.UDPSockets[0].Port
		if port < low || port > low+20 || seen[port] {
			t.Errorf("port %d of %d to %d, seen %v", port, low, low+20, seen)
		}
		seen[port] = true
	}
	d := simtest.Request[proto.WebRTCServerDump](w, proto.WorkerCreateWebRTCServer, "", server("any", udp("127.0.0.1", 0)))
	if port := d.UDPSockets[0].Port; port < 10_000 || port > 59_999 {
		t.Errorf("without a range: port %d", port)
	}
}

// Two sockets may share a port if both ask for it.
func TestReusePort(t *testing.T) {
	w := simtest.StartWorker(t)
	shared := udp("127.0.0.1", 0)
	shared.Flags = &proto.SocketFlags{UDPReusePort: true}
	d := simtest.Request[proto.WebRTCServerDump](w, proto.WorkerCreateWebRTCServer, "", server("a", shared))
	shared.Port = d.UDPSockets[0].Port
	simtest.Request[proto.WebRTCServerDump](w, proto.WorkerCreateWebRTCServer, "", server("b", shared))
	shared.Flags = nil
	if e := refused(t, w, proto.WorkerCreateWebRTCServer, "", server("c", shared)); e.Code != proto.CodeBusy || !strings.Contains(e.Message, "in use") {
		t.Errorf("without the flag: %v", e)
	}
}
