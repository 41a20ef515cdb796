package cases

import (
	"bytes"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/dtm-labs/client/dtmcli"
	"github.com/dtm-labs/client/dtmcli/dtmimp"

	"holdfast/interop/bank"
	"holdfast/interop/participant"
)

// A Go and a TypeScript participant share one barrier: the same table, created by the TypeScript one, or the same keys in Redis.
func TestSharedBarrier(t *testing.T) {
	onShared(t, "an action is not carried out again", sharedRepeated)
	onShared(t, "an action that uses the barrier twice is not carried out again", sharedRepeatedTwice)
	onShared(t, "a compensation undoes what the other did, once", sharedUndone)
	onShared(t, "a compensation that comes first is empty, and its late action does nothing", sharedEmptyThenLate)
	onShared(t, "a cancel that comes first is empty, and its late try does nothing", sharedCancelThenLateTry)
	onShared(t, "the local transaction of a message is known to the other's check-back, and not repeated", sharedMessageCommitted)
	onShared(t, "a check-back that came first keeps the other from committing", sharedMessageRefused)
	onShared(t, "a saga commits, each call lost by the one and repeated to the other", sharedSagaCommits)
	onShared(t, "a saga is rolled back, each call lost by the one and repeated to the other", sharedSagaRollsBack)
}

// branchKey tells which call of a coordinator a participant serves.
type branchKey struct{ Gid, TransType, BranchID, Op string }

// side is one of the participants.
type side interface {
	// change adds to the account behind the barrier, so many times in one request.
	change(key branchKey, amount, uses int) error
	// message does it as the local transaction of a message; false when a check-back, or another run, came first.
	message(gid string, amount int) (bool, error)
	// check is the check-back: whether the local transaction was committed.
	check(gid string) (bool, error)
}

// shared is an account that both sides change.
type shared struct {
	*scene
	balance       func() int
	first, second side
}

func onShared(t *testing.T, name string, body func(s *shared)) {
	for _, place := range []string{"mariadb", "postgres", "redis"} {
		for _, goFirst := range []bool{true, false} {
			order := "TypeScript, then Go"
			if goFirst {
				order = "Go, then TypeScript"
			}
			run(t, fmt.Sprintf("%s: %s (%s)", name, order, place), func(s *scene) {
				at := s.openShared(place)
				if !goFirst {
					at.first, at.second = at.second, at.first
				}
				body(at)
			})
		}
	}
}

const sharedBalance = 100

func (s *scene) openShared(place string) *shared {
	s.Helper()
	id := s.gid + "-shared"
	script := typescriptSide{base: typescript + "/" + place, account: id}
	if place == "redis" {
		if redisClient == nil {
			s.Skip("Redis is not installed")
		}
		s.must(redisClient.Set(redisClient.Context(), id, sharedBalance, 0).Err())
		balance := func() int {
			value, err := redisClient.Get(redisClient.Context(), id).Int()
			s.must(err)
			return value
		}
		return &shared{scene: s, balance: balance, first: goRedisSide{key: id}, second: script}
	}
	b := map[string]func() *bank.Bank{"mariadb": s.mariadb, "postgres": s.postgres}[place]()
	account := s.account(b, "shared", sharedBalance)
	balance := func() int {
		funds, err := account.Funds()
		s.must(err)
		return funds.Balance
	}
	return &shared{scene: s, balance: balance, first: goSQLSide{account: account}, second: script}
}

func (s *shared) wantBalance(want int) {
	s.Helper()
	if got := s.balance(); got != want {
		s.Errorf("balance: want %d, got %d; journal:\n%s", want, got, s.journal())
	}
}

func (s *shared) key(transType, op string) branchKey {
	return branchKey{Gid: s.gid, TransType: transType, BranchID: "01", Op: op}
}

func sharedRepeated(s *shared) {
	action := s.key("saga", "action")
	s.must(s.first.change(action, -30, 1))
	s.must(s.second.change(action, -30, 1))
	s.must(s.first.change(action, -30, 1))
	s.wantBalance(70)
}

