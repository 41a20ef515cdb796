import { parseSync } from 'vite';
import { lineAt, type SourceFile } from './finding.ts';

/** A place where a file refers to another module. */
export interface Import {
  readonly specifier: string;
  readonly line: number;
}

const NAMES_A_MODULE = new Set([
  'ImportDeclaration',
  'ExportNamedDeclaration',
  'ExportAllDeclaration',
  'ImportExpression',
  'TSImportType',
  'TSExternalModuleReference',
]);

/** Every module to which a file refers: imported, re-exported, imported lazily or for its types. */
export function importsOf(file: SourceFile): readonly Import[] {
  const imports: Import[] = [];
  visit(parseSync(file.path, file.text).program, (node) => {
    const source = node['source'] ?? node['expression'];
    if (!NAMES_A_MODULE.has(String(node['type'])) || !isNode(source)) return;
    const specifier = source['value'];
    if (typeof specifier === 'string') imports.push({ specifier, line: lineAt(file.text, Number(source['start'])) });
  });
  return imports;
}

type Node = Readonly<Record<string, unknown>>;

function visit(value: unknown, see: (node: Node) => void): void {
  if (Array.isArray(value)) {
    for (const item of value) visit(item, see);
  } else if (isNode(value)) {
    see(value);
    for (const child of Object.values(value)) visit(child, see);
  }
}

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
