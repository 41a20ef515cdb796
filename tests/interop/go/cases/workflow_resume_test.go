package cases

import (
	"testing"
	"time"

	"github.com/dtm-labs/client/dtmcli"
	"github.com/dtm-labs/client/workflow"

	"holdfast/interop/bank"
)

func TestWorkflowResumed(t *testing.T) {
	run(t, "a callback resumes it where it broke off", wfResumed)
	run(t, "a callback resumes a rollback that broke off", wfRollbackResumed)
	run(t, "a callback calls a step again that was still running", wfOngoing)
}

// callbackTimeout is the retry interval these workflows ask for (1 s) with room for a coordinator that polls every few seconds,
// and well below the interval of a coordinator that does not heed the option.
const callbackTimeout = 6 * time.Second

// wantCalledBack says that the workflow was called back at the interval it asked for, and ended.
func (s *scene) wantCalledBack(status string) {
	s.Helper()
	brokeOff := time.Now()
	s.wantFinal(status)
	if waited := time.Since(brokeOff); waited > callbackTimeout {
		s.Errorf("called back after %s, with a retry interval of 1 s", waited)
	}
}

// The process breaks off after its first step; the coordinator calls back, and the recorded step is not run again.
func wfResumed(s *scene) {
	from, to := s.transfer(100)
	runs := 0
	s.register(func(wf *workflow.Workflow, amount int) ([]byte, error) {
		runs++
		receipt, err := s.step(wf, amount, "debit")
		if err == nil && runs == 1 {
			err = errDown
		}
		if err == nil {
			_, err = s.step(wf, amount, "credit")
		}
		return []byte(receipt), err
	})
	_, err := s.execute()
	s.wantError(err, errDown.Error())
	s.wantCalledBack("succeed")
	s.wantFunds(from, bank.Funds{Balance: 70})
	s.wantFunds(to, bank.Funds{Balance: 30})
	s.wantJournal("debit 01 action", "call-back 00 "+s.gid, "credit 02 action")
}

func wfRollbackResumed(s *scene) {
	from, _ := s.transfer(100)
	s.at.Handle("undo-debit", first(errDown, moves(from, out)))
	s.at.Handle("credit", answers(dtmcli.ErrFailure))
	s.register(func(wf *workflow.Workflow, amount int) ([]byte, error) {
		_, err := s.step(wf, amount, "debit")
		if err == nil {
			_, err = s.step(wf, amount, "credit")
		}
		return nil, err
	})
	_, err := s.execute()
	s.wantError(err, errDown.Error())
	s.wantCalledBack("failed")
	s.wantFunds(from, bank.Funds{Balance: 100})
	s.wantJournal("debit 01 action", "credit 02 action", "undo-debit 01 rollback", "call-back 00 "+s.gid, "undo-debit 01 rollback")
}

func wfOngoing(s *scene) {
	from, to := s.transfer(100)
	s.at.Handle("credit", first(dtmcli.ErrOngoing, moves(to, in)))
	s.register(func(wf *workflow.Workflow, amount int) ([]byte, error) {
		_, err := s.step(wf, amount, "debit")
		if err == nil {
			_, err = s.step(wf, amount, "credit")
		}
		return nil, err
	})
	_, err := s.execute()
	s.wantError(err, "ONGOING")
	s.wantCalledBack("succeed")
	s.wantFunds(from, bank.Funds{Balance: 70})
	s.wantFunds(to, bank.Funds{Balance: 30})
	s.wantJournal("debit 01 action", "credit 02 action", "call-back 00 "+s.gid, "credit 02 action")
}
