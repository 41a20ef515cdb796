package participant

import (
	"encoding/json"
	"errors"
	"net/http"

	"github.com/dtm-labs/client/dtmcli"
	"github.com/dtm-labs/client/dtmcli/dtmimp"
)

type rpcRequest struct {
	Version string          `json:"jsonrpc"`
	ID      json.RawMessage `json:"id"`
	Method  string          `json:"method"`
	Params  json.RawMessage `json:"params"`
}

type rpcContext struct {
	Gid       string `json:"gid"`
	TransType string `json:"trans_type"`
	BranchID  string `json:"branch_id"`
	Op        string `json:"op"`
}

// RPCError is an error whose JSON-RPC code alone says what it means.
type RPCError struct {
	Code    int    `json:"code"`
	Message string `json:"message"`
}

func (e *RPCError) Error() string { return e.Message }

// A branch called over JSON-RPC finds its context in the params, and answers 200 whatever happened.
func serveRPC(writer http.ResponseWriter, scene *Scene, call *Call) {
	var request rpcRequest
	var context rpcContext
	err := json.Unmarshal(call.Body, &request)
	if err == nil {
		err = json.Unmarshal(request.Params, &context)
	}
	if err == nil && (request.Version != "2.0" || request.Method != call.Endpoint) {
		err = &RPCError{Code: -32600, Message: "not a JSON-RPC 2.0 request of " + call.Endpoint}
	}
	if err == nil {
		call.Gid, call.TransType, call.BranchID, call.Op = context.Gid, context.TransType, context.BranchID, context.Op
		call.Body = request.Params
		err = scene.serve(call)
	}
	response := map[string]any{"jsonrpc": "2.0", "id": request.ID}
	if err == nil {
		response["result"] = call.Reply
	} else {
		response["error"] = asRPCError(err)
	}
	writer.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(writer).Encode(response)
}

func asRPCError(err error) *RPCError {
	var rpcError *RPCError
	switch {
	case errors.As(err, &rpcError):
		return rpcError
	case errors.Is(err, dtmcli.ErrFailure):
		return &RPCError{Code: dtmimp.JrpcCodeFailure, Message: err.Error()}
	case errors.Is(err, dtmcli.ErrOngoing):
		return &RPCError{Code: dtmimp.JrpcCodeOngoing, Message: err.Error()}
	}
	return &RPCError{Code: -32603, Message: err.Error()}
}
