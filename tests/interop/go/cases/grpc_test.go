package cases

import (
	"database/sql"
	"testing"

	"github.com/dtm-labs/client/dtmcli"
	"github.com/dtm-labs/client/dtmgrpc"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/dtm-labs/client/workflow"

	"holdfast/interop/bank"
	"holdfast/interop/participant"
)

var grpcPayload = wrapperspb.String(`{"amount":30}`)

// runGRPC runs a case whose client, coordinator and participants speak gRPC.
func runGRPC(t *testing.T, name string, body func(s *scene)) {
	run(t, name, func(s *scene) {
		if server.GRPC == "" {
			s.Skip("the coordinator has no gRPC address")
		}
		body(s)
	})
}

func onBothGRPC(t *testing.T, name string, body func(s *scene, b *bank.Bank)) {
	runGRPC(t, name+" (MariaDB)", func(s *scene) { body(s, s.mariadb()) })
	runGRPC(t, name+" (PostgreSQL)", func(s *scene) { body(s, s.postgres()) })
}

func TestGrpcSaga(t *testing.T) {
	runGRPC(t, "commits in two databases", grpcSagaCommits)
	runGRPC(t, "rolls back newest first when a branch returns FAILURE", grpcSagaRollsBack)
	runGRPC(t, "passes payload, headers and context to a branch", grpcSagaPassesContext)
	runGRPC(t, "a lost response is retried and the barrier keeps one effect", grpcSagaLostAnswer)
	runGRPC(t, "an ongoing branch is called again", grpcSagaOngoing)
	runGRPC(t, "runs concurrent steps in their order", grpcSagaConcurrent)
	runGRPC(t, "mixes branches over HTTP and gRPC", grpcSagaMixed)
	runGRPC(t, "submitted again after success succeeds; other steps under its gid are rejected", grpcSagaSubmittedAgain)
}

func (s *scene) newGRPCSaga(steps ...string) *dtmgrpc.SagaGrpc {
	saga := dtmgrpc.NewSagaGrpc(server.GRPC, s.gid)
	for _, step := range steps {
		saga.Add(overGRPC.URL(step), overGRPC.URL("undo-"+step), grpcPayload)
	}
	saga.RetryInterval = 1
	saga.WaitResult = true
	return saga
}

func grpcSagaCommits(s *scene) {
	from, to := s.transfer(100)
	s.must(s.newGRPCSaga("debit", "credit").Submit())
	s.wantStatusNow("succeed")
	s.wantFunds(from, bank.Funds{Balance: 70})
	s.wantFunds(to, bank.Funds{Balance: 30})
	s.wantJournal("debit 01 action", "credit 02 action")
}

func grpcSagaRollsBack(s *scene) {
	from, to := s.transfer(100)
	poor := s.account(s.postgres(), "poor", amount-1)
	s.both("fee", moves(poor, out))
	err := s.newGRPCSaga("debit", "credit", "fee").Submit()
	s.wantCode(err, codes.Aborted)
	s.wantStatusNow("failed")
	s.wantFunds(from, bank.Funds{Balance: 100})
	s.wantFunds(to, bank.Funds{})
	s.wantJournal("debit 01 action", "credit 02 action", "fee 03 action",
		"undo-fee 03 compensate", "undo-credit 02 compensate", "undo-debit 01 compensate")
	s.wantReason(s.wantFinal("failed"), "not enough money")
}

func (s *scene) wantCode(err error, want codes.Code) {
	s.Helper()
	if got := status.Code(err); got != want {
		s.Fatalf("want the code %s, got %s: %v", want, got, err)
	}
}

func grpcSagaPassesContext(s *scene) {
	s.both("debit", succeeds)
	saga := dtmgrpc.NewSagaGrpc(server.GRPC, s.gid, dtmgrpc.WithBranchHeaders(map[string]string{"x-tenant": "north"}))
	saga.Add(overGRPC.URL("debit"), "", grpcPayload)
	saga.WaitResult = true
	s.must(saga.Submit())
	call := s.one("debit")
	got := []string{string(call.Body), call.Gid, call.TransType, call.BranchID, call.Op, call.Metadata.Get("x-tenant")[0]}
	s.wantEqual("the call", got, []string{`{"amount":30}`, s.gid, "saga", "01", "action", "north"})
}

