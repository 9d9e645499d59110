// SPDX-License-Identifier: BSD-3-Clause
// node-redis as its users have it: node node_redis.js PORT MODULE [OPTIONS as JSON]
// Debian has version 4; the one that npm brings speaks RESP3 and hands out scans in portions.
'use strict';
const { suite, is, until, rejects } = require('./suite');
const [port, module_name, options = '{}'] = process.argv.slice(2);
const { createClient, WatchError } = require(module_name);
const shards = createClient().sSubscribe !== undefined;
const resp3 = JSON.parse(options).RESP === 3;

async function connect(ctx, more = {}) {
  const client = createClient({
    ...JSON.parse(options), ...more,
    socket: { host: '127.0.0.1', port: Number(port), reconnectStrategy: () => 10 },
  });
  client.on('error', error => { ctx.error = error; });
  ctx.atEnd(() => client.destroy ? client.destroy() : client.disconnect());
  return await client.connect() ?? client;
}

async function open(ctx) {
  ctx.connect = more => connect(ctx, more);
  ctx.client = await ctx.connect();
  await ctx.client.flushAll();
  await ctx.client.configSet('notify-keyspace-events', '');
}

const blocked = (client, n) =>
  until(async () =>
    new RegExp(`^blocked_clients:${n}\\r$`, 'm').test(await client.info('clients')));
const id_of = async client => Number(await client.sendCommand(['CLIENT', 'ID']));
// A listener, and what it has heard.
function ear() {
  const all = [];
  return [all, (message, channel) => { all.push([channel, message]); }];
}
const sorted = list => [...list].sort();

const values = {
  async 'strings, numbers and objects go and come back'({ client }) {
    const large = 'é\0\r\n'.repeat(500000);
    await client.set('large', large);
    is(await client.get('large') === large, true);
    await client.mSet([['a', '1'], ['b', 'é']]);
    is(await client.mGet(['a', 'b', 'none']), ['1', 'é', null]);
    is(await client.hSet('h', { f: 1, g: 'x' }), 2);
    is(await client.hGetAll('h'), { f: '1', g: 'x' });
    is(await client.hGetAll('none'), {});
    is(await client.zAdd('z', [{ score: 1.5, value: 'm' }, { score: -Infinity, value: 'n' }]), 2);
    is(await client.zRangeWithScores('z', 0, -1),
      [{ value: 'n', score: -Infinity }, { value: 'm', score: 1.5 }]);
    is(await client.zScore('z', 'm'), 1.5);
    is(await client.zScore('z', 'none'), null);
    is(await client.set('k', 'v', { EX: 100, NX: true }), 'OK');
    is(await client.set('k', 'w', { NX: true }), null);
    is(Number(await client.incrByFloat('f', 0.1)), 0.1);
    is(sorted(await client.sUnion(['none', 'none'])), []);
    is((await client.configGet('maxmemory-policy')), { 'maxmemory-policy': 'noeviction' });
    is(await client.geoAdd('g', { longitude: 13.361389, latitude: 38.115556, member: 'P' }), 1);
    const [[place]] = [await client.geoPos('g', 'P')];
    is(Number(place.longitude).toFixed(5), '13.36139');
    is(await client.pfAdd('p', ['a', 'b']) == 1, true);
    is(await client.pfCount('p'), 2);
  },
  async 'a name, another database, a password'({ client, connect }) {
    await client.configSet('requirepass', 'secret');
    try {
      const other = await connect({ name: 'named', database: 3, password: 'secret' });
      await other.set('k', 'v');
      is(await other.clientGetName(), 'named');
      is(await client.exists('k'), 0);
      await client.select(3);
      is(await client.keys('*'), ['k']);
    } finally {
      await client.configSet('requirepass', '');
    }
  },
  async 'scans meet every key of what stands still'({ client }) {
    const all = [];
    for (let i = 0; i < 5000; i++) {
      all.push(client.set(`key:${i}`, i.toString()), client.sAdd('set', `m${i}`));
    }
    for (let i = 0; i < 3000; i++) {
      all.push(client.hSet('hash', `f${i}`, i), client.zAdd('zset', { score: i, value: `m${i}` }));
    }
    await Promise.all(all);
    const gather = async iterator => {
      const found = [];
      for await (const some of iterator) found.push(some);
      return found.flat();
    };
    is(new Set(await gather(client.scanIterator({ MATCH: 'key:*', COUNT: 100 }))).size, 5000);
    is(await gather(client.scanIterator({ TYPE: 'zset' })), ['zset']);
    is(new Set(await gather(client.sScanIterator('set'))).size, 5000);
    is((await gather(client.hScanIterator('hash', { MATCH: 'f1?' }))).map(row => row.value).sort(),
      ['10', '11', '12', '13', '14', '15', '16', '17', '18', '19']);
    const rows = await gather(client.zScanIterator('zset', { COUNT: 500 }));
    is(rows.find(row => row.value === 'm77'), { value: 'm77', score: 77 });
    is(rows.length, 3000);
  },
};

