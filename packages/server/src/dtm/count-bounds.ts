import { LIMITS } from '@holdfast/protocol';
import { type CountBounds, elementsOf, MOST_FIELDS } from '@holdfast/api';

/** The lists and maps in requests on dtm's wire. */
export const DTM_BOUNDS: CountBounds = {
  lists: new Map([
    ['steps', LIMITS.steps],
    // Payloads beyond the last step are ignored.
    ['payloads', LIMITS.steps],
    ['orders', LIMITS.steps],
    ['branch_headers', LIMITS.branchHeaders],
    ['req_extra', MOST_FIELDS],
  ]),
  dependencies: {
    field: 'orders',
    count: ({ orders }) => {
      let count = 0;
      if (orders !== undefined) for (const before of elementsOf(orders)) count += elementsOf(before).length;
      return count;
    },
  },
};
