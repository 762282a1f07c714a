// SPDX-License-Identifier: Apache-2.0 OR MIT
// The primary process of the shop: two workers; on SIGHUP each is replaced by a new one, on SIGTERM all end.
const cluster = require("cluster");
const fs = require("fs");

cluster.setupPrimary({ exec: "/srv/shop/app/shop.js" });
let ending = false;

function replace(workers) {
    const old = workers.shift();
    if (!old) {
        fs.appendFileSync("/srv/shop/data/reloads", "done\n");
        return;
    }
    cluster.fork().once("listening", () => {
        old.once("exit", () => replace(workers));
        old.disconnect();
    });
}

cluster.on("exit", (worker) => {
    if (!ending && !worker.exitedAfterDisconnect) cluster.fork();
});
process.on("SIGHUP", () => replace(Object.values(cluster.workers)));
process.on("SIGTERM", () => {
    ending = true;
    for (const worker of Object.values(cluster.workers)) worker.kill("SIGTERM");
    cluster.disconnect(() => {
        fs.unlinkSync("/srv/shop/data/pid");
        process.exit(0);
    });
});
fs.writeFileSync("/srv/shop/data/reloads", "");
fs.writeFileSync("/srv/shop/data/pid.new", String(process.pid));
fs.renameSync("/srv/shop/data/pid.new", "/srv/shop/data/pid");
cluster.fork();
cluster.fork();
