// SPDX-License-Identifier: Apache-2.0 OR MIT
// A worker of the shop. `eval` is its hole.
const crypto = require("crypto");
const fs = require("fs");
const http = require("http");
const os = require("os");
const path = require("path");
const zlib = require("zlib");
const { execFile } = require("child_process");
const { Worker } = require("worker_threads");

const DATA = "/srv/shop/data";
const log = fs.createWriteStream("/srv/shop/log/access.log", { flags: "a" });
// (module (func (export "add") (param i32 i32) (result i32) local.get 0 local.get 1 i32.add))
const ADD = Buffer.from("0061736d0100000001070160027f7f017f030201000707010361646400000a09010700200020016a0b", "hex");

function orders() {
    return fs.readdirSync(`${DATA}/orders`).filter((name) => name.endsWith(".json"));
}

const pages = {
    catalogue: async () => "nuts, bolts",
    order: async (_, body) => {
        const id = crypto.randomUUID();
        await fs.promises.writeFile(`${DATA}/orders/.${id}.tmp`, JSON.stringify(JSON.parse(body)));
        await fs.promises.rename(`${DATA}/orders/.${id}.tmp`, `${DATA}/orders/${id}.json`);
        return id;
    },
    upload: async (name, body) => {
        const dir = await fs.promises.mkdtemp(path.join(os.tmpdir(), "shop-upload-"));
        await fs.promises.writeFile(`${dir}/${path.basename(name)}`, body);
        await fs.promises.copyFile(`${dir}/${path.basename(name)}`, `${DATA}/uploads/${path.basename(name)}`);
        await fs.promises.rm(dir, { recursive: true });
        return "kept";
    },
    invoice: async (words) => {
        const [locale, timeZone] = words.split(",");
        const price = new Intl.NumberFormat(locale, { style: "currency", currency: "EUR" }).format(1234.5);
        return `${price} ${new Date().toLocaleString(locale, { timeZone })}`;
    },
    hash: (text) => new Promise((done) => crypto.pbkdf2(text, "salt", 2000, 32, "sha256", (_, key) => done(key.toString("hex")))),
    wasm: async () => String((await WebAssembly.instantiate(ADD)).instance.exports.add(2, 3)),
    thread: () => new Promise((done) => new Worker("/srv/shop/app/thumbnail.js").once("message", done)),
    zip: async () => zlib.gzipSync(orders().join("\n")).toString("base64"),
    export: () => new Promise((done, failed) => {
        fs.writeFileSync(`${DATA}/orders.txt`, orders().join("\n") + "\n");
        execFile("gzip", ["-kf", `${DATA}/orders.txt`], (error) => (error ? failed(error) : done("exported")));
    }),
    plugin: async (name) => String(require(`/srv/shop/plugins/${path.basename(name)}.js`)("text")),
    crash: async () => process.kill(process.pid, "SIGKILL"),
    eval: async (_, body) => String(await eval(`(async () => { ${body} })()`)),
};

http.createServer((request, response) => {
    const [page, query] = request.url.slice(1).split("?");
    const chunks = [];
    request.on("data", (chunk) => chunks.push(chunk));
    request.on("end", async () => {
        log.write(`${request.url}\n`);
        response.setHeader("Connection", "close");
        try {
            if (!pages[page]) response.statusCode = 404;
            response.end(pages[page] ? await pages[page](query || "", Buffer.concat(chunks)) : "none");
        } catch (error) {
            response.statusCode = 500;
            response.end(String(error));
        }
    });
}).listen(8082, "127.0.0.1");
process.on("SIGTERM", () => process.exit(0));
