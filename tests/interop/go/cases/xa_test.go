package cases

import (
	"database/sql"
	"testing"

	"github.com/dtm-labs/client/dtmcli"
	"github.com/dtm-labs/client/dtmcli/dtmimp"
	"github.com/go-resty/resty/v2"

	"holdfast/interop/bank"
	"holdfast/interop/participant"
)

func TestXa(t *testing.T) {
	onBoth(t, "commits, nothing is visible before the submit", xaCommits)
	onBoth(t, "rolls back when a branch returns FAILURE", xaRollsBack)
	onBoth(t, "rolls back what an initiator left prepared, after the timeout", xaTimesOut)
	onBoth(t, "a commit whose response is lost is repeated", xaRetriesCommit)
	run(t, "commits across MariaDB and PostgreSQL", func(s *scene) { xaAcross(s, nil) })
	run(t, "rolls back across MariaDB and PostgreSQL", func(s *scene) { xaAcross(s, dtmcli.ErrFailure) })
	run(t, "a submit that does not wait returns before the commits", xaCommitsWithoutWaiting)
}

func (s *scene) xa(wait bool, body func(xa *dtmcli.Xa) error) error {
	return dtmcli.XaGlobalTransaction2(server.REST(), s.gid, s.xaOptions(wait), func(xa *dtmcli.Xa) (*resty.Response, error) {
		return nil, body(xa)
	})
}

func (s *scene) xaOptions(wait bool) func(*dtmcli.Xa) {
	return func(xa *dtmcli.Xa) {
		xa.WaitResult = wait
		xa.RetryInterval = 1
	}
}

// joins serves an XA branch (action, commit and rollback at one URL) with the client's own XA helper.
func joins(account bank.Account, direction int) participant.Handler {
	return func(call *participant.Call) error {
		return account.Bank.XaBranch(call.Query, func(db *sql.DB) error {
			amount, err := ordered(call)
			if err != nil {
				return err
			}
			return account.Change(db, direction*amount, 0)
		})
	}
}

func (s *scene) join(xa *dtmcli.Xa, endpoints ...string) error {
	for _, endpoint := range endpoints {
		if _, err := xa.CallBranch(payload, s.at.URL(endpoint)); err != nil {
			return err
		}
	}
	return nil
}

// pair opens two accounts with XA endpoints to move money from the first to the second.
func (s *scene) pair(first, second *bank.Bank, balance int) (from, to bank.Account) {
	from, to = s.account(first, "from", balance), s.account(second, "to", 0)
	s.at.Handle("debit", joins(from, out))
	s.at.Handle("credit", joins(to, in))
	return from, to
}

func (s *scene) wantPrepared(b *bank.Bank, want int) {
	s.Helper()
	got, err := b.PreparedXa(s.gid)
	s.must(err)
	if got != want {
		s.Errorf("want %d prepared transactions of %s in %s, got %d", want, s.gid, b.Conf.Driver, got)
	}
}

func xaCommits(s *scene, b *bank.Bank) {
	from, to := s.pair(b, b, 100)
	s.must(s.xa(true, func(xa *dtmcli.Xa) error {
		err := s.join(xa, "debit", "credit")
		s.wantPrepared(b, 2)
		s.wantFunds(from, bank.Funds{Balance: 100})
		s.wantFunds(to, bank.Funds{})
		return err
	}))
	s.wantStatusNow("succeed")
	s.wantPrepared(b, 0)
	s.wantFunds(from, bank.Funds{Balance: 70})
	s.wantFunds(to, bank.Funds{Balance: 30})
	s.wantJournal("debit 01 action", "credit 02 action", "debit 01 commit", "credit 02 commit")
	s.wantBranches(s.wantFinal("succeed"), "01 rollback prepared", "01 commit succeed", "02 rollback prepared", "02 commit succeed")
}

