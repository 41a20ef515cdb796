package cases

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"syscall"

	"github.com/dtm-labs/client/dtmcli"

	"holdfast/interop/bank"
)

const childVariable = "INTEROP_CHILD"

// doomedSender is a process that sends a message and is killed on the way.
type doomedSender struct {
	Server, Gid, CheckBack, Receive string
	Driver, Account                 string
	// DiesBeforeCommit kills it before its local transaction; otherwise it dies between that and the submit.
	DiesBeforeCommit bool
}

// runAsChild makes this test binary the doomed sender when its environment says so. It never returns then.
func runAsChild() bool {
	raw := os.Getenv(childVariable)
	if raw == "" {
		return false
	}
	var sender doomedSender
	err := json.Unmarshal([]byte(raw), &sender)
	if err == nil {
		err = sender.send()
	}
	fmt.Fprintln(os.Stderr, "the sender has outlived its message:", err)
	os.Exit(3)
	return true
}

func (d doomedSender) send() error {
	b, err := openBank(map[string]string{"mysql": "INTEROP_MYSQL", "postgres": "INTEROP_POSTGRES"}[d.Driver])
	if err != nil {
		return err
	}
	msg := dtmcli.NewMsg(d.Server, d.Gid).Add(d.Receive, payload)
	msg.RetryInterval = 1
	msg.TimeoutToFail = 1
	return msg.DoAndSubmit(d.CheckBack, func(barrier *dtmcli.BranchBarrier) error {
		if !d.DiesBeforeCommit {
			if err := pays(bank.Account{Bank: b, ID: d.Account})(barrier); err != nil {
				return err
			}
		}
		if err := syscall.Kill(os.Getpid(), syscall.SIGKILL); err != nil {
			return err
		}
		select {}
	})
}

// run starts the sender and returns once it has been killed.
func (d doomedSender) run() error {
	raw, err := json.Marshal(d)
	if err != nil {
		return err
	}
	command := exec.Command(os.Args[0])
	command.Env = append(os.Environ(), childVariable+"="+string(raw))
	output, err := command.CombinedOutput()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		if status, ok := exit.Sys().(syscall.WaitStatus); ok && status.Signal() == syscall.SIGKILL {
			return nil
		}
	}
	return fmt.Errorf("the sender was not killed: %w: %s", err, output)
}
