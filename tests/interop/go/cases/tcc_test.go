package cases

import (
	"testing"

	"github.com/dtm-labs/client/dtmcli"
	"github.com/dtm-labs/client/dtmcli/dtmimp"
	"github.com/go-resty/resty/v2"

	"holdfast/interop/bank"
	"holdfast/interop/participant"
)

func TestTcc(t *testing.T) {
	run(t, "commits in two databases, a waiting caller is notified when it is done", tccCommits)
	run(t, "rolls back newest first when a try returns FAILURE, a waiting caller is notified when it is done", tccRollsBack)
	run(t, "a submit that does not wait returns before the confirms", tccCommitsWithoutWaiting)
	run(t, "nested branches commit", tccNestedCommits)
	run(t, "nested branches roll back", tccNestedRollsBack)
	run(t, "a confirm that fails is retried", tccRetriesConfirm)
	run(t, "a confirm that returns FAILURE is retried and never changes the decision", tccRefusedConfirm)
	run(t, "a cancel that fails is retried", tccRetriesCancel)
	run(t, "an initiator that disappears is rolled back after the timeout", tccTimesOut)
	run(t, "a try that comes after its cancel has no effect, the late submit is rejected", tccLateTry)
}

func (s *scene) tcc(wait bool, body func(tcc *dtmcli.Tcc) error) error {
	return dtmcli.TccGlobalTransaction2(server.REST(), s.gid, s.tccOptions(wait), func(tcc *dtmcli.Tcc) (*resty.Response, error) {
		return nil, body(tcc)
	})
}

func (s *scene) tccOptions(wait bool) func(*dtmcli.Tcc) {
	return func(tcc *dtmcli.Tcc) {
		tcc.WaitResult = wait
		tcc.RetryInterval = 1
	}
}

// three serves try, confirm and cancel of a branch by one handler, which tells them apart by the op.
func (s *scene) three(branch string, handler participant.Handler) {
	for _, op := range []string{"try-", "confirm-", "cancel-"} {
		s.at.Handle(op+branch, handler)
	}
}

func (s *scene) call(tcc *dtmcli.Tcc, branches ...string) error {
	for _, branch := range branches {
		_, err := tcc.CallBranch(payload, s.at.URL("try-"+branch), s.at.URL("confirm-"+branch), s.at.URL("cancel-"+branch))
		if err != nil {
			return err
		}
	}
	return nil
}

// reservation opens an account in each database, with endpoints to reserve and settle a transfer.
func (s *scene) reservation(balance int) (from, to bank.Account) {
	from, to = s.account(s.mariadb(), "from", balance), s.account(s.postgres(), "to", 0)
	s.three("debit", reserves(from, out))
	s.three("credit", reserves(to, in))
	return from, to
}

func tccCommits(s *scene) {
	from, to := s.reservation(100)
	s.must(s.tcc(true, func(tcc *dtmcli.Tcc) error {
		err := s.call(tcc, "debit", "credit")
		s.wantFunds(from, bank.Funds{Balance: 70, Held: 30})
		s.wantFunds(to, bank.Funds{Held: 30})
		return err
	}))
	s.wantStatusNow("succeed")
	s.wantFunds(from, bank.Funds{Balance: 70})
	s.wantFunds(to, bank.Funds{Balance: 30})
	s.wantJournal("try-debit 01 try", "try-credit 02 try", "confirm-credit 02 confirm", "confirm-debit 01 confirm")
	s.wantBranches(s.wantFinal("succeed"), "01 cancel prepared", "01 confirm succeed", "02 cancel prepared", "02 confirm succeed")
}

func tccRollsBack(s *scene) {
	from, to := s.reservation(amount - 1)
	err := s.tcc(true, func(tcc *dtmcli.Tcc) error { return s.call(tcc, "credit", "debit") })
	s.wantError(err, "not enough money")
	s.wantStatusNow("failed")
	s.wantFunds(from, bank.Funds{Balance: amount - 1})
	s.wantFunds(to, bank.Funds{})
	s.wantJournal("try-credit 01 try", "try-debit 02 try", "cancel-debit 02 cancel", "cancel-credit 01 cancel")
	answer := s.wantFinal("failed")
	s.wantReason(answer, "not enough money")
	s.wantBranches(answer, "01 cancel succeed", "01 confirm prepared", "02 cancel succeed", "02 confirm prepared")
}

func tccCommitsWithoutWaiting(s *scene) {
	from, to := s.reservation(100)
	submitted := make(chan struct{})
	s.at.Handle("confirm-credit", blocks(submitted, reserves(to, in)))
	s.must(s.tcc(false, func(tcc *dtmcli.Tcc) error { return s.call(tcc, "debit", "credit") }))
	close(submitted)
	s.wantFinal("succeed")
	s.wantFunds(from, bank.Funds{Balance: 70})
	s.wantFunds(to, bank.Funds{Balance: 30})
}

