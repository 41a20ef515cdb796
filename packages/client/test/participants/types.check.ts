/**
 * The guarantees of the types of participants; compiled by `npm run check`, never run. Each
 * `@ts-expect-error` is itself an error if the line below it compiles.
 */
import { type Barrier, type BranchCallContext, branchUrl, currentBranch, declareBranch } from '@holdfast/client';
import { branch as expressBranch, checkBack as expressCheckBack } from '@holdfast/client/express';
import { branch as fastifyBranch, branchBodies } from '@holdfast/client/fastify';
import { addBranches, branch as grpcBranch, checkBack as grpcCheckBack } from '@holdfast/client/grpc';
import { branch as honoBranch, checkBack as honoCheckBack } from '@holdfast/client/hono';
import { redisBarrier as ioredisBarrier, type RedisTx } from '@holdfast/client/ioredis';
import { branch } from '@holdfast/client/node-http';
import { redisBarrier } from '@holdfast/client/redis';
import type { Server, ServiceDefinition } from '@grpc/grpc-js';
import express from 'express';
import Fastify from 'fastify';
import { Hono } from 'hono';
import { Cluster, Redis } from 'ioredis';
import { createClient, createClientPool, createCluster, RESP_TYPES } from 'redis';
import { expectTypeOf } from 'vitest';

interface Debit {
  readonly account: string;
  readonly amount: number;
}
interface Sql {
  query(text: string, values: readonly unknown[]): Promise<void>;
}
declare const barrier: Barrier<Sql>;
const debit = declareBranch<Debit>('http://bank/debit');

export function payloadsFlowFromDeclarations(): void {
  const app = express();
  app.post(
    '/debit',
    expressBranch(
      barrier,
      async ({ payload: { account, amount } }, sql) => {
        expectTypeOf(amount).toBeNumber();
        expectTypeOf(sql).toEqualTypeOf<Sql>();
        await sql.query('update account …', [account, amount]);
      },
      { of: debit },
    ),
  );
  app.get('/check', expressCheckBack(barrier));
  branch((call) => expectTypeOf(call.payload).toEqualTypeOf<Debit>(), { of: debit });
  branch(barrier, (call: BranchCallContext<Debit>, sql) => sql.query('…', [call.payload.amount]));
  // @ts-expect-error the type of the payload is unknown
  branch(barrier, (call) => call.payload.amount);
  // @ts-expect-error a handler is needed
  branch(barrier, { of: debit });
  // @ts-expect-error there is no such option
  branch(barrier, () => {}, { off: debit });
  expectTypeOf(currentBranch()).toEqualTypeOf<BranchCallContext | undefined>();
  expectTypeOf(branchUrl('http://ledger')).toBeString();
}

export async function frameworksTakeTheirHandlers(): Promise<void> {
  const fastify = Fastify();
  await fastify.register(branchBodies);
  fastify.post(
    '/debit',
    fastifyBranch(barrier, (_call, sql) => sql.query('…', []), { of: debit }),
  );
  new Hono<{ Variables: { user: string } }>()
    .post(
      '/debit',
      honoBranch((call) => ({ left: call.payload.amount }), { of: debit, maxBodyBytes: 1_000 }),
    )
    .get('/check', honoCheckBack(barrier));
}

declare const BankService: ServiceDefinition;
export function grpcServersTakeTheirBranches(server: Server): void {
  addBranches(server, BankService, {
    debit: grpcBranch(barrier, (call, sql) => sql.query('…', [call.payload.amount]), { of: debit }),
    refund: grpcBranch<Debit>((call) => ({ left: call.payload.amount }), { maxMessageBytes: 1_000 }),
    check: grpcCheckBack(barrier),
    balance: (_call: unknown, callback: (error: null, value: object) => void) => callback(null, {}),
  });
  // @ts-expect-error a branch is made by `branch`
  addBranches(server, 'bank.Bank', { debit: { of: debit } });
}

export function redisClientsOfAllKinds(): void {
  expectTypeOf(ioredisBarrier(new Redis())).toExtend<Barrier<RedisTx>>();
  ioredisBarrier(new Cluster([]), { keyPrefix: '{bank}:' });
  redisBarrier(createClient());
  redisBarrier(createClient({ RESP: 3 }));
  redisBarrier(createClientPool());
  redisBarrier(createCluster({ rootNodes: [] }));
  redisBarrier(createClient().withTypeMapping({ [RESP_TYPES.BLOB_STRING]: Buffer }));
  branch(ioredisBarrier(new Redis()), (_call, tx) => tx.call('INCRBY', 'stock', 1));
  // @ts-expect-error a command that writes other keys than its first argument
  branch(ioredisBarrier(new Redis()), (_call, tx) => tx.call('RENAME', 'a', 'b'));
}
