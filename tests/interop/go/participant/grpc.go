package participant

import (
	"errors"
	"net"
	"path"
	"strings"

	"github.com/dtm-labs/client/dtmcli/dtmimp"
	"github.com/dtm-labs/client/dtmgrpc"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// BankService is the gRPC service whose methods are the endpoints of the scenes.
const BankService = "interop.Bank"

// GRPC serves the scenes of a service over gRPC: the method is the endpoint, and the scene is that of the call's gid.
type GRPC struct {
	Address string
	Server  *grpc.Server

	listener net.Listener
}

// OpenGRPC binds a random loopback port. Services may be registered until Serve.
func (s *Service) OpenGRPC() (*GRPC, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	server := grpc.NewServer(grpc.UnknownServiceHandler(s.serveGRPC))
	return &GRPC{Address: listener.Addr().String(), Server: server, listener: listener}, nil
}

// Serve serves calls until Close.
func (g *GRPC) Serve() {
	go func() {
		if err := g.Server.Serve(g.listener); err != nil && !errors.Is(err, grpc.ErrServerStopped) {
			panic(err)
		}
	}()
}

// Close stops the server and whatever it still serves.
func (g *GRPC) Close() { g.Server.Stop() }

// Method is the full name of an endpoint's method. The names of methods have no hyphens.
func Method(endpoint string) string {
	return "/" + BankService + "/" + strings.ReplaceAll(endpoint, "-", "_")
}

// URL is the address of an endpoint, as the coordinator calls it.
func (g *GRPC) URL(endpoint string) string { return g.Address + Method(endpoint) }

// serveGRPC serves a branch call. Its message is a StringValue with the JSON text that the handlers read.
func (s *Service) serveGRPC(_ any, stream grpc.ServerStream) error {
	method, _ := grpc.MethodFromServerStream(stream)
	message := &wrapperspb.StringValue{}
	if err := stream.RecvMsg(message); err != nil {
		return err
	}
	fields, _ := metadata.FromIncomingContext(stream.Context())
	one := func(name string) string { return strings.Join(fields.Get(name), ",") }
	call := &Call{
		Endpoint: strings.ReplaceAll(path.Base(method), "_", "-"), Body: []byte(message.GetValue()),
		Gid: one("dtm-gid"), TransType: one("dtm-trans_type"), BranchID: one("dtm-branch_id"), Op: one("dtm-op"),
		Metadata: fields, Context: stream.Context(), Abandoned: stream.Context().Done(),
	}
	scene := s.find(call.Gid)
	if scene == nil {
		return status.Error(codes.NotFound, "there is no scene of the gid "+call.Gid)
	}
	if err := scene.serve(call); err != nil {
		return dtmgrpc.DtmError2GrpcError(err)
	}
	return dtmimp.CatchP(func() { dtmimp.E2P(stream.SendMsg(&emptypb.Empty{})) })
}
