import { Helper } from '../processes/helper.ts';
import { RESPONSE_TIMEOUT_SECONDS, type LoadGenerator, type LoadResult } from './load.ts';

const START_SECONDS = 20;

/** The load generator on Node, with one process per round. */
export function nodeLoad(): LoadGenerator {
  return {
    name: 'our own (undici)',
    run: async (request) => {
      const helper = new Helper(new URL('./node-load-main.js', import.meta.url), [JSON.stringify(request)]);
      try {
        return (await helper.reply((request.seconds + RESPONSE_TIMEOUT_SECONDS + START_SECONDS) * 1000)) as LoadResult;
      } finally {
        await helper.stop();
      }
    },
  };
}
