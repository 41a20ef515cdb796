package cases

import (
	"encoding/json"
	"testing"

	"github.com/dtm-labs/client/dtmcli"
	"github.com/dtm-labs/client/dtmcli/dtmimp"
	"github.com/go-resty/resty/v2"

	"holdfast/interop/bank"
	"holdfast/interop/participant"
)

func TestJsonRpc(t *testing.T) {
	run(t, "returns gids", rpcNewGid)
	run(t, "a saga commits", rpcSagaCommits)
	run(t, "a saga rolls back", rpcSagaRollsBack)
	run(t, "a saga that fails is not a success for a caller that waits, and its repetition is rejected", rpcRefuses)
	run(t, "the code of a branch's error alone decides", rpcCodeDecides)
	run(t, "a branch that returns ONGOING is called again", rpcOngoing)
	run(t, "a TCC commits", rpcTccCommits)
	run(t, "a TCC rolls back", rpcTccRollsBack)
	run(t, "a prepared message is checked back and delivered", rpcCheckBack)
	run(t, "a message whose local transaction was rolled back delivers nothing", rpcMsgRollsBack)
}

// rpcSaga is a saga that is submitted over JSON-RPC and whose branches are called over JSON-RPC.
func (s *scene) rpcSaga(steps ...string) *dtmcli.Saga {
	saga := dtmcli.NewSaga(server.JSONRPC(), s.gid)
	for _, step := range steps {
		saga.Add(s.at.RPCURL(step), s.at.RPCURL("undo-"+step), payload)
	}
	saga.Protocol = dtmimp.Jrpc
	saga.RetryInterval = 1
	return saga
}

func rpcNewGid(s *scene) {
	caller := dtmimp.NewTransBase("", "", server.JSONRPC(), "")
	caller.Protocol = dtmimp.Jrpc
	gids := map[string]bool{}
	for len(gids) < 3 {
		response, err := dtmimp.TransCallDtmExt(caller, nil, "newGid")
		s.must(err)
		var answer struct {
			Result map[string]string `json:"result"`
		}
		s.must(json.Unmarshal(response.Body(), &answer))
		gid := answer.Result["gid"]
		if gid == "" || gids[gid] {
			s.Fatalf("no new gid in %s", response)
		}
		gids[gid] = true
	}
}

func rpcSagaCommits(s *scene) {
	from, to := s.transfer(100)
	saga := s.rpcSaga("debit", "credit")
	saga.WaitResult = true
	saga.BranchHeaders = map[string]string{"X-Tenant": "north"}
	s.must(saga.Submit())
	s.wantStatusNow("succeed")
	s.wantFunds(from, bank.Funds{Balance: 70})
	s.wantFunds(to, bank.Funds{Balance: 30})
	s.wantJournal("debit 01 action", "credit 02 action")
	call := s.one("debit")
	s.wantEqual("the call", []string{call.Gid, call.TransType, call.Header.Get("X-Tenant")}, []string{s.gid, "saga", "north"})
}

func rpcSagaRollsBack(s *scene) {
	from, _ := s.transfer(100)
	poor := s.account(s.postgres(), "poor", amount-1)
	s.both("fee", moves(poor, out))
	s.must(s.rpcSaga("debit", "fee", "credit").Submit())
	s.wantReason(s.wantFinal("failed"), "not enough money")
	s.wantFunds(from, bank.Funds{Balance: 100})
	s.wantFunds(poor, bank.Funds{Balance: amount - 1})
	s.wantJournal("debit 01 action", "fee 02 action", "undo-fee 02 compensate", "undo-debit 01 compensate")
}

// The client takes an answer for a success unless it can read the error in it as JSON.
func rpcRefuses(s *scene) {
	s.at.Handle("refuse", answers(dtmcli.ErrFailure))
	s.at.Handle("undo-refuse", succeeds)
	saga := s.rpcSaga("refuse")
	saga.WaitResult = true
	s.wantError(saga.Submit(), "-32901")
	s.wantStatusNow("failed")
	s.wantError(saga.Submit(), "-32901")
}

