// SPDX-License-Identifier: BSD-3-Clause
// A queue of BullMQ, whose every step is a script: what waits, what each worker has locked, and who
// takes over what a dead one has left.
//
//     node queue_bull.js add|work ...     as queue_stream.js; module: where bullmq is
'use strict';
const { journal, stand_still } = require('./queue_journal');
const [role, port, module_name, , ...rest] = process.argv.slice(2);
const { Queue, Worker } = require(module_name);
const connection = { host: '127.0.0.1', port: Number(port), maxRetriesPerRequest: null };
const name = 'jobs';

async function add(count) {
  const queue = new Queue(name, { connection });
  for (let from = 1; from <= count; from += 100) {
    const length = Math.min(100, count - from + 1);
    await queue.addBulk(Array.from({ length }, (_, i) => {
      const job = from + i;
      const opts = { jobId: `job${job}`, removeOnComplete: true };
      if (job % 10 === 0) opts.priority = 1 + job % 7;
      if (job % 15 === 0) opts.delay = 20;
      return { name: 'job', data: String(job), opts };
    }));
    while (await queue.getWaitingCount() > 1000) {
      await new Promise(resolve => setTimeout(resolve, 5));
    }
  }
  await queue.close();
}

function work(path, self, hold) {
  const log = journal(path, self);
  let done = 0;
  const worker = new Worker(name, async job => {
    log.write('start', job.data);
    await new Promise(setImmediate);
    log.write('done', job.data);
    if (done++ >= hold) await stand_still(log);
  }, { connection, lockDuration: 3000, stalledInterval: 1000, maxStalledCount: 10 });
  worker.on('completed', job => log.write('over', job.data));
  worker.on('stalled', id => log.write('taken', id.slice('job'.length), log.now()));
  worker.on('failed', (job, error) => { throw error; });
  worker.on('error', error => { throw error; });
  return new Promise(() => {});
}

const ended = role === 'add' ? add(Number(rest[0])) :
  work(rest[0], rest[1], Number(rest[2] ?? Infinity));
ended.then(() => { console.log('added'); process.exit(0); }, error => {
  console.error(error);
  process.exit(1);
});
