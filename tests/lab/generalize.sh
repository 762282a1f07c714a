#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 OR MIT
# The figures of docs/generalize.md: learns four workloads three times each, with other dates, numbers and requests, and
# counts lines before and after, and paths of this file system that would newly be allowed.
#   cargo xtask lab --kernel 6.1 --with tests/lab/generalize.sh -- sh /lab/generalize.sh
set -u
W=/srv/measure
mkdir -p $W/log $W/jobs $W/cache $W/www $W/git $W/out
cd $W || exit 1

cat > logs.sh <<'END'
#!/bin/sh
echo start >> /srv/measure/log/app-$1.log
gzip -c /srv/measure/log/app-$1.log > /srv/measure/log/app-$1.log.gz
for n in $2 $3; do mkdir jobs/job-$n; echo x > jobs/job-$n/in; echo y > jobs/job-$n/out-$n.txt; rm jobs/job-$n/in; done
END
cat > report.py <<'END'
import json, sys, uuid, hashlib, sqlite3
d = "/srv/measure/out"
open(f"{d}/report-{sys.argv[1]}.json", "w").write(json.dumps(sys.argv))
for n in range(4):
    open(f"{d}/{uuid.uuid4()}.part", "w").write("x")
    open(f"{d}/{hashlib.sha256(f'{sys.argv[1]}{n}'.encode()).hexdigest()}", "w").write("x")
END
cat > nginx.conf <<'END'
daemon off; master_process off; pid /srv/measure/nginx.pid; error_log /srv/measure/error.log;
events { worker_connections 64; }
http {
  access_log /srv/measure/access.log;
  proxy_cache_path /srv/measure/cache levels=1:2 keys_zone=z:1m use_temp_path=off;
  server { listen 127.0.0.1:8081; root /srv/measure/www; }
  server { listen 127.0.0.1:8080; location / { proxy_pass http://127.0.0.1:8081; proxy_cache z; proxy_cache_valid 200 1h; } }
}
END
for n in $(seq 1 60); do echo "page $n" > www/page$n.html; done

learn() { map=$1; shift; ambit run --learn -o "$map.map" -- "$@" 2> learn.log || { echo "learning $map failed"; cat learn.log; }; }

n=0
for day in 2026-11-24 2026-11-25 2026-12-01; do
  n=$((n + 1))
  learn logs sh logs.sh $day $((n * 10 + 1)) $((n * 10 + 2))
  learn python python3 report.py $day
  ambit run --learn -o nginx.map -- nginx -c $W/nginx.conf 2> learn.log &
  pid=$!
  i=0; while [ ! -s nginx.pid ] && [ $i -lt 100 ]; do sleep 0.2; i=$((i + 1)); done
  for page in $(seq $((n * 12)) $((n * 12 + 11))); do
    python3 -c "import urllib.request as u; u.urlopen('http://127.0.0.1:8080/page$page.html').read()" || echo "no page $page"
  done
  kill -QUIT "$(cat nginx.pid)"; wait $pid; rm -f nginx.pid
  git init -q git/from$n
  ( cd git/from$n && git config user.email a@b && git config user.name a
    for f in $(seq 1 5); do echo "$n $f" > file$f; git add file$f; git commit -q -m "$n $f"; done )
  learn git git clone -q --no-hardlinks --no-local $W/git/from$n $W/git/to
  rm -rf git/to
done

for map in logs python nginx git; do
  ambit map generalize $map.map --json > $map.json || exit 1
  python3 - $map <<'END'
import json, sys
v = json.load(open(sys.argv[1] + ".json"))
w, p = v["walk"], v["proposals"]
risks = "/".join(str(sum(x["risk"] == r for x in p)) for r in ("low", "medium", "high"))
print(f'| {sys.argv[1]} | {v["before"]} | {v["after"]} | {v["after_all"]} | {len(p)} ({risks}) | {sum(bool(x["sensitive"]) for x in p)} | {w["newly_allowed"]} | {w["paths"]} |')
for x in p:
    print(f'    {x["id"]} {x["place"]} {x["kind"]} {x["risk"]} {x["values"]} values {x["replaced"]} to {x["lines"]} new {x.get("newly_allowed", {}).get("paths")} {"sensitive" if x["sensitive"] else ""}')
END
  ambit map generalize $map.map --apply all -o $map.once.map 2> /dev/null
  ambit map generalize $map.once.map --apply all -o $map.twice.map 2> /dev/null
  cmp $map.once.map $map.twice.map && echo "    stable"
done
echo "    paths of the file system: $(find / -xdev | wc -l)"
