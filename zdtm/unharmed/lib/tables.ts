/** Prints the names of all tables of nf_tables in the network that it runs in. */
import { NfTables } from "../../../src/kernel/nftables.ts";

using all = new NfTables();
for (const { name } of all.tables()) console.log(name);
