import { describe, expect, test } from 'vitest';
import { errorsOf } from '../src/load/load.ts';
import { parseWrkOutput } from '../src/load/wrk-output.ts';

const result = {
  durationUs: 2_000_000,
  responses: 1_000,
  p50Us: 6_340,
  p99Us: 11_300,
  status: 5,
  body: 3,
  connect: 1,
  read: 2,
  write: 4,
  timeout: 8,
};
const output = (line: string): string => `Running 2s test @ http://127.0.0.1:1
  1 threads and 64 connections
Requests/sec:    500.00

${line}
`;

describe("wrk's output", () => {
  test('gives times in ms and distinguishes failed responses from completed sagas', () => {
    const round = parseWrkOutput(output(`result ${JSON.stringify(result)}`));
    expect(round).toEqual({
      seconds: 2,
      completed: 992,
      p50Ms: 6.34,
      p99Ms: 11.3,
      statusErrors: 5,
      bodyErrors: 3,
      socketErrors: 15,
    });
    expect(errorsOf(round)).toBe(23);
  });

  test('without a result is an error that quotes wrk', () => {
    expect(() => parseWrkOutput('unable to connect to 127.0.0.1:1 Connection refused')).toThrow(/unable to connect/);
    expect(() => parseWrkOutput('')).toThrow(/no output at all/);
  });

  test('with a figure missing is an error that names it', () => {
    const { p99Us: _, ...rest } = result;
    expect(() => parseWrkOutput(output(`result ${JSON.stringify(rest)}`))).toThrow(/p99Us/);
  });
});
