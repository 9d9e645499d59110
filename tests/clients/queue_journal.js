// SPDX-License-Identifier: BSD-3-Clause
// What happens to the jobs of a queue, written down by all its workers into one file, a line each,
// and what must be true of it.
//
//     start JOB WORKER       begins to do what the queue gave it
//     again JOB WORKER       begins to do what it has taken itself
//     done JOB WORKER        has done it
//     over JOB WORKER        the server has confirmed that it is off the queue
//     taken JOB WORKER AT    found with a worker that seems to have stalled: it goes to another.
//                            AT: how long the file was before the server was asked
//     held - WORKER          stands still, for good, with a job that it has done
//
// As a program: node queue_journal.js FILE JOBS - judges.
'use strict';
const fs = require('node:fs');

function journal(path, worker) {
  const fd = fs.openSync(path, 'a');
  return {
    now: () => fs.fstatSync(fd).size,
    first: () => {
      try {
        fs.closeSync(fs.openSync(`${path}.held`, 'wx'));
        return true;
      } catch {
        return false;
      }
    },
    write: (what, job = '-', more = '') => fs.writeSync(fd, `${what} ${job} ${worker} ${more}\n`),
  };
}

// For good, when none of the workers does so yet.
async function stand_still(log) {
  if (!log.first()) return;
  log.write('held');
  await new Promise(() => setInterval(() => {}, 1000));
}

function lines(text) {
  let at = 0;
  return text.split('\n').slice(0, -1).map(line => {
    const [what, job, worker, asked] = line.split(' ');
    const row = { at, what, job, worker, asked: Number(asked) };
    at += Buffer.byteLength(line) + 1;
    return row;
  });
}

// The faults of one job, from the lines that name it.
function faults(job, rows) {
  const found = [];
  const count_of = what => rows.filter(row => row.what === what).length;
  const over = rows.find(row => row.what === 'over');
  if (over && rows.some(row => row.what === 'taken' && over.at < row.asked)) {
    found.push(`job ${job} was over, and is there again`);
  }
  // Who has stalled and lives yet may begin after the other one.
  if (count_of('start') > 1 + count_of('taken') - count_of('again')) {
    found.push(`job ${job} was given twice, and nobody had stalled`);
  }
  if (!rows.some(row => row.what === 'done')) found.push(`job ${job} is lost`);
  return found;
}

function judge(path, count) {
  const by_job = new Map(Array.from({ length: count }, (_, i) => [String(i + 1), []]));
  const found = [];
  for (const row of lines(fs.readFileSync(path, 'utf8'))) {
    if (row.job === '-') continue;
    if (by_job.has(row.job)) by_job.get(row.job).push(row);
    else found.push(`job ${row.job} was never added`);
  }
  const count_of = what => [...by_job.values()].flat().filter(row => row.what === what).length;
  for (const [job, rows] of by_job) found.push(...faults(job, rows));
  const twice = [...by_job.values()]
    .filter(rows => rows.filter(row => row.what === 'done').length > 1).length;
  console.log(`${count} jobs, ${count_of('taken')} taken over, ${twice} done more than once`);
  for (const fault of found.slice(0, 20)) console.log(fault);
  return found.length === 0;
}

module.exports = { journal, stand_still };
if (require.main === module) {
  process.exit(judge(process.argv[2], Number(process.argv[3])) ? 0 : 1);
}
