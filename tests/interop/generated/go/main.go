// Command generated runs a client that was generated from the published .proto files, and a reflection client.
//
// Environment: INTEROP_GRPC_TARGET (host:port of the coordinator's gRPC), INTEROP_OUTCOMES (the file that the outcomes
// are appended to), INTEROP_RUN (a regular expression for GROUP/NAME of the cases).
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"holdfast/generated/dtmgimp"
)

const group = "GeneratedGo"

type outcome struct {
	Group      string `json:"group"`
	Name       string `json:"name"`
	Verdict    string `json:"verdict,omitempty"`
	DurationMs int64  `json:"durationMs"`
	Detail     string `json:"detail"`
}

// suite is what all cases share.
type suite struct {
	connection *grpc.ClientConn
	client     dtmgimp.DtmClient
	bank       *bank
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run() error {
	pattern, err := regexp.Compile(os.Getenv("INTEROP_RUN"))
	if err != nil {
		return err
	}
	connection, err := grpc.Dial(os.Getenv("INTEROP_GRPC_TARGET"), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return err
	}
	defer connection.Close()
	bank, err := openBank()
	if err != nil {
		return err
	}
	defer bank.server.Stop()
	file, err := os.OpenFile(os.Getenv("INTEROP_OUTCOMES"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer file.Close()
	lines := json.NewEncoder(file)
	all := &suite{connection: connection, client: dtmgimp.NewDtmClient(connection), bank: bank}
	for _, one := range cases {
		if !pattern.MatchString(group + "/" + one.name) {
			continue
		}
		if err := lines.Encode(map[string]string{"group": group, "name": one.name}); err != nil {
			return err
		}
		began, result := time.Now(), outcome{Group: group, Name: one.name, Verdict: "pass"}
		if err := one.run(all); err != nil {
			result.Verdict, result.Detail = "fail", err.Error()
		}
		result.DurationMs = time.Since(began).Milliseconds()
		if err := lines.Encode(result); err != nil {
			return err
		}
	}
	return nil
}
