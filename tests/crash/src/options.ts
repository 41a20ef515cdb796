import { parseArgs } from 'node:util';
import { count, positive, UsageError } from './command-line.ts';
import { SHARED_STORES, type SharedStore } from './private-database.ts';

/** The options of a run. */
export interface RunOptions {
  /** One coordinator on LMDB, or several over a database. */
  readonly store: 'lmdb' | SharedStore;
  readonly seconds: number;
  readonly kills: number;
  /**
   * Of several coordinators alone: how many they are, how often one is paused, how often their
   * database is killed.
   */
  readonly nodes: number;
  readonly pauses: number;
  readonly databaseKills: number;
  /** How often each fault of a running database happens. */
  readonly faults: number;
  /** Their limits. */
  readonly heartbeatMs: number;
  readonly silenceMs: number;
  readonly seed: number;
  readonly rate: number;
  readonly clients: number;
  /** Patience for the next transaction to become final, after the last restart. */
  readonly settleSeconds: number;
  /** Authentication, TLS and signed calls, with tokens and keys that change. */
  readonly secured: boolean;
  /** Keeps the temporary folder also when nothing is wrong. */
  readonly keep: boolean;
}

/** A run, and the broken build it is to be done with, if any. */
export interface CommandLine extends RunOptions {
  readonly broken: string | undefined;
}

export const HELP = `npm run crash-test -- [options]

Kills coordinators with SIGKILL under load, again and again, and judges them from their participants' journals.

  --store NAME        lmdb: one coordinator; postgres, mysql, redis: several over a private database, behind nginx (lmdb)
  --seconds N         how long the load lasts; of lmdb without the restarts. 2 or more a kill (30; 45)
  --kills N           coordinators killed, at random moments (10; 8)
  --nodes N           coordinators of a shared store (3)
  --pauses N          … paused for longer than the silence limit, and continued (4)
  --database-kills N  … their database killed and started again (2)
  --faults N          … each fault of the running database happens: locks, closed connections, a moved clock, … (0)
  --heartbeat-ms N    … interval between its heartbeats (500)
  --silence-ms N      … time without a heartbeat after which its work is taken over (2000)
  --secured           authentication, TLS and signed calls; tokens and signing keys are replaced while it runs
  --seed N            repeats a plan: the same transactions, faults and moments (random)
  --rate N            transactions begun per second (150; 50)
  --clients N         clients at work at once (100; 60)
  --settle-seconds N  patience of the clients, and after the last restart for each next end of a transaction (60)
  --keep              keeps the journals also when nothing is wrong
  --broken NAME       runs a build that is broken on purpose; "list" names them
`;

/** Reads the command line; undefined: show the help. Throws `UsageError`. */
export function readCommandLine(args: readonly string[], randomSeed: number): CommandLine | undefined {
  const values = parse(args);
  if (values.help === true) return undefined;
  const store = storeOf(values.store ?? 'lmdb');
  const shared = store !== 'lmdb';
  return {
    store,
    seconds: positive('seconds', values.seconds, shared ? 45 : 30),
    kills: positive('kills', values.kills, shared ? 8 : 10),
    nodes: positive('nodes', values.nodes, 3),
    pauses: count('pauses', values.pauses, 4),
    databaseKills: count('database-kills', values['database-kills'], 2),
    faults: faultsOf(values.faults, shared),
    heartbeatMs: positive('heartbeat-ms', values['heartbeat-ms'], 500),
    silenceMs: positive('silence-ms', values['silence-ms'], 2_000),
    seed: positive('seed', values.seed, randomSeed),
    rate: positive('rate', values.rate, shared ? 50 : 150),
    clients: positive('clients', values.clients, shared ? 60 : 100),
    settleSeconds: positive('settle-seconds', values['settle-seconds'], 60),
    secured: values.secured === true,
    keep: values.keep === true,
    broken: values.broken,
  };
}

/** The command that repeats a run. */
export function commandOf(options: RunOptions): string {
  const { store, seconds, kills, seed, rate, clients, nodes, pauses, databaseKills, faults } = options;
  const limits = `--heartbeat-ms ${options.heartbeatMs} --silence-ms ${options.silenceMs}`;
  const shared = `--nodes ${nodes} --pauses ${pauses} --database-kills ${databaseKills} --faults ${faults} ${limits}`;
  const common = `--seconds ${seconds} --kills ${kills} --seed ${seed} --rate ${rate} --clients ${clients}`;
  const secured = options.secured ? ' --secured' : '';
  return `npm run crash-test -- --store ${store} ${common}${store === 'lmdb' ? '' : ` ${shared}`}${secured}`;
}

interface Values {
  readonly [name: string]: string | boolean | undefined;
  readonly store?: string;
  readonly seconds?: string;
  readonly kills?: string;
  readonly nodes?: string;
  readonly pauses?: string;
  readonly 'database-kills'?: string;
  readonly faults?: string;
  readonly 'heartbeat-ms'?: string;
  readonly 'silence-ms'?: string;
  readonly seed?: string;
  readonly rate?: string;
  readonly clients?: string;
  readonly 'settle-seconds'?: string;
  readonly broken?: string;
  readonly secured?: boolean;
  readonly keep?: boolean;
  readonly help?: boolean;
}

function parse(args: readonly string[]): Values {
  const text = { type: 'string' } as const;
  const flag = { type: 'boolean' } as const;
  try {
    return parseArgs({
      args: [...args],
      options: {
        store: text,
        seconds: text,
        kills: text,
        nodes: text,
        pauses: text,
        'database-kills': text,
        faults: text,
        'heartbeat-ms': text,
        'silence-ms': text,
        seed: text,
        rate: text,
        clients: text,
        'settle-seconds': text,
        broken: text,
        secured: flag,
        keep: flag,
        help: { ...flag, short: 'h' },
      },
    }).values;
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

function faultsOf(text: string | undefined, shared: boolean): number {
  const faults = count('faults', text, 0);
  if (faults > 0 && !shared)
    throw new UsageError(`--faults needs a database: add --store ${SHARED_STORES.join(' or --store ')}`);
  return faults;
}

function storeOf(name: string): RunOptions['store'] {
  const found = (['lmdb', ...SHARED_STORES] as const).find((store) => store === name);
  if (found === undefined) throw new UsageError(`--store must be lmdb, ${SHARED_STORES.join(' or ')}, not ${name}`);
  return found;
}
