package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"reflect"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/metadata"
	reflection "google.golang.org/grpc/reflection/grpc_reflection_v1"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"google.golang.org/grpc"

	"holdfast/generated/dtmgimp"
)

const callTimeout = 15 * time.Second

var cases = []struct {
	name string
	run  func(s *suite) error
}{
	{"submits a saga whose branches run", sagaCommits},
	{"submits a saga that is rolled back, and receives the code and the trailers", sagaRollsBack},
	{"submits a saga over TLS with a token in the metadata; without it, the call is UNAUTHENTICATED", sagaWithToken},
	{"lists the services through reflection (v1)", listsServices},
}

func (s *suite) request(ctx context.Context, methods ...string) (*dtmgimp.DtmRequest, error) {
	reply, err := s.client.NewGid(ctx, &emptypb.Empty{})
	if err != nil {
		return nil, err
	}
	steps, payloads := []map[string]string{}, [][]byte{}
	for _, method := range methods {
		steps = append(steps, map[string]string{"action": s.bank.url(method), "compensate": s.bank.url("Undo" + method)})
		payload, err := proto.Marshal(wrapperspb.String("30"))
		if err != nil {
			return nil, err
		}
		payloads = append(payloads, payload)
	}
	text, err := json.Marshal(steps)
	return &dtmgimp.DtmRequest{
		Gid: reply.Gid, TransType: "saga", Steps: string(text), BinPayloads: payloads,
		TransOptions: &dtmgimp.DtmTransOptions{WaitResult: true},
	}, err
}

func sagaCommits(s *suite) error {
	ctx, cancel := context.WithTimeout(context.Background(), callTimeout)
	defer cancel()
	request, err := s.request(ctx, "Debit", "Credit")
	if err != nil {
		return err
	}
	if _, err := s.client.Submit(ctx, request); err != nil {
		return err
	}
	return equal("the calls", s.bank.journal(request.Gid), []string{"Debit 01 action 30", "Credit 02 action 30"})
}

func sagaRollsBack(s *suite) error {
	ctx, cancel := context.WithTimeout(context.Background(), callTimeout)
	defer cancel()
	request, err := s.request(ctx, "Debit", "Refuse")
	if err != nil {
		return err
	}
	var trailer metadata.MD
	_, err = s.client.Submit(ctx, request, grpc.Trailer(&trailer))
	if err := equal("the code", status.Code(err), codes.Aborted); err != nil {
		return err
	}
	if err := equal("the trailer", trailer.Get("holdfast-status"), []string{"failed"}); err != nil {
		return err
	}
	return equal("the calls", s.bank.journal(request.Gid), []string{
		"Debit 01 action 30", "Refuse 02 action 30", "UndoRefuse 02 compensate 30", "UndoDebit 01 compensate 30",
	})
}

func sagaWithToken(s *suite) error {
	ctx, cancel := context.WithTimeout(context.Background(), callTimeout)
	defer cancel()
	authority, err := credentials.NewClientTLSFromFile(os.Getenv("INTEROP_CA"), "")
	if err != nil {
		return err
	}
	connection, err := grpc.Dial(os.Getenv("INTEROP_TLS_GRPC_TARGET"), grpc.WithTransportCredentials(authority))
	if err != nil {
		return err
	}
	defer connection.Close()
	request, err := s.request(ctx, "Debit", "Credit")
	if err != nil {
		return err
	}
	client := dtmgimp.NewDtmClient(connection)
	_, err = client.Submit(ctx, request)
	if err := equal("the code", status.Code(err), codes.Unauthenticated); err != nil {
		return err
	}
	ctx = metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer "+os.Getenv("INTEROP_TOKEN"))
	if _, err := client.Submit(ctx, request); err != nil {
		return err
	}
	return equal("the calls", s.bank.journal(request.Gid), []string{"Debit 01 action 30", "Credit 02 action 30"})
}

func listsServices(s *suite) error {
	ctx, cancel := context.WithTimeout(context.Background(), callTimeout)
	defer cancel()
	stream, err := reflection.NewServerReflectionClient(s.connection).ServerReflectionInfo(ctx)
	if err != nil {
		return err
	}
	list := &reflection.ServerReflectionRequest_ListServices{ListServices: "*"}
	if err := stream.Send(&reflection.ServerReflectionRequest{MessageRequest: list}); err != nil {
		return err
	}
	response, err := stream.Recv()
	if err != nil {
		return err
	}
	listed := map[string]bool{}
	for _, service := range response.GetListServicesResponse().GetService() {
		listed[service.GetName()] = true
	}
	for _, name := range []string{
		"dtmgimp.Dtm", "grpc.health.v1.Health", "grpc.reflection.v1.ServerReflection",
		"grpc.reflection.v1alpha.ServerReflection",
	} {
		if !listed[name] {
			return fmt.Errorf("%s is not among the services %v", name, listed)
		}
	}
	return nil
}

func equal(what string, got, want any) error {
	if !reflect.DeepEqual(got, want) {
		return fmt.Errorf("%s: want %v, got %v", what, want, got)
	}
	return nil
}
