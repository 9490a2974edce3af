import { describe, expect, test } from "bun:test";
import { getopt } from "./getopt.ts";

/** The occurrences as words: `name`, `name=value`, `no name`. */
function read(line: string): { options: string[]; words: string[]; error: string | undefined } {
  const { occurrences, words, error } = getopt(line === "" ? [] : line.split(" "));
  const options = occurrences.map(
    ({ name, value, off }) => `${off ? "no " : ""}${name}${value === undefined ? "" : `=${value}`}`,
  );
  return { options, words, error: error?.message };
}

const good: readonly (readonly [string, string[], string[]])[] = [
  ["", [], []],
  ["dump", [], ["dump"]],
  ["dump -t 5", ["tree=5"], ["dump"]],
  ["-t 5 dump", ["tree=5"], ["dump"]],
  ["-t5 dump", ["tree=5"], ["dump"]],
  ["dump --tree 5 -D dir", ["tree=5", "images-dir=dir"], ["dump"]],
  ["-D dir dump --tree=5", ["images-dir=dir", "tree=5"], ["dump"]],
  ["dump --tree=", ["tree="], ["dump"]],
  ["dump --tree=a=b", ["tree=a=b"], ["dump"]],
  // values that look like options or commands belong to the option before them
  ["dump -D --tree", ["images-dir=--tree"], ["dump"]],
  ["-D dump restore", ["images-dir=dump"], ["restore"]],
  ["dump --log-file -o", ["log-file=-o"], ["dump"]],
  ["dump -o -", ["log-file=-"], ["dump"]],
  ["dump -o -- -t 5", ["log-file=--", "tree=5"], ["dump"]],
  // bundles
  ["restore -dS", ["restore-detached", "restore-sibling"], ["restore"]],
  ["dump -Rjl", ["leave-running", "shell-job", "file-locks"], ["dump"]],
  ["dump -Rt5", ["leave-running", "tree=5"], ["dump"]],
  ["dump -Rt 5", ["leave-running", "tree=5"], ["dump"]],
  ["dump -jD dir -ls", ["shell-job", "images-dir=dir", "file-locks", "leave-stopped"], ["dump"]],
  // optional values are glued
  ["dump -v", ["verbosity"], ["dump"]],
  ["dump -v4", ["verbosity=4"], ["dump"]],
  ["dump -vvvv", ["verbosity=vvv"], ["dump"]],
  ["dump -v 4", ["verbosity"], ["dump", "4"]],
  ["dump --verbosity", ["verbosity"], ["dump"]],
  ["dump --verbosity=4", ["verbosity=4"], ["dump"]],
  ["dump --verbosity 4", ["verbosity"], ["dump", "4"]],
  ["dump -jv4", ["shell-job", "verbosity=4"], ["dump"]],
  ["dump -vj", ["verbosity=j"], ["dump"]],
  ["dump -verbosity=0", ["verbosity=erbosity=0"], ["dump"]],
  ["dump -x", ["ext-unix-sk"], ["dump"]],
  ["dump -x12,13", ["ext-unix-sk=12,13"], ["dump"]],
  ["dump --ext-unix-sk=12", ["ext-unix-sk=12"], ["dump"]],
  ["dump --cpu-cap", ["cpu-cap"], ["dump"]],
  ["dump --cpu-cap=all,^ins", ["cpu-cap=all,^ins"], ["dump"]],
  ["dump --manage-cgroups soft", ["manage-cgroups"], ["dump", "soft"]],
  // negation
  ["dump --no-shell-job", ["no shell-job"], ["dump"]],
  ["dump --shell-job --no-shell-job", ["shell-job", "no shell-job"], ["dump"]],
  ["restore --no-restore-detached", ["no restore-detached"], ["restore"]],
  ["service --no-daemon", ["no daemon"], ["service"]],
  ["dump --no-default-config", ["no-default-config"], ["dump"]],
  // abbreviations: unique prefixes; a whole name wins over longer ones
  ["dump --tre 5", ["tree=5"], ["dump"]],
  ["dump --im d", ["images-dir=d"], ["dump"]],
  ["dump --leave-r", ["leave-running"], ["dump"]],
  ["dump --tls", ["tls"], ["dump"]],
  ["dump --external x", ["external=x"], ["dump"]],
  ["dump --cgroup-props x", ["cgroup-props=x"], ["dump"]],
  ["dump --page-server", ["page-server"], ["dump"]],
  ["restore --restore-d", ["restore-detached"], ["restore"]],
  ["restore --j net:5", ["join-ns=net:5"], ["restore"]],
  ["dump --no-sh", ["no shell-job"], ["dump"]],
  ["dump --no-def", ["no-default-config"], ["dump"]],
  ["check --json", ["json"], ["check"]],
  ["dump --log-f x", ["log-file=x"], ["dump"]],
  // the end of options
  ["dump -- -t 5", [], ["dump", "-t", "5"]],
  ["-- dump", [], ["dump"]],
  ["restore -D d --exec-cmd -- prog -x --tree", ["images-dir=d", "exec-cmd"], ["restore", "prog", "-x", "--tree"]],
  ["restore --exec-cmd prog -d", ["exec-cmd", "restore-detached"], ["restore", "prog"]],
  ["restore --exec-cmd -- prog -- x", ["exec-cmd"], ["restore", "prog", "--", "x"]],
  ["dump -", [], ["dump", "-"]],
  // repeatable ones stay in order
  ["dump --external a -t 1 --external b", ["external=a", "tree=1", "external=b"], ["dump"]],
  // as drivers write it
  [
    "dump --no-default-config --log-file dump.log --images-dir a/b --verbosity=4 --tree 7 --timeout 10",
    ["no-default-config", "log-file=dump.log", "images-dir=a/b", "verbosity=4", "tree=7", "timeout=10"],
    ["dump"],
  ],
  [
    "restore -W . --shell-job --action-script /x -D i -v1 --exec-cmd -- /x restorewait",
    ["work-dir=.", "shell-job", "action-script=/x", "images-dir=i", "verbosity=1", "exec-cmd"],
    ["restore", "/x", "restorewait"],
  ],
];

