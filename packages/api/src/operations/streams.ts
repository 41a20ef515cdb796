import type { CallContext, Coordinator, TransactionView } from '@holdfast/core';
import type { CheckedStreamInputOf, StreamEventOf, StreamName, TransactionDetails } from '@holdfast/protocol';
import { mayReadResults } from '../access/roles.ts';
import { invalid } from '../reading/parse.ts';
import { writeDetails, withoutResult } from '../v1/write-view.ts';

/** What one stream does. Its input is checked by the schema; errors are `HoldfastError`. */
export type StreamImplementation<Name extends StreamName> = (
  context: CallContext,
  input: CheckedStreamInputOf<Name>,
  send: (event: StreamEventOf<Name>) => Promise<void>,
) => Promise<void>;

export type StreamImplementations = { readonly [Name in StreamName]: StreamImplementation<Name> };

export function streamOperations(coordinator: Pick<Coordinator, 'watch'>): StreamImplementations {
  const complete = new Events(writeDetails);
  const limited = new Events(async (view) => withoutResult(await writeDetails(view)));
  return {
    async watch(context, { transactions }, send) {
      refuseRepeated(transactions);
      const events = mayReadResults(context.principal) ? complete : limited;
      for await (const view of coordinator.watch(context, { transactions })) await send(await events.of(view));
    },
  };
}

/** The events of states. Callers that receive the same details of a state share its event. */
class Events {
  readonly #events = new WeakMap<TransactionView, Promise<StreamEventOf<'watch'>>>();
  readonly #write: (view: TransactionView) => Promise<TransactionDetails>;

  constructor(write: (view: TransactionView) => Promise<TransactionDetails>) {
    this.#write = write;
  }

  of(view: TransactionView): Promise<StreamEventOf<'watch'>> {
    const known = this.#events.get(view);
    if (known !== undefined) return known;
    const event = this.#write(view).then((transaction) => ({ transaction }));
    this.#events.set(view, event);
    return event;
  }
}

function refuseRepeated(transactions: CheckedStreamInputOf<'watch'>['transactions']): void {
  const gids = new Set<string>();
  for (const [index, { gid }] of transactions.entries()) {
    if (gids.has(gid)) throw invalid(gid, ['transactions', index, 'gid'], 'is the same as in another entry');
    gids.add(gid);
  }
}
