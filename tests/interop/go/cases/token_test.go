package cases

import (
	"context"
	"os"
	"strings"
	"testing"

	"github.com/dtm-labs/client/dtmcli"
	"github.com/dtm-labs/client/dtmgrpc"
	"github.com/dtm-labs/client/dtmgrpc/dtmgpb"
	"github.com/go-resty/resty/v2"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/types/known/emptypb"

	"holdfast/interop/bank"
	"holdfast/interop/coordinator"
	"holdfast/interop/participant"
)

// Coordinators that require a token. Environment: INTEROP_TOKEN, and as in main_test.go
// INTEROP_TOKEN_TARGET and INTEROP_TOKEN_GRPC_TARGET, INTEROP_TLS_TARGET (with TLS), INTEROP_PROXY_TARGET and
// INTEROP_PROXY_GRPC_TARGET (nginx that adds the token and TLS). Without them the cases are skipped.
var token = os.Getenv("INTEROP_TOKEN")

func TestToken(t *testing.T) {
	runToken(t, "a saga over HTTP commits with the token in the coordinator's URL", tokenSaga("INTEROP_TOKEN_TARGET"))
	runToken(t, "a saga over https commits, with the authority in the environment", tokenSaga("INTEROP_TLS_TARGET"))
	runToken(t, "a TCC over HTTP commits with the token in the coordinator's URL", tokenTcc)
	runToken(t, "a TCC passes the coordinator's URL, with the token, to its participants", tokenPassedOn)
	runToken(t, "a saga over JSON-RPC commits with the token in the coordinator's URL", tokenJSONRPC)
	runToken(t, "a saga over gRPC commits with an interceptor", tokenGRPCSaga)
	runToken(t, "a TCC over gRPC commits with an interceptor, and branches do not receive the token", tokenGRPCTcc)
	runToken(t, "a saga over HTTP commits through nginx, which adds the token and TLS", tokenProxy)
	runToken(t, "a saga over gRPC commits through nginx, which adds the token and TLS", tokenGRPCProxy)
	runToken(t, "is required over HTTP", tokenRequired)
	runToken(t, "is required over gRPC", tokenRequiredGRPC)
}

func runToken(t *testing.T, name string, body func(s *scene)) {
	run(t, name, func(s *scene) {
		if token == "" {
			s.Skip("there is no coordinator with authentication")
		}
		body(s)
	})
}

// withToken is the URL of a coordinator with the token as user information, which the client sends as HTTP Basic.
func withToken(variable string) coordinator.Coordinator {
	return coordinator.Coordinator{Base: strings.Replace(os.Getenv(variable), "://", "://any:"+token+"@", 1)}
}

// addToken adds the token to calls of the coordinator with authentication, and to no others. The client uses one
// interceptor for all connections.
func addToken(ctx context.Context, method string, request, response any, connection *grpc.ClientConn,
	invoke grpc.UnaryInvoker, options ...grpc.CallOption) error {
	isGuarded := connection.Target() == os.Getenv("INTEROP_TOKEN_GRPC_TARGET")
	if isGuarded && strings.HasPrefix(method, "/dtmgimp.Dtm/") {
		ctx = metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer "+token)
	}
	return invoke(ctx, method, request, response, connection, options...)
}

// wantFinalAt waits for the final status at another coordinator than the usual one.
func (s *scene) wantFinalAt(at coordinator.Coordinator, status string) {
	s.Helper()
	answer, err := at.Final(s.gid)
	s.must(err)
	if answer.Transaction.Status != status {
		s.Fatalf("want %s, got %+v; journal:\n%s", status, answer.Transaction, s.journal())
	}
}

func (s *scene) sagaAt(rest string) *dtmcli.Saga {
	saga := dtmcli.NewSaga(rest, s.gid)
	for _, step := range []string{"debit", "credit"} {
		saga.Add(s.at.URL(step), s.at.URL("undo-"+step), payload)
	}
	saga.RetryInterval = 1
	saga.WaitResult = true
	return saga
}

// transfers submits a transaction, which moves the money and is final when submit returns.
func (s *scene) transfers(submit func() error) {
	s.Helper()
	from, to := s.transfer(100)
	s.must(submit())
	s.wantFunds(from, bank.Funds{Balance: 70})
	s.wantFunds(to, bank.Funds{Balance: 30})
	s.wantJournal("debit 01 action", "credit 02 action")
}

func tokenSaga(variable string) func(s *scene) {
	return func(s *scene) {
		at := withToken(variable)
		s.transfers(s.sagaAt(at.REST()).Submit)
		s.wantFinalAt(at, "succeed")
	}
}

