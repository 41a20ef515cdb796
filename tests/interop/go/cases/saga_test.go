package cases

import (
	"testing"

	"github.com/dtm-labs/client/dtmcli"

	"holdfast/interop/bank"
	"holdfast/interop/participant"
)

func TestSaga(t *testing.T) {
	run(t, "commits in two databases", sagaCommits)
	run(t, "rolls back newest first when a branch returns FAILURE", sagaRollsBack)
	run(t, "a submit that does not wait returns before its branches have run, and commits", sagaCommitsWithoutWaiting)
	run(t, "a submit that does not wait returns before its branches have run, and rolls back", sagaRollsBackWithoutWaiting)
	run(t, "passes payload, headers and context to a branch", sagaPassesContext)
	run(t, "retries a branch that is down, a waiting caller is notified that it is not finished", sagaRetriesUnknown)
	run(t, "a lost response is retried and the barrier keeps one effect", sagaLostAnswer)
	run(t, "a branch that hangs is abandoned after the request timeout and called again", sagaRequestTimeout)
	run(t, "an ongoing branch is called again", sagaOngoing)
	run(t, "a compensation that fails is retried until it succeeds", sagaRetriesCompensation)
	run(t, "a step without compensate rolls back without a call", sagaWithoutCompensate)
	run(t, "submitted again after success succeeds and changes nothing; other steps under its gid are rejected", sagaSubmittedAgain)
	run(t, "the timeout rolls back", sagaTimesOut)
	run(t, "the retry limit rolls back", sagaRetryLimit)
	run(t, "a gid that is a prefix of another keeps its branches", sagaPrefixGid)
}

// newSaga is a saga whose steps are endpoints of this scene; "undo-" in front is the compensation.
func (s *scene) newSaga(steps ...string) *dtmcli.Saga {
	return s.newSagaOf(s.gid, steps...)
}

func (s *scene) newSagaOf(gid string, steps ...string) *dtmcli.Saga {
	saga := dtmcli.NewSaga(server.REST(), gid)
	for _, step := range steps {
		saga.Add(s.at.URL(step), s.at.URL("undo-"+step), payload)
	}
	saga.RetryInterval = 1
	return saga
}

// transfer opens an account in each database, with endpoints to move money from the first to the second.
func (s *scene) transfer(balance int) (from, to bank.Account) {
	from, to = s.account(s.mariadb(), "from", balance), s.account(s.postgres(), "to", 0)
	s.both("debit", moves(from, out))
	s.both("credit", moves(to, in))
	return from, to
}

func sagaCommits(s *scene) {
	from, to := s.transfer(100)
	saga := s.newSaga("debit", "credit")
	saga.WaitResult = true
	s.must(saga.Submit())
	s.wantStatusNow("succeed")
	s.wantFunds(from, bank.Funds{Balance: 70})
	s.wantFunds(to, bank.Funds{Balance: 30})
	s.wantJournal("debit 01 action", "credit 02 action")
	answer := s.wantFinal("succeed")
	s.wantBranches(answer, "01 compensate prepared", "01 action succeed", "02 compensate prepared", "02 action succeed")
}

func sagaRollsBack(s *scene) {
	from, to := s.transfer(100)
	poor := s.account(s.postgres(), "poor", amount-1)
	s.both("fee", moves(poor, out))
	saga := s.newSaga("debit", "credit", "fee", "never")
	saga.WaitResult = true
	s.wantError(saga.Submit(), "FAILURE")
	s.wantStatusNow("failed")
	s.wantFunds(from, bank.Funds{Balance: 100})
	s.wantFunds(to, bank.Funds{})
	s.wantFunds(poor, bank.Funds{Balance: amount - 1})
	s.wantJournal("debit 01 action", "credit 02 action", "fee 03 action",
		"undo-fee 03 compensate", "undo-credit 02 compensate", "undo-debit 01 compensate")
	answer := s.wantFinal("failed")
	s.wantReason(answer, "not enough money")
	s.wantBranches(answer, "01 compensate succeed", "01 action succeed", "02 compensate succeed", "02 action succeed",
		"03 compensate succeed", "03 action failed", "04 compensate prepared", "04 action prepared")
}

