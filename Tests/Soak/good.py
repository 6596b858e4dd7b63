# SPDX-License-Identifier: Apache-2.0
"""People who use the agents as they should: on every listener, with every kind of credential."""

import random
import ssl
import subprocess
import time

from books import Loss
from clients import Client
from support import NODEKEEP

OPEN_PAGES = [
    "/", "/status", "/status?pretty", "/node", "/node?pretty", "/healthz", "/healthz?verbose", "/livez", "/readyz",
    "/metrics", "/metrics/resource", "/openapi.json"]
ALL_PAGES = [*OPEN_PAGES, "/configz", "/checkpoints/jobs"]
PAUSE = 0.05


def browse(client, pages, ended, seed):
    """Pages by turns, on kept connections and new ones, packed and not, again with their tags."""
    chance = random.Random(seed)
    while not ended.is_set():
        path = chance.choice(pages)
        keep = chance.random() < 0.7
        answer = client.page(path, keep, packed=chance.random() < 0.5)
        if answer is not None and answer.headers["ETag"] and chance.random() < 0.3:
            client.unchanged(path, answer.headers["ETag"])
        if chance.random() < 0.1:
            client.request(path, method="HEAD", keep=keep)
        if chance.random() < 0.05:
            client.request("/nothing-here", expected=(404, 403))
        ended.wait(PAUSE * chance.random() * 2)
    client.close()


def scrape(client, ended):
    """As Prometheus does it, only more often."""
    while not ended.wait(0.5):
        for path in ["/metrics", "/metrics/resource"]:
            client.page(path, packed=True)
    client.close()


def be_refused(client, pages, status, ended):
    """A caller who is known and may not, or is not known: each time the same answer."""
    while not ended.wait(0.4):
        for path in pages:
            client.request(path, expected=(status,))
    client.close()


def command_lines(node, books, ended):
    """People at a terminal."""
    container = node.containers[0].path
    commands = [
        ["status", "--config", node.config, "--socket", node.socket],
        ["status", "--server", f"http://127.0.0.1:{node.port}", "-o", "json"],
        ["checkpoint", "jobs", "--socket", node.socket],
        ["checkpoint", "create", container, "--dry-run", "--socket", node.socket],
        ["token", "list", "--file", node.tokens],
        # The files that it names are replaced by garbage meanwhile.
        ["config", "check", "--without-files", "--config", node.config],
        ["policy", "check", "--file", node.standing_policy, "--user", "alice", "--endpoint", "metrics", "--verb",
         "get"],
        ["version"],
    ]
    number = 0
    while not ended.wait(1):
        words = [str(NODEKEEP), *map(str, commands[number % len(commands)])]
        number += 1
        opened = time.monotonic()
        done = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)
        books.count("command lines")
        if done.returncode != 0:
            web = "network" if "--server" in words else "socket"
            books.lost(Loss(node.name, web, f"{words[1:3]}: {done.stderr}", opened, time.monotonic(), False))


def workers(node, books, ended):
    """(function, arguments) of each."""
    world = node.world
    root = Client(node.local, books)
    found = [
        (browse, Client(node.loopback, books), OPEN_PAGES, ended, 1),
        (browse, root, ALL_PAGES, ended, 2),
        (browse, Client(node.main(world.prometheus), books, resumes=True), ALL_PAGES, ended, 3),
        (browse, Client(node.main(version=ssl.TLSVersion.TLSv1_2), books, token="csv-bob", resumes=True),
         ALL_PAGES, ended, 4),
        (browse, Client(node.main(), books, token=node.grafana), ALL_PAGES, ended, 5),
        (browse, Client(node.main(), books, token="hook-carol"), ALL_PAGES, ended, 6),
        (scrape, Client(node.loopback, books), ended),
        (scrape, Client(node.main(world.prometheus), books), ended),
        (be_refused, Client(node.main(world.stranger), books), ["/metrics", "/status"], 403, ended),
        (be_refused, Client(node.main(), books), ["/metrics", "/checkpoints/jobs"], 401, ended),
        (command_lines, node, books, ended),
    ]
    return found