func tokenProxy(s *scene) {
	at := coordinator.Coordinator{Base: os.Getenv("INTEROP_PROXY_TARGET")}
	s.transfers(s.sagaAt(at.REST()).Submit)
	s.wantFinalAt(at, "succeed")
}

func (s *scene) tccAt(at coordinator.Coordinator, branches ...string) error {
	return dtmcli.TccGlobalTransaction2(at.REST(), s.gid, s.tccOptions(true), func(tcc *dtmcli.Tcc) (*resty.Response, error) {
		return nil, s.call(tcc, branches...)
	})
}

func tokenTcc(s *scene) {
	from, to := s.reservation(100)
	at := withToken("INTEROP_TOKEN_TARGET")
	s.must(s.tccAt(at, "debit", "credit"))
	s.wantFinalAt(at, "succeed")
	s.wantFunds(from, bank.Funds{Balance: 70})
	s.wantFunds(to, bank.Funds{Balance: 30})
}

func tokenPassedOn(s *scene) {
	received := make(chan bool, 8)
	s.three("seat", func(call *participant.Call) error {
		if call.Op == "try" {
			received <- strings.Contains(call.Query.Get("dtm"), token)
		}
		return nil
	})
	s.must(s.tccAt(withToken("INTEROP_TOKEN_TARGET"), "seat"))
	if !<-received {
		s.Fatal("the participant did not receive the token: the documentation warns of it needlessly")
	}
}

func tokenJSONRPC(s *scene) {
	at := withToken("INTEROP_TOKEN_TARGET")
	from, to := s.transfer(100)
	saga := s.rpcSaga("debit", "credit")
	saga.Dtm = at.JSONRPC()
	s.must(saga.Submit())
	s.wantFinalAt(at, "succeed")
	s.wantFunds(from, bank.Funds{Balance: 70})
	s.wantFunds(to, bank.Funds{Balance: 30})
}

func (s *scene) grpcSagaAt(address string) *dtmgrpc.SagaGrpc {
	saga := s.newGRPCSaga("debit", "credit")
	saga.Dtm = address
	return saga
}

func tokenGRPCSaga(s *scene) {
	s.transfers(s.grpcSagaAt(os.Getenv("INTEROP_TOKEN_GRPC_TARGET")).Submit)
}

func tokenGRPCProxy(s *scene) {
	s.transfers(s.grpcSagaAt(os.Getenv("INTEROP_PROXY_GRPC_TARGET")).Submit)
}

func tokenGRPCTcc(s *scene) {
	leaked := make(chan string, 8)
	s.three("seat", func(call *participant.Call) error {
		leaked <- strings.Join(call.Metadata.Get("authorization"), ", ")
		return nil
	})
	at := os.Getenv("INTEROP_TOKEN_GRPC_TARGET")
	custom := func(tcc *dtmgrpc.TccGrpc) { tcc.WaitResult, tcc.RetryInterval = true, 1 }
	s.must(dtmgrpc.TccGlobalTransaction2(at, s.gid, custom, func(tcc *dtmgrpc.TccGrpc) error {
		url := func(op string) string { return overGRPC.URL(op + "seat") }
		return tcc.CallBranch(grpcPayload, url("try-"), url("confirm-"), url("cancel-"), &emptypb.Empty{})
	}))
	s.wantFinalAt(withToken("INTEROP_TOKEN_TARGET"), "succeed")
	s.wantJournal("try-seat 01 try", "confirm-seat 01 confirm")
	for range [2]struct{}{} {
		if got := <-leaked; got != "" {
			s.Fatal("a participant received an authorization")
		}
	}
}

func tokenRequired(s *scene) {
	s.at.Handle("debit", func(*participant.Call) error { return nil })
	at := coordinator.Coordinator{Base: os.Getenv("INTEROP_TOKEN_TARGET")}
	s.wantError(s.sagaAt(at.REST()).Submit(), "no credentials")
	wrong := coordinator.Coordinator{Base: strings.Replace(at.Base, "://", "://any:hf_wrong@", 1)}
	s.wantError(s.sagaAt(wrong.REST()).Submit(), "not valid")
	s.wantJournal()
}

func tokenRequiredGRPC(s *scene) {
	// Without the interceptor of the client's own connections.
	connection, err := grpc.Dial(os.Getenv("INTEROP_TOKEN_GRPC_TARGET"), grpc.WithTransportCredentials(insecure.NewCredentials()))
	s.must(err)
	defer connection.Close()
	_, err = dtmgpb.NewDtmClient(connection).NewGid(context.Background(), &emptypb.Empty{})
	s.wantCode(err, codes.Unauthenticated)
}
