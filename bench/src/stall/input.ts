/**
 * One request, or several in succession, as expensive for a coordinator as any that it accepts or
 * rejects.
 */
export interface Input {
  readonly name: string;
  /** Requests sent before, which are not measured. */
  readonly before?: (hosts: Hosts) => readonly Sent[];
  readonly requests: (hosts: Hosts) => readonly Sent[];
}

/** A request over HTTP, or over gRPC. */
export type Sent = HttpSent | GrpcSent;

interface HttpSent {
  /** POST by default. */
  readonly method?: 'GET' | 'POST';
  readonly path: string;
  readonly body: string;
}

interface GrpcSent {
  /** The path of its method. */
  readonly grpc: string;
  /** With its framing. */
  readonly body: Buffer;
}

/** Origins of the branch service, and of a host that never responds. */
export interface Hosts {
  readonly branches: string;
  readonly hanging: string;
}

export const KIB = 1024;
export const STEPS = 1_000;
const MOST_BYTES = 4 * KIB * KIB;
export const SUBMIT = '/api/dtmsvr/submit';

let serial = 0;
export const newGid = (): string => `stall-${process.pid}-${++serial}`;
export const many = <T>(count: number, of: (i: number) => T): T[] => Array.from({ length: count }, (_, i) => of(i));

export const submit = (fields: object): HttpSent => ({
  path: SUBMIT,
  body: JSON.stringify({ gid: newGid(), ...fields }),
});

export const saga = (count: number, step: (i: number) => object, fields: object = {}, payload = '{}'): HttpSent =>
  submit({ trans_type: 'saga', steps: many(count, step), payloads: many(count, () => payload), ...fields });

/** A body of the largest size: `before`, then as many `filler` as fit, then `after`. */
export const filled = (before: string, filler: string, after: string): string =>
  before + filler.repeat(Math.floor((MOST_BYTES - before.length - after.length) / filler.length)) + after;

export const step = ({ branches }: Hosts) => ({ action: `${branches}/debit`, compensate: `${branches}/refund` });

/** Each step depends on the 20 before it, which is the maximum number of dependencies of a saga. */
export const dependencies: Readonly<Record<number, readonly number[]>> = Object.fromEntries(
  many(STEPS, (i) => [i, many(Math.min(i, 20), (n) => i - 1 - n)] as const).filter(([, before]) => before.length > 0),
);

export const subscribe = (origin: string, count: number): readonly Sent[] =>
  many(count, (i) => ({ path: `/api/dtmsvr/subscribe?topic=stall&url=${origin}/debit?n=${i}`, body: '' }));

export const get = (path: string): Sent => ({ method: 'GET', path, body: '' });

/** Four steps with 1,000 KiB of payload each: about the largest record. */
export const largest = (hosts: Hosts, gid: string, fields: object = {}): HttpSent =>
  saga(4, () => step(hosts), { gid, ...fields }, 'x'.repeat(1_000 * KIB));

/** Changes a request so that its saga is stored and waits for a submission. */
export const stored = ({ path, body }: HttpSent): HttpSent => ({ path: path.replace('submit', 'prepare'), body });

/**
 * A tcc with registered branches of 8 MB in total, the maximum: the data counts for both ops of a
 * branch.
 */
export function registered({ branches }: Hosts): readonly Sent[] {
  const gid = newGid();
  const fields = { gid, trans_type: 'tcc' };
  const urls = { confirm: `${branches}/debit`, cancel: `${branches}/refund` };
  const data = 'x'.repeat(1_000 * KIB);
  return [
    { path: '/api/dtmsvr/prepare', body: JSON.stringify(fields) },
    ...many(4, (i) => ({
      path: '/api/dtmsvr/registerBranch',
      body: JSON.stringify({ ...fields, ...urls, branch_id: String(i), data }),
    })),
    { path: SUBMIT, body: JSON.stringify(fields) },
  ];
}
