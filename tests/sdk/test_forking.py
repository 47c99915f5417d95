"""A fork at the worst moment: while our threads import, copy, collect or send. The child must not wait for them."""

from typing import Final

from tests.sdk.receiving import program, receiving

CHILDREN: Final = """
import os, signal, sys, time
import otel_ax
handle = otel_ax.configure(service_name="forking", schedule_delay_s=0.01, exit_timeout_s=10, pending=True)
from opentelemetry import metrics, trace
tracer = trace.get_tracer("test")
counter = metrics.get_meter("test").create_counter("count")
CALL = {"gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai", "gen_ai.request.model": "gpt-4o",
        "gen_ai.usage.input_tokens": 3}

def forked(child):
    pid = os.fork()
    if pid == 0:
        signal.alarm(20)  # ends a child that hangs
        child()
        os._exit(0)
    return pid

def ended(*pids):
    for pid in pids:
        status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        if status:
            sys.exit(f"a child ended with {status}")

"""


def test_the_import_of_prices_is_not_forked_in_the_middle() -> None:
    code = """
def child():
    import genai_prices.data, pydantic

tracer.start_span("first", attributes=CALL).end()
pids = []
while len(pids) < 12:
    pids.append(forked(child))
    time.sleep(0.02)
ended(*pids)
"""
    with receiving() as receiver:
        done = program(CHILDREN + code, receiver.url)
    assert (done.status, done.err) == (0, "")


def test_a_child_of_a_fork_amid_exports_goes_on_and_sends_its_own() -> None:
    code = """
running = tracer.start_span("running", attributes=CALL)

def child():
    running.set_attribute("from", "child")
    counter.add(1)
    with tracer.start_as_current_span("child", attributes=CALL):
        pass
    if not handle.flush(15):
        os._exit(3)

for number in range(15):
    for _ in range(20):
        tracer.start_span("filler", attributes=CALL).end()
    time.sleep(0.003 * number)
    ended(forked(child))
running.end()
"""
    with receiving(delay_s=0.05) as receiver:
        done = program(CHILDREN + code, receiver.url)
        assert (done.status, done.err) == (0, "")
        names = receiver.names()
        assert (names.count("child"), names.count("filler"), names.count("running")) == (15, 300, 1)
        assert receiver.total("count") == 15


def test_many_forks_in_a_row_lose_no_measurement() -> None:
    code = """
for _ in range(24):
    counter.add(1)
    ended(forked(lambda: None))
    time.sleep(0.02)
"""
    with receiving() as receiver:
        done = program(CHILDREN + code, receiver.url)
        assert (done.status, done.err) == (0, "")
        assert receiver.total("count") == 24


def test_a_callback_that_hangs_does_not_hang_a_fork() -> None:
    code = """
from otel_ax.readers import periodic
periodic.FORK_WAITS_S = 0.2
from otel_ax import forking
forking.LONGEST_S = 0.2
stuck = __import__("threading").Event()
metrics.get_meter("test").create_observable_gauge("stuck", [lambda _: stuck.set() or time.sleep(60) or []])
__import__("threading").Thread(target=handle.flush, args=(0.1,)).start()
stuck.wait(10)
began = time.monotonic()
ended(forked(lambda: None))
assert time.monotonic() - began < 5
os._exit(0)
"""
    with receiving() as receiver:
        done = program(CHILDREN + code, receiver.url)
    assert (done.status, done.err) == (0, "")
