"""The walls around one statement that the kernel holds.

In: limits. Out: a process that cannot write a file, use much memory or processor time, reach a network, or gain
rights. Each wall that a machine does not have is left out; `confine` says which ones stand.
"""

import ctypes
import os
import resource
import signal
import sys
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Final

_CLONE_NEWUSER: Final = 0x10000000
_CLONE_NEWIPC: Final = 0x08000000
_CLONE_NEWNET: Final = 0x40000000
_PR_SET_DUMPABLE: Final = 4
_PR_SET_NO_NEW_PRIVS: Final = 38
_LANDLOCK: Final = (444, 446)
"""landlock_create_ruleset and landlock_restrict_self; the same numbers on all of Linux's platforms."""
_WRITES: Final = 0b1_1111_1111_0011
"""Landlock's rights, version 1, but for reading: execute, write, remove and make anything."""


def confine(limits: Mapping[str, int]) -> list[str]:
    """Puts up all walls for this process, for good; the names of those that stand.

    `limits`: `address_bytes`, `cpu_s`, `open_files`, and `kill_s`, after which SIGALRM ends the process by itself,
    also where nobody is left to kill it. Call it before there is a second thread.
    """
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGALRM})
    signal.alarm(limits["kill_s"])
    return ["alarm", *_namespaces(), *_rights(), *_resources(limits)]


def _resources(limits: Mapping[str, int]) -> Iterator[str]:
    """What may be used. FSIZE 0 keeps DuckDB from writing to its allowed directories where there is no Landlock."""
    for name, kind, most in (
        ("address space", resource.RLIMIT_AS, limits["address_bytes"]),
        ("processor time", resource.RLIMIT_CPU, limits["cpu_s"]),
        ("no file written", resource.RLIMIT_FSIZE, 0),
        ("open files", resource.RLIMIT_NOFILE, limits["open_files"]),
        ("no core", resource.RLIMIT_CORE, 0),
    ):
        with suppress(OSError, ValueError):  # lower already, or this platform has none
            resource.setrlimit(kind, (most, most))
            yield name


def _namespaces() -> Iterator[str]:
    """A network without interfaces; and a user without rights, who still owns our files."""
    if sys.platform != "linux":
        return
    unshare = ctypes.CDLL(None, use_errno=True).unshare
    for name, flags in (
        ("user, network and IPC namespaces", _CLONE_NEWUSER | _CLONE_NEWNET | _CLONE_NEWIPC),
        ("network and IPC namespaces", _CLONE_NEWNET | _CLONE_NEWIPC),
    ):
        if unshare(flags) == 0:
            yield name
            return


def _rights() -> Iterator[str]:
    if sys.platform != "linux":
        return
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    if prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0:
        yield "no new rights"
    ruleset = ctypes.c_uint64(_WRITES)  # rights that are handled and that no rule grants
    syscall = ctypes.CDLL(None, use_errno=True).syscall
    create, restrict = _LANDLOCK
    descriptor = syscall(create, ctypes.byref(ruleset), ctypes.c_size_t(ctypes.sizeof(ruleset)), 0)
    if descriptor >= 0 and syscall(restrict, descriptor, 0) == 0:
        yield "no file opened for writing"
    if prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0) == 0:
        yield "not traceable"


def silence() -> None:
    """Standard input, output and error lead nowhere."""
    nowhere = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(nowhere, descriptor)
    os.close(nowhere)
