// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Scenario 6: a web server in normal operation.

use std::fs;
use std::path::Path;

use super::tests;
use crate::harness::{Job, Lab, Stats, children_of, eventually, line};

tests! { "scenarios":
    s06_a_web_server_reloads_rotates_and_serves_other_clients_ten_times_without_a_violation
    s06_a_request_handler_that_runs_a_shell_is_refused_at_the_exec
}

const PORT: u16 = 8080;

fn configuration(lab: &Lab, location: &str) -> String {
    let dir = lab.path("");
    let dir = dir.trim_end_matches('/');
    fs::create_dir_all(lab.path("www")).unwrap();
    lab.file("www/index.html", "hello\n");
    lab.file(
        "nginx.conf",
        format!(
            "user www-data;\nworker_processes 1;\npid {dir}/nginx.pid;\nerror_log {dir}/error.log;\nevents {{}}\nhttp {{\n\
             access_log {dir}/access.log;\nserver {{\nlisten 0.0.0.0:{PORT};\nroot {dir}/www;\n{location}\n}}\n}}\n"
        ),
    )
}

/// Makes a service script that reads commands from its input.
fn service(lab: &Lab, configuration: &str) -> String {
    let dir = lab.path("");
    let dir = dir.trim_end_matches('/');
    lab.script(
        "serve.sh",
        &format!(
            "#!/bin/bash\nnginx -c {configuration} || exit 9\necho started\nwhile read -r word; do\ncase $word in\n\
             reload) nginx -c {configuration} -s reload ;;\n\
             rotate) mv {dir}/access.log {dir}/access.log.1; nginx -c {configuration} -s reopen ;;\n\
             stop) nginx -c {configuration} -s quit; while sleep 0.1; [ -e {dir}/nginx.pid ]; do :; done; echo stopped; exit 0 ;;\n\
             esac\necho \"did $word\"\ndone\n"
        ),
    )
}

fn request(lab: &Lab, from: &str, path: &str) -> String {
    let run = lab.outside([
        "curl",
        "-sS",
        "--max-time",
        "30",
        "--interface",
        from,
        &format!("http://127.0.0.1:{PORT}{path}"),
    ]);
    String::from_utf8_lossy(&run.succeeds().stdout).into_owned()
}

/// Returns the worker processes: the children of the process in `nginx.pid`.
fn workers(lab: &Lab) -> Vec<u32> {
    let main = fs::read_to_string(lab.path("nginx.pid")).expect("nginx wrote its number");
    children_of(main.trim())
}

/// Returns true if a process has this file open.
fn has_open(pid: u32, path: &str) -> bool {
    let files = fs::read_dir(format!("/proc/{pid}/fd"));
    files
        .into_iter()
        .flatten()
        .flatten()
        .any(|file| fs::read_link(file.path()).is_ok_and(|target| target == Path::new(path)))
}

fn day(lab: &Lab, mut job: Job, client: &str) -> crate::harness::Run {
    job.until("started");
    assert_eq!(request(lab, client, "/index.html"), "hello\n");
    assert!(request(lab, client, "/none").contains("404"));
    let old = workers(lab);
    job.say("reload\n");
    job.until("did reload");
    eventually("new workers have replaced the old ones", || {
        let new = workers(lab);
        !new.is_empty() && new.iter().all(|worker| !old.contains(worker))
    });
    assert_eq!(request(lab, client, "/"), "hello\n");
    job.say("rotate\n");
    job.until("did rotate");
    let log = lab.path("access.log");
    eventually("the workers have opened the new log", || {
        workers(lab).iter().all(|worker| has_open(*worker, &log))
    });
    assert_eq!(request(lab, client, "/index.html"), "hello\n");
    job.say("stop\n");
    job.until("stopped");
    job.finish().succeeds()
}

fn s06_a_web_server_reloads_rotates_and_serves_other_clients_ten_times_without_a_violation(
    lab: &Lab,
) {
    let script = service(lab, &configuration(lab, ""));
    // Two days: the first one finds no logs, the second one finds the logs of the first.
    for _ in 0..2 {
        day(
            lab,
            lab.learning("map", &[], &line(&[&script])),
            "127.0.0.1",
        );
    }
    lab.map("map").must_have("cap.use setuid");
    for round in 0..10 {
        let stats = lab.path("stats");
        let job = lab.enforcing("map", &["--stats", &stats], &line(&[&script]));
        day(lab, job, &format!("127.0.0.{}", round + 2)).within_the_map();
        let stats = Stats::read(&stats);
        assert_eq!(stats.sum("violations"), 0);
        stats.must_add_up();
    }
}

const HANDLER: &str = r#"
import http.server, socketserver, subprocess
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        status = 200
        if self.path.endswith("run"):
            try:
                body = subprocess.run(["/bin/sh", "-c", "cat /etc/shadow"], capture_output=True).stdout
            except OSError as error:
                status, body = 500, f"refused: {error.strerror}\n".encode()
        else:
            body = b"hello from the handler\n"
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *words):
        pass
class Server(socketserver.TCPServer):
    allow_reuse_address = True
server = Server(("127.0.0.1", 8081), Handler)
print("handling", flush=True)
server.serve_forever()
"#;

fn s06_a_request_handler_that_runs_a_shell_is_refused_at_the_exec(lab: &Lab) {
    let handler = lab.file("handler.py", HANDLER);
    let nginx = configuration(lab, "location /app/ { proxy_pass http://127.0.0.1:8081; }");
    let script = lab.script(
        "serve.sh",
        &format!(
            "#!/bin/bash\npython3 {handler} &\nnginx -c {nginx} || exit 9\necho started\nread -r word\n\
             nginx -c {nginx} -s quit\nkill %1\nwait\nwhile sleep 0.1; [ -e {} ]; do :; done\nexit 0\n",
            lab.path("nginx.pid")
        ),
    );
    // Let python write its caches now.
    lab.outside([
        "python3",
        "-c",
        "import http.server, socketserver, subprocess",
    ])
    .succeeds();
    let serve = |mut job: Job, body: &dyn Fn()| {
        job.until("started");
        job.until("handling");
        body();
        job.say("stop\n");
        job.finish().succeeds()
    };
    let hello = || {
        assert_eq!(
            request(lab, "127.0.0.1", "/app/hello"),
            "hello from the handler\n"
        );
    };
    for _ in 0..2 {
        serve(lab.learning("map", &[], &line(&[&script])), &hello);
    }
    serve(lab.enforcing("map", &[], &line(&[&script])), &hello).within_the_map();
    let run = serve(lab.enforcing("map", &[], &line(&[&script])), &|| {
        hello();
        assert_eq!(
            request(lab, "127.0.0.1", "/app/run"),
            "refused: Operation not permitted\n"
        );
        hello();
    });
    run.violates("exec /usr/bin/dash");
    // The shell itself works: the refusal is the reason.
    let audited = serve(
        lab.ambit_job(crate::harness::words(
            &["run", "-m", &lab.path("map"), "--json"],
            &[],
            &line(&[&script]),
        )),
        &|| assert!(request(lab, "127.0.0.1", "/app/run").contains("root:")),
    );
    audited
        .violates_also("exec /usr/bin/dash")
        .violates_also("file.open r /etc/shadow");
}
