/** Path to which a two-branch saga is posted. */
export const SUBMIT_PATH = '/api/dtmsvr/submit';

/** The text that marks a response as a success. */
export const SUCCESS_MARK = '"dtm_result":"SUCCESS"';

/** The payload of each step. */
export const PAYLOAD = JSON.stringify({ amount: 30 });

/** The steps of a saga. `branches` precedes the names of their URLs. */
export const stepsOf = (branches: string): readonly { readonly action: string; readonly compensate: string }[] => [
  { action: `${branches}/debit`, compensate: `${branches}/refund` },
  { action: `${branches}/credit`, compensate: `${branches}/revoke` },
];

/** The saga's JSON after the gid's value, the same for every saga of a run. */
export function sagaTail(branches: string): string {
  const saga = { trans_type: 'saga', wait_result: true, steps: stepsOf(branches), payloads: [PAYLOAD, PAYLOAD] };
  return `,${JSON.stringify(saga).slice(1)}`;
}

/** The JSON of one saga. `gid` needs no escaping. */
export const sagaBody = (gid: string, tail: string): string => `{"gid":"${gid}"${tail}`;
