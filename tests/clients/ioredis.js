// SPDX-License-Identifier: BSD-3-Clause
// ioredis as its users have it: node ioredis.js PORT MODULE [OPTIONS as JSON]
'use strict';
const { suite, is, until, rejects } = require('./suite');
const [port, module_name, options = '{}'] = process.argv.slice(2);
const Redis = require(module_name);

const bytes = Buffer.from(Array.from({ length: 256 }, (_, i) => i));

function connect(ctx, more = {}) {
  const all = { port: Number(port), host: '127.0.0.1', ...JSON.parse(options), ...more };
  const redis = new Redis(all);
  redis.on('error', error => { ctx.error = error; });
  ctx.atEnd(() => redis.disconnect());
  return redis;
}

async function open(ctx) {
  ctx.connect = more => connect(ctx, more);
  ctx.redis = ctx.connect();
  await ctx.redis.flushall();
  await ctx.redis.config('SET', 'notify-keyspace-events', '');
}

// As many clients wait for keys.
const blocked = (redis, n) =>
  until(async () => new RegExp(`^blocked_clients:${n}\\r$`, 'm').test(await redis.info('clients')));
// The next so many events of that name, as arrays of their arguments.
function heard(emitter, name, n) {
  return new Promise(resolve => {
    const all = [];
    emitter.on(name, (...args) => { if (all.push(args) === n) resolve([...all]); });
  });
}

const values = {
  async 'bytes, numbers and objects go and come back'({ redis }) {
    await redis.set(bytes, bytes);
    is(await redis.getBuffer(bytes), bytes);
    const large = Buffer.alloc(3 << 20, bytes);
    await redis.set('large', large);
    is((await redis.getBuffer('large')).equals(large), true);
    await redis.mset(new Map([['a', 1], ['b', 'é']]));
    is(await redis.mget('a', 'b', 'none'), ['1', 'é', null]);
    await redis.hset('h', { f: 1, g: 'x' });
    is(await redis.hgetall('h'), { f: '1', g: 'x' });
    is(await redis.hgetall('none'), {});
    is(await redis.zadd('z', 1.5, 'm', '-inf', 'n'), 2);
    is(await redis.zrange('z', 0, -1, 'WITHSCORES'), ['n', '-inf', 'm', '1.5']);
    is(await redis.zscore('z', 'm'), '1.5');
    is(await redis.set('k', 'v', 'EX', 100, 'NX'), 'OK');
    is(await redis.set('k', 'w', 'NX'), null);
    is(await redis.incrbyfloat('f', 0.1), '0.1');
  },
  async 'a prefix, a name, another database'({ redis, connect }) {
    const other = connect({ keyPrefix: 'p:', db: 3, connectionName: 'named' });
    await other.set('k', 'v');
    is(await other.sort('none'), []);
    is(await other.mget('k'), ['v']);
    is(await other.client('GETNAME'), 'named');
    is(await redis.exists('p:k'), 0);
    await redis.select(3);
    is(await redis.keys('*'), ['p:k']);
  },
  async 'a password'({ redis, connect }) {
    await redis.config('SET', 'requirepass', 'secret');
    try {
      const none = connect({ retryStrategy: null });
      await rejects(none.get('k'), /^NOAUTH /);
      const wrong = connect({ password: 'wrong', retryStrategy: null });
      await rejects(wrong.get('k'), /^(NOAUTH|WRONGPASS) |closed/);
      is(await connect({ password: 'secret' }).get('k'), null);
    } finally {
      await redis.config('SET', 'requirepass', '');
    }
  },
  async 'scan streams meet every key once their set stands still'({ redis }) {
    const pipeline = redis.pipeline();
    for (let i = 0; i < 5000; i++) pipeline.set(`key:${i}`, i).sadd('set', `m${i}`);
    for (let i = 0; i < 3000; i++) pipeline.hset('hash', `f${i}`, i).zadd('zset', i, `m${i}`);
    await pipeline.exec();
    const all = async stream => {
      const found = [];
      for await (const some of stream) found.push(...some);
      return found;
    };
    const keys = await all(redis.scanStream({ match: 'key:*', count: 100 }));
    is(new Set(keys).size, 5000);
    is(await all(redis.scanStream({ type: 'zset' })), ['zset']);
    is(new Set(await all(redis.sscanStream('set'))).size, 5000);
    is((await all(redis.hscanStream('hash', { match: 'f1?' }))).length, 20);
    const rows = await all(redis.zscanStream('zset', { count: 500 }));
    is(rows.length, 6000);
    is(rows[rows.indexOf('m77') + 1], '77');
  },
};