func grpcSagaLostAnswer(s *scene) {
	from, to := s.transfer(100)
	s.at.Handle("debit", losesFirstAnswer(moves(from, out)))
	saga := s.newGRPCSaga("debit", "credit")
	saga.WaitResult = false
	s.must(saga.Submit())
	s.wantFinal("succeed")
	s.wantFunds(from, bank.Funds{Balance: 70})
	s.wantFunds(to, bank.Funds{Balance: 30})
	s.wantJournal("debit 01 action", "debit 01 action", "credit 02 action")
}

func grpcSagaOngoing(s *scene) {
	from, _ := s.transfer(100)
	s.at.Handle("debit", first(dtmcli.ErrOngoing, moves(from, out)))
	saga := s.newGRPCSaga("debit")
	saga.WaitResult = false
	s.must(saga.Submit())
	s.wantFinal("succeed")
	s.wantJournal("debit 01 action", "debit 01 action")
}

func grpcSagaConcurrent(s *scene) {
	meet := meeting(2)
	for _, endpoint := range []string{"one", "two"} {
		s.both(endpoint, meet)
	}
	s.both("last", succeeds)
	saga := s.newGRPCSaga("one", "two", "last").EnableConcurrent().AddBranchOrder(2, []int{0, 1})
	s.must(saga.Submit())
	s.wantAfter("last", "one", "two")
}

func grpcSagaMixed(s *scene) {
	from, to := s.transfer(100)
	saga := s.newGRPCSaga("debit")
	saga.Add(s.at.URL("credit"), s.at.URL("undo-credit"), grpcPayload)
	s.at.Handle("credit", func(call *participant.Call) error {
		// Over HTTP the bytes of the message are the body.
		call.Body = call.Body[2:]
		return moves(to, in)(call)
	})
	s.must(saga.Submit())
	s.wantFunds(from, bank.Funds{Balance: 70})
	s.wantFunds(to, bank.Funds{Balance: 30})
}

func grpcSagaSubmittedAgain(s *scene) {
	from, _ := s.transfer(100)
	s.must(s.newGRPCSaga("debit").Submit())
	s.must(s.newGRPCSaga("debit").Submit())
	s.wantCode(s.newGRPCSaga("debit", "credit").Submit(), codes.Aborted)
	s.wantFunds(from, bank.Funds{Balance: 70})
	s.wantJournal("debit 01 action")
}

func TestGrpcTcc(t *testing.T) {
	runGRPC(t, "commits in two databases", grpcTccCommits)
	runGRPC(t, "rolls back newest first when a try returns FAILURE", grpcTccRollsBack)
}

func (s *scene) grpcTcc(branches ...string) error {
	custom := func(tcc *dtmgrpc.TccGrpc) { tcc.WaitResult, tcc.RetryInterval = true, 1 }
	return dtmgrpc.TccGlobalTransaction2(server.GRPC, s.gid, custom, func(tcc *dtmgrpc.TccGrpc) error {
		for _, branch := range branches {
			url := func(op string) string { return overGRPC.URL(op + branch) }
			err := tcc.CallBranch(grpcPayload, url("try-"), url("confirm-"), url("cancel-"), &emptypb.Empty{})
			if err != nil {
				return err
			}
		}
		return nil
	})
}

func grpcTccCommits(s *scene) {
	from, to := s.reservation(100)
	s.must(s.grpcTcc("debit", "credit"))
	s.wantStatusNow("succeed")
	s.wantFunds(from, bank.Funds{Balance: 70})
	s.wantFunds(to, bank.Funds{Balance: 30})
	s.wantJournal("try-debit 01 try", "try-credit 02 try", "confirm-credit 02 confirm", "confirm-debit 01 confirm")
}

