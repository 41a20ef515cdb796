import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { describe, expect, onTestFinished, test } from 'vitest';
import { readCommandLine } from '../src/command-line.ts';
import { cliOfCheckout } from '../src/subjects/holdfast.ts';

const read = (...args: string[]) =>
  readCommandLine(args, new Command().exitOverride().configureOutput({ writeErr: () => undefined }));

describe('the command line', () => {
  test('without options compares LMDB with the ceiling', () => {
    expect(read()).toEqual({
      kind: 'compare',
      options: {
        rounds: 3,
        seconds: 5,
        warmUpSeconds: 3,
        connections: [1, 64, 256],
        branchService: 'auto',
        load: 'auto',
        output: 'table',
        stores: ['lmdb:'],
        against: undefined,
        leaveOut: false,
        targets: [],
        targetPid: undefined,
        cpuProfile: false,
        embed: false,
      },
    });
  });

  test('--stall starts a separate coordinator', () => {
    expect(read('--stall', '--rounds', '5')).toEqual({
      kind: 'stall',
      options: { rounds: 5, branchService: 'auto', output: 'table' },
    });
    for (const more of [['--store', 'memory:'], ['--scale'], ['--embed'], ['--target', 'http://a:1']])
      expect(() => read('--stall', ...more)).toThrow();
  });

  test('with a target starts no Holdfast unless a store is named', () => {
    expect(read('--target', 'http://127.0.0.1:36789/')).toMatchObject({
      options: { stores: [], targets: ['http://127.0.0.1:36789'] },
    });
    expect(read('--target', 'http://a:1', '--target', 'http://b:2', '--store', 'memory:')).toMatchObject({
      options: { stores: ['memory:'], targets: ['http://a:1', 'http://b:2'] },
    });
  });

  test('--store with a name starts that database for the run; --store all measures every store that is installed', () => {
    expect(read('--store', 'mariadb')).toMatchObject({ options: { stores: ['mariadb'], leaveOut: false } });
    expect(read('--store', 'redis-always', '--store', 'all')).toMatchObject({
      options: {
        stores: ['redis-always', 'memory:', 'lmdb:', 'postgres', 'mariadb', 'redis-everysec'],
        leaveOut: true,
      },
    });
  });

  test('with --embed measures that beside the others', () => {
    expect(read('--embed')).toMatchObject({ options: { stores: ['lmdb:'], embed: true } });
    expect(() => read('--embed', '--scale')).toThrow('--embed');
  });

  test('--secured compares an open coordinator with secured ones', () => {
    expect(read('--secured', '--store', 'memory:', '--cpu-prof')).toMatchObject({
      kind: 'secured',
      options: { store: 'memory:', connections: [1, 64, 256], cpuProfile: true },
    });
  });

  test('--protocol grpc compares gRPC with HTTP on separate stores', () => {
    expect(read('--protocol', 'grpc', '--target', 'http://a:1')).toMatchObject({
      kind: 'protocols',
      options: { store: 'lmdb:', connections: [1, 64, 256], targets: ['http://a:1'], cpuProfile: false },
    });
    expect(read('--protocol', 'grpc', '--store', 'memory:', '--cpu-prof')).toMatchObject({
      options: { store: 'memory:', targets: [], cpuProfile: true },
    });
    expect(read('--protocol', 'http')).toMatchObject({ kind: 'compare' });
  });

  test('--against takes a built checkout, also one whose server contains the command line', () => {
    const checkout = mkdtempSync(join(tmpdir(), 'holdfast-checkout-'));
    onTestFinished(() => rmSync(checkout, { recursive: true }));
    expect(() => read('--against', checkout)).toThrow('is not a built checkout');
    // The latter is preferred: a checkout may still contain what an earlier version built.
    for (const built of ['packages/server/dist', 'packages/cli/dist']) {
      mkdirSync(join(checkout, built), { recursive: true });
      writeFileSync(join(checkout, built, 'cli.js'), '');
      expect(read('--against', checkout)).toMatchObject({ options: { against: checkout } });
      expect(cliOfCheckout(checkout)).toBe(join(checkout, built, 'cli.js'));
    }
  });

  test('with --scale fills separate stores', () => {
    expect(read('--scale', '--finished', '1000')).toMatchObject({
      kind: 'scale',
      options: { store: 'lmdb', connections: [64], finished: 1000, waiting: 10_000 },
    });
    expect(read('--scale', '--store', 'postgres')).toMatchObject({
      options: { store: 'postgres', finished: 1_000_000, waiting: 100_000 },
    });
  });

  test.each([
    [['--rounds', '0'], /whole number from 1 to 100/],
    [['--seconds', '1.5'], /whole number/],
    [['--connections', '1,x'], /whole number/],
    [['--target', 'https://a:1'], /address such as/],
    [['--target', 'http://a:1/api'], /address such as/],
    [['--store', 'somewhere'], /store such as/],
    [['--load', 'ab'], /Allowed choices/],
    [['--target-pid', '7'], /one --target/],
    [['--target', 'http://a:1', '--cpu-prof'], /add --store/],
    [['--scale', '--store', 'memory:'], /one separate store/],
    [['--scale', '--store', 'lmdb:', '--store', 'postgres'], /one separate store/],
    [['--scale', '--target', 'http://a:1'], /separate stores/],
    [['--protocol', 'grpc', '--store', 'postgres'], /several coordinators/],
    [['--protocol', 'grpc', '--store', 'lmdb:/data'], /several coordinators/],
    [['--protocol', 'grpc', '--embed'], /cannot be combined/],
    [['--protocol', 'grpc', '--scale'], /cannot be combined/],
    [['--protocol', 'grpc', '--stall'], /cannot be combined/],
    [['--protocol', 'soap'], /Allowed choices/],
    [['--secured', '--store', 'postgres'], /several coordinators/],
    [['--secured', '--target', 'http://a:1'], /cannot be combined/],
    [['--secured', '--protocol', 'grpc'], /cannot be combined/],
    [['--secured', '--scale'], /cannot be combined/],
    [['--secured', '--stall'], /cannot be combined/],
    [['extra'], /too many arguments/],
  ])('rejects %j', (args, message) => {
    expect(() => read(...args)).toThrow(message);
  });
});
