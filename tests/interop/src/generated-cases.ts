import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createDataFolder, removeDataFolder, runChild } from '@holdfast/testing/servers';
import { runCaseProgram } from './case-lines.ts';
import { locateGo } from './go-cases.ts';
import type { Outcome } from './outcome.ts';
import { createVirtualEnvironment } from './python-cases.ts';
import type { Cases, Suite } from './suite.ts';

const FOLDER = fileURLToPath(new URL('../generated', import.meta.url));
const PROTO = fileURLToPath(new URL('../../../packages/protocol/proto', import.meta.url));
const PLUGINS = ['google.golang.org/protobuf/cmd/protoc-gen-go', 'google.golang.org/grpc/cmd/protoc-gen-go-grpc'];

const NO_TARGET: Outcome = {
  group: 'Suite',
  name: 'runs generated clients',
  verdict: 'skip',
  durationMs: 0,
  detail: 'the coordinator has no gRPC address (--grpc-target)',
};

/** Clients that are generated, in each run, from the published `.proto` files. */
export const GENERATED_SUITE: Suite = {
  name: 'generated',
  title: 'clients generated from the published .proto files',
  needs: 'Go (https://go.dev/dl) and Python 3.9 or later with venv (Debian: python3-venv)',
  build: buildGeneratedCases,
};

async function buildGeneratedCases(): Promise<Cases | undefined> {
  const folder = await createDataFolder('generated-cases', undefined);
  const abort = new AbortController();
  const stop = async (): Promise<void> => {
    abort.abort();
    await removeDataFolder(folder);
  };
  try {
    const [python, go] = [await preparePython(folder), locateGo()];
    if (python === undefined || go === undefined) {
      await stop();
      return undefined;
    }
    const programs = [
      { program: python, args: [join(folder, 'python', 'main.py')] },
      { program: await buildGo(folder, go, python), args: [] },
    ];
    const options = { cwd: folder, signal: abort.signal };
    return {
      run: async (targets, pattern) => {
        if (targets.grpc === undefined) return [NO_TARGET];
        const runs = programs.map((program) => runCaseProgram({ ...program, ...options }, targets, pattern));
        return (await Promise.all(runs)).flat();
      },
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

/**
 * Generates the Python client. Returns the interpreter, which has the compiler of `.proto` files;
 * undefined without Python.
 */
async function preparePython(folder: string): Promise<string | undefined> {
  const sources = join(folder, 'python');
  await cp(join(FOLDER, 'python'), sources, { recursive: true });
  const python = await createVirtualEnvironment(join(folder, 'venv'), join(sources, 'requirements.txt'));
  if (python !== undefined)
    await compile(python, [`--python_out=${sources}`, `--grpc_python_out=${sources}`], ['dtmgimp', 'workflow']);
  return python;
}

/** The path of the compiled Go program. */
async function buildGo(folder: string, go: string, python: string): Promise<string> {
  const sources = join(folder, 'go');
  await cp(join(FOLDER, 'go'), sources, { recursive: true });
  await runChild(go, ['build', '-o', `${folder}/`, ...PLUGINS], { cwd: sources });
  const plugins = ['protoc-gen-go', 'protoc-gen-go-grpc'].map((name) => `--plugin=${join(folder, name)}`);
  await compile(python, [...plugins, `--go_out=${sources}`, `--go-grpc_out=${sources}`], ['dtmgimp']);
  const program = join(folder, 'generated');
  await runChild(go, ['build', '-o', program, '.'], { cwd: sources });
  return program;
}

const compile = (python: string, options: readonly string[], files: readonly string[]): Promise<string> =>
  runChild(python, ['-m', 'grpc_tools.protoc', `-I${PROTO}`, ...options, ...files.map((file) => `${file}.proto`)]);