func grpcTccRollsBack(s *scene) {
	from, to := s.reservation(amount - 1)
	s.wantCode(s.grpcTcc("credit", "debit"), codes.Aborted)
	s.wantFinal("failed")
	s.wantFunds(from, bank.Funds{Balance: amount - 1})
	s.wantFunds(to, bank.Funds{})
	s.wantJournal("try-credit 01 try", "try-debit 02 try", "cancel-debit 02 cancel", "cancel-credit 01 cancel")
}

func TestGrpcXa(t *testing.T) {
	onBothGRPC(t, "commits", grpcXaCommits)
	onBothGRPC(t, "rolls back when a branch returns FAILURE", grpcXaRollsBack)
}

func (s *scene) grpcXa(endpoints ...string) error {
	custom := func(xa *dtmgrpc.XaGrpc) { xa.WaitResult, xa.RetryInterval = true, 1 }
	return dtmgrpc.XaGlobalTransaction2(server.GRPC, s.gid, custom, func(xa *dtmgrpc.XaGrpc) error {
		for _, endpoint := range endpoints {
			if err := xa.CallBranch(grpcPayload, overGRPC.URL(endpoint), &emptypb.Empty{}); err != nil {
				return err
			}
		}
		return nil
	})
}

func (s *scene) grpcPair(b *bank.Bank, balance int) (from, to bank.Account) {
	from, to = s.account(b, "from", balance), s.account(b, "to", 0)
	join := func(account bank.Account, direction int) participant.Handler {
		return func(call *participant.Call) error {
			return account.Bank.XaBranchOfGRPC(call.Context, func(db *sql.DB) error {
				amount, err := ordered(call)
				if err != nil {
					return err
				}
				return account.Change(db, direction*amount, 0)
			})
		}
	}
	s.at.Handle("debit", join(from, out))
	s.at.Handle("credit", join(to, in))
	return from, to
}

func grpcXaCommits(s *scene, b *bank.Bank) {
	from, to := s.grpcPair(b, 100)
	s.must(s.grpcXa("debit", "credit"))
	s.wantStatusNow("succeed")
	s.wantPrepared(b, 0)
	s.wantFunds(from, bank.Funds{Balance: 70})
	s.wantFunds(to, bank.Funds{Balance: 30})
	s.wantJournal("debit 01 action", "credit 02 action", "debit 01 commit", "credit 02 commit")
}

func grpcXaRollsBack(s *scene, b *bank.Bank) {
	from, to := s.grpcPair(b, amount-1)
	s.wantCode(s.grpcXa("credit", "debit"), codes.Aborted)
	s.wantFinal("failed")
	s.wantPrepared(b, 0)
	s.wantFunds(from, bank.Funds{Balance: amount - 1})
	s.wantFunds(to, bank.Funds{})
	s.wantJournal("credit 01 action", "debit 02 action", "credit 01 rollback")
}

func TestGrpcMessage(t *testing.T) {
	onBothGRPC(t, "delivers after the local transaction has committed", grpcMsgLocalCommit)
	onBothGRPC(t, "that is never submitted is checked back, and dropped", grpcMsgCheckedBack)
	runGRPC(t, "fans out to the subscribers of a topic", grpcMsgTopic)
}

func (s *scene) newGRPCMsg() *dtmgrpc.MsgGrpc {
	msg := dtmgrpc.NewMsgGrpc(server.GRPC, s.gid).Add(overGRPC.URL("receive"), grpcPayload)
	msg.RetryInterval, msg.TimeoutToFail, msg.WaitResult = 1, 1, true
	return msg
}

func grpcMsgLocalCommit(s *scene, b *bank.Bank) {
	sender, receiver := s.sender(b), s.receiver()
	s.must(s.newGRPCMsg().DoAndSubmit(overGRPC.URL("check-back"), pays(sender)))
	s.wantFinal("succeed")
	s.wantFunds(sender, bank.Funds{Balance: 70})
	s.wantFunds(receiver, bank.Funds{Balance: 30})
}

