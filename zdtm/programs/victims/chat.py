"""A server and its clients, both in one tree: clients ask without end and check every answer, a line for each report.

    python3 chat.py REPORT CLIENTS
"""
import asyncio
import signal
import sys
import time


async def serve(reader, writer):
    count = 0
    while line := await reader.readline():
        count += 1
        await asyncio.sleep(0.001 if count % 50 else 0.01)
        size = count * 997 % 40000
        writer.write(b"%d %d %s\n" % (count, size, line.strip()[::-1]) + b"%c" % (97 + count % 26) * size)
        await writer.drain()
    writer.close()


class Tally:
    asked = answered = wrong = 0
    pause = 0.0


async def client(port, number, tally, ending):
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 20)
    count = 0
    while not ending.is_set():
        count += 1
        question = b"client %d asks %d" % (number, count)
        since = time.monotonic()
        tally.asked += 1
        writer.write(question + b"\n")
        head = (await reader.readline()).split(b" ", 2)
        size = count * 997 % 40000
        body = await reader.readexactly(size)
        tally.pause = max(tally.pause, time.monotonic() - since)
        tally.answered += 1
        wanted = [b"%d" % count, b"%d" % size, question[::-1] + b"\n"]
        if head != wanted or body != b"%c" % (97 + count % 26) * size:
            tally.wrong += 1
    writer.close()
    await writer.wait_closed()


async def ask(port, report, clients):
    tally = Tally()
    ending = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ending.set)

    async def tell():
        while True:
            report.write(f"{tally.asked} {tally.answered} {tally.wrong} {tally.pause * 1000:.3f}\n")
            report.flush()
            await asyncio.sleep(0.02)

    telling = asyncio.create_task(tell())
    await asyncio.gather(*(client(port, number, tally, ending) for number in range(clients)))
    telling.cancel()
    report.write(f"{tally.asked} {tally.answered} {tally.wrong} {tally.pause * 1000:.3f} over\n")
    report.flush()


async def main(report, clients):
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    child = await asyncio.create_subprocess_exec(sys.executable, __file__, report, clients, str(port))
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, child.terminate)
    return await child.wait()


if len(sys.argv) == 4:
    with open(sys.argv[1], "w") as to:
        asyncio.run(ask(int(sys.argv[3]), to, int(sys.argv[2])))
else:
    sys.exit(asyncio.run(main(*sys.argv[1:])))
