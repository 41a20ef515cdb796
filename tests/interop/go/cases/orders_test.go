package cases

import (
	"testing"
	"time"

	"github.com/dtm-labs/client/dtmcli"

	"holdfast/interop/bank"
	"holdfast/interop/participant"
)

func TestConcurrentSaga(t *testing.T) {
	run(t, "runs steps without dependencies at once, and commits", concurrentCommits)
	run(t, "rolls back what was started, in the reverse order", concurrentRollsBack)
	run(t, "without orders runs everything at once", concurrentWithoutOrders)
	run(t, "compensates a branch that was still running, after it has returned", concurrentStillRunning)
	run(t, "an action that takes effect only after its compensation has come is kept out", concurrentLateAction)
}

// The steps 0 and 1 are free, 2 comes after both of them, 3 after 2.
func (s *scene) ordered(fourth string) *dtmcli.Saga {
	saga := s.newSaga("left", "right", "join", fourth).SetConcurrent()
	return saga.AddBranchOrder(2, []int{0, 1}).AddBranchOrder(3, []int{2})
}

func concurrentCommits(s *scene) {
	from, to := s.transfer(100)
	meet := meeting(2) // Neither answers before the other has been called.
	s.at.Handle("left", meet)
	s.at.Handle("right", meet)
	s.at.Handle("join", moves(from, out))
	saga := s.ordered("credit")
	saga.WaitResult = true
	s.must(saga.Submit())
	s.wantStatusNow("succeed")
	s.wantAfter("join", "left", "right")
	s.wantAfter("credit", "join")
	s.wantFunds(from, bank.Funds{Balance: 70})
	s.wantFunds(to, bank.Funds{Balance: 30})
}

func concurrentRollsBack(s *scene) {
	from, to := s.transfer(100)
	s.both("left", moves(from, out))
	s.both("right", moves(to, in))
	s.at.Handle("join", answers(dtmcli.ErrFailure))
	s.at.Handle("undo-join", succeeds)
	saga := s.ordered("never")
	saga.WaitResult = true
	s.wantError(saga.Submit(), "FAILURE")
	s.wantStatusNow("failed")
	s.wantAfter("join", "left", "right")
	s.wantAfter("undo-left", "undo-join")
	s.wantAfter("undo-right", "undo-join")
	s.wantFunds(from, bank.Funds{Balance: 100})
	s.wantFunds(to, bank.Funds{})
	s.wantCalls(map[string]int{"left": 1, "right": 1, "join": 1, "undo-left": 1, "undo-right": 1, "undo-join": 1})
}

func concurrentWithoutOrders(s *scene) {
	meet := meeting(3)
	for _, step := range []string{"a", "b", "c"} {
		s.at.Handle(step, meet)
	}
	saga := s.newSaga("a", "b", "c").SetConcurrent()
	saga.WaitResult = true
	s.must(saga.Submit())
	s.wantFinal("succeed")
	s.wantCalls(map[string]int{"a": 1, "b": 1, "c": 1})
}

// The slow branch takes effect after the other one has refused: it must not stay.
func concurrentStillRunning(s *scene) {
	account := s.account(s.mariadb(), "from", 100)
	refused := make(chan struct{})
	s.both("slow", moves(account, out))
	s.at.Handle("slow", blocks(refused, moves(account, out)))
	s.at.Handle("refuse", closes(refused, answers(dtmcli.ErrFailure)))
	s.at.Handle("undo-refuse", succeeds)
	s.must(s.newSaga("slow", "refuse").SetConcurrent().Submit())
	s.wantFinal("failed")
	s.wantFunds(account, bank.Funds{Balance: 100})
}

// The slow branch is given up after the request time-out and compensated, and comes to its work only then.
func concurrentLateAction(s *scene) {
	account := s.account(s.mariadb(), "from", 100)
	compensated, worked := make(chan struct{}), make(chan struct{})
	s.at.Handle("slow", closes(worked, func(call *participant.Call) error {
		select {
		case <-compensated:
			return moves(account, out)(call)
		case <-time.After(eventTimeout):
			return errNoAnswer
		}
	}))
	s.at.Handle("undo-slow", closes(compensated, moves(account, out)))
	s.at.Handle("refuse", answers(dtmcli.ErrFailure))
	s.at.Handle("undo-refuse", succeeds)
	saga := s.newSaga("slow", "refuse").SetConcurrent()
	saga.WithGlobalTransRequestTimeout(1)
	s.must(saga.Submit())
	s.wantFinal("failed")
	s.await(worked, "the late action")
	s.wantFunds(account, bank.Funds{Balance: 100})
}
