// SPDX-License-Identifier: BSD-3-Clause
// A queue of jobs in a stream with a group.
//
//     node queue_stream.js add PORT MODULE OPTIONS JOBS
//     node queue_stream.js work PORT MODULE OPTIONS JOURNAL NAME [HOLD]
//
// add ends when the last job is added; work does not end. With HOLD the first worker to have done
// that many stands still, with one job that it has done and not acknowledged, and others in hand.
'use strict';
const { open, again } = require('./queue_links');
const { journal, stand_still } = require('./queue_journal');
const [role, port, module_name, options, ...rest] = process.argv.slice(2);
const how = { port: Number(port), module_name, options: JSON.parse(options) };
const key = 'jobs';
const group = 'workers';
const idle_ms = 1000;

// No more than a thousand wait at a time, so that adding goes on while workers and servers die.
async function add(count) {
  const link = await open(how);
  for (let from = 1; from <= count; from += 100) {
    const length = Math.min(100, count - from + 1);
    const jobs = Array.from({ length }, (_, i) => String(from + i));
    await again(() => link.xadd(key, jobs));
    while (await again(() => link.xlen(key)) > 1000) {
      await new Promise(resolve => setTimeout(resolve, 5));
    }
  }
}

async function work(path, name, hold) {
  const link = await open(how);
  const log = journal(path, name);
  let from = '0-0';
  let looked = Date.now();
  let done = 0;
  const one = async ({ id, job }, how_begun) => {
    log.write(how_begun, job);
    await new Promise(setImmediate);
    log.write('done', job);
    if (++done > hold) await stand_still(log);
    await again(() => link.xfinish(key, group, id));
    log.write('over', job);
  };
  for (;;) {
    const rows = await again(() => link.xreadgroup(key, group, name, 10, 100));
    for (const row of rows) await one(row, 'start');
    if (rows.length && Date.now() - looked < idle_ms) continue;
    looked = Date.now();
    const asked = log.now();
    const claimed = await again(() => link.xautoclaim(key, group, name, idle_ms, from));
    from = claimed.next;
    for (const row of claimed.rows) {
      log.write('taken', row.job, asked);
      await one(row, 'again');
    }
  }
}

const ended = role === 'add' ? add(Number(rest[0])) :
  work(rest[0], rest[1], Number(rest[2] ?? Infinity));
ended.then(() => { console.log('added'); process.exit(0); }, error => {
  console.error(error);
  process.exit(1);
});
