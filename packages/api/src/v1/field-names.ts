import type { FieldNames } from '@holdfast/protocol';

/** Names in `/api/v1` for what the engine has as a whole and `/api/v1` as a part of each step. */
export const V1_NAMES: FieldNames = {
  payloads: 'steps',
  orders: 'steps',
};