const flow = {
  async 'what is asked in one turn is one pipeline, errors among it'({ client }) {
    const all = [];
    for (let i = 0; i < 10000; i++) {
      all.push(i % 1000 === 500 ? client.lPush('n', 'x').catch(e => e.message) : client.incr('n'));
    }
    let n = 0;
    for (const [i, reply] of (await Promise.all(all)).entries()) {
      if (i % 1000 === 500) is(/^WRONGTYPE /.test(reply), true);
      else is(reply, ++n);
    }
  },
  async 'MULTI: all, none, and what was watched'({ client, connect }) {
    is(await client.multi().set('k', '1').incr('k').get('none').hGetAll('none').exec(),
      ['OK', 2, null, {}]);
    const mixed = await client.multi().incr('k').lPop('k').incr('k').exec()
      .catch(error => error.replies);
    is([mixed[0], mixed[2]], [3, 4]);
    is(/^WRONGTYPE /.test(mixed[1].message), true);
    const wrong = client.multi().incr('k').addCommand(['SET', 'k']);
    await rejects(wrong.exec(), /^(EXECABORT|ERR wrong)/);
    is(await client.get('k'), '4');
    const other = await connect();
    await other.watch('k');
    await client.set('k', '10');
    is(await other.multi().incr('k').exec().catch(e => e instanceof WatchError), true);
    is(await other.multi().incr('k').exec(), [11]);
  },
  async 'who is cut off comes back, in its database, and goes on'({ client, connect }) {
    const other = await connect({ database: 2 });
    const id = await id_of(other);
    await client.sendCommand(['CLIENT', 'KILL', 'ID', String(id)]);
    await until(async () => {
      try { return await id_of(other) > id; } catch { return false; }
    });
    await other.set('k', 'v');
    await client.select(2);
    is(await client.get('k'), 'v');
  },
};

const waiting = {
  async 'blocking pops: at once, by whoever came first, in vain'({ client, connect }) {
    await client.rPush('l', ['a', 'b']);
    is(await client.blPop(['none', 'l'], 0), { key: 'l', element: 'a' });
    is(await client.blMove('l', 'm', 'LEFT', 'RIGHT', 0), 'b');
    is(await client.blPop('none', 0.05), null);
    is(await client.brPopLPush('none', 'm', 0.05), null);
    is(await client.bzPopMin('none', 0.05), null);
    const waiters = [await connect(), await connect(), await connect()];
    const got = [];
    for (const [i, waiter] of waiters.entries()) {
      got.push(waiter.blPop(['k', 'q'], 0));
      await blocked(client, i + 1);
    }
    await client.rPush('q', ['1', '2']);
    is(await client.lPush('k', '3'), 1);
    is(await Promise.all(got), [['q', '1'], ['q', '2'], ['k', '3']]
      .map(([key, element]) => ({ key, element })));
    const popped = waiters[0].bzPopMax('z', 0);
    await blocked(client, 1);
    await client.zAdd('z', [{ score: 1, value: 'low' }, { score: 2.5, value: 'high' }]);
    is(await popped, { key: 'z', value: 'high', score: 2.5 });
    const several = waiters[0].blmPop(0, ['x', 'y'], 'RIGHT', { COUNT: 2 });
    await blocked(client, 1);
    await client.rPush('y', ['1', '2', '3']);
    const { key, elements } = Array.isArray(await several) ?
      { key: (await several)[0], elements: (await several)[1] } : await several;
    is([key, elements], ['y', ['3', '2']]);
  },
  async 'who is cut off while it waits is told, and may wait again'({ client, connect }) {
    const waiter = await connect();
    const id = await id_of(waiter);
    const got = waiter.blPop('q', 0).then(() => 'a reply', error => error.constructor.name);
    await blocked(client, 1);
    await client.sendCommand(['CLIENT', 'KILL', 'ID', String(id)]);
    is(await got !== 'a reply', true);
    await blocked(client, 0);
    const again = waiter.blPop('q', 0);
    await blocked(client, 1);
    await client.rPush('q', 'late');
    is(await again, { key: 'q', element: 'late' });
  },
};