const flow = {
  async 'a pipeline of ten thousand commands, errors among them'({ redis }) {
    const pipeline = redis.pipeline();
    for (let i = 0; i < 10000; i++) {
      if (i % 1000 === 500) pipeline.lpush('n', i);
      else pipeline.incr('n');
    }
    const replies = await pipeline.exec();
    let n = 0;
    for (const [i, [error, value]] of replies.entries()) {
      if (i % 1000 !== 500) is([error, value], [null, ++n]);
      else is(/^WRONGTYPE /.test(error.message), true);
    }
    is([replies.length, n], [10000, 9990]);
  },
  async 'what is asked at once goes out together, and each gets its own reply'({ connect }) {
    const redis = connect({ enableAutoPipelining: true });
    const numbers = Array.from({ length: 5000 }, (_, i) => i);
    await Promise.all(numbers.map(i => redis.set(`k${i}`, i)));
    is(await Promise.all(numbers.map(i => redis.get(`k${i}`))), numbers.map(String));
  },
  async 'MULTI: all, none, and what was watched'({ redis, connect }) {
    is(await redis.multi().set('k', 1).incr('k').get('none').exec(),
      [[null, 'OK'], [null, 2], [null, null]]);
    const mixed = await redis.multi().incr('k').lpop('k').incr('k').exec();
    is([mixed[0], mixed[2]], [[null, 3], [null, 4]]);
    is(/^WRONGTYPE /.test(mixed[1][0].message), true);
    await rejects(redis.multi().incr('k').set('k').exec(), /^EXECABORT /);
    is(await redis.get('k'), '4');
    await redis.multi({ pipeline: false });
    is(await redis.incr('k'), 'QUEUED');
    is(await redis.exec(), [[null, 5]]);
    await redis.watch('k');
    await connect().set('k', 10);
    is(await redis.multi().incr('k').exec(), null);
    is(await redis.multi().incr('k').exec(), [[null, 11]]);
  },
  async 'what the connection was cut for is asked again'({ redis, connect }) {
    const other = connect();
    const id = await other.client('ID');
    const ends = heard(other, 'reconnecting', 1);
    const sets = [];
    for (let i = 0; i < 3000; i++) {
      sets.push(other.set(`k${i}`, i));
      if (i === 1000) is(await redis.client('KILL', 'ID', id), 1);
    }
    is(new Set(await Promise.all(sets)), new Set(['OK']));
    await ends;
    is(await redis.dbsize(), 3000);
    is(await other.client('ID') > id, true);
  },
  async 'one that quits gets its reply and is not connected again'({ redis, connect }) {
    const other = connect();
    const end = heard(other, 'end', 1);
    is(await other.quit(), 'OK');
    await end;
    await rejects(other.get('k'), /closed/);
    is(await redis.ping('x'), 'x');
  },
};

const waiting = {
  async 'blocking pops: at once, by whoever came first, in vain'({ redis, connect }) {
    await redis.rpush('l', 'a', 'b');
    is(await redis.blpop('none', 'l', 0), ['l', 'a']);
    is(await redis.blmove('l', 'm', 'LEFT', 'RIGHT', 0), 'b');
    is(await redis.blpop('none', 0.05), null);
    is(await redis.brpoplpush('none', 'm', 0.05), null);
    is(await redis.bzpopmin('none', 0.05), null);
    const waiters = [connect(), connect(), connect()];
    const got = [];
    for (const [i, waiter] of waiters.entries()) {
      got.push(waiter.blpop('k', 'q', 0));
      await blocked(redis, i + 1);
    }
    await redis.rpush('q', 1, 2);
    is(await redis.lpush('k', 3), 1);
    is(await Promise.all(got), [['q', '1'], ['q', '2'], ['k', '3']]);
    const popped = waiters[0].bzpopmax('z', 0);
    await blocked(redis, 1);
    await redis.zadd('z', 1, 'low', 2.5, 'high');
    is(await popped, ['z', 'high', '2.5']);
    const several = waiters[0].blmpop(0, 2, 'x', 'y', 'RIGHT', 'COUNT', 2);
    await blocked(redis, 1);
    await redis.rpush('y', 1, 2, 3);
    is(await several, ['y', ['3', '2']]);
  },
  async 'who waits is let go by CLIENT UNBLOCK'({ redis, connect }) {
    const waiter = connect();
    const id = await waiter.client('ID');
    for (const how of ['TIMEOUT', 'ERROR']) {
      const got = waiter.blpop('q', 0).catch(error => error.message);
      await blocked(redis, 1);
      is(await redis.client('UNBLOCK', id, how), 1);
      is(await got, how === 'ERROR' ?
        'UNBLOCKED client unblocked via CLIENT UNBLOCK' : null);
    }
  },
  async 'who waited when the connection was cut waits again'({ redis, connect }) {
    const waiter = connect();
    const id = await waiter.client('ID');
    const got = waiter.blpop('q', 0);
    await blocked(redis, 1);
    await redis.client('KILL', 'ID', id);
    await until(async () => (await redis.client('LIST')).split('\n').some(line =>
      line.includes(' cmd=blpop ') && !line.startsWith(`id=${id} `)));
    await redis.rpush('q', 'late');
    is(await got, ['q', 'late']);
  },
};

