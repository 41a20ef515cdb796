// Package coordinator asks the coordinator under test what it says about a transaction, by plain HTTP.
package coordinator

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"
)

const (
	pollInterval = 20 * time.Millisecond
	finalTimeout = 15 * time.Second
)

// Coordinator is a server that speaks the protocol.
type Coordinator struct {
	Base string
	// GRPC is the address the client is given for gRPC; empty when there is none.
	GRPC string
}

// REST is the address the client is given for HTTP.
func (c Coordinator) REST() string { return c.Base + "/api/dtmsvr" }

// JSONRPC is the address the client is given for JSON-RPC.
func (c Coordinator) JSONRPC() string { return c.Base + "/api/json-rpc" }

// Transaction is what the cases look at in the answer of a query.
type Transaction struct {
	Gid            string `json:"gid"`
	TransType      string `json:"trans_type"`
	Status         string `json:"status"`
	RollbackReason string `json:"rollback_reason"`
	Result         string `json:"result"`
}

// Branch is one op of a branch in the answer of a query.
type Branch struct {
	Gid      string `json:"gid"`
	BranchID string `json:"branch_id"`
	Op       string `json:"op"`
	URL      string `json:"url"`
	Status   string `json:"status"`
	BinData  []byte `json:"bin_data"`
}

// Answer is the body of /query. Transaction is nil for an unknown gid.
type Answer struct {
	Transaction *Transaction `json:"transaction"`
	Branches    []Branch     `json:"branches"`
}

// Query asks for one transaction.
func (c Coordinator) Query(gid string) (Answer, error) {
	var answer Answer
	body, err := c.get("/query?gid=" + url.QueryEscape(gid))
	if err == nil {
		err = json.Unmarshal(body, &answer)
	}
	return answer, err
}

// Final polls until a transaction has reached a final status.
func (c Coordinator) Final(gid string) (Answer, error) {
	for deadline := time.Now().Add(finalTimeout); ; time.Sleep(pollInterval) {
		answer, err := c.Query(gid)
		if err != nil {
			return answer, err
		}
		if answer.Transaction != nil && (answer.Transaction.Status == "succeed" || answer.Transaction.Status == "failed") {
			return answer, nil
		}
		if time.Now().After(deadline) {
			return answer, fmt.Errorf("%s is not final after %s: %+v", gid, finalTimeout, answer.Transaction)
		}
	}
}

// Subscribe adds a URL to a topic.
func (c Coordinator) Subscribe(topic, target string) error {
	_, err := c.get("/subscribe?" + url.Values{"topic": {topic}, "url": {target}, "remark": {"interop"}}.Encode())
	return err
}

func (c Coordinator) get(path string) ([]byte, error) {
	response, err := http.Get(c.REST() + path)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("GET %s: %d %s", path, response.StatusCode, body)
	}
	return body, err
}
