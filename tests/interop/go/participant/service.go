// Package participant is the HTTP service whose endpoints the coordinator calls as branches.
package participant

import (
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"

	"github.com/dtm-labs/client/dtmcli"
	"github.com/dtm-labs/client/dtmcli/dtmimp"
)

const rpcPrefix = "rpc/"

// Service listens on a random loopback port; its paths are /scene/endpoint and /scene/rpc/endpoint.
type Service struct {
	base   string
	server *http.Server
	mu     sync.Mutex
	scenes map[string]*Scene
}

// Start opens the service.
func Start() (*Service, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	service := &Service{base: "http://" + listener.Addr().String(), scenes: map[string]*Scene{}}
	service.server = &http.Server{Handler: service}
	go func() {
		if err := service.server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			panic(err)
		}
	}()
	return service, nil
}

// Close stops the service and whatever it still serves.
func (s *Service) Close() error { return s.server.Close() }

// Scene opens the part of the service that a case uses.
func (s *Service) Scene(name string) *Scene {
	s.mu.Lock()
	defer s.mu.Unlock()
	scene := &Scene{base: s.base + "/" + name, handlers: map[string]Handler{}}
	s.scenes[name] = scene
	return scene
}

func (s *Service) find(name string) *Scene {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.scenes[name]
}

// ServeHTTP answers a branch call.
func (s *Service) ServeHTTP(writer http.ResponseWriter, request *http.Request) {
	name, endpoint, _ := strings.Cut(strings.TrimPrefix(request.URL.Path, "/"), "/")
	scene := s.find(name)
	body, err := io.ReadAll(request.Body)
	if scene == nil || err != nil {
		http.Error(writer, "no such scene, or a body that cannot be read", http.StatusNotFound)
		return
	}
	query := request.URL.Query()
	call := &Call{
		Endpoint: endpoint, Method: request.Method, Query: query, Header: request.Header, Body: body,
		Gid: query.Get("gid"), TransType: query.Get("trans_type"), BranchID: query.Get("branch_id"), Op: query.Get("op"),
		Reply: dtmcli.MapSuccess, Abandoned: request.Context().Done(),
	}
	if strings.HasPrefix(endpoint, rpcPrefix) {
		call.Endpoint = strings.TrimPrefix(endpoint, rpcPrefix)
		serveRPC(writer, scene, call)
		return
	}
	answer(writer, call, scene.serve(call))
}

func (s *Scene) serve(call *Call) error {
	handler, err := s.begin(call)
	if err != nil {
		return err
	}
	defer s.end(call)
	return dtmimp.CatchP(func() { dtmimp.E2P(handler(call)) })
}

// The client's own mapping from an error to a status code and a JSON body.
func answer(writer http.ResponseWriter, call *Call, err error) {
	result := call.Reply
	if err != nil {
		result = err
	}
	code, body := dtmcli.Result2HttpJSON(result)
	writer.Header().Set("Content-Type", "application/json")
	writer.WriteHeader(code)
	_ = json.NewEncoder(writer).Encode(body)
}