func sagaCommitsWithoutWaiting(s *scene) {
	from, to := s.transfer(100)
	submitted := make(chan struct{})
	s.at.Handle("debit", blocks(submitted, moves(from, out)))
	s.must(s.newSaga("debit", "credit").Submit())
	close(submitted)
	s.wantFinal("succeed")
	s.wantFunds(from, bank.Funds{Balance: 70})
	s.wantFunds(to, bank.Funds{Balance: 30})
}

func sagaRollsBackWithoutWaiting(s *scene) {
	from, _ := s.transfer(100)
	submitted := make(chan struct{})
	s.at.Handle("credit", blocks(submitted, answers(dtmcli.ErrFailure)))
	s.must(s.newSaga("debit", "credit").Submit())
	close(submitted)
	s.wantFinal("failed")
	s.wantFunds(from, bank.Funds{Balance: 100})
	s.wantJournal("debit 01 action", "credit 02 action", "undo-credit 02 compensate", "undo-debit 01 compensate")
}

func sagaPassesContext(s *scene) {
	s.both("debit", succeeds)
	saga := s.newSaga()
	saga.Add(s.at.URL("debit")+"?shop=7", "", payload)
	saga.BranchHeaders = map[string]string{"X-Tenant": "north"}
	saga.WaitResult = true
	s.must(saga.Submit())
	call := s.one("debit")
	got := []string{call.Method, string(call.Body), call.Gid, call.TransType, call.BranchID, call.Op,
		call.Query.Get("shop"), call.Header.Get("X-Tenant"), call.Header.Get("Content-Type")}
	want := []string{"POST", `{"amount":30}`, s.gid, "saga", "01", "action", "7", "north", "application/json"}
	s.wantEqual("the call", got, want)
}

func sagaRetriesUnknown(s *scene) {
	from, to := s.transfer(100)
	s.at.Handle("credit", first(errDown, moves(to, in)))
	saga := s.newSaga("debit", "credit")
	saga.WaitResult = true
	s.wantError(saga.Submit(), "FAILURE")
	s.wantFinal("succeed")
	s.wantFunds(from, bank.Funds{Balance: 70})
	s.wantFunds(to, bank.Funds{Balance: 30})
	s.wantJournal("debit 01 action", "credit 02 action", "credit 02 action")
}

func sagaLostAnswer(s *scene) {
	from, to := s.transfer(100)
	s.at.Handle("debit", losesFirstAnswer(moves(from, out)))
	s.must(s.newSaga("debit", "credit").Submit())
	s.wantFinal("succeed")
	s.wantFunds(from, bank.Funds{Balance: 70})
	s.wantFunds(to, bank.Funds{Balance: 30})
	s.wantJournal("debit 01 action", "debit 01 action", "credit 02 action")
}

func sagaRequestTimeout(s *scene) {
	from, to := s.transfer(100)
	s.at.Handle("credit", losesFirstAnswer(moves(to, in)))
	s.at.Wrap("credit", func(call *participant.Call, handler participant.Handler) error {
		err := handler(call)
		if call.Attempt == 1 {
			<-call.Abandoned
		}
		return err
	})
	saga := s.newSaga("debit", "credit")
	saga.WithGlobalTransRequestTimeout(1)
	s.must(saga.Submit())
	s.wantFinal("succeed")
	s.wantFunds(from, bank.Funds{Balance: 70})
	s.wantFunds(to, bank.Funds{Balance: 30})
	s.wantJournal("debit 01 action", "credit 02 action", "credit 02 action")
}

