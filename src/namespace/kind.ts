import type { Program } from "../agent/program.ts";
import type { ImageDirectory } from "../image/directory.ts";
import type { Questions } from "../task/questions.ts";
import type { NamespaceName } from "./ids.ts";

/** One kind of namespace. A new kind is one new file in src/namespace and one line in the registry. */
export interface NamespaceKind {
  readonly name: NamespaceName;
  /** CLONE_NEW*: the root of a tree that lives in one of its own is cloned with it. */
  readonly flag: number;
  /** Appends questions to a task that lives in it; the function that is returned writes the images once they are answered. */
  ask?(questions: Questions): (images: ImageDirectory, id: number) => void;
  /** What a task does to fill its fresh namespace, before anything else is in it. */
  fill?(program: Program, images: ImageDirectory, id: number): void;
}
