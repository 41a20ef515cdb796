create table transactions (
  namespace        text collate "C" not null,
  gid              text collate "C" not null,
  version          bigint not null,
  created_at       bigint not null,
  updated_at       bigint not null,
  due_at           bigint,
  finished_at      bigint,
  claims           integer not null,
  entry_count      integer not null,
  attention        boolean not null,
  before_attention boolean not null,
  status           text not null,
  before_status    text not null,
  pattern          text not null,
  app_group        text collate "C" not null,
  owner            text collate "C",
  write_id         text collate "C" not null,
  definition       bytea not null,
  state            bytea not null,
  primary key (namespace, gid)
) with (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.05);
create index due on transactions (app_group, due_at) where due_at is not null;
create index owned on transactions (owner) where owner is not null;
create index created on transactions (namespace, created_at, gid) where created_at >= 0;
create index finished on transactions (finished_at) where finished_at is not null;

create table entries (
  namespace text collate "C" not null,
  gid       text collate "C" not null,
  key       text collate "C" not null,
  position  integer not null,
  body      bytea not null,
  primary key (namespace, gid, key)
);

create table counters (
  namespace text collate "C" not null,
  slot      integer not null,
  prepared  bigint not null,
  submitted bigint not null,
  aborting  bigint not null,
  succeed   bigint not null,
  failed    bigint not null,
  attention bigint not null,
  last_at   bigint not null,
  primary key (namespace, slot)
) with (fillfactor = 25);

create table sessions (
  session      text collate "C" primary key,
  node         text not null,
  version      text not null,
  started_at   bigint not null,
  heartbeat_at bigint not null,
  ended_at     bigint
) with (fillfactor = 50);
create index living on sessions (session) where ended_at is null;
create index ended on sessions (ended_at) where ended_at is not null;

create table key_values (
  namespace  text collate "C" not null,
  category   text collate "C" not null,
  key        text collate "C" not null,
  value      text not null,
  version    bigint not null,
  created_at bigint not null,
  updated_at bigint not null,
  primary key (namespace, category, key)
);

create table schema_version (version integer not null);

insert into transactions (namespace, gid, version, created_at, updated_at, due_at, finished_at, claims, entry_count, attention, before_attention, status, before_status, pattern, app_group, owner, write_id, definition, state)
values ('default', 'parked', '1', '1700000000000', '1700000000000', null, null, '0', '0', 't', 't', 'aborting', 'aborting', 'workflow', '', null, 'write parked', '\x646566696e6974696f6e206f66207061726b6564', '\x7374617465206f66207061726b6564');
insert into transactions (namespace, gid, version, created_at, updated_at, due_at, finished_at, claims, entry_count, attention, before_attention, status, before_status, pattern, app_group, owner, write_id, definition, state)
values ('default', 'prepared', '1', '1700000000000', '1700000000000', '1700000005000', null, '0', '0', 'f', 'f', 'prepared', 'prepared', 'msg', '', null, 'write prepared', '\x00ff07', '\x');
insert into transactions (namespace, gid, version, created_at, updated_at, due_at, finished_at, claims, entry_count, attention, before_attention, status, before_status, pattern, app_group, owner, write_id, definition, state)
values ('elsewhere', '名前', '1', '1700000000000', '1700000000000', '1700000005000', null, '0', '0', 'f', 'f', 'submitted', 'submitted', 'xa', '', null, 'write 名前', '\x646566696e6974696f6e206f6620e5908de5898d', '\x7374617465206f6620e5908de5898d');
insert into transactions (namespace, gid, version, created_at, updated_at, due_at, finished_at, claims, entry_count, attention, before_attention, status, before_status, pattern, app_group, owner, write_id, definition, state)
values ('default', 'owned', '2', '1700000000000', '1700000001000', null, null, '1', '2', 'f', 'f', 'submitted', 'submitted', 'tcc', 'shop', 'node-1#a', 'write owned', '\x646566696e6974696f6e206f66206f776e6564', '\x7374617465206f66206f776e6564');
insert into transactions (namespace, gid, version, created_at, updated_at, due_at, finished_at, claims, entry_count, attention, before_attention, status, before_status, pattern, app_group, owner, write_id, definition, state)
values ('default', 'waits', '2', '1700000000000', '1700000001000', '1700000061000', null, '0', '0', 'f', 'f', 'submitted', 'submitted', 'saga', '', null, 'write again', '\x646566696e6974696f6e206f66207761697473', '\x6c61746572207374617465');

insert into entries (namespace, gid, key, position, body)
values ('default', 'owned', 'z', '1', '\x656e747279207a');
insert into entries (namespace, gid, key, position, body)
values ('default', 'owned', 'a', '2', '\x0001ff');

insert into counters (namespace, slot, prepared, submitted, aborting, succeed, failed, attention, last_at)
values ('elsewhere', '45', '0', '1', '0', '0', '0', '0', '1700000000000');
insert into counters (namespace, slot, prepared, submitted, aborting, succeed, failed, attention, last_at)
values ('default', '45', '1', '2', '1', '0', '0', '1', '1700000001000');

insert into sessions (session, node, version, started_at, heartbeat_at, ended_at)
values ('node-1#a', 'host:1', '0.1.0', '1700000000000', '1700000000000', null);

insert into schema_version (version)
values ('1');
