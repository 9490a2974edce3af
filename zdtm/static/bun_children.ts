// zdtm: {"category": "process-tree", "verifies": "Bun processes, children and grandchildren, keep their state and their messages to each other"}
import { fail, pass, ready, same, spoiling } from "../lib/case.ts";

interface Question {
  path: number[];
  add: number;
}

const depth = Number(process.argv[2] ?? 0);
const width = depth === 0 ? 2 : depth === 1 ? 1 : 0;
const children = Array.from({ length: width }, () => {
  let answer: (n: number) => void = () => {};
  const it = Bun.spawn([process.execPath, import.meta.path, String(depth + 1)], {
    stdio: ["ignore", "inherit", "inherit"],
    ipc: (message: number) => answer(message),
    onExit: (_, code) => fail(`a child has ended with ${code}`),
  });
  return (question: Question) =>
    new Promise<number>((resolve) => {
      answer = resolve;
      it.send(question);
    });
});
let sum = depth * 100;

async function ask(question: Question): Promise<number> {
  const [first, ...rest] = question.path;
  if (first !== undefined) {
    const child = children[first];
    if (child === undefined) fail(`no child ${first}`);
    return child({ ...question, path: rest });
  }
  sum += question.add;
  return sum;
}

if (depth > 0) {
  process.on("message", async (question: Question) => {
    process.send?.(await ask(question));
  });
} else {
  const paths = [[0], [1], [0, 0], [1, 0]];
  const all = async (add: number) => {
    const answers: number[] = [];
    for (const path of paths) answers.push(await ask({ path, add }));
    return answers;
  };
  same(await all(5), [105, 105, 205, 205], "the answers before");
  await ready();
  if (spoiling()) await ask({ path: [1, 0], add: 1 });
  same(await all(10), [115, 115, 215, 215], "the answers after");
  pass();
}
