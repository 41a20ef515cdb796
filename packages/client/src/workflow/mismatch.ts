/**
 * The code of a workflow is not the code that recorded the steps of a transaction: it was changed
 * without a new version, or an older version started it. The transaction needs operator attention,
 * since continuing could repeat effects, or fail to undo them.
 *
 * Deploy the code that started it and run `holdfast retry GID`; or correct its effects by hand and
 * run `holdfast stop GID`.
 */
export class WorkflowMismatch extends Error {
  override readonly name = 'WorkflowMismatch';
  readonly code = 'workflow_mismatch';
  readonly gid: string;

  constructor(gid: string, what: string) {
    super(
      `Workflow transaction ${gid} needs operator attention: ${what}. Deploy the code that started it and run "holdfast retry ${gid}", or correct its effects by hand and run "holdfast stop ${gid}"`,
    );
    this.gid = gid;
  }

  /** Only `RequestRejected` names a field. */
  get field(): undefined {
    return undefined;
  }

  /** The status is not known. */
  get status(): undefined {
    return undefined;
  }
}
