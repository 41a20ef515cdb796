package cases

import (
	"database/sql"
	"errors"
	"testing"

	"github.com/dtm-labs/client/dtmcli"

	"holdfast/interop/bank"
	"holdfast/interop/participant"
)

func TestMessage(t *testing.T) {
	run(t, "delivers every step, a waiting caller is notified when it is done", msgDelivers)
	run(t, "a submit that does not wait returns before the delivery", msgDeliversWithoutWaiting)
	run(t, "is retried until it is delivered, whatever the step responds", msgRetries)
	run(t, "runs its steps at once when it is concurrent", msgConcurrent)
	onBoth(t, "delivers after the local transaction has committed", msgLocalCommit)
	onBoth(t, "delivers nothing after the local transaction was rolled back", msgLocalRollback)
	onBoth(t, "a local transaction with an unknown outcome is checked back, and rolled back", msgLocalUnknown)
	run(t, "fans out to the subscribers of a topic", msgTopic)
	run(t, "to a topic without subscribers is rejected", msgUnknownTopic)
}

func onBoth(t *testing.T, name string, body func(s *scene, b *bank.Bank)) {
	run(t, name+" (MariaDB)", func(s *scene) { body(s, s.mariadb()) })
	run(t, name+" (PostgreSQL)", func(s *scene) { body(s, s.postgres()) })
}

func (s *scene) newMsg(steps ...string) *dtmcli.Msg {
	msg := dtmcli.NewMsg(server.REST(), s.gid)
	for _, step := range steps {
		msg.Add(s.at.URL(step), payload)
	}
	msg.RetryInterval = 1
	return msg
}

// sender opens the account of the sender, with the endpoint where the coordinator asks how its local transaction ended.
func (s *scene) sender(b *bank.Bank) bank.Account {
	s.at.Handle("check-back", func(call *participant.Call) error {
		barrier, err := call.Barrier(b)
		if err != nil {
			return err
		}
		return barrier.QueryPrepared(b.DB)
	})
	return s.account(b, "sender", 100)
}

// receiver opens the account of the receiver, with the endpoint that the message is delivered to.
func (s *scene) receiver() bank.Account {
	account := s.account(s.postgres(), "receiver", 0)
	s.at.Handle("receive", moves(account, in))
	return account
}

// pays is the sender's local transaction: the account is charged behind the message's own barrier.
func pays(account bank.Account) func(barrier *dtmcli.BranchBarrier) error {
	return func(barrier *dtmcli.BranchBarrier) error {
		barrier.DBType = account.Bank.Conf.Driver
		return barrier.CallWithDB(account.Bank.DB, func(tx *sql.Tx) error { return account.Change(tx, -amount, 0) })
	}
}

func msgDelivers(s *scene) {
	one, two := s.account(s.mariadb(), "one", 0), s.account(s.postgres(), "two", 0)
	s.at.Handle("one", moves(one, in))
	s.at.Handle("two", moves(two, in))
	msg := s.newMsg("one", "two")
	msg.WaitResult = true
	s.must(msg.Submit())
	s.wantStatusNow("succeed")
	s.wantFunds(one, bank.Funds{Balance: 30})
	s.wantFunds(two, bank.Funds{Balance: 30})
	s.wantJournal("one 01 action", "two 02 action")
	s.wantBranches(s.wantFinal("succeed"), "01 action succeed", "02 action succeed")
}

func msgDeliversWithoutWaiting(s *scene) {
	account := s.receiver()
	submitted := make(chan struct{})
	s.at.Handle("receive", blocks(submitted, moves(account, in)))
	s.must(s.newMsg("receive").Submit())
	close(submitted)
	s.wantFinal("succeed")
	s.wantFunds(account, bank.Funds{Balance: 30})
}

