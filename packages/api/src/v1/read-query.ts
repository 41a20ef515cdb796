import { type Operation, type QueryField, queryFieldsOf, type QueryValues } from '@holdfast/protocol';
import { QueryReader } from '../reading/query-reader.ts';

/**
 * Returns the function that checks the parameters of an operation's query. They are read from their
 * texts, also within a process, so that invalid values are rejected in the same way everywhere.
 */
export function queryReaderOf(operation: Operation): (query: QueryValues | URLSearchParams | undefined) => QueryValues {
  const fields = queryFieldsOf(operation);
  return (query) => {
    const reader = new QueryReader(query instanceof URLSearchParams ? query : searchParamsOf(query));
    return Object.fromEntries(fields.map((field) => [field.name, valueOf(reader, field)]));
  };
}

function valueOf(reader: QueryReader, { name, kind, isRequired }: QueryField): QueryValues[string] {
  if (typeof kind !== 'string') return reader.oneOf(name, kind);
  switch (kind) {
    case 'count':
      return reader.count(name);
    case 'flag':
      return reader.flag(name);
    case 'text':
      return reader.text(name) || (isRequired ? '' : undefined);
  }
}

function searchParamsOf(query: QueryValues = {}): URLSearchParams {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) if (value !== undefined) search.set(name, String(value));
  return search;
}
