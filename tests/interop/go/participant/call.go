package participant

import (
	"context"
	"database/sql"
	"net/http"
	"net/url"

	"github.com/dtm-labs/client/dtmcli"
	"google.golang.org/grpc/metadata"

	"holdfast/interop/bank"
)

// Call is one request that reached a participant.
type Call struct {
	Endpoint                     string
	Gid, TransType, BranchID, Op string
	Method                       string
	Query                        url.Values
	Header                       http.Header
	// Metadata and Context are those of a call over gRPC.
	Metadata metadata.MD
	Context  context.Context
	// Body is the payload: the whole body over HTTP, the params over JSON-RPC, the message's text over gRPC.
	Body []byte
	// Attempt counts the calls of this endpoint for this gid, branch and op, from 1.
	Attempt int
	// Began and Ended are the scene's own clock: of two events, the earlier one has the smaller number. Ended is 0 while the call runs.
	Began, Ended int
	// Reply is the body of a successful answer, dtm's success object unless a handler sets another.
	Reply any
	// Abandoned is closed when the caller hangs up.
	Abandoned <-chan struct{}
}

// Handler does the work of a call. nil is SUCCESS, dtmcli.ErrFailure and ErrOngoing (also wrapped) mean what they
// say, any other error is UNKNOWN.
type Handler func(call *Call) error

// Name is how the journal writes a call: "01 action", with the branch and the op the coordinator sent.
func (c *Call) Name() string { return c.BranchID + " " + c.Op }

// Barrier is the client's branch barrier for this call on a bank.
func (c *Call) Barrier(b *bank.Bank) (*dtmcli.BranchBarrier, error) {
	barrier, err := dtmcli.BarrierFrom(c.TransType, c.Gid, c.BranchID, c.Op)
	if err == nil {
		barrier.DBType = b.Conf.Driver
	}
	return barrier, err
}

// InTx runs the business function behind the branch barrier, in one transaction with it.
func (c *Call) InTx(b *bank.Bank, work func(tx *sql.Tx) error) error {
	barrier, err := c.Barrier(b)
	if err != nil {
		return err
	}
	return barrier.CallWithDB(b.DB, work)
}
