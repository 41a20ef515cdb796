import type { KeyValue } from '@holdfast/core';
import type { DtmKeyValueAnswer } from '@holdfast/protocol';

/** A versioned key-value in dtm's words. */
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
  v: value,
  version,
  create_time: new Date(createdAtMs).toISOString(),
  update_time: new Date(updatedAtMs).toISOString(),
});
