import { type Pattern, RESULTS, type ResultKind } from '@holdfast/protocol';
import fc from 'fast-check';
import { Model } from './model.ts';

/**
 * What may happen to a transaction, in any order. One that makes no sense at its moment changes
 * nothing.
 */
export type Command =
  | { readonly do: 'answer'; readonly pick: number; readonly kind: ResultKind; readonly deferred: boolean }
  | { readonly do: 'reply'; readonly kind: ResultKind }
  | { readonly do: 'wait'; readonly ms: number }
  | { readonly do: 'crash'; readonly kept: boolean; readonly vanished: number }
  | { readonly do: 'abort'; readonly byOperator: boolean }
  | { readonly do: 'end'; readonly status: 'succeed' | 'failed' }
  | {
      readonly do:
        'next' | 'submit' | 'prepare' | 'register' | 'commit' | 'park' | 'heartbeat' | 'retry' | 'stop' | 'makeDue';
    };

const resultKind = fc.constantFrom(...RESULTS, 'SUCCESS' as const, 'SUCCESS' as const);

const response = fc.record({
  do: fc.constant('answer' as const),
  pick: fc.nat(7),
  kind: resultKind,
  deferred: fc.integer({ min: 0, max: 9 }).map((n) => n === 0),
});
const reply = fc.record({ do: fc.constant('reply' as const), kind: resultKind });
const crash = fc.record({
  do: fc.constant('crash' as const),
  kept: fc.boolean(),
  vanished: fc.constantFrom(0, 0, 1, 5),
});

const common = [
  { weight: 40, arbitrary: response },
  { weight: 16, arbitrary: fc.record({ do: fc.constant('next' as const) }) },
  { weight: 8, arbitrary: fc.record({ do: fc.constant('wait' as const), ms: fc.nat(50_000) }) },
  { weight: 8, arbitrary: crash },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('abort' as const), byOperator: fc.boolean() }) },
  { weight: 8, arbitrary: fc.record({ do: fc.constantFrom('submit', 'prepare', 'retry', 'retry', 'makeDue') }) },
];
const stop = { weight: 1, arbitrary: fc.record({ do: fc.constant('stop' as const) }) };
const submit = { weight: 8, arbitrary: fc.record({ do: fc.constant('submit' as const) }) };

const byPattern = {
  saga: common,
  tcc: [...common, submit, { weight: 12, arbitrary: fc.record({ do: fc.constant('register' as const) }) }],
  msg: [...common, submit, { weight: 24, arbitrary: reply }],
  workflow: [
    ...common,
    { weight: 32, arbitrary: reply },
    { weight: 12, arbitrary: fc.record({ do: fc.constant('register' as const) }) },
    {
      weight: 4,
      arbitrary: fc.record({ do: fc.constant('end' as const), status: fc.constantFrom('succeed', 'failed') }),
    },
    { weight: 2, arbitrary: fc.record({ do: fc.constantFrom('commit', 'park') }) },
    { weight: 12, arbitrary: fc.record({ do: fc.constant('heartbeat' as const) }) },
  ],
};

/** Sequences of commands that suit a pattern. */
export function commandsOf(pattern: Pattern): fc.Arbitrary<Command[]> {
  const suiting = byPattern[pattern === 'xa' ? 'tcc' : pattern];
  return fc.array(fc.oneof(...suiting, stop), { maxLength: 40 });
}

const REGISTERED: Readonly<Record<Pattern, readonly string[]>> = {
  tcc: ['cancel', 'confirm'],
  xa: ['rollback', 'commit'],
  workflow: ['action'],
  saga: [],
  msg: [],
};

/** Lets one command happen. */
export function apply(model: Model, command: Command): void {
  const { running, checking, state } = model.transaction;
  switch (command.do) {
    case 'answer': {
      const branch = running[command.pick % Math.max(1, running.length)];
      const { kind } = command;
      if (branch === undefined) return;
      return kind === 'UNKNOWN' && command.deferred
        ? model.defer(branch)
        : model.respondWith(branch, { kind, reason: kind === 'SUCCESS' ? '' : `said ${kind}` });
    }
    case 'reply':
      return checking ? model.reply(command.kind, `said ${command.kind}`) : undefined;
    case 'wait':
      return model.wait(command.ms);
    case 'next':
      return void model.waitForNext();
    case 'crash':
      return void model.crash(command.kept, command.vanished);
    case 'makeDue':
      return void model.makeDue();
    case 'register':
      if (state.status !== 'prepared') return;
      return model.register(
        String(model.world.registrations + 1).padStart(2, '0'),
        ...REGISTERED[model.definition.pattern],
      );
    case 'commit':
      return state.status === 'prepared' ? model.record('00', 'commit') : undefined;
    case 'park':
      return void model.deliver({ kind: 'park', reason: 'not my records' });
    case 'heartbeat':
      return void model.deliver({ kind: 'heartbeat' });
    case 'abort':
      return void model.deliver({ kind: 'abort', reason: 'asked to', byOperator: command.byOperator });
    case 'submit':
      return void model.deliver({ kind: 'submitted', options: {} });
    case 'prepare':
      return void model.deliver({ kind: 'prepared', again: true });
    case 'end':
      return void model.deliver({ kind: 'ended', status: command.status, rollbackReason: '', result: '' });
    case 'retry':
      return void model.deliver({ kind: 'retry' });
    case 'stop':
      return void model.deliver({ kind: 'stop', reason: 'INC-42' });
  }
}