describe("command lines", () => {
  for (const [line, options, words] of good) {
    test(line === "" ? "(nothing)" : line, () => {
      expect(read(line)).toEqual({ options, words, error: undefined });
    });
  }
});

const bad: readonly (readonly [string, RegExp])[] = [
  ["dump --frob", /no option --frob/],
  ["dump --no-tree", /no option --no-tree/],
  ["dump --=x", /no option --/],
  ["dump -z", /no option -z/],
  ["dump -jz", /no option -z \(in -jz\)/],
  ["dump -t", /-t needs a value/],
  ["dump -jt", /-t needs a value/],
  ["dump --tree", /--tree needs a value/],
  ["dump --tre", /--tree needs a value/],
  ["dump --shell-job=1", /--shell-job takes no value/],
  ["dump --no-shell-job=1", /--no-shell-job takes no value/],
  ["dump --tcp", /--tcp is ambiguous/],
  ["dump --tr 5", /--tr is ambiguous/],
  ["dump --leave", /--leave is ambiguous/],
  ["dump --v", /--v is ambiguous/],
  ["dump --no-", /--no- is ambiguous/],
  ["dump --cgroup-", /--cgroup- is ambiguous/],
  ["check --jso", /no option --jso/],
];

describe("command lines that cannot be understood", () => {
  for (const [line, message] of bad) {
    test(line, () => {
      expect(read(line).error).toMatch(message);
    });
  }

  test("everything before the error is kept, nothing after it", () => {
    expect(read("-V dump --frob -t 5")).toMatchObject({ options: ["version"], words: ["dump"] });
  });

  test("an ambiguous name says what it could be", () => {
    expect(getopt(["--leave"]).error?.remedy).toBe("it could be --leave-running, --leave-stopped");
  });
});
