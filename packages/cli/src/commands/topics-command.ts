import { LIMITS, type TopicPage, withoutSecrets } from '@holdfast/protocol';
import type { Command } from 'commander';
import { CommandError, EXIT } from './command-error.ts';
import type { CommandIo } from './command-io.ts';
import { ApiProblem } from '../coordinator/command-error-of.ts';
import type { CoordinatorApi } from '../coordinator/coordinator-api.ts';
import { Paging } from '../coordinator/paging.ts';
import { type CommonOptions, exitOfCommander, operatorCommand, runCommand } from './run-command.ts';
import { columnWidths, tableHead, tableRow } from '../output/table.ts';
import { clean, painter } from '../output/text.ts';

type Topic = TopicPage['items'][number];

/** `holdfast topics …`: lists and changes topics and their subscribers. */
export function registerTopics(program: Command, io: CommandIo): void {
  const topics = program
    .command('topics')
    .summary('list and change the topics that messages fan out to')
    .description('A message step to topic://NAME calls every URL subscribed to the topic NAME.')
    .exitOverride(exitOfCommander(io));
  registerListTopics(topics, io);
  registerShowTopic(topics, io);
  registerChanges(topics, io);
}

function registerListTopics(topics: Command, io: CommandIo): void {
  const command = topics.command('list').description('List the topics.');
  operatorCommand(command, io, ['topics list', 'topics list -o json']);
  command.action((options: CommonOptions) =>
    runCommand(io, options, async ({ api }) => {
      const found: Topic[] = [];
      for await (const topic of eachTopic(api)) found.push(topic);
      if (options.output === 'json') return io.out(JSON.stringify(found, undefined, 2));
      if (options.output === 'ids') return found.forEach(({ topic }) => io.out(topic));
      if (found.length === 0) return io.err('there are no topics; create one with "holdfast topics add NAME URL"');
      const columns = [
        { title: 'TOPIC', text: (row: Topic) => clean(row.topic) },
        { title: 'SUBSCRIBERS', text: (row: Topic) => String(row.subscribers.length) },
      ];
      writeTable(io, columns, found);
    }),
  );
}

function registerShowTopic(topics: Command, io: CommandIo): void {
  const command = topics.command('show').description('Show the subscribers of a topic.').argument('<topic>');
  operatorCommand(command, io, ['topics show order-paid', 'topics show order-paid -o ids']);
  command.action((name: string, options: CommonOptions) =>
    runCommand(io, options, async ({ api }) => {
      const topic = await findTopic(api, name);
      if (options.output === 'json') return io.out(JSON.stringify(topic, undefined, 2));
      if (options.output === 'ids') return topic.subscribers.forEach(({ url }) => io.out(url));
      const columns = [
        { title: 'URL', text: (row: Topic['subscribers'][number]) => clean(row.url) },
        { title: 'REMARK', text: (row: Topic['subscribers'][number]) => clean(row.remark) },
      ];
      writeTable(io, columns, topic.subscribers);
    }),
  );
}

function registerChanges(topics: Command, io: CommandIo): void {
  const add = topics
    .command('add')
    .description('Subscribe a URL to a topic; creates the topic if it does not exist.')
    .argument('<topic>')
    .argument('<url>', 'the URL to call with every message to the topic')
    .option('--remark <text>', 'a note for operators');
  operatorCommand(add, io, ['topics add order-paid http://mail:8080/order-paid --remark "confirmation mail"']);
  add.action((topic: string, url: string, options: CommonOptions & { readonly remark?: string }) =>
    runCommand(io, options, async ({ api }) => {
      const body = { url, ...(options.remark === undefined ? {} : { remark: options.remark }) };
      await api.call('subscribe', { topic, body });
      io.err(`${clean(withoutSecrets(url))} receives the messages to ${topic}`);
    }),
  );

  const remove = topics
    .command('remove')
    .description('Unsubscribe a URL from a topic.')
    .argument('<topic>')
    .argument('<url>');
  operatorCommand(remove, io, ['topics remove order-paid http://mail:8080/order-paid']);
  remove.action((topic: string, url: string, options: CommonOptions) =>
    runCommand(io, options, async ({ api }) => {
      await api.call('unsubscribe', { topic, query: { url } });
      io.err(`${clean(withoutSecrets(url))} no longer receives messages to ${topic}`);
    }),
  );

  const drop = topics
    .command('delete')
    .description('Delete a topic with all its subscriptions; new messages to it are rejected.')
    .argument('<topic>');
  operatorCommand(drop, io, ['topics delete order-paid']);
  drop.action((topic: string, options: CommonOptions) =>
    runCommand(io, options, async ({ api }) => {
      await api.call('deleteTopic', { topic });
      io.err(`topic ${topic} deleted`);
    }),
  );
}

async function* eachTopic(api: CoordinatorApi): AsyncGenerator<Topic> {
  const paging = new Paging(api.server);
  let page: TopicPage;
  do {
    page = await api.call('listTopics', { query: { limit: LIMITS.pageSize, cursor: paging.cursor } });
    yield* page.items;
  } while (paging.follow(page));
}

async function findTopic(api: CoordinatorApi, name: string): Promise<Topic> {
  try {
    return await api.call('describeTopic', { topic: name });
  } catch (error) {
    if (!(error instanceof ApiProblem) || error.problem.code !== 'not_found') throw error;
    const message = `no topic ${name} at ${api.server}; see "holdfast topics list"`;
    throw new CommandError(EXIT.refused, message, { cause: error });
  }
}

function writeTable<T>(
  io: CommandIo,
  columns: { readonly title: string; readonly text: (row: T) => string }[],
  rows: readonly T[],
): void {
  const paint = painter(io.colour);
  const widths = columnWidths(columns, rows);
  io.out(tableHead(columns, widths, paint));
  for (const row of rows) io.out(tableRow(columns, widths, row, io.width, paint));
}