// The message of the error does not contain the word FAILURE.
func rpcCodeDecides(s *scene) {
	from, _ := s.transfer(100)
	s.at.Handle("credit", answers(&participant.RPCError{Code: dtmimp.JrpcCodeFailure, Message: "no such account"}))
	s.must(s.rpcSaga("debit", "credit").Submit())
	s.wantReason(s.wantFinal("failed"), "no such account")
	s.wantFunds(from, bank.Funds{Balance: 100})
}

func rpcOngoing(s *scene) {
	from, to := s.transfer(100)
	s.at.Handle("credit", first(dtmcli.ErrOngoing, moves(to, in)))
	s.must(s.rpcSaga("debit", "credit").Submit())
	s.wantFinal("succeed")
	s.wantFunds(from, bank.Funds{Balance: 70})
	s.wantFunds(to, bank.Funds{Balance: 30})
}

// rpcTcc begins, registers and ends over JSON-RPC; the tries are the client's own HTTP calls.
func (s *scene) rpcTcc(branches ...string) error {
	custom := func(tcc *dtmcli.Tcc) {
		tcc.Protocol = dtmimp.Jrpc
		tcc.WaitResult = true
		tcc.RetryInterval = 1
	}
	return dtmcli.TccGlobalTransaction2(server.JSONRPC(), s.gid, custom, func(tcc *dtmcli.Tcc) (*resty.Response, error) {
		for _, branch := range branches {
			_, err := tcc.CallBranch(payload, s.at.URL("try-"+branch), s.at.RPCURL("confirm-"+branch), s.at.RPCURL("cancel-"+branch))
			if err != nil {
				return nil, err
			}
		}
		return nil, nil
	})
}

func rpcTccCommits(s *scene) {
	from, to := s.reservation(100)
	s.must(s.rpcTcc("debit", "credit"))
	s.wantStatusNow("succeed")
	s.wantFunds(from, bank.Funds{Balance: 70})
	s.wantFunds(to, bank.Funds{Balance: 30})
	s.wantJournal("try-debit 01 try", "try-credit 02 try", "confirm-credit 02 confirm", "confirm-debit 01 confirm")
}

func rpcTccRollsBack(s *scene) {
	from, to := s.reservation(amount - 1)
	s.wantError(s.rpcTcc("credit", "debit"), "not enough money")
	s.wantStatusNow("failed")
	s.wantFunds(from, bank.Funds{Balance: amount - 1})
	s.wantFunds(to, bank.Funds{})
	s.wantJournal("try-credit 01 try", "try-debit 02 try", "cancel-debit 02 cancel", "cancel-credit 01 cancel")
}

func (s *scene) rpcMsg() *dtmcli.Msg {
	msg := dtmcli.NewMsg(server.JSONRPC(), s.gid).Add(s.at.RPCURL("receive"), payload)
	msg.Protocol = dtmimp.Jrpc
	msg.RetryInterval = 1
	msg.TimeoutToFail = 1
	return msg
}

// The sender is gone after its local transaction; its check-back is an HTTP address.
func rpcCheckBack(s *scene) {
	sender, receiver := s.sender(s.mariadb()), s.receiver()
	s.must(s.rpcMsg().Prepare(s.at.URL("check-back")))
	barrier, err := dtmcli.BarrierFrom("msg", s.gid, "00", "msg")
	s.must(err)
	s.must(pays(sender)(barrier))
	s.wantFinal("succeed")
	s.wantFunds(sender, bank.Funds{Balance: 70})
	s.wantFunds(receiver, bank.Funds{Balance: 30})
	s.wantJournal("check-back 00 msg", "receive 01 action")
}

func rpcMsgRollsBack(s *scene) {
	sender, receiver := s.sender(s.mariadb()), s.receiver()
	s.must(sender.Change(sender.Bank.DB, -90, 0))
	s.wantError(s.rpcMsg().DoAndSubmit(s.at.URL("check-back"), pays(sender)), "not enough money")
	s.wantFinal("failed")
	s.wantFunds(sender, bank.Funds{Balance: 10})
	s.wantFunds(receiver, bank.Funds{})
	s.wantJournal()
}
