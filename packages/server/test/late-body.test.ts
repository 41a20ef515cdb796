import { once } from 'node:events';
import { connect } from 'node:net';
import { API_ROOT } from '@holdfast/protocol';
import { describe, expect, it } from 'vitest';
import { TransportServer } from './support/running-server.ts';

const BODY = JSON.stringify({ gid: 'g', pattern: 'saga', steps: [{ action: 'http://a/' }] });

const head = (path: string, timeoutMs: number): string =>
  `POST ${path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\nrequest-timeout-ms: ${timeoutMs}\r\n` +
  `content-length: ${BODY.length}\r\n\r\n`;

/** Sends a text, and resolves to what is received until a pattern is in it. */
async function exchange(url: string, text: string, until: RegExp, then?: { text: string; until: RegExp }) {
  const socket = connect(Number(new URL(url).port), '127.0.0.1');
  let received = '';
  const reads = async (pattern: RegExp): Promise<void> => {
    while (!pattern.test(received)) received += String((await once(socket, 'data'))[0]);
  };
  try {
    socket.write(text);
    await reads(until);
    if (then !== undefined) {
      received = '';
      socket.write(then.text);
      await reads(then.until);
    }
    return received;
  } finally {
    socket.destroy();
  }
}

describe.each(['own', 'node'] as const)(
  'a request whose body has not arrived at its deadline (reader: %s)',
  (requestReader) => {
    it('is responded to at the deadline, and nothing was started', async () => {
      await using server = await TransportServer.start({}, { requestReader });
      const v1 = head(`${API_ROOT}/transactions`, 200) + BODY.slice(0, 10);
      const response = await exchange(server.url, v1, /"outcome":"\w+"/);
      expect(response).toMatch(/^HTTP\/1.1 504 /);
      expect(response).toContain('"code":"deadline_exceeded"');
      expect(response).toContain('"outcome":"not_started"');
      const dtm = head('/api/dtmsvr/submit', 200);
      await expect(exchange(server.url, dtm, /no change was started/)).resolves.toMatch(/^HTTP\/1.1 504 /);
    });

    it('leaves its connection to the next request once the rest of the body has arrived', async () => {
      await using server = await TransportServer.start({}, { requestReader });
      const late = head(`${API_ROOT}/transactions`, 200) + BODY.slice(0, 10);
      const next = `${BODY.slice(10)}GET /no/such/path HTTP/1.1\r\nhost: localhost\r\n\r\n`;
      const response = await exchange(server.url, late, /"outcome":"\w+"/, { text: next, until: /^HTTP\/1.1 404 / });
      expect(response).toMatch(/^HTTP\/1.1 404 /);
    });

    it('is read if it arrives before the deadline', async () => {
      await using server = await TransportServer.start({}, { requestReader });
      const early = head(`${API_ROOT}/transactions`, 60_000);
      const response = await exchange(server.url, early + BODY.slice(0, 10), /^/, {
        text: BODY.slice(10).replace('saga', 'sago'),
        until: /"field":"pattern"/,
      });
      expect(response).toMatch(/^HTTP\/1.1 400 /);
    });
  },
);
