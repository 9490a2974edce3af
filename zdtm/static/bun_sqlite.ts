// zdtm: {"category": "memory", "opts": ["--file-locks"], "verifies": "a database in memory and one in a file, with prepared statements and an open transaction, go on"}
import { Database } from "bun:sqlite";
import { check, pass, ready, same, spoiling } from "../lib/case.ts";

const memory = new Database(":memory:");
memory.run("create table t (id integer primary key, name text)");
const insert = memory.prepare("insert into t values (?, ?)");
memory.transaction(() => {
  for (let i = 0; i < 5000; i++) insert.run(i, `name ${i}`);
})();
const find = memory.query<{ name: string }, number>("select name from t where id = ?");
find.get(1);
const file = new Database("data.sqlite", { create: true });
file.run("create table log (n integer)");
file.run("begin immediate");
file.run("insert into log values (1)");

await ready();
if (spoiling()) memory.run("delete from t where id = 77");

same(find.get(77)?.name, "name 77", "a row");
same(memory.query("select count(*) as n from t").get(), { n: 5000 }, "the number of rows");
const other = new Database("data.sqlite");
let locked = false;
try {
  other.run("insert into log values (99)");
} catch {
  locked = true;
}
check(locked, "the open transaction does not hold its lock");
file.run("insert into log values (2)");
file.run("commit");
same(other.query("select n from log order by n").values(), [[1], [2]], "the committed rows");
pass();
