package cases

import (
	"strings"
	"testing"
	"time"

	"github.com/dtm-labs/client/dtmcli"

	"holdfast/interop/bank"
	"holdfast/interop/coordinator"
	"holdfast/interop/participant"
)

const eventTimeout = 15 * time.Second

// scene is one case: a gid, endpoints and accounts of its own, and what is asked of them afterwards.
type scene struct {
	*testing.T
	gid string
	at  *participant.Scene
}

// run runs a case beside the others of its pattern: most of their time is waiting for a retry.
func run(t *testing.T, name string, body func(s *scene)) {
	t.Run(name, func(t *testing.T) {
		t.Parallel()
		gid := dtmcli.MustGenGid(server.REST())
		body(&scene{T: t, gid: gid, at: participants.Scene(gid)})
	})
}

func (s *scene) mariadb() *bank.Bank  { return s.need(mariadb, "MariaDB") }
func (s *scene) postgres() *bank.Bank { return s.need(postgres, "PostgreSQL") }

func (s *scene) need(b *bank.Bank, name string) *bank.Bank {
	s.Helper()
	if b == nil {
		s.Skipf("%s is not installed", name)
	}
	return b
}

func (s *scene) account(b *bank.Bank, name string, balance int) bank.Account {
	s.Helper()
	account, err := b.OpenAccount(s.gid+"-"+name, balance)
	s.must(err)
	return account
}

// must ends the case at an error the case does not expect.
func (s *scene) must(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

// wantError ends the case unless there is an error that contains a text.
func (s *scene) wantError(err error, text string) {
	s.Helper()
	if err == nil || !strings.Contains(err.Error(), text) {
		s.Fatalf("want an error with %q, got: %v", text, err)
	}
}

func (s *scene) wantFunds(account bank.Account, want bank.Funds) {
	s.Helper()
	got, err := account.Funds()
	s.must(err)
	if got != want {
		s.Errorf("account %s: want %+v, got %+v; journal:\n%s", account.ID, want, got, s.journal())
	}
}

// wantFinal waits for the final status that the coordinator tells of this case's transaction.
func (s *scene) wantFinal(status string) coordinator.Answer {
	s.Helper()
	return s.wantFinalOf(s.gid, status)
}

func (s *scene) wantFinalOf(gid, status string) coordinator.Answer {
	s.Helper()
	answer, err := server.Final(gid)
	if err != nil {
		s.Fatalf("%v; journal:\n%s", err, s.journal())
	}
	if answer.Transaction.Status != status || answer.Transaction.Gid != gid {
		s.Fatalf("want %s to be %s, got %+v; journal:\n%s", gid, status, answer.Transaction, s.journal())
	}
	return answer
}

// wantStatusNow is for a caller who waited: the status must already be there.
func (s *scene) wantStatusNow(status string) {
	s.Helper()
	answer, err := server.Query(s.gid)
	s.must(err)
	if answer.Transaction == nil || answer.Transaction.Status != status {
		s.Fatalf("want %s at once, got %+v", status, answer.Transaction)
	}
}

// wantBranches compares the stored branches, as "01 action succeed", in the coordinator's order.
func (s *scene) wantBranches(answer coordinator.Answer, want ...string) {
	s.Helper()
	got := []string{}
	for _, branch := range answer.Branches {
		got = append(got, branch.BranchID+" "+branch.Op+" "+branch.Status)
	}
	if strings.Join(got, ", ") != strings.Join(want, ", ") {
		s.Errorf("branches: want %q, got %q", want, got)
	}
}

func (s *scene) wantReason(answer coordinator.Answer, text string) {
	s.Helper()
	if !strings.Contains(answer.Transaction.RollbackReason, text) {
		s.Errorf("rollback_reason: want %q in it, got %q", text, answer.Transaction.RollbackReason)
	}
}

// await waits for something that happens in another goroutine.
func (s *scene) await(event <-chan struct{}, what string) {
	s.Helper()
	select {
	case <-event:
	case <-time.After(eventTimeout):
		s.Fatalf("%s did not happen within %s; journal:\n%s", what, eventTimeout, s.journal())
	}
}

func (s *scene) wantEqual(what string, got, want []string) {
	s.Helper()
	if strings.Join(got, " | ") != strings.Join(want, " | ") {
		s.Errorf("%s: want %q, got %q", what, want, got)
	}
}

// both serves a step and its compensation by one handler, which tells them apart by the op.
func (s *scene) both(endpoint string, handler participant.Handler) {
	s.at.Handle(endpoint, handler)
	s.at.Handle("undo-"+endpoint, handler)
}
