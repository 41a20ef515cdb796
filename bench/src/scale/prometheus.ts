import { request } from 'undici';

const TIMEOUT_MS = 30_000;

/**
 * The samples of a Prometheus text: `name` or `name{label="value"}`, unchanged, mapped to the
 * value.
 */
export type Samples = ReadonlyMap<string, number>;

/** Parses a Prometheus text; comments and empty lines are skipped. */
export function parseSamples(text: string): Samples {
  const samples = new Map<string, number>();
  for (const line of text.split('\n')) {
    const match = /^([a-zA-Z_:][\w:]*(?:\{.*\})?)\s+(\S+)/.exec(line);
    if (match?.[1] !== undefined && match[2] !== undefined)
      samples.set(match[1], Number(match[2].replace('Inf', 'Infinity')));
  }
  return samples;
}

/** Reads a coordinator's metrics. */
export async function scrape(origin: string): Promise<Samples> {
  const { statusCode, body } = await request(`${origin}/api/metrics`, {
    headersTimeout: TIMEOUT_MS,
    bodyTimeout: TIMEOUT_MS,
  });
  const text = await body.text();
  if (statusCode !== 200) throw new Error(`${origin}/api/metrics responded with HTTP ${statusCode}`);
  return parseSamples(text);
}

/** A sample that must exist. */
export function sample(samples: Samples, name: string): number {
  const value = samples.get(name);
  if (value === undefined) throw new Error(`the coordinator's metrics lack ${name}`);
  return value;
}
