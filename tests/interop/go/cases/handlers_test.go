package cases

import (
	"database/sql"
	"encoding/json"
	"errors"
	"sync"

	"github.com/dtm-labs/client/dtmcli/dtmimp"

	"holdfast/interop/bank"
	"holdfast/interop/participant"
)

// order is the payload of every branch: a participant moves what the coordinator told it, not what it knows.
type order struct {
	Amount int `json:"amount"`
}

const amount = 30

var (
	payload     = order{Amount: amount}
	errDown     = errors.New("down for a moment")
	errLost     = errors.New("the work is done, the answer is lost")
	errNoAnswer = errors.New("no answer yet")
)

const (
	in  = 1
	out = -1
)

// moves changes the balance by the order's amount, and back when the op undoes another.
func moves(account bank.Account, direction int) participant.Handler {
	return func(call *participant.Call) error {
		amount, err := ordered(call)
		if err != nil {
			return err
		}
		if call.Op == dtmimp.OpCompensate || call.Op == dtmimp.OpRollback {
			amount = -amount
		}
		return call.InTx(account.Bank, func(tx *sql.Tx) error { return account.Change(tx, direction*amount, 0) })
	}
}

// reserves holds the money at the try (in a workflow: the action), and settles or releases it in the second phase.
func reserves(account bank.Account, direction int) participant.Handler {
	return func(call *participant.Call) error {
		amount, err := ordered(call)
		if err != nil {
			return err
		}
		return call.InTx(account.Bank, func(tx *sql.Tx) error {
			held, balance := amount, 0
			switch call.Op {
			case dtmimp.OpConfirm, dtmimp.OpCommit:
				held = -amount
			case dtmimp.OpCancel, dtmimp.OpRollback:
				held, balance = -amount, amount
			default:
				balance = -amount
			}
			if direction == in { // Money that comes in is announced by the try, and counts from the confirm on.
				balance = 0
				if call.Op == dtmimp.OpConfirm || call.Op == dtmimp.OpCommit {
					balance = amount
				}
			}
			return account.Change(tx, balance, held)
		})
	}
}

func ordered(call *participant.Call) (int, error) {
	var got order
	err := json.Unmarshal(call.Body, &got)
	return got.Amount, err
}

func succeeds(*participant.Call) error { return nil }

func answers(err error) participant.Handler {
	return func(*participant.Call) error { return err }
}

// first answers the first call of each op with an error, and leaves the later ones to another handler.
func first(err error, then participant.Handler) participant.Handler {
	return func(call *participant.Call) error {
		if call.Attempt == 1 {
			return err
		}
		return then(call)
	}
}

// losesFirstAnswer does the work of the first call, and tells nobody.
func losesFirstAnswer(handler participant.Handler) participant.Handler {
	return losesAnswer(1, handler)
}

// losesAnswer does the work of every call, and tells nobody about one of them.
func losesAnswer(attempt int, handler participant.Handler) participant.Handler {
	return func(call *participant.Call) error {
		if err := handler(call); err != nil || call.Attempt != attempt {
			return err
		}
		return errLost
	}
}

// blocks lets nobody through before the gate is opened.
func blocks(gate <-chan struct{}, handler participant.Handler) participant.Handler {
	return func(call *participant.Call) error {
		select {
		case <-gate:
			return handler(call)
		case <-call.Abandoned:
			return errNoAnswer
		}
	}
}

// meeting is a place where a number of calls wait for each other: they all get through only if they run at once.
func meeting(number int) participant.Handler {
	var mu sync.Mutex
	arrived, complete := 0, make(chan struct{})
	return func(call *participant.Call) error {
		mu.Lock()
		if arrived++; arrived == number {
			close(complete)
		}
		mu.Unlock()
		select {
		case <-complete:
			return nil
		case <-call.Abandoned:
			return errNoAnswer
		}
	}
}

// closes tells that a call has come, when its handler has decided what to answer.
func closes(event chan<- struct{}, handler participant.Handler) participant.Handler {
	var once sync.Once
	return func(call *participant.Call) error {
		defer once.Do(func() { close(event) })
		return handler(call)
	}
}
