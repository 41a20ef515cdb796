import { connect, type Holdfast, workflowCallBack } from '@holdfast/client';
import { branch } from '@holdfast/client/express';
import express from 'express';
import { BankA } from '../banks/bank-a.ts';
import { BankB } from '../banks/bank-b.ts';
import { branchesOfA, branchesOfB } from '../banks/branches.ts';
import type { PatternExample, Transfer } from '../patterns/pattern.ts';
import { Closer } from '../program/closer.ts';
import type { Pools } from '../program/databases.ts';
import type { Failure } from './failure.ts';
import { Listener } from './listener.ts';
import { Network } from './network.ts';

/** Everything that takes part in one transfer, but the coordinator and the databases. */
export interface Stage {
  readonly hf: Holdfast;
  readonly bankA: BankA;
  readonly bankB: BankB;
  readonly network: Network;
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

const RETRY_INTERVAL_MS = 150;
const REQUEST_TIMEOUT_MS = 3_000;
/** Where answers will not come, nobody wants to wait for them long. */
const SHORT_REQUEST_TIMEOUT_MS = 400;

/** Two banks, the network in front of bank B, and the application, each at a port of its own. */
export async function openStage(options: StageOptions): Promise<Stage> {
  const { pattern, failure, coordinatorUrl, pools, withoutBarrier } = options;
  const closer = new Closer();
  try {
    const bankA = new BankA(pools.postgres, coordinatorUrl);
    const bankB = new BankB(pools.mariadb, coordinatorUrl, { withoutBarrier });
    await bankA.open();
    await bankB.open({ closed: failure === 'refused' });

    const hf = connect(coordinatorUrl);
    closer.add(() => hf.close());
    const listen = async (listener: Listener): Promise<string> => {
      closer.add(() => listener.close());
      return (await listener.open()).url;
    };
    const aUrl = await listen(new Listener(express().use(pattern.bankA(bankA))));
    const bUrl = await listen(new Listener(express().use(pattern.bankB(bankB))));
    const callBackUrl = await listen(new Listener(express().post('/workflows', branch(workflowCallBack(hf)))));
    const network = new Network(failure, bUrl);
    closer.add(() => network.close());
    await network.open();

    const transfer = pattern.transfer({
      hf,
      bankA,
      a: branchesOfA(aUrl),
      b: branchesOfB(network.url),
      callBackUrl: `${callBackUrl}/workflows`,
      options: {
        retryIntervalMs: RETRY_INTERVAL_MS,
        requestTimeoutMs: failure === 'late' ? SHORT_REQUEST_TIMEOUT_MS : REQUEST_TIMEOUT_MS,
      },
    });
    return { hf, bankA, bankB, network, transfer, close: () => closer.close() };
  } catch (error) {
    await closer.close();
    throw error;
  }
}
