import { describe, expect, it } from 'vitest';
import { WORKFLOW_NAME } from '../src/participant-urls.ts';
import { message, saga, Story, tcc, workflow } from './story.ts';

/** Journals of coordinators that did everything right: a judge that convicts them is of no use. */
describe('the judge finds nothing wrong with', () => {
  it('a saga whose steps all took effect, once, though they were called again', () => {
    const story = new Story().planned(saga('x', 2)).responded('x', 'submit').effect('x', '01', 'action');
    story.skipped('x', '01', 'action', 'repeated').effect('x', '02', 'action').skipped('x', '02', 'action', 'repeated');
    expect(story.found()).toEqual([]);
    expect(story.judge()).toMatchObject([{ gid: 'x', outcome: 'committed', acknowledged: true }]);
  });

  it('a saga that was undone because a step returned FAILURE, with an empty compensation of that step', () => {
    const story = new Story().planned(saga('x', 3, { flavour: 'refused' })).responded('x', 'submit');
    story.effect('x', '01', 'action').called('x', '02', 'action');
    story.skipped('x', '02', 'compensate', 'empty').effect('x', '01', 'compensate');
    expect(story.found()).toEqual([]);
    expect(story.judge()).toMatchObject([{ outcome: 'rolled back' }]);
  });

  it('a concurrent saga whose independent steps took effect in any order', () => {
    const plan = saga('x', 3, { concurrent: true, orders: { '2': [0] } });
    const story = new Story().planned(plan).responded('x', 'submit');
    story.effect('x', '02', 'action').effect('x', '01', 'action').effect('x', '03', 'action');
    expect(story.found()).toEqual([]);
  });

  it('a saga that was never acknowledged, whether or not it was executed', () => {
    const story = new Story().planned(saga('x', 1)).responded('x', 'submit', { outcome: 'unknown' });
    story.planned(saga('y', 1)).responded('y', 'submit', { outcome: 'unknown' }).effect('y', '01', 'action');
    expect(story.found()).toEqual([]);
    expect(story.judge()).toMatchObject([{ outcome: 'not accepted' }, { outcome: 'committed', acknowledged: false }]);
  });

  it('a saga with a timeout that expired before its first call', () => {
    const story = new Story().planned(saga('x', 2, { flavour: 'timeout' })).responded('x', 'submit');
    expect(story.found()).toEqual([]);
  });

  it('a tcc whose submit was rejected because the tcc had succeeded: a proxy had repeated the call', () => {
    const story = new Story().planned(tcc('x', 1)).responded('x', 'prepare').effect('x', '01', 'try');
    story.effect('x', '01', 'confirm').responded('x', 'submit', { outcome: 'refused', status: 'succeed' });
    expect(story.found()).toEqual([]);
  });

  it('a workflow whose initiator died and that a callback resumed', () => {
    const story = new Story().planned(workflow('x', 2, { flavour: 'dies', diesBefore: 1 })).effect('x', '01', 'action');
    story.responded('x', 'run', { outcome: 'ongoing', status: 'prepared', waited: true });
    story.called('x', '00', WORKFLOW_NAME).effect('x', '02', 'action');
    expect(story.found()).toEqual([]);
    expect(story.judge()).toMatchObject([{ outcome: 'committed', acknowledged: true }]);
  });

  it('a workflow that was undone, newest step first, because a step returned FAILURE', () => {
    const story = new Story().planned(workflow('x', 3, { flavour: 'refused' }));
    story.effect('x', '01', 'action').effect('x', '02', 'action').called('x', '03', 'action');
    story.skipped('x', '03', 'rollback', 'empty').effect('x', '02', 'rollback').effect('x', '01', 'rollback');
    story.responded('x', 'run', { outcome: 'refused', status: 'failed', waited: true });
    expect(story.found()).toEqual([]);
    expect(story.judge()).toMatchObject([{ outcome: 'rolled back' }]);
  });

  it('a success that the caller received after the last effect', () => {
    const story = new Story().planned(saga('x', 1, { waitResult: true })).effect('x', '01', 'action');
    expect(story.responded('x', 'submit', { waited: true }).found()).toEqual([]);
  });

  it('a saga whose waiting caller received that it has not finished yet', () => {
    const story = new Story().planned(saga('x', 1)).responded('x', 'submit', { outcome: 'refused', waited: true });
    expect(story.effect('x', '01', 'action').found()).toEqual([]);
  });

  it('a TCC that was submitted and confirmed', () => {
    const story = new Story()
      .planned(tcc('x', 2))
      .responded('x', 'prepare')
      .effect('x', '01', 'try')
      .effect('x', '02', 'try');
    story.responded('x', 'submit').effect('x', '02', 'confirm').effect('x', '01', 'confirm');
    expect(story.found()).toEqual([]);
    expect(story.judge()).toMatchObject([{ outcome: 'committed' }]);
  });

  it('a TCC whose client died, and whose tries were cancelled', () => {
    const story = new Story()
      .planned(tcc('x', 2, { flavour: 'dies' }))
      .responded('x', 'prepare')
      .effect('x', '01', 'try');
    story.skipped('x', '02', 'cancel', 'empty').effect('x', '01', 'cancel');
    expect(story.found()).toEqual([]);
    expect(story.judge()).toMatchObject([{ outcome: 'rolled back' }]);
  });

  it('a TCC that is confirmed although a repeated submit was rejected: the first one had been accepted', () => {
    const story = new Story().planned(tcc('x', 1)).responded('x', 'prepare').effect('x', '01', 'try');
    story.responded('x', 'submit', { outcome: 'unknown' }).effect('x', '01', 'confirm');
    expect(story.responded('x', 'submit', { outcome: 'refused' }, true).found()).toEqual([]);
  });

  it('a message whose sender died after its local commit', () => {
    const story = new Story().planned(message('x', 2, { flavour: 'dies' })).responded('x', 'prepare');
    story.effect('x', '00', 'msg').called('x', '00', 'msg').effect('x', '01', 'action').effect('x', '02', 'action');
    expect(story.found()).toEqual([]);
    expect(story.judge()).toMatchObject([{ outcome: 'committed' }]);
  });

  it('a message whose sender never committed, and which had no effect', () => {
    const story = new Story().planned(message('x', 2, { flavour: 'silent' })).responded('x', 'prepare');
    expect(story.skipped('x', '00', 'msg', 'empty').found()).toEqual([]);
    expect(story.judge()).toMatchObject([{ outcome: 'rolled back' }]);
  });

  it('transactions whose gids are prefixes of one another', () => {
    const story = new Story().planned(saga('x-4', 2)).planned(saga('x-48', 2));
    story.responded('x-4', 'submit').responded('x-48', 'submit');
    story.effect('x-4', '01', 'action').effect('x-48', '01', 'action');
    story.effect('x-48', '02', 'action').effect('x-4', '02', 'action');
    expect(story.found()).toEqual([]);
  });
});
