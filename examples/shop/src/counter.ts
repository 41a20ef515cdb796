import type { IncomingMessage, ServerResponse } from 'node:http';
import type { TransactionDetails } from '@holdfast/client';
import { type Order, orderOf } from './order.ts';
import { orderSaga } from './order-saga.ts';
import { HttpService, sendJson } from './services/http-service.ts';
import { balancesOf, CUSTOMERS } from './story/balances.ts';
import { endOf, type Teller } from './story/teller.ts';

const MOST_BOTTLES = 24;
const SLOWEST_COURIER_S = 60;
const QUICK_ORDER_MS = 10_000;
/** Longest time that the counter waits for a slow order. */
const SLOW_ORDER_MS = 90_000;

/**
 * Accepts orders: `POST /orders?customer=Dora&bottles=6`. `&courier=8` selects a courier that takes
 * eight seconds, which leaves time to kill the shop.
 */
export class Counter {
  readonly http: HttpService;
  #teller: Teller | undefined;

  constructor(port: number) {
    this.http = new HttpService('counter', port, {
      'POST /orders': (request, response) => this.#order(request, response),
      'GET /': (_request, response) => Promise.resolve(this.#show(response)),
    });
  }

  /** Starts to accept orders. */
  open(teller: Teller): void {
    this.#teller = teller;
  }

  #show(response: ServerResponse): void {
    const balances = this.#teller === undefined ? [] : balancesOf(this.#teller.shop);
    sendJson(response, 200, Object.fromEntries(balances.map(({ what, value, write }) => [what, write(value)])));
  }

  async #order(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const teller = this.#teller;
    if (teller === undefined) return sendText(response, 503, 'The shop opens in a moment.');
    const order = readOrder(new URL(request.url ?? '/', this.http.url).searchParams);
    if (typeof order === 'string') return sendText(response, 400, order);
    try {
      await this.#place(teller, order, response);
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      if (!response.writableEnded) sendText(response, 500, `The order was not taken: ${why}`);
      if (!teller.closing.aborted) teller.screen.line(teller.screen.bad(why));
    }
  }

  async #place(teller: Teller, order: Order, response: ServerResponse): Promise<void> {
    const { hf, shop, book, screen, closing } = teller;
    const saga = orderSaga(hf, shop, order);
    await book.take(saga.gid);
    await saga.submit({ signal: closing });
    screen.heading(`An order from outside: ${order.customer}, ${order.bottles} bottles`);
    const slow = order.courierMs > 0;
    if (slow) {
      screen.line(
        `The courier takes ${order.courierMs / 1_000} s. To kill the shop during that time: kill -9 ${process.pid}`,
      );
      sendText(
        response,
        202,
        `Order ${saga.gid} is in progress. Kill the shop with kill -9 ${process.pid}, then start it again.`,
      );
    }
    const details = await endOf(teller, saga.gid, slow ? SLOW_ORDER_MS : QUICK_ORDER_MS);
    if (!slow) sendText(response, details === undefined ? 202 : 200, this.#responseText(teller, saga.gid, details));
    if (details === undefined) return;
    screen.timeline(details);
    await book.reported(saga.gid);
  }

  #responseText({ screen }: Teller, gid: string, details: TransactionDetails | undefined): string {
    return details === undefined ? `Order ${gid} is in progress.` : screen.timelineText(details);
  }
}

/** The order in the parameters, or a message about the wrong parameter. */
function readOrder(parameters: URLSearchParams): Order | string {
  const customer = CUSTOMERS.find(
    (name) => name.toLowerCase() === (parameters.get('customer') ?? 'Dora').toLowerCase(),
  );
  const bottles = Number(parameters.get('bottles') ?? 6);
  if (customer === undefined) return `customer is one of ${CUSTOMERS.join(', ')}`;
  if (!Number.isInteger(bottles) || bottles < 1 || bottles > MOST_BOTTLES)
    return `bottles is a number from 1 to ${MOST_BOTTLES}`;
  const courierS = Number(parameters.get('courier') ?? 0);
  if (!(courierS >= 0 && courierS <= SLOWEST_COURIER_S)) return `courier is seconds, at most ${SLOWEST_COURIER_S}`;
  return orderOf(customer, bottles, courierS * 1_000);
}

function sendText(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8' }).end(text + '\n');
}
