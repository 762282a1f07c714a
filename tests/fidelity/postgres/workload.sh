# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash
# A database from its making on: initdb, tables, queries, vacuum, restart.
about="PostgreSQL: initdb, queries, sorting on disk, vacuum, checkpoint, restart"
bin=/usr/lib/postgresql/15/bin

prepare() {
	mkdir -p /srv/pg /srv/pg/out && chown -R postgres /srv/pg
	export PGHOST=/srv/pg PGPORT=5499 PGUSER=postgres
}

sql() { PGHOST=/srv/pg PGPORT=5499 PGUSER=postgres timeout 60 $bin/psql -qAtX -d "${base:-postgres}" -c "$1"; }

day() {
	local job
	rm -rf /srv/pg/data
	begin
	sql 'create table item (id serial primary key, name text, at timestamptz default now())'
	shuffle insert insert select vacuum sort index checkpoint update delete restart copy analyze base
	for job in "${shuffled[@]}"; do
		jitter
		letters 10
		case $job in
		insert) sql "insert into item (name) select '$REPLY' || i from generate_series(1, 300) i" ;;
		select) sql "select count(*) from item where name like '$REPLY%'" ;;
		vacuum) sql 'vacuum full item' ;;
		sort) sql "set work_mem = '64kB'; select count(*) from (select i from generate_series(1, 20000) i order by random()) x" ;;
		index) sql 'create index if not exists item_name on item (name)' ;;
		checkpoint) sql checkpoint ;;
		update) sql "update item set name = '$REPLY' where id % 3 = 0" ;;
		delete) sql 'delete from item where id % 5 = 0' ;;
		restart) tell restart ;;
		copy) sql 'copy item to stdout' ;;
		analyze) sql 'analyze' ;;
		base) sql 'create database other' && base=other sql 'create table t (a int)' && sql 'drop database other' ;;
		esac >/dev/null
	done
	finish
}

attacked_day() {
	rm -rf /srv/pg/data
	begin
	sql 'create table item (id serial primary key, name text)'
	sql "insert into item (name) values ('one')"
	attack
	ends_somehow
}
after() { :; }
