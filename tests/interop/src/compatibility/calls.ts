import { row, type Section } from './section.ts';

/** What a client calls, and with which options. */
export const CALLS: readonly Section[] = [
  {
    title: 'Calls over REST',
    text: 'The prefix is `/api/dtmsvr`, on port 36789.',
    subject: 'dtm',
    rows: [
      row('GET `version`', 'the same, with the version of Holdfast', 'python Calls/version and ping'),
      row(
        'GET `newGid`',
        'the same',
        'python Calls/newGid returns another gid each time',
        'java Client/pings the coordinator, and receives another gid each time',
      ),
      row(
        'POST `prepare`',
        'the same',
        'python Calls/prepare is idempotent, and rejected once the transaction has been submitted',
      ),
      row(
        'POST `submit`',
        'the same; a repetition is idempotent in every status',
        'go Saga/commits in two databases',
        'python Saga/submitted again after success succeeds and changes nothing; other steps under its gid are rejected',
      ),
      row(
        'POST `abort`',
        'the same, and also for workflows',
        'python Calls/abort rolls a prepared transaction back, and rejects one that has succeeded',
        'python Tcc/rolls back when the initiator fails after its tries',
      ),
      row(
        'POST `registerBranch`, `registerTccBranch`, `registerXaBranch`',
        'the same; a repetition changes nothing',
        'python Calls/registerBranch has its old names, and is rejected for an unknown gid',
        'python Tcc/a branch of a transaction that has been decided is rejected',
      ),
      row(
        'POST `prepareWorkflow`',
        'the same',
        'python Calls/prepareWorkflow creates a workflow, and returns its recorded steps',
      ),
      row(
        'POST `forceStop`',
        'the same',
        'python Calls/forceStop ends a transaction without a compensation, and rejects a finished one',
      ),
      row('POST `resetNextCronTime`', 'the same', 'python Calls/resetNextCronTime retries a transaction at once'),
      row(
        'GET `resetCronTime`',
        'the same',
        'python Calls/resetCronTime retries those that wait longer than a timeout, and reports their number',
      ),
      row(
        'GET `query`',
        'the same',
        'python Calls/query finds a transaction with its branches; no transaction for an unknown gid, an error without a gid',
      ),
      row(
        'GET `all`',
        'the same, with a limit of its page',
        'python Calls/all lists newest first, filtered and in pages',
      ),
      row(
        'GET `subscribe`, `unsubscribe`, DELETE `topic/NAME`',
        'the same, effective at once',
        'python Calls/topics are subscribed, listed, read, unsubscribed and deleted',
      ),
      row(
        'GET `scanKV`, `queryKV`',
        'the same',
        'python Calls/topics are subscribed, listed, read, unsubscribed and deleted',
      ),
      row('`/api/ping`', 'the same', 'python Calls/version and ping'),
      row(
        'GET `/api/metrics`',
        'Prometheus text, with metrics of Holdfast',
        'python Calls/metrics are Prometheus text',
      ),
    ],
  },
  {
    title: 'Calls over JSON-RPC 2.0',
    text: 'POST `/api/json-rpc`.',
    subject: 'dtm',
    rows: [
      row(
        '`newGid`, `prepare`, `submit`, `abort`, `registerBranch`',
        'the same',
        'go JsonRpc/returns gids',
        'go JsonRpc/a saga commits',
        'go JsonRpc/a TCC rolls back',
        'python Calls/JSON-RPC has the same calls',
      ),
      row(
        'errors -32700, -32600, -32601, -32603, -32901',
        'the same, always with status 200; any id of JSON-RPC 2.0, and batches',
        'go JsonRpc/a saga that fails is not a success for a caller that waits, and its repetition is rejected',
        'python Calls/JSON-RPC has the same calls',
      ),
    ],
  },
  {
    title: 'Calls over gRPC',
    text: 'The service `dtmgimp.Dtm`, on port 36790; see [grpc.md](grpc.md).',
    subject: 'dtm',
    rows: [
      row('`NewGid`', 'the same', 'generated GeneratedPython/submits a saga whose branches run'),
      row(
        '`Submit`',
        'the same, with trailers that have details',
        'go GrpcSaga/commits in two databases',
        'generated GeneratedGo/submits a saga that is rolled back, and receives the code and the trailers',
      ),
      row(
        '`Prepare`, `Abort`, `RegisterBranch`',
        'the same',
        'go GrpcTcc/commits in two databases',
        'generated GeneratedPython/runs a TCC: prepare, register a branch, submit; and abort of another',
      ),
      row(
        '`PrepareWorkflow`',
        'the same; the reply has the result of a finished workflow, which dtm leaves out',
        'go GrpcWorkflow/commits its branches, and gives its result again when executed again',
        'generated GeneratedPython/prepares a workflow, which the coordinator continues over workflow.Workflow/Execute',
      ),
      row(
        '`Subscribe`, `Unsubscribe`, `DeleteTopic`',
        'the same',
        'generated GeneratedPython/subscribes to a topic, sends a message to it, unsubscribes and deletes it',
      ),
      row(
        'server reflection `v1alpha`',
        '`v1alpha` and `v1`',
        'generated GeneratedGo/lists the services through reflection (v1)',
        "generated GeneratedPython/lists the services through reflection (v1alpha), and reads dtm's messages as the published file has them",
      ),
    ],
  },
  {
    title: 'Options of a transaction',
    text: 'In `DtmTransOptions` over gRPC, with the names in the second spelling. Times are seconds.',
    subject: 'dtm',
    rows: [
      row(
        '`wait_result`, `WaitResult`',
        'the same',
        'go Saga/commits in two databases',
        'python Saga/retries a branch that is down, a waiting caller is notified that it is not finished',
        'java Saga/commits, a waiting caller is notified when it is done',
      ),
      row(
        '`timeout_to_fail`, `TimeoutToFail`',
        'the same',
        'go Saga/the timeout rolls back',
        'python Saga/the timeout rolls back',
        'java Saga/the timeout rolls back',
      ),
      row(
        '`retry_interval`, `RetryInterval`',
        'the first retry comes after the interval itself; dtm doubles the interval before it',
        'go Saga/a lost response is retried and the barrier keeps one effect',
        'python Saga/a lost response is retried and the barrier keeps one effect',
      ),
      row(
        '`request_timeout`, `RequestTimeout`',
        'the same',
        'go Saga/a branch that hangs is abandoned after the request timeout and called again',
        'python Saga/a branch that hangs is abandoned after the request timeout and called again',
      ),
      row(
        '`retry_limit`, `RetryLimit`',
        'the same',
        'go Saga/the retry limit rolls back',
        'python Saga/the retry limit rolls back',
      ),
      row(
        '`branch_headers`, `BranchHeaders`',
        'the same',
        'go Saga/passes payload, headers and context to a branch',
        'go GrpcSaga/passes payload, headers and context to a branch',
        'java Saga/passes payload, headers and context to a branch',
      ),
      row(
        '`concurrent`, `custom_data.orders`',
        'the same',
        'go ConcurrentSaga/runs steps without dependencies at once, and commits',
        'go GrpcSaga/runs concurrent steps in their order',
        'python ConcurrentSaga/rolls back what was started, in the reverse order',
        'java ConcurrentSaga/without dependencies runs everything at once',
      ),
      row(
        '`custom_data.delay` of a message',
        'the same, counted from the submit',
        'go CheckBack/a delayed message waits',
        'go CheckBack/the delay of a prepared message counts from its submit',
        'python Message/waits for its delay',
      ),
      row(
        '`protocol`',
        'the same: `http`, `json-rpc`, `grpc`, mixed within one transaction',
        'go GrpcSaga/mixes branches over HTTP and gRPC',
      ),
      row(
        '`passthrough_headers`, other unknown fields',
        'ignored',
        'python Saga/commits, a waiting caller is notified when it is done',
      ),
    ],
  },
];
