import { type CheckedInputOf, nounOfPattern, type Pattern } from '@holdfast/protocol';
import { invalid } from '../reading/parse.ts';

export type CheckedRequest = CheckedInputOf<'createTransaction'>['body'];

/** Fields that are valid only for certain patterns. */
const BELONGS_TO: readonly (readonly [keyof CheckedRequest, readonly Pattern[], string])[] = [
  ['workflow', ['workflow'], 'only a workflow has a name and an input'],
  ['queryPrepared', ['msg', 'workflow'], 'only a message is checked back and only a workflow is called back'],
  ['concurrent', ['saga', 'msg'], 'only the steps of a saga or a message can run concurrently'],
  ['retryLimit', ['saga'], 'only a saga is rolled back after too many retries'],
  ['delayMs', ['msg'], 'only a message can be delayed'],
];

/** Patterns whose branches are registered one by one while the transaction is prepared. */
const REGISTERED: readonly Pattern[] = ['tcc', 'xa', 'workflow'];

/**
 * Rejects contradictory requests instead of ignoring a part of them. Throws `invalid`, naming the
 * field.
 */
export function refuseContradictions(request: CheckedRequest): void {
  const { gid = '', pattern } = request;
  for (const [field, patterns, why] of BELONGS_TO) {
    if (request[field] !== undefined && !patterns.includes(pattern))
      throw invalid(gid, [field], `${why}, this is a ${nounOfPattern(pattern)}`);
  }
  if (REGISTERED.includes(pattern)) refuseSteps(request);
  else if (request.steps.length === 0)
    throw invalid(gid, ['steps'], `a ${nounOfPattern(pattern)} must have at least one`);
  if (pattern === 'workflow' && request.workflow === undefined)
    throw invalid(gid, ['workflow'], 'a workflow must have a name, by which it is called back');
  if (pattern === 'msg') refuseCompensations(request);
}

function refuseSteps({ gid = '', pattern, status, steps }: CheckedRequest): void {
  if (steps.length > 0)
    throw invalid(
      gid,
      ['steps'],
      `a ${pattern} has no steps: its branches are registered one by one while it is prepared`,
    );
  if (status === 'submitted')
    throw invalid(
      gid,
      ['status'],
      `a ${pattern} begins as prepared: ${pattern === 'workflow' ? 'its code finishes it' : 'submit it when its branches are registered'}`,
    );
}

function refuseCompensations({ gid = '', steps }: CheckedRequest): void {
  const index = steps.findIndex(({ compensate }) => compensate !== undefined);
  if (index >= 0)
    throw invalid(gid, ['steps', index, 'compensate'], 'a message is never rolled back, only a saga compensates');
}
