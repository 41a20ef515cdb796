import { join } from 'node:path';
import { DEFAULT_COORDINATOR_PORT, type Settings } from '../settings.ts';
import { servicesOf } from '../shop.ts';
import { type Balance, balancesOf, balanceTable } from './balances.ts';
import { tellLeftOver } from './left-over.ts';
import { openDoors } from './opening.ts';
import type { Screen } from './screen.ts';
import type { Teller } from './teller.ts';
import { orderThatIsRejected, orderThatIsRetried, orderThatSucceeds } from './three-orders.ts';

/** Prints the demo from the first line to the invitation to place orders. */
export async function tellStory(teller: Teller, settings: Settings, openCounter: () => void): Promise<void> {
  const startedAtMs = performance.now();
  introduce(teller, settings);
  await tellLeftOver(teller);
  await openDoors(teller.shop);
  const before = balancesOf(teller.shop);
  await orderThatSucceeds(teller);
  await orderThatIsRejected(teller);
  await orderThatIsRetried(teller);
  tellBalances(teller.screen, before, balancesOf(teller.shop));
  openCounter();
  invite(teller, settings, performance.now() - startedAtMs);
}

function introduce({ screen }: Teller, settings: Settings): void {
  screen.line();
  screen.line(screen.bold('Holdfast: a drinks group-buy shop whose orders happen entirely or not at all.'));
  screen.line('Five services (order, stock, coupon, payment, delivery) each keep their own books; the coordinator');
  screen.line(`drives every order through all of them. Everything is kept in ${settings.folder}.`);
}

function tellBalances(screen: Screen, before: readonly Balance[], after: readonly Balance[]): void {
  screen.heading('What the five services hold now');
  screen.line();
  const [head = '', ...rows] = balanceTable(before, after);
  screen.line(`  ${screen.dim(head)}`);
  for (const row of rows) screen.line(`  ${row}`);
  screen.line();
  screen.line(
    isWhole(before, after) ? screen.good(`  ✓ ${WHOLE}`) : screen.bad('  ✗ Something is half-done: this is a bug.'),
  );
}

const WHOLE = 'Nothing is half-done: two orders are in all five books, and the rejected one in none of them.';

/**
 * The change of each figure after two successful orders of six bottles and a rolled-back one, in
 * the order of `balancesOf`.
 */
const EXPECTED_CHANGES = [2, 1, -12, -2, -2_112, 0, -2_112, 2];

const isWhole = (before: readonly Balance[], after: readonly Balance[]): boolean =>
  EXPECTED_CHANGES.every((change, index) => (after[index]?.value ?? 0) - (before[index]?.value ?? 0) === change);

function invite({ screen, shop }: Teller, settings: Settings, tookMs: number): void {
  const coordinator = `http://127.0.0.1:${settings.coordinatorPort}`;
  const counter = `http://127.0.0.1:${settings.shopPort}`;
  screen.heading(`Your turn (all that took ${(tookMs / 1_000).toFixed(1)} s)`);
  screen.line();
  screen.line(`  coordinator  ${coordinator}    its store: ${join(settings.folder, 'coordinator')}`);
  screen.line(`  counter      ${counter}    what all services hold`);
  for (const { http } of servicesOf(shop)) screen.line(`  ${http.name.padEnd(11)}  ${http.url}`);
  screen.line();
  screen.line('Order something:');
  screen.line(screen.bold(`  curl -X POST '${counter}/orders?customer=Dora&bottles=6'`));
  screen.line('Place an order, kill the shop while the courier is busy, then start the shop again:');
  screen.line(screen.bold(`  curl -X POST '${counter}/orders?courier=8' && kill -9 ${process.pid}`));
  screen.line('See what the coordinator knows:');
  const server = settings.coordinatorPort === DEFAULT_COORDINATOR_PORT ? '' : ` --server ${coordinator}`;
  screen.line(screen.bold(`  npx holdfast list${server}`));
  screen.line();
  screen.line('Ctrl-C closes the shop.');
}
