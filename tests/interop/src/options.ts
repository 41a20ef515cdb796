import { parseArgs } from 'node:util';
import { SUITE_NAMES, type SuiteName } from './suite.ts';

/** The parsed command line of `npm run interop`. */
export interface Options {
  /** The languages to run. */
  readonly suites: readonly SuiteName[];
  /** A coordinator that runs already; undefined starts a Holdfast. */
  readonly target: string | undefined;
  /** `host:port` of its gRPC; undefined skips the cases over gRPC unless a Holdfast is started. */
  readonly grpcTarget: string | undefined;
  /** Which cases, as a pattern; undefined runs all. */
  readonly run: string | undefined;
  /** Whether `cases.json` and `docs/compatibility.md` are written from the results. */
  readonly writeDocs: boolean;
}

/** The text to print, and the exit code, when no suite is to be run. */
export interface Advice {
  readonly text: string;
  readonly exitCode: 0 | 2;
}

/** Printed for `--help`, and with what is wrong about a command line. */
export const USAGE = `usage: npm run interop [-- [--write-docs] [LANG] [--target URL] [--grpc-target HOST:PORT] [--run PATTERN]]

  LANG           one of the languages below; all of them by default
    go           dtm's Go client, over HTTP, JSON-RPC and gRPC
    python       dtm's Python client
    java         dtm's Java client
    generated    clients that are generated from the published .proto files, and reflection
  --target URL   a coordinator that runs already (http://127.0.0.1:36789); otherwise a Holdfast is started
  --grpc-target HOST:PORT
                 its gRPC; without it, the cases over gRPC are skipped
  --run PATTERN  only the cases that match; Go: as in go test (TestSaga, TestXa/commits), other languages: a regular
                 expression for GROUP/NAME (Saga, Tcc/commits)
  --write-docs   writes docs/compatibility.md from the results of a run of everything

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
        'write-docs': { type: 'boolean' },
        help: { type: 'boolean' },
      },
    });
    const [name, ...others] = positionals;
    const suites = SUITE_NAMES.filter((suite) => name === undefined || suite === name);
    if (values.help === true) return { text: USAGE, exitCode: 0 };
    if (suites.length === 0 || others.length > 0) return { text: USAGE, exitCode: 2 };
    const target = values.target?.replace(/\/+$/, '');
    const writeDocs = values['write-docs'] === true;
    const isWhole = name === undefined && target === undefined && values.run === undefined;
    if (writeDocs && !isWhole) throw new Error('--write-docs needs a run of everything: give nothing else');
    return { suites, target, grpcTarget: values['grpc-target'], run: values.run, writeDocs };
  } catch (error) {
    return { text: `${error instanceof Error ? error.message : String(error)}\n${USAGE}`, exitCode: 2 };
  }
}
