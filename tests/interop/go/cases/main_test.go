// Package cases runs the official Go client of the dtm protocol against a coordinator, and judges by what
// happened in the business databases and in the participants' journals.
//
// Environment: INTEROP_TARGET (http://host:port of the coordinator), INTEROP_GRPC_TARGET (host:port of its gRPC; the
// cases over gRPC are skipped without it), INTEROP_WORKFLOWS (grpc: workflows over gRPC), INTEROP_MYSQL, INTEROP_POSTGRES and
// INTEROP_REDIS (URLs of databases the cases may create tables in; a case whose database is absent is skipped), and
// INTEROP_TYPESCRIPT (http://host:port of the participant that shares their barriers).
package cases

import (
	"fmt"
	"os"
	"testing"

	"github.com/dtm-labs/client/dtmgrpc"
	"github.com/dtm-labs/client/workflow"
	"github.com/dtm-labs/logger"
	"github.com/go-redis/redis/v8"

	"holdfast/interop/bank"
	"holdfast/interop/coordinator"
	"holdfast/interop/participant"
)

// What all cases share; set once before the first of them and never changed.
var (
	server       coordinator.Coordinator
	participants *participant.Service
	// The same scenes over gRPC.
	overGRPC    *participant.GRPC
	mariadb     *bank.Bank
	postgres    *bank.Bank
	redisClient *redis.Client
	typescript  string
)

func TestMain(m *testing.M) {
	logger.InitLog("fatal") // The client logs every branch that fails, and the cases make them fail on purpose.
	if runAsChild() {
		return
	}
	os.Exit(runSuite(m))
}

func runSuite(m *testing.M) int {
	server.Base, server.GRPC = os.Getenv("INTEROP_TARGET"), os.Getenv("INTEROP_GRPC_TARGET")
	if server.Base == "" {
		return refuse(fmt.Errorf("INTEROP_TARGET is not set: start the suite with npm run interop go"))
	}
	var err error
	if mariadb, err = openBank("INTEROP_MYSQL"); err != nil {
		return refuse(err)
	}
	if postgres, err = openBank("INTEROP_POSTGRES"); err != nil {
		return refuse(err)
	}
	if redisClient, err = openRedis("INTEROP_REDIS"); err != nil {
		return refuse(err)
	}
	if typescript = os.Getenv("INTEROP_TYPESCRIPT"); typescript == "" {
		return refuse(fmt.Errorf("INTEROP_TYPESCRIPT is not set: start the suite with npm run interop go"))
	}
	if participants, err = participant.Start(); err != nil {
		return refuse(err)
	}
	defer participants.Close()
	if overGRPC, err = participants.OpenGRPC(); err != nil {
		return refuse(err)
	}
	defer overGRPC.Close()
	dtmgrpc.AddUnaryInterceptor(addToken) // Before the first call.
	if workflowsUseGRPC() {
		workflow.InitGrpc(server.GRPC, overGRPC.Address, overGRPC.Server)
	} else {
		workflow.InitHTTP(server.REST(), "") // Each workflow case names a call-back URL of its own.
	}
	overGRPC.Serve()
	return m.Run()
}

// workflowsUseGRPC says which transport the workflows of this process use: the client has one for all of them.
func workflowsUseGRPC() bool { return os.Getenv("INTEROP_WORKFLOWS") == "grpc" }

func openBank(variable string) (*bank.Bank, error) {
	if os.Getenv(variable) == "" {
		return nil, nil
	}
	return bank.Open(os.Getenv(variable))
}

func openRedis(variable string) (*redis.Client, error) {
	if os.Getenv(variable) == "" {
		return nil, nil
	}
	options, err := redis.ParseURL(os.Getenv(variable))
	if err != nil {
		return nil, err
	}
	return redis.NewClient(options), nil
}

func refuse(err error) int {
	fmt.Fprintln(os.Stderr, err)
	return 2
}
