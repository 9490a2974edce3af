"""Python's multiprocessing: a pool, a manager's dictionary, a queue, a value that two processes count up under a lock.

    python3 pool.py REPORT
"""
import multiprocessing
import signal
import sys
import threading
import time


def square(number):
    time.sleep(0.001)
    return number * number


def count(value, times):
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    for _ in range(times):
        with value.get_lock():
            value.value += 1
        time.sleep(0.001)


class Tally:
    asked = answered = wrong = 0
    pause = 0.0
    last = time.monotonic()

    def answer(self, got, wanted):
        now = time.monotonic()
        self.answered += 1
        self.pause = max(self.pause, now - self.last)
        self.last = now
        if got != wanted:
            self.wrong += 1
            print(f"{got} came, not {wanted}", flush=True)


def main(path):
    ending = threading.Event()
    tally = Tally()
    times = 40
    with open(path, "w") as report, multiprocessing.Pool(3) as pool, multiprocessing.Manager() as manager:
        signal.signal(signal.SIGTERM, lambda *_: ending.set())

        def tell(more=""):
            report.write(f"{tally.asked} {tally.answered} {tally.wrong} {tally.pause * 1000:.3f}{more}\n")
            report.flush()

        shared, queue = manager.dict(), multiprocessing.Queue()
        turn = 0
        while not ending.is_set():
            turn += 1
            tally.asked += 4
            value = multiprocessing.Value("q", 0)
            counters = [multiprocessing.Process(target=count, args=(value, times)) for _ in range(2)]
            for one in counters:
                one.start()
            numbers = range(turn, turn + 30)
            for number in numbers:
                queue.put(number)
            tally.answer(pool.map(square, numbers), [number * number for number in numbers])
            shared[turn % 10] = turn
            tally.answer(shared[turn % 10], turn)
            tally.answer([queue.get() for _ in numbers], list(numbers))
            for one in counters:
                one.join()
            tally.answer((value.value, [one.exitcode for one in counters]), (2 * times, [0, 0]))
            tell()
        tell(" over")


if __name__ == "__main__":
    main(*sys.argv[1:])
