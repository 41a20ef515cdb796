import type { BranchRequest, CallContents } from '@holdfast/core';
import type { BranchResult } from '@holdfast/protocol';
import type { TargetEndpoint } from '../targets/target-rule.ts';

/** The `protocol` of a transaction, which selects between protocols with the same form of URL. */
export type StatedProtocol = BranchRequest['protocol'];

/** A parsed branch URL. A protocol adds what its calls need. */
export interface BranchTarget {
  /**
   * The key by which concurrent calls are limited and connections are shared; the same for a URL
   * whatever the transaction's `protocol` is.
   */
  readonly destination: string;
  /** Credentials in the URL, which each call carries; empty or absent: none. */
  readonly authorization?: string;
  /**
   * The servers that the URL names, which the operator's rules must allow (`BranchTargets`).
   * Absent: none, or not known before a connection is opened.
   */
  readonly endpoints?: readonly TargetEndpoint[];
}

/** What is known of the transaction whose URLs are checked. */
export type AdmissionContext = Partial<CallContents>;

/** The source of the request with the URL: a client, or the process of an embedded coordinator. */
export type Origin = 'network' | 'process';

/**
 * One way to call branches, such as HTTP. A protocol is added by adding an object to the list that
 * `BranchRegistry` receives.
 */
export interface BranchProtocol<T extends BranchTarget = BranchTarget> {
  readonly name: string;
  /** Whether calls stay in this process: their requests are not sent to any other. */
  readonly isInProcess?: boolean;
  /**
   * Whether the protocol calls this URL. The first protocol of the registry's list that does is
   * used.
   *
   * @param stated the transaction's `protocol`
   */
  matches(url: string, stated: StatedProtocol): boolean;
  /** Parses a URL that matches; never throws. The result is cached. */
  parse(url: string): T;
  /**
   * Why a transaction must not have this branch, without the URL; undefined if it may. Called for
   * each URL of a submitted transaction; without this method every matching URL is admitted.
   */
  admit?(target: T, context: AdmissionContext, origin: Origin): string | undefined;
  /**
   * Why no call with these contents can be made, whatever the time; undefined if calls can be made.
   * Called with what `admit` was called without: for branches that are registered later, for the
   * subscribers of a topic and for headers that a submit replaces. Only for a protocol that cannot
   * carry all that others can.
   */
  faultOf?(target: T, contents: CallContents): string | undefined;
  /**
   * Calls a branch. Every outcome is a result, within the request's timeout. May throw
   * `BranchHeaderError`, and nothing else; the promise never rejects.
   */
  call(request: BranchRequest, target: T): Promise<BranchResult>;
  /** Closes its connections; calls in progress end. */
  close?(): Promise<void>;
}

/** A call by one protocol. */
export type BranchCall = (request: BranchRequest, target: BranchTarget) => Promise<BranchResult>;

/**
 * Adds something to every call, such as a signature. Called once per protocol when the registry is
 * created; returns `next` for a protocol that it does not apply to, so that calls cost nothing.
 */
export type BranchInterceptor = (next: BranchCall, protocol: BranchProtocol) => BranchCall;
