import { expect, test } from "bun:test";
import { inPieces, lowerLayers, splitOptions, withContext } from "./mnt-options.ts";

test("options are taken apart at their commas, but not at those in quotes", () => {
  expect(splitOptions('size=4096k,mode=711,context="system_u:object_r:c:s0:c82,c137",inode64')).toEqual([
    ["size", "4096k"],
    ["mode", "711"],
    ["context", "system_u:object_r:c:s0:c82,c137"],
    ["inode64", undefined],
  ]);
  expect(splitOptions("lowerdir=/a:/b,upperdir=/c=d,workdir=,ro")).toEqual([
    ["lowerdir", "/a:/b"],
    ["upperdir", "/c=d"],
    ["workdir", ""],
    ["ro", undefined],
  ]);
  expect(splitOptions("")).toEqual([]);
});

test("--lsm-mount-context changes the context of mounts that have one, and no other", () => {
  const options = splitOptions('size=1m,context="a:b:c:s0:c1,c2",rootcontext=x:y:z');
  expect(withContext(options, undefined)).toEqual(options);
  expect(withContext(options, "a:b:c:s0:c3,c4")).toEqual([
    ["size", "1m"],
    ["context", "a:b:c:s0:c3,c4"],
    ["rootcontext", "x:y:z"],
  ]);
  expect(withContext(splitOptions("size=1m"), "a:b:c:s0")).toEqual([["size", "1m"]]);
});

test("names of an overlay's layers may have commas, colons and backslashes", () => {
  const options = "lowerdir=/a\\,b:/c\\:d::/e\\\\,upperdir=/u\\,p,lowerdir+=/x\\,y\\\\z,ro";
  expect(splitOptions(options)).toEqual([
    ["lowerdir", "/a\\,b:/c\\:d::/e\\\\"],
    ["upperdir", "/u\\,p"],
    ["lowerdir+", "/x,y\\z"],
    ["ro", undefined],
  ]);
  expect(splitOptions("lowerdir=/a\\134\\054b:/c\\134:d,upperdir=/u\\040p")).toEqual([
    ["lowerdir", "/a\\,b:/c\\:d"],
    ["upperdir", "/u p"],
  ]);
  expect(lowerLayers("/a\\,b:/c\\:d::/e\\\\:/f")).toEqual([
    { path: "/a,b", isData: false },
    { path: "/c:d", isData: false },
    { path: "/e\\", isData: true },
    { path: "/f", isData: true },
  ]);
});

test("a list of layers that is too long for one call comes layer by layer", () => {
  const long = `/${"l".repeat(200)}`;
  expect(inPieces(splitOptions(`lowerdir=${long}\\:a:${long}::/data,workdir=/w`))).toEqual([
    ["lowerdir+", `${long}:a`],
    ["lowerdir+", long],
    ["datadir+", "/data"],
    ["workdir", "/w"],
  ]);
});
