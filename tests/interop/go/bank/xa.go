package bank

import (
	"context"
	"database/sql"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/dtm-labs/client/dtmcli"
	"github.com/dtm-labs/client/dtmcli/dtmimp"
	"github.com/dtm-labs/client/dtmgrpc"
	"github.com/dtm-labs/client/workflow"
)

const detachTimeout = 5 * time.Second

// XaBranch serves one call of an XA branch (action, commit or rollback) with the client's own helper.
func (b *Bank) XaBranch(query url.Values, work func(db *sql.DB) error) error {
	var session int64
	err := dtmcli.XaLocalTransaction(query, b.Conf, func(db *sql.DB, _ *dtmcli.Xa) error {
		var err error
		if session, err = b.xaSession(db); err != nil {
			return err
		}
		return work(db)
	})
	if err == nil && session != 0 {
		err = b.awaitDetached(session)
	}
	return err
}

// XaBranchOfGRPC serves one call of an XA branch over gRPC with the client's own helper.
func (b *Bank) XaBranchOfGRPC(ctx context.Context, work func(db *sql.DB) error) error {
	var session int64
	err := dtmgrpc.XaLocalTransaction(ctx, b.Conf, func(db *sql.DB, _ *dtmgrpc.XaGrpc) error {
		var err error
		if session, err = b.xaSession(db); err != nil {
			return err
		}
		return work(db)
	})
	if err == nil && session != 0 {
		err = b.awaitDetached(session)
	}
	return err
}

// XaStep is the XA branch of a workflow, which runs in the workflow's own process.
func (b *Bank) XaStep(wf *workflow.Workflow, work func(db *sql.DB) ([]byte, error)) ([]byte, error) {
	var session int64
	result, err := wf.DoXa(b.Conf, func(db *sql.DB) ([]byte, error) {
		var err error
		if session, err = b.xaSession(db); err != nil {
			return nil, err
		}
		return work(db)
	})
	if err == nil && session != 0 {
		err = b.awaitDetached(session)
	}
	return result, err
}

// xaSession names the connection of an open XA branch; 0 where prepared transactions belong to no connection.
func (b *Bank) xaSession(db *sql.DB) (session int64, err error) {
	if b.Conf.Driver == dtmcli.DBTypeMysql {
		err = db.QueryRow("select connection_id()").Scan(&session)
	}
	return session, err
}

// awaitDetached returns once the server has let go of a connection that ended with XA PREPARE. MariaDB keeps a
// prepared transaction attached to its connection until that is torn down, which happens some time after the client
// closed it; an XA COMMIT from elsewhere before that finds nothing, and the client takes this for "already committed".
func (b *Bank) awaitDetached(session int64) error {
	for deadline := time.Now().Add(detachTimeout); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		var open int
		if err := b.DB.QueryRow("select count(*) from information_schema.processlist where id = ?", session).Scan(&open); err != nil {
			return err
		}
		if open == 0 {
			return nil
		}
	}
	return fmt.Errorf("connection %d still holds its prepared transaction after %s", session, detachTimeout)
}

// PreparedXa counts the prepared transactions of a gid that the database still keeps (and whose locks it holds).
func (b *Bank) PreparedXa(gid string) (count int, err error) {
	if b.Conf.Driver == dtmcli.DBTypePostgres {
		err = b.DB.QueryRow("select count(*) from pg_prepared_xacts where left(gid, $1) = $2", len(gid)+1, gid+"-").Scan(&count)
		return count, err
	}
	rows, err := b.DB.Query("xa recover")
	if err != nil {
		return 0, err
	}
	defer rows.Close()
	for rows.Next() {
		var format, gtridLength, bqualLength int
		var xid string
		if err := rows.Scan(&format, &gtridLength, &bqualLength, &xid); err != nil {
			return 0, err
		}
		if strings.HasPrefix(xid, gid+"-") {
			count++
		}
	}
	return count, rows.Err()
}

// BarrierReason is the reason column of a barrier row, "" when there is no such row.
func (b *Bank) BarrierReason(gid, branchID, op string) (reason string, err error) {
	query := dtmimp.GetDBSpecial(b.Conf.Driver).GetPlaceHoldSQL(
		"select reason from dtm_barrier.barrier where gid = ? and branch_id = ? and op = ? and barrier_id = '01'")
	err = b.DB.QueryRow(query, gid, branchID, op).Scan(&reason)
	if err == sql.ErrNoRows {
		return "", nil
	}
	return reason, err
}
