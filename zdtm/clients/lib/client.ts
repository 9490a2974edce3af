/** A program outside that is connected to a server that is saved and brought back. */
import { until } from "../../unharmed/lib/victim.ts";

const PATIENCE = 20_000;

export class Client {
  /** All that was said to it, and "closed". */
  heard = "";

  private constructor(
    private readonly write: (text: string) => void,
    readonly end: () => void,
  ) {}

  /** Waits until somebody listens. */
  static async connect(port: number): Promise<Client> {
    for (const late = performance.now() + PATIENCE; ; await Bun.sleep(20)) {
      try {
        const socket = await Bun.connect({
          hostname: "127.0.0.1",
          port,
          socket: {
            data(_, bytes) {
              client.heard += bytes.toString();
            },
            close() {
              client.heard += "closed";
            },
          },
        });
        const client = new Client(
          (text) => void socket.write(text),
          () => void socket.end(),
        );
        return client;
      } catch (error) {
        if (performance.now() > late) throw error;
      }
    }
  }

  /** Says something to a server that says the same. */
  async asks(text: string): Promise<void> {
    this.write(text);
    await until(`no answer to ${text}`, () => (this.heard.endsWith(text) ? undefined : this.heard));
  }
}