func sagaOngoing(s *scene) {
	from, _ := s.transfer(100)
	s.at.Handle("debit", first(dtmcli.ErrOngoing, moves(from, out)))
	s.must(s.newSaga("debit", "credit").Submit())
	s.wantFinal("succeed")
	s.wantFunds(from, bank.Funds{Balance: 70})
	s.wantJournal("debit 01 action", "debit 01 action", "credit 02 action")
}

func sagaRetriesCompensation(s *scene) {
	from, _ := s.transfer(100)
	s.at.Handle("credit", answers(dtmcli.ErrFailure))
	s.at.Handle("undo-debit", first(errDown, moves(from, out)))
	s.must(s.newSaga("debit", "credit").Submit())
	s.wantFinal("failed")
	s.wantFunds(from, bank.Funds{Balance: 100})
	s.wantJournal("debit 01 action", "credit 02 action", "undo-credit 02 compensate",
		"undo-debit 01 compensate", "undo-debit 01 compensate")
}

func sagaWithoutCompensate(s *scene) {
	from, _ := s.transfer(100)
	s.at.Handle("look", succeeds)
	s.at.Handle("refuse", answers(dtmcli.ErrFailure))
	saga := s.newSaga("debit")
	saga.Add(s.at.URL("look"), "", payload).Add(s.at.URL("refuse"), "", payload)
	saga.WaitResult = true
	s.wantError(saga.Submit(), "FAILURE")
	s.wantFinal("failed")
	s.wantFunds(from, bank.Funds{Balance: 100})
	s.wantJournal("debit 01 action", "look 02 action", "refuse 03 action", "undo-debit 01 compensate")
}

func sagaSubmittedAgain(s *scene) {
	from, to := s.transfer(100)
	saga := s.newSaga("debit", "credit")
	saga.WaitResult = true
	s.must(saga.Submit())
	s.must(saga.Submit())
	other := s.newSaga("debit")
	s.wantError(other.Submit(), "FAILURE")
	s.wantFinal("succeed")
	s.wantFunds(from, bank.Funds{Balance: 70})
	s.wantFunds(to, bank.Funds{Balance: 30})
	s.wantJournal("debit 01 action", "credit 02 action")
}

func sagaTimesOut(s *scene) {
	from, _ := s.transfer(100)
	s.at.Handle("credit", answers(dtmcli.ErrOngoing))
	saga := s.newSaga("debit", "credit")
	saga.TimeoutToFail = 2
	s.must(saga.Submit())
	s.wantReason(s.wantFinal("failed"), "Timeout after 2 seconds")
	s.wantFunds(from, bank.Funds{Balance: 100})
	s.wantSuffix("undo-credit 02 compensate", "undo-debit 01 compensate")
}

func sagaRetryLimit(s *scene) {
	from, _ := s.transfer(100)
	s.at.Handle("credit", answers(errDown))
	saga := s.newSaga("debit", "credit")
	saga.WithRetryLimit(2)
	s.must(saga.Submit())
	s.wantReason(s.wantFinal("failed"), "RetryCount is greater than RetryLimit, RetryLimit: 2")
	s.wantFunds(from, bank.Funds{Balance: 100})
	s.wantJournal("debit 01 action", "credit 02 action", "credit 02 action", "credit 02 action",
		"undo-credit 02 compensate", "undo-debit 01 compensate")
}

// A store that finds the branches of a transaction by a bare prefix of its keys mixes these up, in the retry at the latest.
func sagaPrefixGid(s *scene) {
	from, to := s.transfer(100)
	s.at.Handle("credit", first(errDown, moves(to, in)))
	for _, suffix := range []string{"-40", "-48", "-4"} {
		s.must(s.newSagaOf(s.gid+suffix, "debit", "credit").Submit())
	}
	for _, suffix := range []string{"-40", "-48", "-4"} {
		s.wantBranches(s.wantFinalOf(s.gid+suffix, "succeed"),
			"01 compensate prepared", "01 action succeed", "02 compensate prepared", "02 action succeed")
	}
	s.wantFunds(from, bank.Funds{Balance: 10})
	s.wantFunds(to, bank.Funds{Balance: 90})
}
