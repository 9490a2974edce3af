/** One client of a database is in the middle of a transaction whenever a trip begins; the others see nothing of it until its end. */
import type { SQL } from "bun";
import type { Running } from "./real.ts";
import type { Tally } from "./tally.ts";

export class Transaction implements Required<Pick<Running, "before" | "after">> {
  #trips = 0;

  private constructor(
    private readonly holding: SQL,
    private readonly others: SQL,
    private readonly tally: Tally,
  ) {}

  /** @param table what its table is made with */
  static async open(
    holding: SQL,
    others: SQL,
    tally: Tally,
    table = "CREATE TABLE held (n int)",
  ): Promise<Transaction> {
    await others.unsafe(table);
    return new Transaction(holding, others, tally);
  }

  /** How many were carried through. */
  get trips(): number {
    return this.#trips;
  }

  readonly before = async (): Promise<void> => {
    await this.holding.unsafe("BEGIN");
    await this.holding`INSERT INTO held VALUES (${this.#trips})`;
  };

  readonly after = async (): Promise<void> => {
    const seen = [await rows(this.holding), await rows(this.others)];
    if (!Bun.deepEquals(seen, [this.#trips + 1, this.#trips]))
      this.tally.fail(`the transaction has ${seen[0]} rows, others ${seen[1]}`);
    await this.holding.unsafe("COMMIT");
    this.#trips++;
    const all = await rows(this.others);
    if (all !== this.#trips) this.tally.fail(`${all} of ${this.#trips} rows are held`);
  };
}

async function rows(sql: SQL): Promise<number> {
  return Number((await sql`SELECT count(*) AS n FROM held`)[0]?.n);
}
