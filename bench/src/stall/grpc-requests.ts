import { DTM_REQUEST, framedMessage, holdfastPath, holdfastService } from '@holdfast/protocol/grpc';
import { encodeMessage } from '@holdfast/protocol/protobuf';
import { SUBMIT_METHOD } from '../grpc/submit-request.ts';
import { dependencies, type Input, KIB, many, newGid, step, STEPS, type Sent } from './input.ts';

const { createTransaction } = holdfastService().operations;

const create = (message: Uint8Array): Sent => ({ grpc: holdfastPath(createTransaction), body: framedMessage(message) });

/** A message that is made of one encoded field, many times. */
const repeated = (hex: string, count: number): Sent => create(Buffer.from(hex.repeat(count), 'hex'));

/** The worst requests over gRPC, accepted and rejected. */
export const GRPC_REQUESTS: readonly Input[] = [
  {
    name: 'gRPC: concurrent saga of 1,000 steps, 20,000 dependencies',
    requests: (hosts) => [
      create(
        createTransaction.encodeInput({
          body: {
            gid: newGid(),
            pattern: 'saga',
            concurrent: true,
            steps: many(STEPS, (i) => ({
              ...step(hosts),
              after: dependencies[i] ?? [],
            })),
          },
        }),
      ),
    ],
  },
  {
    name: 'gRPC: saga of 4 steps, 1,000 KiB of payload each',
    requests: (hosts) => [
      {
        grpc: SUBMIT_METHOD,
        body: framedMessage(
          encodeMessage(DTM_REQUEST, {
            Gid: newGid(),
            TransType: 'saga',
            Steps: JSON.stringify(many(4, () => step(hosts))),
            BinPayloads: many(4, () => Buffer.alloc(1_000 * KIB, 'x')),
          }),
        ),
      },
    ],
  },
  { name: 'gRPC, rejected: 1,000 empty steps', requests: () => [repeated('2200', STEPS)] },
  { name: 'gRPC, rejected: 99,000 empty steps', requests: () => [repeated('2200', 99_000)] },
  { name: 'gRPC, rejected: one field 99,000 times', requests: () => [repeated('0a0161', 99_000)] },
  { name: 'gRPC, rejected: 99,000 headers', requests: () => [repeated('72020a00', 99_000)] },
];
