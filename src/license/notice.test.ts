import { expect, test } from "bun:test";
import { noticeText } from "./notice.ts";

test("the notice names our licence, the libraries in the executable, and gives the LGPL's text", () => {
  const text = noticeText();
  for (const words of [
    "MIT License",
    "GNU C Library",
    "libgcc_s",
    `Bun ${Bun.version}`,
    "JavaScriptCore",
    "GNU LESSER GENERAL PUBLIC LICENSE",
    "END OF TERMS AND CONDITIONS",
  ]) {
    expect(text).toContain(words);
  }
});
