// SPDX-License-Identifier: BSD-3-Clause
// Libraries that live by scripts: locks, limiters, queues. node script_users.js PORT
'use strict';
const { suite, is, until } = require('./suite');
const Redis = require('ioredis5');
const port = Number(process.argv[2]);
const connection = { host: '127.0.0.1', port, maxRetriesPerRequest: null };

function open(ctx) {
  ctx.redis = new Redis(port);
  ctx.atEnd(() => ctx.redis.disconnect());
}

suite({
  'redlock: who has a lock keeps others out until it ends': async ctx => {
    const Redlock = require('redlock');
    const locks = new Redlock([ctx.redis], { retryCount: 2, retryDelay: 10 });
    const lock = await locks.lock('door', 60000);
    is(await locks.lock('door', 60000).catch(() => 'kept out'), 'kept out');
    await (await lock.extend(60000)).unlock();
    await (await locks.lock('door', 60000)).unlock();
    is(await ctx.redis.exists('door'), 0);
  },
  'rate-limiter-flexible: so many points and no more': async ctx => {
    const { RateLimiterRedis } = require('rate-limiter-flexible');
    const limiter = new RateLimiterRedis({ storeClient: ctx.redis, points: 5, duration: 600 });
    const outcomes = [];
    for (let i = 0; i < 8; i++) {
      outcomes.push(await limiter.consume('user').then(() => 'in', () => 'out'));
    }
    is(outcomes.join(' '), 'in in in in in out out out');
  },
  'bottleneck: a reservoir that all share': async ctx => {
    const Bottleneck = require('bottleneck');
    const options = { id: 'shared', datastore: 'ioredis', clientOptions: { port }, Redis,
      maxConcurrent: 3, reservoir: 50 };
    const limiters = [new Bottleneck(options), new Bottleneck(options)];
    ctx.atEnd(() => Promise.all(limiters.map(limiter => limiter.disconnect(true))));
    const numbers = await Promise.all(Array.from({ length: 40 }, (_, i) =>
      limiters[i % 2].schedule(async () => i)));
    is(numbers.join(), Array.from({ length: 40 }, (_, i) => i).join());
    is(await limiters[0].currentReservoir(), 10);
  },
  'bee-queue: all jobs are done, one that failed at first too': async ctx => {
    const Bee = require('bee-queue');
    const queue = new Bee('bees', { redis: { port } });
    ctx.atEnd(() => queue.close());
    const done = new Set();
    const tried = new Set();
    queue.process(5, async ({ data }) => {
      const first = !tried.has(data.i);
      tried.add(data.i);
      if (data.i === 13 && first) throw new Error('again');
      done.add(data.i);
    });
    for (let i = 0; i < 100; i++) await queue.createJob({ i }).retries(2).save();
    await until(() => done.size === 100);
  },
  'BullMQ: priorities, delays, attempts, parents behind their children': async ctx => {
    const { Queue, Worker, FlowProducer } = require('bullmq');
    const queue = new Queue('bull', { connection });
    const flows = new FlowProducer({ connection });
    const order = [];
    await queue.pause();
    await queue.addBulk([
      { name: 'late', data: {}, opts: { delay: 30 } },
      { name: 'low', data: {}, opts: { priority: 9 } },
      { name: 'high', data: {}, opts: { priority: 1 } },
      { name: 'plain', data: {} },
      { name: 'twice', data: {}, opts: { attempts: 2 } },
    ]);
    const child = n => ({ name: `child${n}`, queueName: 'bull', data: {} });
    await flows.add({ name: 'parent', queueName: 'bull', data: {}, children: [child(1), child(2)] });
    const worker = new Worker('bull', async job => {
      if (job.name === 'twice' && job.attemptsMade < 1) throw new Error('again');
      await job.updateProgress(50);
      order.push(job.name);
    }, { connection });
    ctx.atEnd(async () => { await worker.close(); await flows.close(); await queue.close(); });
    await queue.resume();
    await until(() => order.length === 8);
    is([...order].sort().join(), 'child1,child2,high,late,low,parent,plain,twice');
    is(order.indexOf('high') < order.indexOf('low'), true);
    is(order.indexOf('parent') > Math.max(order.indexOf('child1'), order.indexOf('child2')), true);
    await until(async () => (await queue.getCompletedCount()) === 8);
    await queue.obliterate({ force: true });
    is((await ctx.redis.keys('bull:bull:*')).length, 0);
  },
}, open);
