package participant

import (
	"fmt"
	"sort"
	"sync"
)

// Scene is the part of the service that belongs to one case: its endpoints, and a journal of every call they got.
// The journal is what the participants know by themselves; a coordinator cannot embellish it.
type Scene struct {
	base     string
	mu       sync.Mutex
	handlers map[string]Handler
	calls    []*Call
	clock    int
}

// Handle adds an endpoint.
func (s *Scene) Handle(endpoint string, handler Handler) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.handlers[endpoint] = handler
}

// Wrap puts a handler around the one an endpoint has.
func (s *Scene) Wrap(endpoint string, around func(call *Call, handler Handler) error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	handler := s.handlers[endpoint]
	s.handlers[endpoint] = func(call *Call) error { return around(call, handler) }
}

// URL is where an endpoint is called over HTTP.
func (s *Scene) URL(endpoint string) string { return s.base + "/" + endpoint }

// RPCURL is where an endpoint is called over JSON-RPC; the coordinator reads the method from the query.
func (s *Scene) RPCURL(endpoint string) string {
	return fmt.Sprintf("%s/%s%s?method=%s", s.base, rpcPrefix, endpoint, endpoint)
}

// Calls is the journal so far, oldest first.
func (s *Scene) Calls() []Call {
	s.mu.Lock()
	defer s.mu.Unlock()
	calls := make([]Call, 0, len(s.calls))
	for _, call := range s.calls {
		calls = append(calls, *call)
	}
	sort.Slice(calls, func(i, j int) bool { return calls[i].Began < calls[j].Began })
	return calls
}

func (s *Scene) begin(call *Call) (Handler, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	handler := s.handlers[call.Endpoint]
	if handler == nil {
		return nil, fmt.Errorf("no endpoint %q", call.Endpoint)
	}
	call.Attempt = 1
	for _, earlier := range s.calls {
		if earlier.Endpoint == call.Endpoint && earlier.Gid == call.Gid && earlier.Name() == call.Name() {
			call.Attempt++
		}
	}
	s.clock++
	call.Began = s.clock
	s.calls = append(s.calls, call)
	return handler, nil
}

func (s *Scene) end(call *Call) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.clock++
	call.Ended = s.clock
}
