import { describe, expect, it } from 'vitest';
import { message, saga, Story, tcc, workflow } from './story.ts';

/** One journal for each thing that can go wrong. */
describe('the judge reports', () => {
  it('lost: an acknowledged saga for which no participant was ever called', () => {
    expect(new Story().planned(saga('x', 2)).responded('x', 'submit').found()).toEqual(['lost x']);
  });

  it('lost: an acknowledged message for which no participant was ever called', () => {
    const story = new Story().planned(message('x', 2, { flavour: 'direct' })).responded('x', 'submit');
    expect(story.found()).toEqual(['lost x']);
  });

  it('never-called: a branch of x-4 was lost because x-48 exists', () => {
    const story = new Story().planned(saga('x-4', 2)).planned(saga('x-48', 1));
    story.responded('x-4', 'submit').responded('x-48', 'submit');
    expect(story.effect('x-4', '01', 'action').effect('x-48', '01', 'action').found()).toEqual(['never-called x-4']);
  });

  it('half-done: a failed saga keeps an effect that was not undone', () => {
    const story = new Story().planned(saga('x', 3, { flavour: 'refused' })).responded('x', 'submit');
    story
      .effect('x', '01', 'action')
      .effect('x', '02', 'action')
      .called('x', '03', 'action')
      .effect('x', '02', 'compensate');
    expect(story.found()).toEqual(['half-done x']);
  });

  it('half-done: even if the saga was never acknowledged', () => {
    const story = new Story().planned(saga('x', 2)).responded('x', 'submit', { outcome: 'unknown' });
    story.effect('x', '01', 'action').effect('x', '02', 'action').effect('x', '02', 'compensate');
    expect(story.found()).toEqual(['half-done x']);
  });

  it('never-called: a workflow that was begun, pending for its client, and never called back', () => {
    const story = new Story().planned(workflow('x', 2, { flavour: 'dies', diesBefore: 1 })).effect('x', '01', 'action');
    story.responded('x', 'run', { outcome: 'ongoing', status: 'prepared', waited: true });
    expect(story.found()).toEqual(['never-called x']);
  });

  it('out-of-order: a workflow that was undone oldest step first', () => {
    const story = new Story().planned(workflow('x', 3, { flavour: 'refused' }));
    story.effect('x', '01', 'action').effect('x', '02', 'action').called('x', '03', 'action');
    story.effect('x', '01', 'rollback').effect('x', '02', 'rollback');
    expect(story.found()).toEqual(['out-of-order x']);
  });

  it('early-success: a workflow that was reported as succeeded before its last step took effect', () => {
    const story = new Story().planned(workflow('x', 2)).effect('x', '01', 'action');
    story.responded('x', 'run', { status: 'succeed', waited: true }).effect('x', '02', 'action');
    expect(story.found()).toEqual(['early-success x']);
  });

  it('not-final: a try that was neither confirmed nor cancelled', () => {
    const story = new Story()
      .planned(tcc('x', 2))
      .responded('x', 'prepare')
      .effect('x', '01', 'try')
      .effect('x', '02', 'try');
    expect(story.responded('x', 'submit').effect('x', '02', 'confirm').found()).toEqual(['not-final x']);
  });

  it('not-final: the coordinator itself reports the transaction as unfinished', () => {
    const story = new Story().planned(saga('x', 1)).responded('x', 'submit').effect('x', '01', 'action');
    expect(story.unfinished('x').found()).toEqual(['not-final x']);
  });

  it('wrong-outcome: a saga that had to commit was rolled back', () => {
    const story = new Story().planned(saga('x', 1)).responded('x', 'submit').effect('x', '01', 'action');
    expect(story.effect('x', '01', 'compensate').found()).toEqual(['wrong-outcome x']);
  });

  it('wrong-outcome: a saga of which a step failed was kept', () => {
    const story = new Story().planned(saga('x', 1, { flavour: 'refused' })).responded('x', 'submit');
    expect(story.effect('x', '01', 'action').found()).toEqual(['wrong-outcome x']);
  });

  it('wrong-outcome: a caller that waited received SUCCESS, and the saga was rolled back', () => {
    const plan = saga('x', 1, { flavour: 'refused' });
    const story = new Story().planned(plan).effect('x', '01', 'action').responded('x', 'submit', { waited: true });
    expect(story.effect('x', '01', 'compensate').found()).toEqual(['wrong-outcome x']);
  });

  it('wrong-outcome: a response contained the status failed, and the saga was kept', () => {
    const story = new Story().planned(saga('x', 1)).responded('x', 'submit', { outcome: 'refused', status: 'failed' });
    expect(story.effect('x', '01', 'action').found()).toEqual(['wrong-outcome x']);
  });

  it('wrong-outcome: a TCC was cancelled although its submit was acknowledged', () => {
    const story = new Story()
      .planned(tcc('x', 1))
      .responded('x', 'prepare')
      .effect('x', '01', 'try')
      .responded('x', 'submit');
    expect(story.effect('x', '01', 'cancel').found()).toEqual(['wrong-outcome x']);
  });

  it('wrong-outcome: a TCC was confirmed although it was never submitted', () => {
    const story = new Story()
      .planned(tcc('x', 1))
      .responded('x', 'prepare')
      .effect('x', '01', 'try')
      .responded('x', 'abort');
    expect(story.effect('x', '01', 'confirm').found()).toEqual(['wrong-outcome x']);
  });

  it('wrong-outcome: a TCC was confirmed although its submit was rejected', () => {
    const story = new Story().planned(tcc('x', 1)).responded('x', 'prepare').effect('x', '01', 'try');
    story.responded('x', 'submit', { outcome: 'refused' }).effect('x', '01', 'confirm');
    expect(story.found()).toEqual(['wrong-outcome x']);
  });

  it('wrong-outcome: the sender of a message committed, and its steps never ran', () => {
    const story = new Story().planned(message('x', 2, { flavour: 'dies' })).responded('x', 'prepare');
    expect(story.effect('x', '00', 'msg').found()).toEqual(['wrong-outcome x']);
  });

  it('wrong-outcome: the sender of a message never committed, and its steps ran', () => {
    const story = new Story().planned(message('x', 1, { flavour: 'silent' })).responded('x', 'prepare');
    expect(story.skipped('x', '00', 'msg', 'empty').effect('x', '01', 'action').found()).toEqual(['wrong-outcome x']);
  });

  it('early-success: a caller that waited received a success before the last effect', () => {
    const story = new Story()
      .planned(saga('x', 2))
      .effect('x', '01', 'action')
      .responded('x', 'submit', { waited: true });
    expect(story.effect('x', '02', 'action').found()).toEqual(['early-success x']);
  });

  it('twice: an effect that the barrier let through again', () => {
    const story = new Story().planned(saga('x', 1)).responded('x', 'submit');
    expect(story.effect('x', '01', 'action').effect('x', '01', 'action').found()).toEqual(['twice x']);
  });

  it('without-origin: a compensation that took effect without its action', () => {
    const story = new Story().planned(saga('x', 1, { flavour: 'refused' })).responded('x', 'submit');
    expect(story.called('x', '01', 'action').effect('x', '01', 'compensate').found()).toEqual(['without-origin x']);
  });

  it('dangling: an action that took effect after its compensation', () => {
    const story = new Story().planned(saga('x', 1, { flavour: 'refused' })).responded('x', 'submit');
    expect(story.effect('x', '01', 'compensate').effect('x', '01', 'action').found()).toEqual(['dangling x']);
  });

  it('both-ways: a try that was cancelled and confirmed', () => {
    const story = new Story()
      .planned(tcc('x', 1))
      .responded('x', 'prepare')
      .effect('x', '01', 'try')
      .responded('x', 'abort');
    expect(story.effect('x', '01', 'cancel').effect('x', '01', 'confirm').found()).toEqual(['both-ways x']);
  });

  it('out-of-order: a step took effect before the one that it depends on', () => {
    const story = new Story().planned(saga('x', 2)).responded('x', 'submit');
    expect(story.effect('x', '02', 'action').effect('x', '01', 'action').found()).toEqual(['out-of-order x']);
  });

  it('out-of-order: a concurrent saga ignored its dependencies', () => {
    const plan = saga('x', 3, { concurrent: true, orders: { '1': [0] } });
    const story = new Story().planned(plan).responded('x', 'submit').effect('x', '03', 'action');
    expect(story.effect('x', '02', 'action').effect('x', '01', 'action').found()).toEqual(['out-of-order x']);
  });

  it('out-of-order: steps were undone in the order in which they were done', () => {
    const story = new Story().planned(saga('x', 3, { flavour: 'refused' })).responded('x', 'submit');
    story.effect('x', '01', 'action').effect('x', '02', 'action').called('x', '03', 'action');
    expect(story.effect('x', '01', 'compensate').effect('x', '02', 'compensate').found()).toEqual(['out-of-order x']);
  });

  it('wrong-payload: a participant was called with another payload than the client specified', () => {
    const story = new Story().planned(saga('x', 1)).responded('x', 'submit');
    expect(story.effect('x', '01', 'action', { account: 'account-01', amount: 11 }).found()).toEqual([
      'wrong-payload x',
    ]);
  });

  it('misrouted: a branch was called at the URL of another transaction', () => {
    const story = new Story().planned(saga('x-4', 1)).responded('x-4', 'submit').effect('x-4', '01', 'action');
    expect(story.called('x-4', '01', 'action', 'x-48 01 action').found()).toEqual(['misrouted x-4']);
  });

  it('stranger: a branch that no client requested, and a gid that no client used', () => {
    const story = new Story().planned(saga('x', 1)).responded('x', 'submit').effect('x', '01', 'action');
    story.called('x', '02', 'action').called('', '01', 'action');
    expect(story.found()).toEqual(['stranger x', 'stranger ']);
  });

  it('gid-reused: two clients received the same fresh gid', () => {
    const story = new Story()
      .planned(saga('g', 1))
      .planned(saga('g', 1))
      .responded('g', 'submit')
      .effect('g', '01', 'action');
    expect(story.found()).toEqual(['gid-reused g']);
  });
});

describe('the judge', () => {
  it('prints the lines of both journals in the order of events', () => {
    const story = new Story()
      .planned(tcc('x', 1))
      .responded('x', 'prepare')
      .called('x', '01', 'try')
      .responded('x', 'abort');
    const kinds = story
      .judge()
      .flatMap(({ texts }) => texts.map((text) => (JSON.parse(text) as { kind: string }).kind));
    expect(kinds).toEqual(['planned', 'responded', 'call', 'responded']);
  });
});
