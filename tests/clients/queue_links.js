// SPDX-License-Identifier: BSD-3-Clause
// What the queues need of a client library, in each library's own words.
//
//     const link = await open({ port, module_name, options });
//     await again(() => link.ack('jobs', 'workers', '1-0'));
//
// Every function asks the server once. What fails because the connection is cut may have been done
// or not; again() repeats it. link.cut() tells whether the connection was cut since it was asked.
'use strict';

// An error that the server replied begins with its code.
const replied = error => /^[A-Z]{2,} /.test(error.message) && !/^LOADING /.test(error.message);

async function again(ask) {
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      if (replied(error)) throw error;
      await new Promise(resolve => setTimeout(resolve, 20));
    }
  }
}

// Replies to XADD: an ID that is there already was added before the connection was cut.
function added(errors) {
  for (const error of errors) {
    if (error && !/equal or smaller than the target stream top/.test(error.message)) throw error;
  }
}

// { strict: true } gives a link that repeats nothing by itself, for WATCH.
function of_ioredis(Redis, { port, options, strict }) {
  const redis = new Redis({
    host: '127.0.0.1', port, retryStrategy: () => 20, autoResendUnfulfilledCommands: !strict,
    maxRetriesPerRequest: strict ? 0 : null, enableOfflineQueue: !strict, ...options,
  });
  let cuts = 0;
  redis.on('error', () => {});
  redis.on('close', () => { cuts++; });
  const rows = entries => entries.map(([id, [, job]]) => ({ id, job }));
  const all = replies => (replies ?? []).map(([error, value]) => {
    if (error) throw error;
    return value;
  });
  return {
    up: () => redis.status === 'ready' || new Promise(resolve => redis.once('ready', resolve)),
    cut: () => { const n = cuts; cuts = 0; return n > 0; },
    async xadd(key, jobs) {
      const pipeline = redis.pipeline();
      for (const job of jobs) pipeline.xadd(key, `${job}-0`, 'job', job);
      added((await pipeline.exec()).map(([error]) => error));
    },
    async xreadgroup(key, group, name, count, block_ms) {
      const reply = await redis.xreadgroup('GROUP', group, name, 'COUNT', count, 'BLOCK', block_ms,
        'STREAMS', key, '>');
      return reply ? rows(reply[0][1]) : [];
    },
    async xautoclaim(key, group, name, idle_ms, from) {
      const [next, entries] = await redis.xautoclaim(key, group, name, idle_ms, from, 'COUNT', 100);
      return { next, rows: rows(entries) };
    },
    async xfinish(key, group, id) {
      return all(await redis.multi().xack(key, group, id).xdel(key, id).exec());
    },
    xlen: key => redis.xlen(key),
    llen: key => redis.llen(key),
    sismember: (key, member) => redis.sismember(key, member),
    async push(set, list, jobs) {
      return all(await redis.multi().sadd(set, ...jobs).lpush(list, ...jobs).exec());
    },
    blmove: (from, to, timeout) => redis.blmove(from, to, 'RIGHT', 'LEFT', timeout),
    lrem: (key, job) => redis.lrem(key, 1, job),
    async beat(set, name, key, ms) {
      return all(await redis.multi().sadd(set, name).set(key, 1, 'PX', ms).exec());
    },
    members: set => redis.smembers(set),
    exists: key => redis.exists(key),
    async watched_last(key) {
      await redis.watch(key);
      return redis.lindex(key, -1);
    },
    unwatch: () => redis.unwatch(),
    put_back: async (from, to) => all(await redis.multi().lmove(from, to, 'RIGHT', 'RIGHT').exec()),
  };
}

async function of_node_redis({ createClient, WatchError }, { port, options, strict }) {
  const client = createClient({
    ...options, disableOfflineQueue: Boolean(strict),
    socket: { host: '127.0.0.1', port, reconnectStrategy: () => 20 },
  });
  let cuts = 0;
  client.on('error', () => { cuts++; });
  await client.connect();
  const rows = entries => entries.map(({ id, message }) => ({ id, job: message.job }));
  return {
    up: () => client.isReady || new Promise(resolve => client.once('ready', resolve)),
    cut: () => { const n = cuts; cuts = 0; return n > 0; },
    async xadd(key, jobs) {
      const adds = jobs.map(job => client.xAdd(key, `${job}-0`, { job }));
      added((await Promise.allSettled(adds)).map(result => result.reason));
    },
    async xreadgroup(key, group, name, COUNT, BLOCK) {
      const reply = await client.xReadGroup(group, name, { key, id: '>' }, { COUNT, BLOCK });
      return reply ? rows(reply[0].messages) : [];
    },
    async xautoclaim(key, group, name, idle_ms, from) {
      const reply = await client.xAutoClaim(key, group, name, idle_ms, from, { COUNT: 100 });
      return { next: reply.nextId, rows: rows(reply.messages) };
    },
    xfinish: (key, group, id) => client.multi().xAck(key, group, id).xDel(key, id).exec(),
    xlen: key => client.xLen(key),
    llen: key => client.lLen(key),
    sismember: (key, member) => client.sIsMember(key, member),
    push: (set, list, jobs) => client.multi().sAdd(set, jobs).lPush(list, jobs).exec(),
    blmove: (from, to, timeout) => client.blMove(from, to, 'RIGHT', 'LEFT', timeout),
    lrem: (key, job) => client.lRem(key, 1, job),
    beat: (set, name, key, PX) => client.multi().sAdd(set, name).set(key, '1', { PX }).exec(),
    members: set => client.sMembers(set),
    exists: key => client.exists(key),
    async watched_last(key) {
      await client.watch(key);
      return client.lIndex(key, -1);
    },
    unwatch: () => client.unwatch(),
    put_back: (from, to) => client.multi().lMove(from, to, 'RIGHT', 'RIGHT').exec()
      .catch(error => { if (!(error instanceof WatchError)) throw error; }),
  };
}

async function open(how) {
  const library = require(how.module_name);
  return library.WatchError ? of_node_redis(library, how) : of_ioredis(library, how);
}

module.exports = { open, again };
