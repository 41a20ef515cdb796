import { TOPICS } from './make-plan.ts';
import type { SimNode } from './sim-node.ts';

const NAMESPACES = ['default', 'other', 'twin'];

/** Subscribes the topics at a coordinator before any fault; `until` advances the world. */
export async function subscribeTopics(
  nodes: readonly SimNode[],
  until: (done: () => boolean) => Promise<void>,
): Promise<void> {
  const [node] = nodes;
  let left = 0;
  for (const namespace of NAMESPACES) {
    for (const [topic, urls] of Object.entries(TOPICS)) {
      left++;
      const subscribeAll = async (): Promise<void> => {
        for (const url of urls)
          await node?.engine.subscribe(
            { principal: { id: 'operator', roles: ['operator'] }, namespace },
            { topic, url, remark: '' },
          );
        left--;
      };
      void subscribeAll();
    }
  }
  await until(() => left === 0);
}