const streams = {
  async 'entries come as written, trimmed as asked'({ redis }) {
    const pipeline = redis.pipeline();
    for (let i = 1; i <= 1000; i++) pipeline.xadd('s', `${i}-0`, 'n', i, 'text', `entry ${i}`);
    is((await pipeline.exec()).map(([, id]) => id).pop(), '1000-0');
    is(await redis.xrange('s', 2, '(4-0'), [
      ['2-0', ['n', '2', 'text', 'entry 2']], ['3-0', ['n', '3', 'text', 'entry 3']]]);
    is((await redis.xrevrange('s', '+', '-', 'COUNT', 1))[0][0], '1000-0');
    is(await redis.xadd('s', 'MAXLEN', 500, '1000-*', 'f', bytes), '1000-1');
    is(await redis.xlen('s'), 500);
    is((await redis.xrangeBuffer('s', '1000-1', '+'))[0][1][1], bytes);
    is(await redis.xtrim('s', 'MINID', '990'), 488);
    is(await redis.xdel('s', '1000-0', '1-0'), 1);
    is(await redis.xadd('none', 'NOMKSTREAM', '*', 'f', 'v'), null);
    await rejects(redis.xadd('s', '1000-1', 'f', 'v'), /^ERR The ID specified in XADD is equal or/);
  },
  async 'a reader of two streams waits for what is new'({ redis, connect }) {
    await redis.xadd('a', '1-0', 'f', 'old');
    const got = connect().xread('COUNT', 10, 'BLOCK', 0, 'STREAMS', 'a', 'b', '$', '$');
    await blocked(redis, 1);
    await redis.multi().xadd('b', '5-0', 'f', 'v').xadd('b', '5-1', 'f', 'w').exec();
    is(await got, [['b', [['5-0', ['f', 'v']], ['5-1', ['f', 'w']]]]]);
    is(await redis.xread('BLOCK', 20, 'STREAMS', 'a', '1'), null);
    is(await redis.xread('STREAMS', 'a', 0), [['a', [['1-0', ['f', 'old']]]]]);
  },
  async 'a group: delivered, pending, claimed, acknowledged'({ redis }) {
    is(await redis.xgroup('CREATE', 's', 'g', '$', 'MKSTREAM'), 'OK');
    await rejects(redis.xgroup('CREATE', 's', 'g', '$'), /^BUSYGROUP /);
    await rejects(redis.xreadgroup('GROUP', 'x', 'c', 'STREAMS', 's', '>'), /^NOGROUP /);
    for (let i = 1; i <= 5; i++) await redis.xadd('s', `${i}-0`, 'n', i);
    const rows = from => from.map(i => [`${i}-0`, ['n', String(i)]]);
    is(await redis.xreadgroup('GROUP', 'g', 'one', 'COUNT', 3, 'STREAMS', 's', '>'),
      [['s', rows([1, 2, 3])]]);
    is(await redis.xreadgroup('GROUP', 'g', 'two', 'BLOCK', 0, 'STREAMS', 's', '>'),
      [['s', rows([4, 5])]]);
    is(await redis.xack('s', 'g', '1-0', '9-0'), 1);
    is(await redis.xreadgroup('GROUP', 'g', 'one', 'STREAMS', 's', 0), [['s', rows([2, 3])]]);
    is(await redis.xpending('s', 'g'), [4, '2-0', '5-0', [['one', '2'], ['two', '2']]]);
    const detail = await redis.xpending('s', 'g', '-', '+', 10, 'one');
    is(detail.map(([id, who, , times]) => [id, who, times]),
      [['2-0', 'one', 2], ['3-0', 'one', 2]]);
    is(await redis.xclaim('s', 'g', 'two', 0, '2-0'), rows([2]));
    await redis.xdel('s', '3-0');
    is(await redis.xautoclaim('s', 'g', 'two', 0, '0', 'COUNT', 2), ['4-0', rows([2]), ['3-0']]);
    is(await redis.xautoclaim('s', 'g', 'two', 0, '4-0', 'JUSTID'), ['0-0', ['4-0', '5-0'], []]);
    is(await redis.xack('s', 'g', '2-0', '4-0', '5-0'), 3);
    const [group] = await redis.xinfo('GROUPS', 's');
    is(group.filter((_, i) => group[i - 1] === 'pending' || group[i - 1] === 'last-delivered-id'),
      [0, '5-0']);
    is((await redis.xinfo('CONSUMERS', 's', 'g')).length, 2);
    is(await redis.xgroup('DELCONSUMER', 's', 'g', 'one'), 0);
    is(await redis.xgroup('DESTROY', 's', 'g'), 1);
  },
  async 'who waits in a group hears of its end'({ redis, connect }) {
    await redis.xgroup('CREATE', 's', 'g', '$', 'MKSTREAM');
    const got = connect().xreadgroup('GROUP', 'g', 'c', 'BLOCK', 0, 'STREAMS', 's', '>');
    const why = got.catch(error => error.message);
    await blocked(redis, 1);
    await redis.del('s');
    is(/^(NOGROUP|UNBLOCKED) /.test(await why), true);
  },
};

