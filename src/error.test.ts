import { expect, test } from "bun:test";
import { CrError, errorLines, firstOf } from "./error.ts";

test("what the kernel lacks has a remedy where whoever met it gave none", () => {
  const cause = new CrError("too many open files", { code: "EMFILE" });
  expect(errorLines(new CrError("cannot list the descriptors", { cause })).at(-1)).toBe(
    "remedy: raise the limit of open files (ulimit -n)",
  );
  expect(errorLines(new CrError("cannot write", { code: "ENOSPC", remedy: "dump elsewhere" }))).toEqual([
    "cannot write",
    "remedy: dump elsewhere",
  ]);
});

test("where putting things back fails as well, what failed first is told first, and decides", () => {
  const first = new CrError("cannot write", { subject: { path: "/images" }, remedy: "make room", status: 7 });
  const thrown = (() => {
    try {
      using _scope = {
        [Symbol.dispose]() {
          throw new CrError("cannot tidy up");
        },
      };
      throw first;
    } catch (error) {
      return error;
    }
  })();
  expect(firstOf(thrown)).toBe(first);
  expect(errorLines(thrown)).toEqual(["cannot write (/images)", "remedy: make room", "  afterwards: cannot tidy up"]);
  expect(firstOf(first)).toBe(first);
});
