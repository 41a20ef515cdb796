import { row, type Section } from './section.ts';

/** Where Holdfast behaves differently on purpose. */
export const DIFFERENCES: readonly Section[] = [
  {
    title: 'Differences on purpose',
    text: 'A difference without a case cannot be shown by a published client; the tests of Holdfast show it.',
    subject: 'dtm 1.19',
    rows: [
      row(
        'a submit that is repeated after success is rejected with 409',
        'it succeeds; other contents under the same gid are rejected in every status',
        'go Saga/submitted again after success succeeds and changes nothing; other steps under its gid are rejected',
        'go GrpcSaga/submitted again after success succeeds; other steps under its gid are rejected',
        'java Saga/submitted again after success succeeds and changes nothing; other steps under its gid are rejected',
      ),
      row(
        'a repeated submit of a running transaction calls finished steps again',
        'the transaction is driven again from its current state',
      ),
      row(
        'a repeated registration of a branch is an error',
        'it succeeds and changes nothing',
        'python Calls/registerBranch has its old names, and is rejected for an unknown gid',
      ),
      row(
        'a branch is accepted after the decision',
        'it is rejected',
        'python Tcc/a branch of a transaction that has been decided is rejected',
        'java Tcc/a branch of a transaction that has been decided is rejected',
      ),
      row(
        'branches of gids with a common prefix are mixed up in the embedded store',
        'a gid is compared as a whole',
        'go Saga/a gid that is a prefix of another keeps its branches',
        'python Saga/a gid that is a prefix of another keeps its branches',
        'java Saga/a gid that is a prefix of another keeps its branches',
      ),
      row('201 and 204 from a branch are unknown results', 'they are SUCCESS'),
      row(
        'the words FAILURE and ONGOING are searched in the body of any status, of JSON-RPC and of gRPC errors',
        'over HTTP, in JSON only `dtm_result` counts, and in no error page; elsewhere the code decides',
        "go JsonRpc/the code of a branch's error alone decides",
      ),
      row('a saga is driven twice at once when its next attempt falls due during a pass', 'one pass at a time'),
      row(
        'a change of a topic takes up to three seconds',
        'the next transaction uses it',
        'go Message/fans out to the subscribers of a topic',
        'python Message/fans out to the subscribers of a topic',
      ),
      row(
        'intervals between retries grow without a limit, and start with twice the interval',
        'the first retry comes after the interval; intervals grow up to a limit, with jitter',
      ),
      row(
        'progress of a workflow may be lost (embedded store)',
        'a recorded step is durable before the response',
        'go WorkflowResumed/a callback resumes it where it broke off',
      ),
      row('`abort` of a workflow is rejected', 'it is accepted, and the decision is durable'),
      row(
        'errors that are neither FAILURE nor ONGOING have status 500',
        'bad requests have 400 and name the field; any status that is not 200 is an error for the clients',
        'python Calls/query finds a transaction with its branches; no transaction for an unknown gid, an error without a gid',
      ),
      row(
        'addresses in registries: `etcd://`, `consul://`, `nacos://`',
        'rejected; gRPC branches may use `dns:///` and lists of servers, see [grpc.md](grpc.md)',
        'java Client/an address in a Nacos registry is rejected',
      ),
      row(
        'listens on every address',
        'on loopback, unless `--auth`, `--tls-principals` or `--insecure` is given; see [security.md](security.md#access)',
      ),
    ],
  },
];
