/**
 * The code of a workflow is not the code that recorded the steps of a transaction: it was changed without a new version, or an older version began it. The
 * transaction waits for a person, since to go on could do twice, or fail to undo, what was done.
 *
 * Deploy the code that began it and order a retry (`holdfast retry GID`); or mend what it did by hand and stop it (`holdfast stop GID`).
 */
export class WorkflowMismatch extends Error {
  override readonly name = 'WorkflowMismatch';
  readonly code = 'workflow_mismatch';
  readonly gid: string;

  constructor(gid: string, what: string) {
    super(
      `Workflow transaction ${gid} waits for a person: ${what}. Deploy the code that began it and retry it (holdfast retry ${gid}), or mend by hand what it did and stop it (holdfast stop ${gid})`,
    );
    this.gid = gid;
  }
}