func grpcMsgCheckedBack(s *scene, b *bank.Bank) {
	s.sender(b)
	receiver := s.receiver()
	s.must(s.newGRPCMsg().Prepare(overGRPC.URL("check-back")))
	s.wantFinal("failed")
	s.wantFunds(receiver, bank.Funds{})
	s.wantJournal("check-back 00 msg")
}

func grpcMsgTopic(s *scene) {
	s.must(server.Subscribe(s.gid, overGRPC.URL("one")))
	s.must(server.Subscribe(s.gid, overGRPC.URL("two")))
	s.both("one", succeeds)
	s.both("two", succeeds)
	msg := dtmgrpc.NewMsgGrpc(server.GRPC, s.gid).AddTopic(s.gid, grpcPayload)
	msg.WaitResult = true
	s.must(msg.Submit())
	s.wantCalls(map[string]int{"one": 1, "two": 1})
}

func TestGrpcWorkflow(t *testing.T) {
	if !workflowsUseGRPC() {
		return
	}
	runGRPC(t, "commits its branches, and gives its result again when executed again", grpcWfCommits)
	runGRPC(t, "rolls its branches back", grpcWfRollsBack)
	runGRPC(t, "is continued over workflow.Workflow/Execute", grpcWfResumes)
}

// registerGRPC registers a workflow of this scene's own, with one branch per endpoint.
func (s *scene) registerGRPC(then func() error, endpoints ...string) {
	connection, err := grpc.Dial(overGRPC.Address, grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithUnaryInterceptor(workflow.Interceptor))
	s.must(err)
	s.Cleanup(func() { _ = connection.Close() })
	invoke := func(wf *workflow.Workflow, endpoint string) error {
		return connection.Invoke(wf.Context, participant.Method(endpoint), grpcPayload, &emptypb.Empty{})
	}
	s.must(workflow.Register2(s.gid, func(wf *workflow.Workflow, _ []byte) ([]byte, error) {
		for _, endpoint := range endpoints {
			undo := "undo-" + endpoint
			wf.NewBranch().OnRollback(func(*dtmcli.BranchBarrier) error { return invoke(wf, undo) })
			if err := invoke(wf, endpoint); err != nil {
				return nil, err
			}
			if err := then(); err != nil {
				return nil, err
			}
		}
		return []byte("done"), nil
	}, func(wf *workflow.Workflow) { wf.RetryInterval = 1 }))
}

func grpcWfCommits(s *scene) {
	from, to := s.transfer(100)
	s.registerGRPC(func() error { return nil }, "debit", "credit")
	for range []int{1, 2} {
		result, err := workflow.Execute2(s.gid, s.gid, nil)
		s.must(err)
		s.wantEqual("the result", []string{string(result)}, []string{"done"})
	}
	s.wantFinal("succeed")
	s.wantFunds(from, bank.Funds{Balance: 70})
	s.wantFunds(to, bank.Funds{Balance: 30})
	s.wantJournal("debit 01 action", "credit 02 action")
}

func grpcWfRollsBack(s *scene) {
	from, to := s.transfer(100)
	poor := s.account(s.postgres(), "poor", amount-1)
	s.both("fee", moves(poor, out))
	s.registerGRPC(func() error { return nil }, "debit", "credit", "fee")
	_, err := workflow.Execute2(s.gid, s.gid, nil)
	s.wantError(err, "not enough money")
	s.wantFinal("failed")
	s.wantFunds(from, bank.Funds{Balance: 100})
	s.wantFunds(to, bank.Funds{})
}

func grpcWfResumes(s *scene) {
	from, to := s.transfer(100)
	runs := 0
	s.registerGRPC(func() error {
		if runs++; runs == 1 {
			return errDown
		}
		return nil
	}, "debit", "credit")
	_, err := workflow.Execute2(s.gid, s.gid, nil)
	s.wantError(err, errDown.Error())
	s.wantFinal("succeed")
	s.wantFunds(from, bank.Funds{Balance: 70})
	s.wantFunds(to, bank.Funds{Balance: 30})
	s.wantJournal("debit 01 action", "credit 02 action")
}
