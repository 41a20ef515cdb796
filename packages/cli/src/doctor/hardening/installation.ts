import type { TokenInfo } from '@holdfast/protocol';
import type { OptionFile, ServerConfig } from '@holdfast/server/config';
import type { Finding } from '../finding.ts';

/** The process of a coordinator, or of the command in the same environment. */
export interface ProcessFacts {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Undefined: the system has no user IDs. */
  readonly userId: number | undefined;
  /** Longest core dump, as the system states it; undefined: unknown. */
  readonly coreLimit: string | undefined;
  /** For example `v22.20.0`. */
  readonly nodeVersion: string;
  /** Whether a debugger can attach now. */
  readonly isInspected: boolean;
}

/** What a running coordinator shows to a caller. */
export interface CoordinatorFacts {
  /** As specified; without user information. */
  readonly url: string;
  /** The status of a request without a token. */
  readonly statusWithoutToken: number;
  /** The API tokens; undefined if the caller may not list them. */
  readonly tokens: readonly TokenInfo[] | undefined;
}

/** What the items of the hardening checklist are about. */
export interface Installation {
  readonly config: ServerConfig;
  /** The files that the options of the coordinator name. */
  readonly files: readonly OptionFile[];
  /** Further files with secrets, which the command itself reads. */
  readonly secretFiles: readonly { readonly label: string; readonly path: string }[];
  readonly process: ProcessFacts;
  readonly nowMs: number;
  /** Undefined without `--server`; a text: why nothing is known. */
  readonly coordinator: CoordinatorFacts | string | undefined;
}

/** An item of the hardening checklist in docs/security.md. */
export interface HardeningItem {
  /** The name in the checklist and in the findings. */
  readonly name: string;
  /** Whether a client of a running coordinator can check the item, without its configuration. */
  readonly isVisible?: true;
  check(installation: Installation): readonly Finding[] | Promise<readonly Finding[]>;
}

/** The facts about this process. */
export function processFacts(
  env: Readonly<Record<string, string | undefined>>,
  inspectorUrl: string | undefined,
): ProcessFacts {
  const report: unknown = process.report.getReport();
  const core = (report as { userLimits?: { core_file_size_blocks?: { soft?: number | string } } }).userLimits
    ?.core_file_size_blocks?.soft;
  return {
    env,
    userId: process.getuid?.(),
    coreLimit: core === undefined ? undefined : String(core),
    nodeVersion: process.version,
    isInspected: inspectorUrl !== undefined,
  };
}
