package signaling

import (
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"

	"gazpacho/pkg/auth"
	"gazpacho/pkg/room"
	"gazpacho/proto"
)

// maxBody of an HTTP request.
const maxBody = 256 << 10

// api is the HTTP interface for broadcasters.
type api struct {
	rooms *room.Rooms
}

// newAPI returns a handler for /rooms/, and the page for everything else.
func newAPI(cfg Config) http.Handler {
	a := api{rooms: cfg.Rooms}
	const broadcaster = "/rooms/{room}/broadcasters/{broadcaster}"
	const transport = broadcaster + "/transports/{transport}"
	mux := http.NewServeMux()
	mux.Handle("/", cfg.Page)
	mux.HandleFunc("/rooms/", func(w http.ResponseWriter, r *http.Request) {
		respond(w, nil, proto.NotFound("resource", r.Method+" "+r.URL.Path))
	})
	mux.HandleFunc("GET /rooms/{room}", a.room(func(r *http.Request, m *room.Room) (any, error) {
		return m.RTPCapabilities(), nil
	}))
	mux.HandleFunc("POST /rooms/{room}/broadcasters", a.room(func(r *http.Request, m *room.Room) (any, error) {
		return withBody(r, func(b room.CreateBroadcaster) (room.BroadcasterResult, error) {
			return m.CreateBroadcaster(auth.Everything(), b)
		})
	}))
	mux.HandleFunc("DELETE "+broadcaster, a.room(func(r *http.Request, m *room.Room) (any, error) {
		return "broadcaster deleted", m.DeleteBroadcaster(auth.Everything(), r.PathValue("broadcaster"))
	}))
	mux.HandleFunc("POST "+broadcaster+"/transports", a.broadcaster(createTransport))
	mux.HandleFunc("POST "+transport+"/connect", a.broadcaster(connectTransport))
	mux.HandleFunc("POST "+transport+"/producers", a.broadcaster(produce))
	mux.HandleFunc("POST "+transport+"/consume", a.broadcaster(consume))
	mux.HandleFunc("POST "+transport+"/consume/data", a.broadcaster(consumeData))
	mux.HandleFunc("POST "+transport+"/produce/data", a.broadcaster(produceData))
	return mux
}

func createTransport(r *http.Request, b room.BroadcasterAccess) (any, error) {
	return withBody(r, func(o room.CreateBroadcasterTransport) (any, error) { return b.CreateTransport(r.Context(), o) })
}

func connectTransport(r *http.Request, b room.BroadcasterAccess) (any, error) {
	return withBody(r, func(o room.ConnectBroadcasterTransport) (nothing, error) {
		return nothing{}, b.ConnectTransport(r.Context(), r.PathValue("transport"), o)
	})
}

func produce(r *http.Request, b room.BroadcasterAccess) (any, error) {
	return withBody(r, func(o room.Produce) (room.Created, error) {
		o.TransportID = r.PathValue("transport")
		return b.Produce(r.Context(), o)
	})
}

func consume(r *http.Request, b room.BroadcasterAccess) (any, error) {
	return b.Consume(r.Context(), r.PathValue("transport"), r.URL.Query().Get("producerId"))
}

func produceData(r *http.Request, b room.BroadcasterAccess) (any, error) {
	return withBody(r, func(o room.ProduceData) (room.Created, error) {
		o.TransportID = r.PathValue("transport")
		return b.ProduceData(r.Context(), o)
	})
}

func consumeData(r *http.Request, b room.BroadcasterAccess) (any, error) {
	return withBody(r, func(o dataProducerID) (room.BroadcasterDataConsumer, error) {
		return b.ConsumeData(r.Context(), r.PathValue("transport"), o.DataProducerID)
	})
}

// room resolves the room of a path and answers with what f returns.
func (a api) room(f func(*http.Request, *room.Room) (any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		m, err := a.rooms.Room(auth.Everything(), r.PathValue("room"))
		if err != nil {
			respond(w, nil, err)
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		result, err := f(r, m)
		respond(w, result, err)
	}
}

// broadcaster resolves the broadcaster, within its room.
func (a api) broadcaster(f func(*http.Request, room.BroadcasterAccess) (any, error)) http.HandlerFunc {
	return a.room(func(r *http.Request, m *room.Room) (any, error) {
		b, err := m.Broadcaster(auth.Everything(), r.PathValue("broadcaster"))
		if err != nil {
			return nil, err
		}
		return f(r, b)
	})
}

// withBody reads a JSON body. That it must say so keeps pages of other sites from sending one: browsers ask first.
func withBody[B, R any](r *http.Request, f func(B) (R, error)) (any, error) {
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		return nil, proto.BadField("Content-Type", "is not application/json")
	}
	text, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, badBody(err.Error())
	}
	if err := scan(text, nil); err != nil && !errors.Is(err, errSyntax) {
		return nil, err
	}
	var body B
	if err := decode(text, &body); err != nil {
		return nil, err
	}
	return f(body)
}

// respond writes a result as JSON, a string as it is, and an error as text.
func respond(w http.ResponseWriter, result any, err error) {
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	if err != nil {
		http.Error(w, err.Error(), statusOf(err))
		return
	}
	if text, ok := result.(string); ok {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		_, _ = io.WriteString(w, text) // the client may be gone
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(result) // the client may be gone
}
