import { z } from 'zod';
import {
  branchDetails,
  remainingEffect,
  stepRequest,
  timelineEntry,
  topic,
  topicPage,
  nodeList,
  transactionDetails,
  transactionPage,
  transactionReply,
  transactionSummary,
} from '../../api-v1.ts';
import { workflowEnd, workflowProgress } from '../../api-v1-branches.ts';
import { nodeStatus } from '../../api-v1-status.ts';
import { watchedTransaction, watchEvent } from '../../operations/streams.ts';

/** What the messages of `holdfast.v1` need to know about schemas besides the schemas themselves. */
interface MessageNotes {
  /** The name of a message that several others have, or that is a response. */
  readonly id?: string;
  /** Base64 that stays a text, or a text that becomes bytes. */
  readonly protoType?: 'string' | 'bytes';
}

export const MESSAGE_NOTES = z.registry<MessageNotes>();

MESSAGE_NOTES.add(stepRequest, { id: 'Step' })
  .add(transactionSummary, { id: 'TransactionSummary' })
  .add(transactionReply, { id: 'TransactionReply' })
  .add(transactionDetails, { id: 'TransactionDetails' })
  .add(transactionPage, { id: 'TransactionPage' })
  .add(branchDetails, { id: 'Branch' })
  .add(remainingEffect, { id: 'RemainingEffect' })
  .add(timelineEntry, { id: 'TimelineEntry' })
  .add(topic, { id: 'Topic' })
  .add(topicPage, { id: 'TopicPage' })
  .add(nodeList, { id: 'NodeList' })
  .add(nodeStatus, { id: 'NodeStatus' })
  .add(watchedTransaction, { id: 'WatchedTransaction' })
  .add(watchEvent, { id: 'WatchEvent' })
  .add(workflowProgress, { id: 'WorkflowProgress' })
  .add(workflowProgress.shape.steps.element.shape.data, { protoType: 'bytes' })
  // Results of workflows of dtm's clients may be any text, so a result is a text everywhere.
  .add(workflowEnd.shape.result, { protoType: 'string' });
