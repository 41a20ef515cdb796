import { connect, type Holdfast, workflowCallback } from '@holdfast/client';
import { branch } from '@holdfast/client/express';
import express, { type Router } from 'express';
import { BankA } from '../banks/bank-a.ts';
import { BankB } from '../banks/bank-b.ts';
import { branchesOfA, branchesOfB } from '../banks/branches.ts';
import type { PatternExample, Transfer } from '../patterns/pattern.ts';
import { orCannotRun } from '../program/cannot-run.ts';
import { Closer } from '../program/closer.ts';
import type { Pools } from '../program/databases.ts';
import type { Failure } from './failure.ts';
import { Listener } from './listener.ts';
import { Network } from './network.ts';

/** The parties of one transfer, without the coordinator and the databases. */
export interface Stage {
  readonly hf: Holdfast;
  readonly bankA: BankA;
  readonly bankB: BankB;
  /** No failures happen in front of bank A. */
  readonly networks: { readonly a: Network; readonly b: Network };
  readonly transfer: Transfer;
  close(): Promise<void>;
}

export interface StageOptions {
  readonly pattern: PatternExample;
  readonly failure: Failure;
  readonly coordinatorUrl: string;
  readonly pools: Pools;
  readonly withoutBarrier: boolean;
}

const TABLES = 'The user of its URL must be allowed to create tables, and the URL must name a database.';

const REQUEST_TIMEOUT_MS = 3_000;
/** For failures in which the response never arrives. */
const SHORT_REQUEST_TIMEOUT_MS = 300;

/** Opens two banks, the network in front of each, and the application, on separate ports. */
export async function openStage(options: StageOptions): Promise<Stage> {
  const { pattern, failure, coordinatorUrl, pools, withoutBarrier } = options;
  const closer = new Closer();
  try {
    const bankA = new BankA(pools.postgres, coordinatorUrl);
    const bankB = new BankB(pools.mariadb, coordinatorUrl, { withoutBarrier });
    await orCannotRun("Bank A's tables cannot be made", TABLES, () => bankA.open());
    await orCannotRun("Bank B's tables cannot be made", TABLES, () => bankB.open({ closed: failure === 'rejected' }));

    const hf = connect(coordinatorUrl);
    closer.add(() => hf.close());
    const listen = async (listener: Listener): Promise<string> => {
      closer.add(() => listener.close());
      return (await listener.open()).url;
    };
    const networkOf = async (routes: Router, trouble: Failure): Promise<Network> => {
      const network = new Network(trouble, await listen(new Listener(express().use(routes))));
      closer.add(() => network.close());
      await network.open();
      return network;
    };
    const a = await networkOf(pattern.bankA(bankA), 'none');
    const b = await networkOf(pattern.bankB(bankB), failure);
    const callbackUrl = await listen(new Listener(express().post('/workflows', branch(workflowCallback(hf)))));

    const transfer = pattern.transfer({
      hf,
      bankA,
      a: branchesOfA(a.url),
      b: branchesOfB(b.url),
      callbackUrl: `${callbackUrl}/workflows`,
      options: { requestTimeoutMs: failure === 'late' ? SHORT_REQUEST_TIMEOUT_MS : REQUEST_TIMEOUT_MS },
    });
    return { hf, bankA, bankB, networks: { a, b }, transfer, close: () => closer.close() };
  } catch (error) {
    await closer.close();
    throw error;
  }
}
