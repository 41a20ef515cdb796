package cases

import (
	"encoding/json"
	"errors"
	"testing"

	"github.com/dtm-labs/client/dtmcli"
	"github.com/dtm-labs/client/workflow"

	"holdfast/interop/bank"
	"holdfast/interop/participant"
)

func TestWorkflow(t *testing.T) {
	run(t, "commits saga branches, and gives its result again when executed again", wfCommits)
	run(t, "rolls saga branches back, and gives its failure again when executed again", wfRollsBack)
	run(t, "commits a TCC branch beside a saga branch", wfTccCommits)
	run(t, "rolls a TCC branch back beside a saga branch", wfTccRollsBack)
}

// register registers a workflow of this scene's own; its call-back is an endpoint like any other, so it stands in the journal.
func (s *scene) register(body func(wf *workflow.Workflow, amount int) ([]byte, error)) {
	s.at.Handle("call-back", func(call *participant.Call) error { return workflow.ExecuteByQS(call.Query, call.Body) })
	s.must(workflow.Register2(s.gid, func(wf *workflow.Workflow, data []byte) ([]byte, error) {
		var input order
		if err := json.Unmarshal(data, &input); err != nil {
			return nil, err
		}
		return body(wf, input.Amount)
	}, func(wf *workflow.Workflow) {
		wf.QueryPrepared = s.at.URL("call-back")
		wf.RetryInterval = 1
	}))
}

func (s *scene) execute() (string, error) {
	input, err := json.Marshal(payload)
	s.must(err)
	result, err := workflow.Execute2(s.gid, s.gid, input)
	return string(result), err
}

// post calls an endpoint as the current branch of the workflow and gives the body of its answer.
func (s *scene) post(wf *workflow.Workflow, amount int, endpoint string) (string, error) {
	response, err := wf.NewRequest().SetBody(order{Amount: amount}).Post(s.at.URL(endpoint))
	if err != nil {
		return "", err
	}
	return response.String(), nil
}

// step is a saga branch: an action, and a compensation when the workflow fails.
func (s *scene) step(wf *workflow.Workflow, amount int, endpoint string) (string, error) {
	wf.NewBranch().OnRollback(func(*dtmcli.BranchBarrier) error {
		_, err := s.post(wf, amount, "undo-"+endpoint)
		return err
	})
	return s.post(wf, amount, endpoint)
}

// tccStep is a TCC branch: a try, and a confirm or a cancel when the workflow has ended.
func (s *scene) tccStep(wf *workflow.Workflow, amount int, branch string) (string, error) {
	wf.NewBranch().OnFinish(func(_ *dtmcli.BranchBarrier, isRollback bool) error {
		op := "confirm-"
		if isRollback {
			op = "cancel-"
		}
		_, err := s.post(wf, amount, op+branch)
		return err
	})
	return s.post(wf, amount, "try-"+branch)
}

func (s *scene) wantExecuted(want string) {
	s.Helper()
	got, err := s.execute()
	s.must(err)
	s.wantEqual("the workflow's result", []string{got}, []string{want})
}

func wfCommits(s *scene) {
	from, to := s.transfer(100)
	s.at.Handle("debit", func(call *participant.Call) error {
		call.Reply = map[string]string{"receipt": "R-7"}
		return moves(from, out)(call)
	})
	s.register(func(wf *workflow.Workflow, amount int) ([]byte, error) {
		receipt, err := s.step(wf, amount, "debit")
		if err == nil {
			_, err = s.step(wf, amount, "credit")
		}
		return []byte(receipt), err
	})
	s.wantExecuted("{\"receipt\":\"R-7\"}")
	answer := s.wantFinal("succeed")
	s.wantBranches(answer, "01 action succeed", "02 action succeed")
	s.wantExecuted("{\"receipt\":\"R-7\"}")
	s.wantFunds(from, bank.Funds{Balance: 70})
	s.wantFunds(to, bank.Funds{Balance: 30})
	s.wantJournal("debit 01 action", "credit 02 action")
}

func wfRollsBack(s *scene) {
	from, to := s.transfer(100)
	poor := s.account(s.postgres(), "poor", amount-1)
	s.both("fee", moves(poor, out))
	s.register(func(wf *workflow.Workflow, amount int) ([]byte, error) {
		for _, endpoint := range []string{"debit", "credit", "fee"} {
			if _, err := s.step(wf, amount, endpoint); err != nil {
				return nil, err
			}
		}
		return nil, nil
	})
	for range []string{"executed", "executed again"} {
		if _, err := s.execute(); !errors.Is(err, dtmcli.ErrFailure) {
			s.Fatalf("want FAILURE, got %v", err)
		}
	}
	answer := s.wantFinal("failed")
	s.wantReason(answer, "not enough money")
	s.wantBranches(answer, "01 action succeed", "02 action succeed", "03 action failed", "02 rollback succeed", "01 rollback succeed")
	s.wantFunds(from, bank.Funds{Balance: 100})
	s.wantFunds(to, bank.Funds{})
	s.wantFunds(poor, bank.Funds{Balance: amount - 1})
	s.wantJournal("debit 01 action", "credit 02 action", "fee 03 action", "undo-credit 02 rollback", "undo-debit 01 rollback")
}

func (s *scene) registerMixed(last string) {
	s.register(func(wf *workflow.Workflow, amount int) ([]byte, error) {
		_, err := s.tccStep(wf, amount, "debit")
		if err == nil {
			_, err = s.step(wf, amount, last)
		}
		return nil, err
	})
}

func wfTccCommits(s *scene) {
	from := s.account(s.mariadb(), "from", 100)
	to := s.account(s.postgres(), "to", 0)
	s.three("debit", reserves(from, out))
	s.both("credit", moves(to, in))
	s.registerMixed("credit")
	s.wantExecuted("")
	s.wantFinal("succeed")
	s.wantFunds(from, bank.Funds{Balance: 70})
	s.wantFunds(to, bank.Funds{Balance: 30})
	s.wantJournal("try-debit 01 action", "credit 02 action", "confirm-debit 01 commit")
}

func wfTccRollsBack(s *scene) {
	from := s.account(s.mariadb(), "from", 100)
	s.three("debit", reserves(from, out))
	s.at.Handle("refuse", answers(dtmcli.ErrFailure))
	s.registerMixed("refuse")
	_, err := s.execute()
	s.wantError(err, "FAILURE")
	s.wantFinal("failed")
	s.wantFunds(from, bank.Funds{Balance: 100})
	s.wantJournal("try-debit 01 action", "refuse 02 action", "cancel-debit 01 rollback")
}