// The branch that refuses is never registered: its own database has rolled it back already.
func xaRollsBack(s *scene, b *bank.Bank) {
	from, to := s.pair(b, b, amount-1)
	s.wantError(s.xa(true, func(xa *dtmcli.Xa) error { return s.join(xa, "credit", "debit") }), "not enough money")
	s.wantStatusNow("failed")
	s.wantBranches(s.wantFinal("failed"), "01 rollback succeed", "01 commit prepared")
	s.wantPrepared(b, 0)
	s.wantFunds(from, bank.Funds{Balance: amount - 1})
	s.wantFunds(to, bank.Funds{})
	s.wantJournal("credit 01 action", "debit 02 action", "credit 01 rollback")
}

func xaTimesOut(s *scene, b *bank.Bank) {
	from, _ := s.pair(b, b, 100)
	xa := &dtmcli.Xa{TransBase: *dtmimp.NewTransBase(s.gid, "xa", server.REST(), "")}
	xa.TimeoutToFail = 1
	xa.RetryInterval = 1
	s.must(dtmimp.TransCallDtm(&xa.TransBase, "prepare"))
	s.must(s.join(xa, "debit"))
	s.wantPrepared(b, 1)
	s.wantReason(s.wantFinal("failed"), "Timeout after 1 seconds")
	s.wantPrepared(b, 0)
	s.wantFunds(from, bank.Funds{Balance: 100})
	reason, err := b.BarrierReason(s.gid, "01", "action")
	s.must(err)
	s.wantEqual("the barrier row that keeps a late action out", []string{reason}, []string{"rollback"})
}

func xaRetriesCommit(s *scene, b *bank.Bank) {
	from, to := s.pair(b, b, 100)
	join := joins(to, in)
	s.at.Handle("credit", func(call *participant.Call) error {
		if call.Op == dtmimp.OpCommit {
			return losesFirstAnswer(join)(call)
		}
		return join(call)
	})
	s.must(s.xa(false, func(xa *dtmcli.Xa) error { return s.join(xa, "debit", "credit") }))
	s.wantFinal("succeed")
	s.wantPrepared(b, 0)
	s.wantFunds(from, bank.Funds{Balance: 70})
	s.wantFunds(to, bank.Funds{Balance: 30})
	s.wantSuffix("credit 02 commit", "credit 02 commit")
}

// With an error the initiator changes its mind after both branches are prepared.
func xaAcross(s *scene, mind error) {
	from, to := s.pair(s.mariadb(), s.postgres(), 100)
	err := s.xa(true, func(xa *dtmcli.Xa) error {
		s.must(s.join(xa, "debit", "credit"))
		s.wantPrepared(from.Bank, 1)
		s.wantPrepared(to.Bank, 1)
		return mind
	})
	if mind == nil {
		s.must(err)
		s.wantFinal("succeed")
		s.wantFunds(from, bank.Funds{Balance: 70})
		s.wantFunds(to, bank.Funds{Balance: 30})
	} else {
		s.wantError(err, mind.Error())
		s.wantFinal("failed")
		s.wantFunds(from, bank.Funds{Balance: 100})
		s.wantFunds(to, bank.Funds{})
		s.wantSuffix("debit 01 rollback", "credit 02 rollback")
	}
	s.wantPrepared(from.Bank, 0)
	s.wantPrepared(to.Bank, 0)
}

func xaCommitsWithoutWaiting(s *scene) {
	from, to := s.pair(s.mariadb(), s.postgres(), 100)
	submitted := make(chan struct{})
	s.at.Wrap("debit", func(call *participant.Call, handler participant.Handler) error {
		if call.Op == dtmimp.OpCommit {
			return blocks(submitted, handler)(call)
		}
		return handler(call)
	})
	s.must(s.xa(false, func(xa *dtmcli.Xa) error { return s.join(xa, "debit", "credit") }))
	close(submitted)
	s.wantFinal("succeed")
	s.wantFunds(from, bank.Funds{Balance: 70})
	s.wantFunds(to, bank.Funds{Balance: 30})
}
