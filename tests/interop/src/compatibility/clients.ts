import { row, type Section } from './section.ts';

/** What the published clients offer. */
export const CLIENTS: readonly Section[] = [
  {
    title: "dtm's Go client, 1.18.7",
    text: '`github.com/dtm-labs/client`: all patterns over HTTP and gRPC; sagas, TCC and messages over JSON-RPC too.',
    subject: 'feature',
    rows: [
      row(
        '`dtmcli`, `dtmgrpc`: saga, TCC, XA, message',
        'works',
        'go Saga/commits in two databases',
        'go GrpcSaga/commits in two databases',
        'go GrpcMessage/delivers after the local transaction has committed (PostgreSQL)',
      ),
      row(
        '`workflow`: `Do`, `DoXa`, `OnRollback`, `OnCommit`, `NewRequest`, interceptor',
        'works',
        'go WorkflowInProcess/commits local branches behind the barrier (PostgreSQL)',
        'go Workflow/commits a TCC branch beside a saga branch',
        'go GrpcWorkflow/commits its branches, and gives its result again when executed again',
      ),
      row(
        "barrier in MySQL, PostgreSQL, Redis, shared with Holdfast's",
        'works, one table or set of keys for both',
        'go SharedBarrier/an action is not carried out again: Go, then TypeScript (mariadb)',
        'go SharedBarrier/an action is not carried out again: TypeScript, then Go (postgres)',
        'go SharedBarrier/a saga is rolled back, each call lost by the one and repeated to the other: Go, then TypeScript (redis)',
      ),
      row('barrier in MongoDB', 'not run; the coordinator has no part in it'),
      row('`dtmdriver`: registries such as etcd, Nacos, Consul', 'see the differences below'),
    ],
  },
  {
    title: "dtm's Python client, 1.7.7.0",
    text: `\`dtmcli\` of PyPI: sagas, TCC and messages over HTTP; a barrier in MySQL. Its concurrent sagas need two attributes
that the client does not set (\`orders\`, \`concurrent\`), and options without a method are set in \`trans_base\`.`,
    subject: 'feature',
    rows: [
      row(
        '`Saga`, concurrent',
        'works',
        'python Saga/commits, a waiting caller is notified when it is done',
        'python ConcurrentSaga/runs steps without dependencies at once, and commits',
      ),
      row(
        '`tcc_global_transaction`, `tcc_from_req`',
        'works',
        'python Tcc/commits, newest first',
        'python Tcc/nested branches commit',
      ),
      row(
        '`Msg`, `do_and_submit`, `do_and_submit_db`, `query_prepared`',
        'works',
        'python Message/delivers after the local transaction has committed',
        'python Message/a local transaction with an unknown outcome is checked back by the client; delivered if committed',
        'python Message/delivers nothing after the local transaction was rolled back',
      ),
      row(
        '`BranchBarrier`',
        "works, and shares one table with Holdfast's",
        'python Barrier/an undo that comes first is empty, and what it undoes has no effect afterwards (action, compensate)',
        'python SharedBarrier/an action is not carried out again: Python, then TypeScript',
        "python SharedBarrier/the local transaction of a message is known to the other's check-back, and not repeated: Python, then TypeScript",
      ),
    ],
  },
  {
    title: "dtm's Java client, 2.1.5",
    text: `\`io.github.dtm-labs:dtmcli-java\` of Maven Central: sagas and TCC over HTTP; a barrier in MySQL. Three faults of
the client need a workaround: the setters of \`retryInterval\`, \`timeoutToFail\`, \`branchHeaders\` and
\`passthroughHeaders\` call themselves without end (a subclass overrides the getters; the map of headers can be
filled); the barrier does not detect an empty compensation of a saga, so that a participant must do so itself; and a TCC
has no options.`,
    subject: 'feature',
    rows: [
      row(
        '`DtmClient`: by address, by `dtm-conf.properties`; `ping`, `newGid`',
        'works',
        'java Client/pings the coordinator, and receives another gid each time',
        'java Client/finds the coordinator by its configuration file',
        'java Client/a saga without a gid receives one',
      ),
      row(
        '`Saga`, `enableConcurrent`, `addBranchOrder`, `enableWaitResult`',
        'works',
        'java Saga/commits, a waiting caller is notified when it is done',
        'java ConcurrentSaga/runs steps without dependencies at once, and commits',
      ),
      row(
        'setters of a saga',
        'a fault of the client, on any coordinator',
        'java Client/setters of a saga call themselves without end (a fault of the client)',
      ),
      row('`tccGlobalTransaction`', 'works', 'java Tcc/commits, newest first', 'java Tcc/without a gid receives one'),
      row(
        '`BranchBarrier`',
        "works, and shares one table with Holdfast's",
        'java Barrier/an undo that comes first is empty, and what it undoes has no effect afterwards (try, cancel)',
        'java SharedBarrier/a cancel that comes first is empty, and its late try does nothing: Java, then TypeScript',
      ),
      row(
        '`ServiceMessage`: addresses in Nacos',
        'rejected, with an error that names the address',
        'java Client/an address in a Nacos registry is rejected',
      ),
    ],
  },
  {
    title: 'Generated clients',
    text: 'From the `.proto` files in `@holdfast/protocol`, by `protoc-gen-go` and by `grpcio-tools`.',
    subject: 'feature',
    rows: [
      row('Go', 'works', 'generated GeneratedGo/submits a saga whose branches run'),
      row('Python', 'works', 'generated GeneratedPython/submits a saga whose branches run'),
    ],
  },
];