func sharedRepeatedTwice(s *shared) {
	action := s.key("saga", "action")
	s.must(s.first.change(action, -10, 2))
	s.wantBalance(80)
	s.must(s.second.change(action, -10, 2))
	s.wantBalance(80)
}

func sharedUndone(s *shared) {
	s.must(s.first.change(s.key("saga", "action"), -30, 1))
	s.must(s.second.change(s.key("saga", "compensate"), 30, 1))
	s.wantBalance(100)
	s.must(s.first.change(s.key("saga", "compensate"), 30, 1))
	s.wantBalance(100)
}

func sharedEmptyThenLate(s *shared) {
	s.emptyThenLate(s.key("saga", "compensate"), s.key("saga", "action"))
}

func sharedCancelThenLateTry(s *shared) { s.emptyThenLate(s.key("tcc", "cancel"), s.key("tcc", "try")) }

func (s *shared) emptyThenLate(undo, late branchKey) {
	s.Helper()
	s.must(s.first.change(undo, 30, 1))
	s.wantBalance(100)
	refused := s.lateRefused(s.second.change(late, -30, 1))
	s.wantBalance(100)
	s.must(s.second.change(undo, 30, 1))
	refused += s.lateRefused(s.first.change(late, -30, 1))
	s.wantBalance(100)
	// Holdfast refuses what comes after its undo; the Go client reports success and does nothing.
	if refused != 1 {
		s.Errorf("late calls refused: want 1, got %d", refused)
	}
}

func (s *shared) lateRefused(err error) int {
	s.Helper()
	if err != nil && strings.Contains(err.Error(), "was undone before") {
		return 1
	}
	s.must(err)
	return 0
}

func sharedMessageCommitted(s *shared) {
	s.wantCommitted("the local transaction", true)(s.first.message(s.gid, -30))
	s.wantCommitted("the other's check-back", true)(s.second.check(s.gid))
	s.wantCommitted("its own check-back", true)(s.first.check(s.gid))
	s.wantCommitted("the other's local transaction", false)(s.second.message(s.gid, -30))
	s.wantBalance(70)
}

func sharedMessageRefused(s *shared) {
	s.wantCommitted("the check-back", false)(s.first.check(s.gid))
	s.wantCommitted("the other's local transaction", false)(s.second.message(s.gid, -30))
	s.wantCommitted("the other's check-back", false)(s.second.check(s.gid))
	s.wantBalance(100)
}

func (s *shared) wantCommitted(what string, want bool) func(bool, error) {
	return func(got bool, err error) {
		s.Helper()
		s.must(err)
		if got != want {
			s.Errorf("%s: want committed = %t, got %t", what, want, got)
		}
	}
}

func sharedSagaCommits(s *shared) {
	s.alternating("debit", -30)
	s.must(s.newSaga("debit").Submit())
	s.wantFinal("succeed")
	s.wantBalance(70)
	s.wantJournal("debit 01 action", "debit 01 action")
}

func sharedSagaRollsBack(s *shared) {
	s.alternating("debit", -30)
	s.alternating("undo-debit", 30)
	s.at.Handle("refuse", func(*participant.Call) error {
		s.wantBalance(70)
		return dtmcli.ErrFailure
	})
	s.at.Handle("undo-refuse", func(*participant.Call) error { return nil })
	s.must(s.newSaga("debit", "refuse").Submit())
	s.wantFinal("failed")
	s.wantBalance(100)
	s.wantJournal("debit 01 action", "debit 01 action", "refuse 02 action", "undo-refuse 02 compensate",
		"undo-debit 01 compensate", "undo-debit 01 compensate")
}

// alternating serves an endpoint by both: the first does the work and its answer is lost, the call that repeats it comes to the second.
func (s *shared) alternating(endpoint string, amount int) {
	s.at.Handle(endpoint, func(call *participant.Call) error {
		key := branchKey{Gid: call.Gid, TransType: call.TransType, BranchID: call.BranchID, Op: call.Op}
		if call.Attempt > 1 {
			return s.second.change(key, amount, 1)
		}
		if err := s.first.change(key, amount, 1); err != nil {
			return err
		}
		return errLost
	})
}

func barrierOf(key branchKey) (*dtmcli.BranchBarrier, error) {
	return dtmcli.BarrierFrom(key.TransType, key.Gid, key.BranchID, key.Op)
}

