package channel

import (
	"context"
	"errors"
	"io"
	"net"
	"testing"
	"testing/synctest"

	"gazpacho/proto"
)

// FuzzClient is a worker that says anything, from the first byte or after a proper hello: the controller's end never panics, each of its requests
// ends with the answer or an error that programs can switch on, and it always lets go.
func FuzzClient(f *testing.F) {
	encode := func(b []byte, err error) []byte {
		if err != nil {
			f.Fatal(err)
		}
		return framed(b)
	}
	hello := encode(appendNotification(nil, proto.EventWorkerHello, "", proto.Hello{Protocol: proto.Current, MaxFrame: MaxFrame}))
	attached := encode(appendResponse(nil, 1, proto.AttachResult{Instance: "i"}, nil))
	score := encode(appendNotification(nil, proto.EventProducerScore, "p", proto.ProducerScore{{Score: 7, SSRC: 1}}))
	f.Add(false, []byte{})
	f.Add(false, hello)
	f.Add(true, encode(appendResponse(nil, 2, proto.WorkerDump{PID: 1, RouterIDs: []string{"r"}}, nil)))
	f.Add(true, encode(appendResponse(nil, 2, nil, proto.NotFound("router", "x"))))
	f.Add(true, encode(appendResponse(nil, 7, nil, nil)))
	f.Add(true, append(append([]byte{}, score...), encode(appendBinary(nil, "trace", "t", nil, []byte("packet")))...))
	f.Add(true, unhex(f, "00000007960405a16ca074c0"))
	f.Add(true, unhex(f, "00000005ddffffffff"))
	f.Fuzz(func(t *testing.T, greeted bool, stream []byte) {
		synctest.Test(t, func(t *testing.T) {
			ours, theirs := net.Pipe()
			go func() {
				asked := frameReader{r: theirs}
				if greeted {
					theirs.Write(hello)
					asked.next()
					theirs.Write(attached)
				}
				go io.Copy(io.Discard, theirs)
				theirs.Write(stream)
				synctest.Wait()
				theirs.Close()
			}()
			handled := 0
			c, err := Attach(t.Context(), ours, Options{
				Notification: func(Notification) { handled++ },
				Log:          func(Log) { handled++ },
			})
			if err != nil {
				if greeted {
					t.Errorf("not attached: %v", err)
				}
				return
			}
			var dump proto.WorkerDump
			err = c.Request(context.Background(), proto.WorkerDumpMethod, "", nil, &dump)
			var refused *proto.Error
			if err != nil && !errors.As(err, &refused) {
				t.Errorf("an error that is none of the protocol's: %v", err)
			}
			theirs.Close()
			<-c.Done()
			if handled > len(stream) {
				t.Errorf("%d messages in %d bytes", handled, len(stream))
			}
			if err := c.Request(context.Background(), proto.WorkerDumpMethod, "", nil, nil); !errors.As(err, &refused) || refused.Code != proto.CodeClosed {
				t.Errorf("after the end: %v", err)
			}
			c.Close()
		})
	})
}
