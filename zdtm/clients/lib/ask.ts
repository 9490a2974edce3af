/** Asks the service at argv[2] to dump the process argv[3], and prints the errno with which it refuses. */
import { Client, RequestFailed } from "../../../src/rpc/client.ts";

const [address = "", pid = ""] = process.argv.slice(2);
using client = Client.connect(address);
try {
  client.dump({ images_dir: "/tmp", pid: Number(pid) });
  console.log("it did");
} catch (error) {
  console.log(error instanceof RequestFailed ? error.errno : error);
}