// nest makes the try of the outer branch a caller of an inner one, in the same global transaction.
func (s *scene) nest(outer bank.Account, inner string) {
	reserve := reserves(outer, out)
	s.three("outer", reserve)
	s.at.Handle("try-outer", func(call *participant.Call) error {
		tcc, err := dtmcli.TccFromQuery(call.Query)
		if err == nil {
			err = reserve(call)
		}
		if err == nil {
			err = s.call(tcc, inner)
		}
		return err
	})
}

func tccNestedCommits(s *scene) {
	from, to := s.reservation(100)
	s.nest(from, "credit")
	s.must(s.tcc(true, func(tcc *dtmcli.Tcc) error { return s.call(tcc, "outer") }))
	s.wantStatusNow("succeed")
	s.wantFunds(from, bank.Funds{Balance: 70})
	s.wantFunds(to, bank.Funds{Balance: 30})
	s.wantJournal("try-outer 01 try", "try-credit 0101 try", "confirm-credit 0101 confirm", "confirm-outer 01 confirm")
}

func tccNestedRollsBack(s *scene) {
	from, _ := s.reservation(100)
	poor := s.account(s.postgres(), "poor", amount-1)
	s.three("fee", reserves(poor, out))
	s.nest(from, "fee")
	s.wantError(s.tcc(true, func(tcc *dtmcli.Tcc) error { return s.call(tcc, "outer") }), "not enough money")
	s.wantFinal("failed")
	s.wantFunds(from, bank.Funds{Balance: 100})
	s.wantFunds(poor, bank.Funds{Balance: amount - 1})
	s.wantJournal("try-outer 01 try", "try-fee 0101 try", "cancel-fee 0101 cancel", "cancel-outer 01 cancel")
}

func tccRetriesConfirm(s *scene) {
	from, to := s.reservation(100)
	s.at.Handle("confirm-credit", losesFirstAnswer(reserves(to, in)))
	s.must(s.tcc(false, func(tcc *dtmcli.Tcc) error { return s.call(tcc, "debit", "credit") }))
	s.wantFinal("succeed")
	s.wantFunds(from, bank.Funds{Balance: 70})
	s.wantFunds(to, bank.Funds{Balance: 30})
	s.wantSuffix("confirm-credit 02 confirm", "confirm-credit 02 confirm", "confirm-debit 01 confirm")
}

func tccRefusedConfirm(s *scene) {
	from, to := s.reservation(100)
	s.at.Handle("confirm-credit", first(dtmcli.ErrFailure, reserves(to, in)))
	s.must(s.tcc(false, func(tcc *dtmcli.Tcc) error { return s.call(tcc, "debit", "credit") }))
	s.wantFinal("succeed")
	s.wantFunds(from, bank.Funds{Balance: 70})
	s.wantFunds(to, bank.Funds{Balance: 30})
}

func tccRetriesCancel(s *scene) {
	from, _ := s.reservation(100)
	s.at.Handle("cancel-debit", first(errDown, reserves(from, out)))
	s.wantError(s.tcc(false, func(tcc *dtmcli.Tcc) error {
		s.must(s.call(tcc, "debit"))
		return dtmcli.ErrFailure
	}), "FAILURE")
	s.wantFinal("failed")
	s.wantFunds(from, bank.Funds{Balance: 100})
	s.wantJournal("try-debit 01 try", "cancel-debit 01 cancel", "cancel-debit 01 cancel")
}

// abandoned begins a TCC that times out after a second, and leaves its end to whoever wants it.
func (s *scene) abandoned() *dtmcli.Tcc {
	tcc := &dtmcli.Tcc{TransBase: *dtmimp.NewTransBase(s.gid, "tcc", server.REST(), "")}
	tcc.TimeoutToFail = 1
	tcc.RetryInterval = 1
	s.must(dtmimp.TransCallDtm(&tcc.TransBase, "prepare"))
	return tcc
}

func tccTimesOut(s *scene) {
	from, _ := s.reservation(100)
	s.must(s.call(s.abandoned(), "debit"))
	s.wantReason(s.wantFinal("failed"), "Timeout after 1 seconds")
	s.wantFunds(from, bank.Funds{Balance: 100})
	s.wantJournal("try-debit 01 try", "cancel-debit 01 cancel")
}

func tccLateTry(s *scene) {
	from, _ := s.reservation(100)
	cancelled := make(chan struct{})
	s.at.Handle("try-debit", blocks(cancelled, reserves(from, out)))
	s.at.Handle("cancel-debit", closes(cancelled, reserves(from, out)))
	tcc := s.abandoned()
	s.must(s.call(tcc, "debit")) // Comes back only after the cancel: the barrier lets the try do nothing.
	s.wantFinal("failed")
	s.wantError(dtmimp.TransCallDtm(&tcc.TransBase, "submit"), "FAILURE")
	s.wantFinal("failed")
	s.wantFunds(from, bank.Funds{Balance: 100})
	s.wantJournal("try-debit 01 try", "cancel-debit 01 cancel")
}
