// SPDX-License-Identifier: BSD-3-Clause
// Cases against a server that somebody else has started. A program that uses it:
//
//     const { suite, is, until } = require('./suite');
//     suite({ 'what holds': async ctx => is(await ctx.redis.get('k'), null) }, open);
//
// open(ctx) puts what every case needs into ctx; it runs before each case, on an empty server.
// ctx.atEnd(fn) is run behind the case. ONLY_HERE=word: the cases whose name contains it.
'use strict';
const assert = require('node:assert/strict');

// For what never comes: on a machine under load any process may stand still for seconds.
const patience_ms = 180000;

// As one sees them: a client's objects without a prototype are objects.
function is(got, want) {
  assert.deepEqual(structuredClone(got), structuredClone(want));
}

async function until(condition) {
  const end = Date.now() + patience_ms;
  while (!await condition()) {
    if (Date.now() > end) throw new Error(`waited in vain for: ${condition}`);
    await new Promise(resolve => setTimeout(resolve, 10));
  }
}

async function rejects(promise, pattern) {
  await assert.rejects(promise, error => {
    assert.match(String(error.message), pattern);
    return true;
  });
}

function patient(promise) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error('no answer')), patience_ms);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

async function one(body, open) {
  const ends = [];
  const ctx = { atEnd: fn => ends.push(fn) };
  try {
    await patient((async () => {
      await open(ctx);
      await body(ctx);
    })());
  } finally {
    for (const end of ends.reverse()) await patient((async () => end())()).catch(() => {});
  }
}

async function suite(cases, open) {
  let passed = 0;
  let failed = 0;
  for (const [name, body] of Object.entries(cases)) {
    if (!name.includes(process.env.ONLY_HERE ?? '')) continue;
    try {
      await one(body, open);
      passed++;
    } catch (error) {
      failed++;
      console.log(`FAIL ${name}\n${error.stack}`);
    }
  }
  console.log(`${passed} passed, ${failed} failed`);
  process.exit(failed > 0 || passed === 0 ? 1 : 0);
}

module.exports = { suite, is, until, rejects };
