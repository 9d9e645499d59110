// SPDX-License-Identifier: BSD-3-Clause
// A reliable queue of two kinds of lists: what waits, and what each worker has in hand. Who is
// alive says so by a key that expires; what a dead one had in hand is put back by whoever sees it.
//
//     node queue_list.js add|work ...     as queue_stream.js
'use strict';
const { open, again } = require('./queue_links');
const { journal, stand_still } = require('./queue_journal');
const [role, port, module_name, options, ...rest] = process.argv.slice(2);
const how = { port: Number(port), module_name, options: JSON.parse(options) };
const alive_ms = 1000;
const hand = name => `hand:${name}`;
const alive = name => `alive:${name}`;

async function add(count) {
  const link = await open({ ...how, strict: true });
  for (let from = 1; from <= count; from += 100) {
    const length = Math.min(100, count - from + 1);
    const jobs = Array.from({ length }, (_, i) => String(from + i));
    // One transaction: when its reply is lost, one job tells of all.
    await again(async () => {
      await link.up();
      const known = Number(await link.sismember('known', jobs[0]));
      if (!known) await link.push('known', 'waiting', jobs);
    });
    const length_now = async () => { await link.up(); return link.llen('waiting'); };
    while (await again(length_now) > 1000) {
      await new Promise(resolve => setTimeout(resolve, 5));
    }
  }
}

// Puts back what that worker has in hand. It is written down before it is done: the reply may be
// lost. If the list has changed meanwhile, nothing is done.
async function put_back(link, log, name) {
  for (;;) {
    await link.up();
    const asked = log.now();
    const job = await link.watched_last(hand(name));
    if (job === null) {
      await link.unwatch();
      return;
    }
    log.write('taken', job, asked);
    await link.put_back(hand(name), 'waiting');
  }
}

async function see_to_others(link, log, self) {
  await link.up();
  for (const name of await link.members('workers')) {
    if (name !== self && !Number(await link.exists(alive(name)))) await put_back(link, log, name);
  }
}

function beat_for_ever(link, name) {
  const beat = async () => {
    await again(() => link.beat('workers', name, alive(name), alive_ms));
    setTimeout(beat, alive_ms / 5);
  };
  return beat();
}

async function work(path, name, hold) {
  const log = journal(path, name);
  const link = await open(how);
  const care = await open({ ...how, strict: true });
  let looked = Date.now();
  await beat_for_ever(await open(how), name);
  for (let done = 0; ; done++) {
    // Nothing is in hand now: what the list has was given in replies that did not come.
    if (link.cut()) await again(() => put_back(care, log, name));
    const job = await again(() => link.blmove('waiting', hand(name), 0.1));
    if (job !== null) {
      log.write('start', job);
      await new Promise(setImmediate);
      log.write('done', job);
      if (done >= hold) await stand_still(log);
      // 0: put back meanwhile by another, or removed before the connection was cut.
      if (await again(() => link.lrem(hand(name), job)) === 1) log.write('over', job);
    }
    if (job !== null && Date.now() - looked < alive_ms) continue;
    looked = Date.now();
    await again(() => see_to_others(care, log, name));
  }
}

const ended = role === 'add' ? add(Number(rest[0])) :
  work(rest[0], rest[1], Number(rest[2] ?? Infinity));
ended.then(() => { console.log('added'); process.exit(0); }, error => {
  console.error(error);
  process.exit(1);
});
