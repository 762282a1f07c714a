// SPDX-License-Identifier: Apache-2.0 OR MIT
// A thread that computes for a while, long enough to be compiled.
const { parentPort } = require("worker_threads");
let sum = 0;
for (let at = 0; at < 300000; at++) sum = (sum * 31 + at) % 65521;
parentPort.postMessage(String(sum));
