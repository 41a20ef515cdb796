import { TOPICS } from '@holdfast/core/engine';
import type { KeyValue } from '@holdfast/core/store';
import { type DtmKeyValueResponse, withoutSecrets } from '@holdfast/protocol';
import { writeTopics } from '@holdfast/api';

/**
 * Key-values in dtm's form. A topic is one of them: secrets in its subscribers' URLs are hidden.
 */
export async function writeKeyValues(stored: readonly KeyValue[]): Promise<DtmKeyValueResponse[]> {
  const written: DtmKeyValueResponse[] = [];
  for (const one of stored) written.push(await writeKeyValue(one));
  return written;
}

const writeKeyValue = async (stored: KeyValue): Promise<DtmKeyValueResponse> => ({
  cat: stored.category,
  k: stored.key,
  v: await shownValue(stored),
  version: stored.version,
  create_time: new Date(stored.createdAtMs).toISOString(),
  update_time: new Date(stored.updatedAtMs).toISOString(),
});

async function shownValue(stored: KeyValue): Promise<string> {
  if (stored.category !== TOPICS) return withoutSecrets(stored.value);
  const [topic] = await writeTopics([stored]);
  return JSON.stringify(topic?.subscribers);
}