func messageKey(gid string) branchKey {
	return branchKey{Gid: gid, TransType: "msg", BranchID: dtmimp.MsgDoBranch0, Op: dtmimp.MsgDoOp}
}

// goSQLSide is a participant with the Go client's barrier in a database.
type goSQLSide struct{ account bank.Account }

func (g goSQLSide) barrier(key branchKey) (*dtmcli.BranchBarrier, error) {
	barrier, err := barrierOf(key)
	if err == nil {
		barrier.DBType = g.account.Bank.Conf.Driver
	}
	return barrier, err
}

func (g goSQLSide) change(key branchKey, amount, uses int) error {
	barrier, err := g.barrier(key)
	for ; err == nil && uses > 0; uses-- {
		err = barrier.CallWithDB(g.account.Bank.DB, func(tx *sql.Tx) error { return g.account.Change(tx, amount, 0) })
	}
	return err
}

func (g goSQLSide) message(gid string, amount int) (bool, error) {
	barrier, err := g.barrier(messageKey(gid))
	if err == nil {
		err = barrier.CallWithDB(g.account.Bank.DB, func(tx *sql.Tx) error { return g.account.Change(tx, amount, 0) })
	}
	return committedUnless(err, dtmcli.ErrDuplicated)
}

func (g goSQLSide) check(gid string) (bool, error) {
	barrier, err := g.barrier(messageKey(gid))
	if err == nil {
		err = barrier.QueryPrepared(g.account.Bank.DB)
	}
	return committedUnless(err, dtmcli.ErrFailure)
}

// goRedisSide is a participant with the Go client's barrier in Redis.
type goRedisSide struct{ key string }

const barrierExpireSeconds = 600

func (g goRedisSide) change(key branchKey, amount, uses int) error {
	barrier, err := barrierOf(key)
	for ; err == nil && uses > 0; uses-- {
		err = barrier.RedisCheckAdjustAmount(redisClient, g.key, amount, barrierExpireSeconds)
	}
	return err
}

func (g goRedisSide) message(gid string, amount int) (bool, error) {
	return committedUnless(g.change(messageKey(gid), amount, 1), dtmcli.ErrDuplicated)
}

func (g goRedisSide) check(gid string) (bool, error) {
	barrier, err := barrierOf(messageKey(gid))
	if err == nil {
		err = barrier.RedisQueryPrepared(redisClient, barrierExpireSeconds)
	}
	return committedUnless(err, dtmcli.ErrFailure)
}

// typescriptSide is the participant written with @holdfast/client.
type typescriptSide struct{ base, account string }

func (p typescriptSide) change(key branchKey, amount, uses int) error {
	return p.post(map[int]string{1: "change", 2: "change-twice"}[uses], key, amount)
}

func (p typescriptSide) message(gid string, amount int) (bool, error) {
	return committedUnless(p.post("message", messageKey(gid), amount), dtmcli.ErrFailure)
}

func (p typescriptSide) check(gid string) (bool, error) {
	return committedUnless(p.post("check", messageKey(gid), 0), dtmcli.ErrFailure)
}

// post calls as a coordinator does.
func (p typescriptSide) post(endpoint string, key branchKey, amount int) error {
	query := url.Values{"gid": {key.Gid}, "trans_type": {key.TransType}, "branch_id": {key.BranchID}, "op": {key.Op}}
	body, err := json.Marshal(map[string]any{"account": p.account, "amount": amount})
	if err != nil {
		return err
	}
	response, err := http.Post(p.base+"/"+endpoint+"?"+query.Encode(), "application/json", bytes.NewReader(body))
	if err != nil {
		return err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	switch {
	case err != nil || response.StatusCode == http.StatusOK:
		return err
	case response.StatusCode == http.StatusConflict:
		return fmt.Errorf("%s: %w", text, dtmcli.ErrFailure)
	}
	return fmt.Errorf("the TypeScript participant answered %d: %s", response.StatusCode, text)
}

func committedUnless(err, refusal error) (bool, error) {
	if errors.Is(err, refusal) {
		return false, nil
	}
	return err == nil, err
}
