package main

import (
	"net"
	"strings"
	"sync"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// bank is the participant: any method succeeds, but one named Refuse fails. It keeps a journal per gid.
type bank struct {
	address string
	server  *grpc.Server
	mu      sync.Mutex
	calls   map[string][]string
}

func openBank() (*bank, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	b := &bank{address: listener.Addr().String(), calls: map[string][]string{}}
	b.server = grpc.NewServer(grpc.UnknownServiceHandler(b.serve))
	go func() { _ = b.server.Serve(listener) }()
	return b, nil
}

func (b *bank) url(method string) string { return b.address + "/interop.Bank/" + method }

// journal has the calls of a gid, as "Debit 01 action 30".
func (b *bank) journal(gid string) []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]string{}, b.calls[gid]...)
}

func (b *bank) serve(_ any, stream grpc.ServerStream) error {
	path, _ := grpc.MethodFromServerStream(stream)
	method := path[strings.LastIndex(path, "/")+1:]
	payload := &wrapperspb.StringValue{}
	if err := stream.RecvMsg(payload); err != nil {
		return err
	}
	fields, _ := metadata.FromIncomingContext(stream.Context())
	one := func(name string) string { return strings.Join(fields.Get(name), ",") }
	b.mu.Lock()
	gid := one("dtm-gid")
	call := strings.Join([]string{method, one("dtm-branch_id"), one("dtm-op"), payload.GetValue()}, " ")
	b.calls[gid] = append(b.calls[gid], call)
	b.mu.Unlock()
	if method == "Refuse" {
		return status.Error(codes.Aborted, "not enough money")
	}
	return stream.SendMsg(&emptypb.Empty{})
}