const streams = {
  async 'entries come as written, trimmed as asked'({ client }) {
    const all = [];
    for (let i = 1; i <= 1000; i++) {
      all.push(client.xAdd('s', `${i}-0`, { n: String(i), text: `entry ${i}` }));
    }
    is((await Promise.all(all)).pop(), '1000-0');
    is(await client.xRange('s', '2', '(4-0'), [2, 3].map(i =>
      ({ id: `${i}-0`, message: { n: String(i), text: `entry ${i}` } })));
    is((await client.xRevRange('s', '+', '-', { COUNT: 1 }))[0].id, '1000-0');
    const TRIM = { strategy: 'MAXLEN', threshold: 500 };
    is(await client.xAdd('s', '1001-0', { f: 'v' }, { TRIM }), '1001-0');
    is(await client.xLen('s'), 500);
    is(await client.xTrim('s', 'MINID', 990), 488);
    is(await client.xDel('s', ['1000-0', '1-0']), 1);
    const add = (client.xAddNoMkStream ?? client.xAdd).bind(client);
    is(await add('none', '*', { f: 'v' }, { NOMKSTREAM: true }), null);
    await rejects(client.xAdd('s', '1001-0', { f: 'v' }), /^ERR The ID specified in XADD is equal/);
    const about = await client.xInfoStream('s');
    is(about.length, 11);
    is((about.firstEntry ?? about['first-entry']).id, '990-0');
  },
  async 'a reader of two streams waits for what is new'({ client, connect }) {
    await client.xAdd('a', '1-0', { f: 'old' });
    const waiter = await connect();
    const both = [{ key: 'a', id: '$' }, { key: 'b', id: '$' }];
    const got = waiter.xRead(both, { COUNT: 10, BLOCK: 0 });
    await blocked(client, 1);
    await client.multi().xAdd('b', '5-0', { f: 'v' }).xAdd('b', '5-1', { f: 'w' }).exec();
    is(read(await got), [['b', '5-0', { f: 'v' }], ['b', '5-1', { f: 'w' }]]);
    is(await waiter.xRead([{ key: 'a', id: '1' }], { BLOCK: 20 }), null);
    is(read(await client.xRead({ key: 'a', id: '0' })), [['a', '1-0', { f: 'old' }]]);
  },
  async 'a group: delivered, pending, claimed, acknowledged'({ client }) {
    is(await client.xGroupCreate('s', 'g', '$', { MKSTREAM: true }), 'OK');
    await rejects(client.xGroupCreate('s', 'g', '$'), /^BUSYGROUP /);
    await rejects(client.xReadGroup('x', 'c', { key: 's', id: '>' }), /^NOGROUP /);
    for (let i = 1; i <= 5; i++) await client.xAdd('s', `${i}-0`, { n: String(i) });
    const rows = ids => ids.map(i => ['s', `${i}-0`, { n: String(i) }]);
    const ask = async (who, id, more) =>
      read(await client.xReadGroup('g', who, { key: 's', id }, more));
    is(await ask('one', '>', { COUNT: 3 }), rows([1, 2, 3]));
    is(await ask('two', '>', { BLOCK: 0 }), rows([4, 5]));
    is(await client.xAck('s', 'g', ['1-0', '9-0']), 1);
    is(await ask('one', '0'), rows([2, 3]));
    is(await client.xPending('s', 'g'), { pending: 4, firstId: '2-0', lastId: '5-0',
      consumers: [{ name: 'one', deliveriesCounter: 2 }, { name: 'two', deliveriesCounter: 2 }] });
    const detail = await client.xPendingRange('s', 'g', '-', '+', 10, { consumer: 'one' });
    is(detail.map(row => [row.id, row.deliveriesCounter]), [['2-0', 2], ['3-0', 2]]);
    is((await client.xClaim('s', 'g', 'two', 0, '2-0')).map(m => m.id), ['2-0']);
    const taken = await client.xAutoClaim('s', 'g', 'two', 0, '0', { COUNT: 2 });
    is([taken.nextId, taken.messages.map(m => m.id)], ['4-0', ['2-0', '3-0']]);
    is(await client.xAck('s', 'g', ['2-0', '3-0', '4-0', '5-0']), 4);
    const [group] = await client.xInfoGroups('s');
    is([group.name, group.consumers, group.pending], ['g', 2, 0]);
    is((await client.xInfoConsumers('s', 'g')).map(c => [c.name, c.pending]),
      [['one', 0], ['two', 0]]);
    is(await client.xGroupDelConsumer('s', 'g', 'one'), 0);
    is(Number(await client.xGroupDestroy('s', 'g')), 1);
  },
};
// As one list.
const read = reply => reply.flatMap(({ name, messages }) =>
  messages.map(({ id, message }) => [name, id, message]));

