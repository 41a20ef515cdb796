import { parseArgs } from 'node:util';

/** The parsed command line of `npm run interop`. */
export interface Options {
  readonly suite: 'go';
  /** A coordinator that runs already; undefined starts a Holdfast. */
  readonly target: string | undefined;
  /** `host:port` of its gRPC; undefined skips the cases over gRPC unless a Holdfast is started. */
  readonly grpcTarget: string | undefined;
  /** Which cases, as a pattern of `go test -run`; undefined runs all. */
  readonly run: string | undefined;
}

/** The text to print, and the exit code, when no suite is to be run. */
export interface Advice {
  readonly text: string;
  readonly exitCode: 0 | 2;
}

/** Printed for `--help`, and with what is wrong about a command line. */
export const USAGE = `usage: npm run interop -- go [--target URL] [--grpc-target HOST:PORT] [--run PATTERN]

  go             the official Go client of the dtm protocol, over HTTP, JSON-RPC and gRPC
  --target URL   a coordinator that runs already (http://127.0.0.1:36789); otherwise a Holdfast is started
  --grpc-target HOST:PORT
                 its gRPC; without it, the cases over gRPC are skipped
  --run PATTERN  only the cases that match, as in go test: TestSaga, TestXa/commits

HOLDFAST_TEST_REQUIRE=all makes a skipped case a failure.`;

/** Parses the command line. Returns the options of a run, or the text to print instead. */
export function readOptions(args: readonly string[]): Options | Advice {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        target: { type: 'string' },
        'grpc-target': { type: 'string' },
        run: { type: 'string' },
        help: { type: 'boolean' },
      },
    });
    const [suite, ...others] = positionals;
    if (values.help === true) return { text: USAGE, exitCode: 0 };
    if (suite !== 'go' || others.length > 0) return { text: USAGE, exitCode: 2 };
    return { suite, target: values.target?.replace(/\/+$/, ''), grpcTarget: values['grpc-target'], run: values.run };
  } catch (error) {
    return { text: `${error instanceof Error ? error.message : String(error)}\n${USAGE}`, exitCode: 2 };
  }
}
