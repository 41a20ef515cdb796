package cases

import (
	"errors"
	"testing"
	"time"

	"github.com/dtm-labs/client/dtmcli"

	"holdfast/interop/bank"
	"holdfast/interop/participant"
)

func TestCheckBack(t *testing.T) {
	onBoth(t, "a sender killed between its commit and the submit: the message is delivered", checkBackCommitted)
	onBoth(t, "a sender killed before its commit: nothing is delivered, and a late commit is rejected", checkBackNotCommitted)
	run(t, "a check-back without a final result is repeated, with the message's headers", checkBackAskedAgain)
	run(t, "a delayed message waits", msgDelayed)
	run(t, "the delay of a prepared message counts from its submit", msgDelayedAfterPrepare)
}

func (s *scene) doomed(sender bank.Account, beforeCommit bool) doomedSender {
	return doomedSender{
		Server: server.REST(), Gid: s.gid, CheckBack: s.at.URL("check-back"), Receive: s.at.URL("receive"),
		Driver: sender.Bank.Conf.Driver, Account: sender.ID, DiesBeforeCommit: beforeCommit,
	}
}

func checkBackCommitted(s *scene, b *bank.Bank) {
	sender, receiver := s.sender(b), s.receiver()
	s.must(s.doomed(sender, false).run())
	s.wantFinal("succeed")
	s.wantFunds(sender, bank.Funds{Balance: 70})
	s.wantFunds(receiver, bank.Funds{Balance: 30})
	s.wantJournal("check-back 00 msg", "receive 01 action")
}

func checkBackNotCommitted(s *scene, b *bank.Bank) {
	sender, receiver := s.sender(b), s.receiver()
	s.must(s.doomed(sender, true).run())
	s.wantFinal("failed")
	barrier, err := dtmcli.BarrierFrom("msg", s.gid, "00", "msg")
	s.must(err)
	if err := pays(sender)(barrier); !errors.Is(err, dtmcli.ErrDuplicated) {
		s.Errorf("want the late commit to be refused as DUPLICATED, got %v", err)
	}
	s.wantFunds(sender, bank.Funds{Balance: 100})
	s.wantFunds(receiver, bank.Funds{})
	s.wantJournal("check-back 00 msg")
}

func checkBackAskedAgain(s *scene) {
	receiver := s.receiver()
	s.at.Handle("check-back", first(dtmcli.ErrOngoing, func(call *participant.Call) error {
		if call.Attempt == 2 {
			return errDown
		}
		return nil
	}))
	msg := s.newMsg("receive")
	msg.TimeoutToFail = 1
	msg.BranchHeaders = map[string]string{"X-Tenant": "north"}
	s.must(msg.Prepare(s.at.URL("check-back")))
	s.wantFinal("succeed")
	s.wantFunds(receiver, bank.Funds{Balance: 30})
	s.wantJournal("check-back 00 msg", "check-back 00 msg", "check-back 00 msg", "receive 01 action")
	for _, call := range s.at.Calls() {
		if call.Header.Get("X-Tenant") != "north" {
			s.Errorf("%s came without the message's header", call.Endpoint)
		}
	}
}

const delay = 2 * time.Second

func msgDelayed(s *scene) {
	receiver := s.receiver()
	arrived := s.arrival("receive")
	submitted := time.Now()
	s.must(s.newMsg("receive").SetDelay(uint64(delay.Seconds())).Submit())
	s.wantDelay(submitted, arrived)
	s.wantFinal("succeed")
	s.wantFunds(receiver, bank.Funds{Balance: 30})
}

// The client tells the delay in the submit only. The local transaction takes half of it, so that a delay that is
// counted from the prepare is seen.
func msgDelayedAfterPrepare(s *scene) {
	sender, receiver := s.sender(s.mariadb()), s.receiver()
	arrived := s.arrival("receive")
	msg := s.newMsg("receive").SetDelay(uint64(delay.Seconds()))
	var committed time.Time
	s.must(msg.DoAndSubmit(s.at.URL("check-back"), func(barrier *dtmcli.BranchBarrier) error {
		<-time.After(delay / 2)
		err := pays(sender)(barrier)
		committed = time.Now()
		return err
	}))
	s.wantDelay(committed, arrived)
	s.wantFinal("succeed")
	s.wantFunds(sender, bank.Funds{Balance: 70})
	s.wantFunds(receiver, bank.Funds{Balance: 30})
}

// arrival tells when an endpoint is called for the first time.
func (s *scene) arrival(endpoint string) <-chan time.Time {
	s.Helper()
	arrived := make(chan time.Time, 1)
	s.at.Wrap(endpoint, func(call *participant.Call, handler participant.Handler) error {
		if call.Attempt == 1 {
			arrived <- time.Now()
		}
		return handler(call)
	})
	return arrived
}

func (s *scene) wantDelay(from time.Time, arrived <-chan time.Time) {
	s.Helper()
	select {
	case at := <-arrived:
		if waited := at.Sub(from); waited < delay {
			s.Errorf("delivered %s after the submit, want %s", waited, delay)
		}
	case <-time.After(eventTimeout):
		s.Fatalf("not delivered within %s", eventTimeout)
	}
}
