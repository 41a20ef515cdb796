import { embed, type EmbedOptions } from '@holdfast/embed';
import { Participants } from '@holdfast/testing/participants';
import { expect, it } from 'vitest';
import { SILENT } from './support/silent.ts';

const OPTIONS = { store: 'memory:', logger: SILENT, drainMs: 0 } as const satisfies EmbedOptions;
const done = (): void => undefined;

it('the rules of an embedded coordinator reject what no rule allows, and not the functions of the process', async () => {
  await using shop = await Participants.start();
  await using hf = await embed({ ...OPTIONS, branches: { done }, branchTargets: ['*.shop.example'] });
  const submitted = hf
    .saga()
    .step({ action: shop.url('/a'), compensate: null })
    .submit({ wait: true });
  await expect(submitted).rejects.toThrow('no rule of branchTargets allows http://127.0.0.1');
  const local = await hf.saga().step({ action: hf.branches.done, compensate: null }).submit({ wait: true });
  expect(local.status).toBe('succeed');
  expect(shop.seen).toEqual([]);
});

it('a rule of an embedded coordinator allows the target that it names, in the namespace that it names', async () => {
  await using shop = await Participants.start();
  const branchTargets = { rules: ['deny *:1'], namespaces: { default: ['http://127.0.0.1'] } };
  await using hf = await embed({ ...OPTIONS, branchTargets });
  const { status } = await hf
    .saga()
    .step({ action: shop.url('/a'), compensate: null })
    .submit({ wait: true });
  expect(status).toBe('succeed');
  expect(shop.seen).toHaveLength(1);
});

it.each([
  [
    ['ftp://x'],
    'embed(): branchTargets: the rule "ftp://x" has the scheme "ftp"; it must be http, https, grpc, grpcs or *',
  ],
  [{ namespaces: { bank: [] } }, 'embed(): branchTargets: namespace "bank" has no rules; write "*", or "deny *"'],
  [{ rules: '*' }, 'embed(): branchTargets must be a list of rules, or { rules, namespaces } with lists of rules'],
  [[5], 'embed(): branchTargets must be a list of rules, or { rules, namespaces } with lists of rules'],
  [{ rule: ['*'] }, 'embed(), branchTargets: unknown option "rule"'],
])('rejects the rules %j', async (branchTargets, message) => {
  await expect(embed({ ...OPTIONS, branchTargets } as never)).rejects.toThrow(TypeError);
  await expect(embed({ ...OPTIONS, branchTargets } as never)).rejects.toThrow(message);
});
