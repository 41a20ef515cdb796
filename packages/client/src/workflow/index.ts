export type { Flow, FlowCall, FlowStep, FlowXa, StepCall, StepCodec } from './flow.ts';
export type { RunOptions, Workflow, WorkflowCode, WorkflowOptions } from './options.ts';
export { WorkflowMismatch } from './mismatch.ts';
export { workflowCallback } from './callback.ts';
