package cases

import (
	"database/sql"
	"testing"

	"github.com/dtm-labs/client/dtmcli"
	"github.com/dtm-labs/client/workflow"

	"holdfast/interop/bank"
	"holdfast/interop/participant"
)

func TestWorkflowInProcess(t *testing.T) {
	onBoth(t, "commits local branches behind the barrier", wfLocalCommits)
	onBoth(t, "rolls local branches back behind the barrier", wfLocalRollsBack)
	onBoth(t, "commits an XA branch", wfXaCommits)
	onBoth(t, "rolls an XA branch back", wfXaRollsBack)
}

// local is a branch that runs in the workflow's own process, behind the barrier of its database.
func local(wf *workflow.Workflow, account bank.Account, change int) error {
	b := account.Bank
	wf.NewBranch().OnRollback(func(barrier *dtmcli.BranchBarrier) error {
		barrier.DBType = b.Conf.Driver
		return barrier.CallWithDB(b.DB, func(tx *sql.Tx) error { return account.Change(tx, -change, 0) })
	})
	_, err := wf.Do(func(barrier *dtmcli.BranchBarrier) ([]byte, error) {
		barrier.DBType = b.Conf.Driver
		return nil, barrier.CallWithDB(b.DB, func(tx *sql.Tx) error { return account.Change(tx, change, 0) })
	})
	return err
}

func (s *scene) registerLocal(b *bank.Bank, balance int) (from, to bank.Account) {
	from, to = s.account(b, "from", balance), s.account(b, "to", 0)
	s.register(func(wf *workflow.Workflow, amount int) ([]byte, error) {
		err := local(wf, to, amount)
		if err == nil {
			err = local(wf, from, -amount)
		}
		return []byte("paid"), err
	})
	return from, to
}

func wfLocalCommits(s *scene, b *bank.Bank) {
	from, to := s.registerLocal(b, 100)
	s.wantExecuted("paid")
	s.wantFinal("succeed")
	s.wantFunds(from, bank.Funds{Balance: 70})
	s.wantFunds(to, bank.Funds{Balance: 30})
}

func wfLocalRollsBack(s *scene, b *bank.Bank) {
	from, to := s.registerLocal(b, amount-1)
	_, err := s.execute()
	s.wantError(err, "not enough money")
	s.wantFinal("failed")
	s.wantFunds(from, bank.Funds{Balance: amount - 1})
	s.wantFunds(to, bank.Funds{})
}

// registerXa is an XA branch in one database, then a step that may refuse.
func (s *scene) registerXa(b *bank.Bank, last participant.Handler) bank.Account {
	from := s.account(b, "from", 100)
	s.at.Handle("last", last)
	s.register(func(wf *workflow.Workflow, amount int) ([]byte, error) {
		wf.NewBranch()
		_, err := b.XaStep(wf, func(db *sql.DB) ([]byte, error) { return nil, from.Change(db, -amount, 0) })
		if err == nil {
			wf.NewBranch()
			_, err = s.post(wf, amount, "last")
		}
		return nil, err
	})
	return from
}

func wfXaCommits(s *scene, b *bank.Bank) {
	var from bank.Account
	from = s.registerXa(b, func(*participant.Call) error {
		s.wantPrepared(b, 1)
		s.wantFunds(from, bank.Funds{Balance: 100})
		return nil
	})
	s.wantExecuted("")
	s.wantFinal("succeed")
	s.wantPrepared(b, 0)
	s.wantFunds(from, bank.Funds{Balance: 70})
}

func wfXaRollsBack(s *scene, b *bank.Bank) {
	from := s.registerXa(b, answers(dtmcli.ErrFailure))
	_, err := s.execute()
	s.wantError(err, "FAILURE")
	s.wantFinal("failed")
	s.wantPrepared(b, 0)
	s.wantFunds(from, bank.Funds{Balance: 100})
}