const messages = {
  async 'channels and patterns, in order'({ client, connect }) {
    const listener = await connect();
    const [by_name, on_name] = ear();
    const [by_pattern, on_pattern] = ear();
    const [raw, on_raw] = ear();
    await listener.subscribe('news', on_name);
    await listener.subscribe('news', on_raw, true);
    await listener.pSubscribe('n?ws', on_pattern);
    const numbers = Array.from({ length: 1000 }, (_, i) => String(i));
    is(new Set(await Promise.all(numbers.map(i => client.publish('news', i)))), new Set([2]));
    is(await client.publish('none', 'x'), 0);
    await until(() => by_pattern.length === 1000);
    is(by_name, numbers.map(i => ['news', i]));
    is(by_pattern, by_name);
    is(raw[77], [Buffer.from('news'), Buffer.from('77')]);
    is({ ...await client.pubSubNumSub(['news', 'none']) }, { news: 1, none: 0 });
    await listener.unsubscribe('news');
    await listener.pUnsubscribe();
    is(await client.publish('news', 'late'), 0);
    is(await listener.get('k'), null);
  },
  async 'a listener that was cut off listens again'({ client, connect }) {
    const listener = await connect();
    const [heard, on] = ear();
    await listener.subscribe('a', on);
    await listener.pSubscribe('b*', on);
    if (shards) await listener.sSubscribe('c', on);
    is(Number(await client.sendCommand(['CLIENT', 'KILL', 'TYPE', 'pubsub'])), 1);
    await until(async () => await client.publish('a', 'again') === 1);
    await until(async () => await client.publish('bb', 'again') === 1);
    if (shards) await until(async () => await client.sPublish('c', 'again') === 1);
    const channels = shards ? ['a', 'bb', 'c'] : ['a', 'bb'];
    await until(() => heard.length === channels.length);
    is(heard, channels.map(channel => [channel, 'again']));
  },
  async 'events of keys'({ client, connect }) {
    await client.configSet('notify-keyspace-events', 'AKE');
    const listener = await connect();
    const [heard, on] = ear();
    await listener.pSubscribe('__keyevent@0__:*', on);
    await client.set('k', '1', { PX: 1 });
    await until(async () => await client.exists('k') === 0);
    await client.multi().rPush('l', '1').rename('l', 'm').lPop('m')
      .xAdd('s', '*', { f: 'v' }).del('s').exec();
    await until(() => heard.length >= 10);
    is(heard.map(([channel, key]) => `${channel.slice(15)} ${key}`), ['set k',
      'expire k', 'expired k', 'rpush l', 'rename_from l', 'rename_to m', 'lpop m', 'del m',
      'xadd s', 'del s']);
  },
};

const of_resp3 = {
  async 'a client that listens may ask as well, in RESP3'({ client, connect }) {
    const listener = await connect();
    const [heard, on] = ear();
    await listener.subscribe('a', on);
    is(await Promise.all([listener.publish('a', '1'), listener.set('k', 'v'), listener.get('k')]),
      [1, 'OK', 'v']);
    await until(() => heard.length === 1);
    await client.publish('a', '2');
    is(await listener.hGetAll('none'), {});
    await until(() => heard.length === 2);
    is(heard, [['a', '1'], ['a', '2']]);
  },
};

const of_shards = {
  async 'sharded channels'({ client, connect }) {
    const listener = await connect();
    const [heard, on] = ear();
    await listener.sSubscribe('s', on);
    is(await client.publish('s', 'not to the shard'), 0);
    is(await client.sPublish('s', 'one'), 1);
    is(await client.sPublish('s', 'two'), 1);
    await until(() => heard.length === 2);
    is(heard, [['s', 'one'], ['s', 'two']]);
    await listener.sUnsubscribe('s');
    is(await client.sPublish('s', 'late'), 0);
  },
};

suite({ ...values, ...flow, ...waiting, ...streams, ...messages, ...resp3 && of_resp3,
  ...shards && of_shards }, open);