const messages = {
  async 'channels and patterns, in order'({ redis, connect }) {
    const listener = connect();
    is(await listener.subscribe('news', 'other'), 2);
    is(await listener.psubscribe('n?ws', 'x*'), 4);
    const by_name = heard(listener, 'message', 1000);
    const by_pattern = heard(listener, 'pmessage', 1001);
    const raw = heard(listener, 'messageBuffer', 1001);
    for (let i = 0; i < 1000; i++) redis.publish('news', i);
    is(await redis.publish(bytes, 'nobody'), 0);
    is(await redis.publish('xy', bytes), 1);
    is(await redis.publish('other', bytes), 1);
    const numbers = Array.from({ length: 1000 }, (_, i) => String(i));
    is(await by_name, numbers.map(i => ['news', i]));
    is((await by_pattern).slice(0, 1000), numbers.map(i => ['n?ws', 'news', i]));
    is((await raw)[1000], [Buffer.from('other'), bytes]);
    is((await redis.pubsub('NUMSUB', 'news', 'none')), ['news', 1, 'none', 0]);
    is(await listener.unsubscribe('news'), 3);
    is(await listener.unsubscribe('other'), 2);
    is(await listener.punsubscribe(), 0);
    is(await listener.get('k'), null);
    is(await redis.publish('news', 'late'), 0);
  },
  async 'sharded channels'({ redis, connect }) {
    const listener = connect();
    is(await listener.ssubscribe('s'), 1);
    const got = heard(listener, 'smessage', 2);
    is(await redis.publish('s', 'not to the shard'), 0);
    is(await redis.spublish('s', 'one'), 1);
    is(await redis.spublish('s', 'two'), 1);
    is(await got, [['s', 'one'], ['s', 'two']]);
    is(await redis.pubsub('SHARDCHANNELS'), ['s']);
    is(await listener.sunsubscribe('s'), 0);
  },
  async 'a listener that was cut off listens again'({ redis, connect }) {
    const listener = connect();
    await listener.subscribe('a');
    await listener.psubscribe('b*');
    await listener.ssubscribe('c');
    const got = Promise.all(['message', 'pmessage', 'smessage'].map(e => heard(listener, e, 1)));
    is(await redis.client('KILL', 'TYPE', 'pubsub'), 1);
    await until(async () => await redis.publish('a', 'again') === 1);
    await until(async () => await redis.publish('bb', 'again') === 1);
    await until(async () => await redis.spublish('c', 'again') === 1);
    is(await got, [[['a', 'again']], [['b*', 'bb', 'again']], [['c', 'again']]]);
  },
  async 'events of keys'({ redis, connect }) {
    await redis.config('SET', 'notify-keyspace-events', 'AKE');
    const listener = connect();
    await listener.psubscribe('__key*__:*');
    const got = heard(listener, 'pmessage', 20);
    await redis.set('k', 1, 'PX', 1);
    await until(async () => await redis.exists('k') === 0);
    await redis.pipeline().rpush('l', 1).rename('l', 'm').lpop('m')
      .xadd('s', '*', 'f', 'v').del('s').exec();
    is((await got).map(([, channel, message]) => `${channel.slice(5)} ${message}`),
      ['set', 'expire', 'expired'].flatMap(e => both('k', e)).concat(both('l', 'rpush'),
        both('l', 'rename_from'), both('m', 'rename_to'), both('m', 'lpop'), both('m', 'del'),
        both('s', 'xadd'), both('s', 'del')));
  },
};
const both = (key, event) => [`space@0__:${key} ${event}`, `event@0__:${event} ${key}`];

suite({ ...values, ...flow, ...waiting, ...streams, ...messages }, open);
