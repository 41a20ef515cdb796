export * from './operation.ts';
export * from './operations.ts';
export * from './http-request.ts';
export * from './openapi.ts';
export { TRANSACTION_OPERATIONS } from './transactions.ts';
export { INITIATOR_OPERATIONS } from './initiators.ts';
export { OPERATOR_ACTIONS } from './operator-actions.ts';
export { TOPIC_OPERATIONS } from './topics.ts';
export { NODE_OPERATIONS } from './nodes.ts';