func msgRetries(s *scene) {
	one, two := s.account(s.mariadb(), "one", 0), s.account(s.postgres(), "two", 0)
	s.at.Handle("one", first(dtmcli.ErrFailure, losesAnswer(2, moves(one, in))))
	s.at.Handle("two", moves(two, in))
	msg := s.newMsg("one", "two")
	msg.WaitResult = true
	if msg.Submit() == nil {
		s.Error("the caller heard success while a step had not succeeded")
	}
	s.wantFinal("succeed")
	s.wantFunds(one, bank.Funds{Balance: 30})
	s.wantFunds(two, bank.Funds{Balance: 30})
	s.wantJournal("one 01 action", "one 01 action", "one 01 action", "two 02 action")
}

func msgConcurrent(s *scene) {
	meet := meeting(2)
	s.at.Handle("left", meet)
	s.at.Handle("right", meet)
	msg := s.newMsg("left", "right")
	msg.Concurrent = true
	msg.WaitResult = true
	s.must(msg.Submit())
	s.wantFinal("succeed")
	s.wantCalls(map[string]int{"left": 1, "right": 1})
}

func msgLocalCommit(s *scene, b *bank.Bank) {
	sender, receiver := s.sender(b), s.receiver()
	msg := s.newMsg("receive")
	msg.WaitResult = true
	s.must(msg.DoAndSubmit(s.at.URL("check-back"), pays(sender)))
	s.wantStatusNow("succeed")
	s.wantFunds(sender, bank.Funds{Balance: 70})
	s.wantFunds(receiver, bank.Funds{Balance: 30})
	s.wantJournal("receive 01 action")
}

func msgLocalRollback(s *scene, b *bank.Bank) {
	sender, receiver := s.sender(b), s.receiver()
	s.must(sender.Change(b.DB, -90, 0)) // What is left does not pay for the order.
	err := s.newMsg("receive").DoAndSubmit(s.at.URL("check-back"), pays(sender))
	s.wantError(err, "not enough money")
	s.wantBranches(s.wantFinal("failed"), "01 action prepared")
	s.wantFunds(sender, bank.Funds{Balance: 10})
	s.wantFunds(receiver, bank.Funds{})
	s.wantJournal()
}

// The sender cannot tell whether its COMMIT took effect; the client asks the check-back, and the answer decides.
func msgLocalUnknown(s *scene, b *bank.Bank) {
	sender, receiver := s.sender(b), s.receiver()
	errConnection := errors.New("the connection broke during COMMIT")
	err := s.newMsg("receive").DoAndSubmit(s.at.URL("check-back"), func(*dtmcli.BranchBarrier) error { return errConnection })
	s.wantError(err, errConnection.Error())
	s.wantFinal("failed")
	s.wantFunds(sender, bank.Funds{Balance: 100})
	s.wantFunds(receiver, bank.Funds{})
	s.wantJournal("check-back 00 msg")
}

func msgTopic(s *scene) {
	one, two := s.account(s.mariadb(), "one", 0), s.account(s.postgres(), "two", 0)
	s.at.Handle("one", moves(one, in))
	s.at.Handle("two", moves(two, in))
	topic := "interop-" + s.gid
	s.must(server.Subscribe(topic, s.at.URL("one")))
	s.must(server.Subscribe(topic, s.at.URL("two")))
	msg := s.newMsg().AddTopic(topic, payload)
	msg.WaitResult = true
	s.must(msg.Submit())
	s.wantFunds(one, bank.Funds{Balance: 30})
	s.wantFunds(two, bank.Funds{Balance: 30})
	s.wantBranches(s.wantFinal("succeed"), "01-01 action succeed", "01-02 action succeed")
}

func msgUnknownTopic(s *scene) {
	if s.newMsg().AddTopic("nobody-"+s.gid, payload).Submit() == nil {
		s.Error("a message to a topic without subscribers was accepted")
	}
	answer, err := server.Query(s.gid)
	s.must(err)
	if answer.Transaction != nil {
		s.Errorf("the refused message is there: %+v", answer.Transaction)
	}
}
