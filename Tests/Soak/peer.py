# SPDX-License-Identifier: Apache-2.0
"""Another user of the node on its local socket, well-behaved and not; a process of its own, as the kernel must know it.

usage: peer.py NODE SOCKET UID     until its standard input ends; prints its books
"""

import os
import pathlib
import random
import sys
import threading

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "E2E"), str(HERE.parent / "System")]
sys.dont_write_bytecode = True

import good
import hostile
from books import Books
from clients import Client, Local
from held import Held


def main():
    node, path, user = sys.argv[1], sys.argv[2], int(sys.argv[3])
    os.setgroups([])
    # The socket's group, which may connect; what the user may do there is what the policy says.
    os.setresgid(0, 0, 0)
    os.setresuid(user, user, user)
    books, ended = Books(), threading.Event()
    target = Local(node, path)
    held = Held()
    threads = [
        threading.Thread(target=good.browse, args=(Client(target, books), good.OPEN_PAGES, ended, 7)),
        threading.Thread(target=good.be_refused, args=(Client(target, books), ["/checkpoints/jobs"], 403, ended))
        if node == "policy" else
        threading.Thread(target=good.browse, args=(Client(target, books), good.ALL_PAGES, ended, 8)),
        threading.Thread(
            target=hostile.annoy,
            args=(hostile.Stranger(target, books, held, random.Random(user)), hostile.PLAIN, 5, ended)),
        threading.Thread(target=held.run, args=(ended,)),
    ]
    for thread in threads:
        thread.start()
    sys.stdin.read()
    ended.set()
    for thread in threads:
        thread.join()
    held.look(float("inf"))
    print(books.text())


if __name__ == "__main__":
    main()
