import type { KeyValue } from '@holdfast/core';
import { type DtmKeyValueAnswer, withoutSecrets } from '@holdfast/protocol';

/** A versioned key-value in dtm's words. A topic is one: secrets in the URLs of its subscribers are not shown. */
export const writeKeyValue = ({
  category,
  key,
  value,
  version,
  createdAtMs,
  updatedAtMs,
}: KeyValue): DtmKeyValueAnswer => ({
  cat: category,
  k: key,
  v: withoutSecrets(value),
  version,
  create_time: new Date(createdAtMs).toISOString(),
  update_time: new Date(updatedAtMs).toISOString(),
});
