# SPDX-License-Identifier: Apache-2.0
"""The status page as a browser shows it: what it says, how it looks, and that nothing hostile gets through."""

import base64
import contextlib
import fcntl
import hashlib
import html.parser
import json
import os
import pathlib
import re
import select
import shutil
import signal
import struct
import subprocess
import tempfile
import time
import unittest
import zlib

from support import PRIVATE_MOUNTS, Agent, AgentTest, FileSystemServer, wait_for

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")

# Every row of every section, and of each bar what part of its track is filled and where its line stands.
ROWS = """
[...document.querySelectorAll('section')].map(section => ({
    title: section.querySelector('h2').innerText,
    text: section.innerText,
    rows: [...section.querySelectorAll('tr')].map(row => ({
        cells: [...row.children].map(cell => cell.innerText),
        tones: [...row.querySelectorAll('.state')].map(state => state.className),
        bars: [...row.querySelectorAll('svg')].map(bar => {
            const track = bar.getBoundingClientRect(), width = query => {
                const found = bar.querySelector(query)
                return found ? found.getBoundingClientRect() : null
            }
            const used = width('rect.bar, rect.over'), line = width('line')
            return {used: used.width / track.width,
                    line: line ? (line.x + line.width / 2 - track.x) / track.width : null,
                    over: bar.querySelector('rect.over') !== null, height: track.height}
        })
    }))
}))
"""

# The contrast of every text with what is behind it, as WCAG computes it: the worst, and whose it is.
CONTRAST = """
(() => {
    const channels = text => text.match(/[\\d.]+/g).map(Number)
    const luminance = text => {
        const [r, g, b] = channels(text).slice(0, 3).map(value => {
            value /= 255
            return value <= 0.03928 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4
        })
        return 0.2126 * r + 0.7152 * g + 0.0722 * b
    }
    const behind = element => {
        for (; element; element = element.parentElement) {
            const color = getComputedStyle(element).backgroundColor
            if ((channels(color)[3] ?? 1) > 0) return color
        }
        return 'rgb(255, 255, 255)'
    }
    let worst = [99, '']
    const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
    while (texts.nextNode()) {
        if (!texts.currentNode.textContent.trim()) continue
        const element = texts.currentNode.parentElement
        const [a, b] = [luminance(getComputedStyle(element).color), luminance(behind(element))]
        const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05)
        if (contrast < worst[0]) worst = [contrast, texts.currentNode.textContent]
    }
    return worst
})()
"""


class Browser:
    """Chromium without a window, spoken to through a pair of pipes."""

    def __init__(self):
        self.directory = tempfile.mkdtemp(prefix="nodekeep-browser-")
        here_in, there_out = os.pipe()
        there_in, here_out = os.pipe()
        # Out of the way of 3 and 4, where the browser looks for its ends.
        ends = [fcntl.fcntl(end, fcntl.F_DUPFD, 20) for end in (there_in, there_out)]

        def arrange():
            os.dup2(ends[0], 3)
            os.dup2(ends[1], 4)
        self.errors = open(pathlib.Path(self.directory) / "stderr", "w+b")
        self.process = subprocess.Popen(
            [CHROMIUM, "--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--hide-scrollbars",
             "--disable-background-networking", "--disable-component-update", "--disable-sync",
             "--remote-debugging-pipe", f"--user-data-dir={self.directory}/profile", "about:blank"],
            stdin=subprocess.DEVNULL, stdout=self.errors, stderr=self.errors, pass_fds=(3, 4), preexec_fn=arrange,
            start_new_session=True)
        for end in (there_in, there_out, *ends):
            os.close(end)
        self.input, self.output = here_in, here_out
        self.buffer = b""
        self.count = 0
        self.session = None
        self.events = []
        target = self.ask("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ["Page", "Runtime", "Log", "Network", "Audits"]:
            self.ask(f"{domain}.enable")

    def read(self, deadline):
        while b"\0" not in self.buffer:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self.input], [], [], left)[0]:
                self.errors.seek(0)
                raise AssertionError(f"the browser says nothing: {self.errors.read()[-2000:]}")
            part = os.read(self.input, 1 << 20)
            if not part:
                self.errors.seek(0)
                raise AssertionError(f"the browser has ended: {self.errors.read()[-2000:]}")
            self.buffer += part
        message, self.buffer = self.buffer.split(b"\0", 1)
        return json.loads(message)

    def ask(self, method, **parameters):
        self.count += 1
        message = {"id": self.count, "method": method, "params": parameters}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.output, json.dumps(message).encode() + b"\0")
        deadline = time.monotonic() + 30
        while True:
            answer = self.read(deadline)
            if answer.get("id") == self.count:
                assert "error" not in answer, (method, answer)
                return answer["result"]
            self.events.append(answer)

    def evaluate(self, expression):
        result = self.ask("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in result, result
        return result["result"].get("value")

    def open(self, url, width=1280, height=900, dark=False):
        """Loads a page; gives what the browser reported meanwhile."""
        self.ask("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1,
                 mobile=width < 600)
        self.ask("Emulation.setEmulatedMedia",
                 features=[{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}])
        self.events = []
        self.ask("Page.navigate", url=url)
        deadline = time.monotonic() + 30
        while not any(event.get("method") == "Page.loadEventFired" for event in self.events):
            self.events.append(self.read(deadline))
        self.evaluate("1")
        return self.events

    def screenshot(self):
        return base64.b64decode(self.ask("Page.captureScreenshot", captureBeyondViewport=True)["data"])

    def close(self):
        for end in (self.input, self.output):
            with contextlib.suppress(OSError):
                os.close(end)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(3)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.errors.close()
        shutil.rmtree(self.directory, ignore_errors=True)


def pixels(png):
    """Width, height and a function from a place to its colour, of an eight-bit PNG."""
    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    width, height, depth, kind = struct.unpack(">IIBB", png[16:26])
    assert depth == 8 and kind in (2, 6)
    size = 3 if kind == 2 else 4
    packed, place = b"", 8
    while place < len(png):
        length, name = struct.unpack(">I4s", png[place:place + 8])
        if name == b"IDAT":
            packed += png[place + 8:place + 8 + length]
        place += 12 + length
    raw = zlib.decompress(packed)
    rows, above, stride = [], bytearray(width * size), width * size
    for number in range(height):
        start = number * (stride + 1)
        rule, row = raw[start], bytearray(raw[start + 1:start + 1 + stride])
        for index in range(stride):
            left = row[index - size] if index >= size else 0
            up = above[index]
            corner = above[index - size] if index >= size else 0
            if rule == 1:
                row[index] = (row[index] + left) & 255
            elif rule == 2:
                row[index] = (row[index] + up) & 255
            elif rule == 3:
                row[index] = (row[index] + (left + up) // 2) & 255
            elif rule == 4:
                guess = left + up - corner
                nearest = min((left, up, corner), key=lambda value: abs(guess - value))
                row[index] = (row[index] + nearest) & 255
        rows.append(row)
        above = row
        if number >= 40:
            break  # enough for a look at the top
    return width, height, lambda x, y: tuple(rows[y][x * size:x * size + 3])


class Links(html.parser.HTMLParser):
    """Every attribute that could load or send something, and every element's name."""

    def __init__(self, text):
        super().__init__()
        self.places, self.names, self.attributes = [], set(), set()
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.names.add(tag)
        for name, value in attributes:
            self.attributes.add(name)
            if name in ("href", "src", "srcset", "action", "data", "poster", "xlink:href", "background", "formaction"):
                self.places.append(value)


class PageTest(AgentTest):
    @classmethod
    def setUpClass(cls):
        if CHROMIUM is None:
            raise unittest.SkipTest("no Chromium here")
        with contextlib.ExitStack() as stack:
            cls.shared = Agent(
                'evictionHard: {memory.available: 100Mi, nodefs.available: "10%", nodefs.inodesFree: "5%", '
                'pid.available: "10%"}\nevictionSoft: {memory.available: 1Gi}\n'
                "evictionSoftGracePeriod: {memory.available: 90s}\n",
                ["--container-runtime-endpoint", "unix:///run/nodekeep-test/none.sock"], wait=False)
            stack.callback(cls.shared.close)
            wait_for(cls.settled, 10, "a settled agent")
            cls.browser = Browser()
            stack.callback(cls.browser.close)
            cls.url = f"http://127.0.0.1:{cls.shared.port}/"
            cls.addClassCleanup(stack.pop_all().close)

    @classmethod
    def settled(cls):
        try:
            conditions = [
                cls.shared.condition(kind)["status"] for kind in ["MemoryPressure", "DiskPressure", "PIDPressure"]]
        except OSError:
            return False
        return conditions == ["False"] * 3

    def complaints(self, events):
        """What the browser did not like: refused by policy, failed, or asked for without need."""
        found = []
        for event in events:
            method, parameters = event.get("method"), event.get("params", {})
            if method == "Log.entryAdded":
                found.append(parameters["entry"]["text"])
            elif method in ("Runtime.exceptionThrown", "Runtime.consoleAPICalled", "Audits.issueAdded"):
                found.append(json.dumps(parameters)[:400])
            elif method == "Network.requestWillBeSent" and not parameters["request"]["url"].startswith("data:"):
                if parameters["request"]["url"] != self.url:
                    found.append(parameters["request"]["url"])
        return found

    def test_the_page_says_what_status_says(self):
        events = self.browser.open(self.url)
        status = self.shared.json("/status")
        sections = {section["title"]: section for section in self.browser.evaluate(ROWS)}
        self.assertEqual(self.complaints(events), [])
        self.assertEqual(self.browser.evaluate("document.title"), f"{status['node']['name']} – nodekeep")
        self.assertEqual(self.browser.evaluate("document.querySelector('h1').innerText"), status["node"]["name"])
        head = self.browser.evaluate("document.querySelector('header').innerText")
        info = status["status"]["nodeInfo"]
        for word in [info["osImage"], info["kernelVersion"], info["architecture"]]:
            self.assertIn(word, head)
        for address in status["status"]["addresses"]:
            self.assertIn(address["address"], head)

        def row(section, name):
            found = [row for row in sections[section]["rows"] if row["cells"][0] == name]
            self.assertEqual(len(found), 1, f"{name} in {section}: {sections[section]['text']}")
            return found[0]

        for condition in status["status"]["conditions"]:
            shown = row("Conditions", condition["type"])
            self.assertEqual(shown["cells"][1], condition["status"])
            for word in [condition["message"], condition["reason"], condition["lastTransitionTime"]]:
                self.assertIn(word, shown["cells"][2])
            is_well = condition["status"] == ("True" if condition["type"] == "Ready" else "False")
            self.assertEqual(shown["tones"], ["state good" if is_well else "state bad"])
        self.assertEqual(len(sections["Conditions"]["rows"]), len(status["status"]["conditions"]))

        applicable = [entry for entry in status["signals"] if "notApplicable" not in entry]
        self.assertGreaterEqual(len(applicable), 4)
        for entry in applicable:
            shown = row("Signals", entry["signal"])
            for threshold in [entry.get("hard"), entry.get("soft")]:
                if threshold:
                    self.assertIn(threshold["text"], shown["cells"][1])
            bar, = shown["bars"]
            self.assertAlmostEqual(bar["used"], 1 - entry["available"] / entry["capacity"], delta=0.02)
            self.assertGreater(bar["height"], 8)
            limit = (entry.get("hard") or entry.get("soft") or {}).get("absolute")
            if limit is None:
                self.assertIsNone(bar["line"])
            else:
                self.assertAlmostEqual(bar["line"], 1 - limit / entry["capacity"], delta=0.02)
            self.assertFalse(bar["over"])
        self.assertEqual(len(sections["Signals"]["rows"]), len(applicable))

        for system in status["fileSystems"]:
            shown = row("File systems", system["mountPoint"])
            self.assertIn(system["source"], shown["cells"][1])
            self.assertIn(system["type"], shown["cells"][1])
            self.assertAlmostEqual(
                shown["bars"][0]["used"], 1 - system["usage"]["availableBytes"] / system["usage"]["capacityBytes"],
                delta=0.02)
        for interface in status["network"]["interfaces"]:
            for address in interface["addresses"]:
                if interface["name"] != "lo":
                    self.assertIn(address, row("Network", interface["name"])["cells"][2])
        for route in status["network"]["defaultRoutes"]:
            self.assertIn(route["interface"], sections["Network"]["text"])
        for source in status["collectors"]:
            shown = row("Sources", source["name"])
            self.assertEqual(shown["cells"][1], source["state"])
            self.assertIn(source.get("error", ""), shown["cells"][2])
        self.assertEqual(len(sections["Sources"]["rows"]), len(status["collectors"]))
        self.assertIn(status["runtime"]["endpoint"], sections["Container runtime"]["text"])
        self.assertIn("does not answer", sections["Container runtime"]["text"])
        self.assertIn(status["runtime"]["problem"], sections["Container runtime"]["text"])
        self.assertIn(status["lease"]["lease"]["holderIdentity"], sections["Heartbeat"]["text"])
        self.assertIn(status["system"]["bootTime"], row("System", "Boot")["cells"][1])
        # As the kernel writes them, not as binary fractions come out.
        self.assertRegex(row("System", "Load")["cells"][1], r"^\d+(\.\d{1,2})?( \d+(\.\d{1,2})?){2}$")
        foot = self.browser.evaluate("document.querySelector('footer').innerText")
        self.assertIn(status["agent"]["version"], foot)
        for link in self.browser.evaluate("[...document.querySelectorAll('a')].map(a => a.getAttribute('href'))"):
            self.assertEqual(self.shared.get(link).status, 200, link)

    def test_light_and_dark_wide_and_narrow(self):
        shots = os.environ.get("NODEKEEP_SCREENSHOTS")
        for dark, background in [(False, (0xF6, 0xF7, 0xF9)), (True, (0x10, 0x13, 0x17))]:
            for width in [1280, 390, 360, 320]:
                name = f"{'dark' if dark else 'light'}-{width}"
                with self.subTest(name):
                    self.assertEqual(self.complaints(self.browser.open(self.url, width, 900, dark)), [])
                    # Nothing sticks out, neither of the page nor of a box in it.
                    self.assertLessEqual(self.browser.evaluate("document.documentElement.scrollWidth"), width)
                    wider = self.browser.evaluate(
                        "[...document.querySelectorAll('.scroll')].filter(box => box.scrollWidth > box.clientWidth)"
                        ".map(box => box.parentElement.querySelector('h2').innerText)")
                    self.assertEqual(wider, [])
                    contrast, text = self.browser.evaluate(CONTRAST)
                    self.assertGreaterEqual(contrast, 4.5, text)
                    self.assertGreaterEqual(
                        self.browser.evaluate("parseFloat(getComputedStyle(document.querySelector('.soft')).fontSize)"),
                        12)
                    png = self.browser.screenshot()
                    if shots:
                        (pathlib.Path(shots) / f"{name}.png").write_bytes(png)
                    seen_width, seen_height, color = pixels(png)
                    self.assertEqual(seen_width, width)
                    self.assertGreater(seen_height, 400)
                    self.assertEqual(color(3, 3), background)
                    self.assertEqual(color(width - 4, 3), background)

    def test_headers_and_style(self):
        response = self.shared.get("/")
        text = response.body.decode()
        style = re.search(r"<style>(.*?)</style>", text, re.S)[1]
        digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
        self.assertEqual(
            response.headers["Content-Security-Policy"],
            f"default-src 'none'; img-src data:; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'; "
            "frame-ancestors 'none'")
        self.assertEqual(response.headers["X-Content-Type-Options"], "nosniff")
        self.assertEqual(response.headers["Referrer-Policy"], "no-referrer")
        self.assertEqual(response.headers["Content-Type"], "text/html; charset=utf-8")
        # From nowhere else, without script, without style in attributes.
        links = Links(text)
        for place in links.places:
            self.assertRegex(place, r"^(/[\w/.]*|data:,)$")
        self.assertNotRegex(re.sub(r'aria-label="[^"]*"', "", style), r"url\(|@import|//")
        self.assertFalse(links.names & {"script", "iframe", "object", "embed", "form", "base", "img"}, links.names)
        self.assertFalse([name for name in links.attributes if name.startswith("on") or name == "style"])
        self.assertNotIn("Set-Cookie", response.headers)

    def test_a_node_that_is_not_well(self):
        """Every colour of the page is in use, and every word about what is wrong."""
        with tempfile.TemporaryDirectory(prefix="nodekeep-page-") as point:
            server = FileSystemServer()
            self.addCleanup(server.close)
            agent = self.agent(
                f"evictionHard: {{memory.available: {1 << 60}, nodefs.available: 1Mi, pid.available: 1}}\n",
                ["--root-dir", point], prefix=[*PRIVATE_MOUNTS, *server.mount_command(point), "--"],
                pass_fds=[server.descriptor])
            wait_for(
                lambda: (agent.condition("MemoryPressure")["status"], agent.condition("DiskPressure")["status"])
                == ("True", "Unknown") and agent.collector("nodefs")["state"] == "hung", 8, "a node that is not well")
            url = f"http://127.0.0.1:{agent.port}/"
            shots = os.environ.get("NODEKEEP_SCREENSHOTS")
            for dark in [False, True]:
                self.browser.open(url, 390, 900, dark)
                self.assertGreaterEqual(self.browser.evaluate(CONTRAST)[0], 4.5)
                if shots:
                    (pathlib.Path(shots) / f"ill-{dark}.png").write_bytes(self.browser.screenshot())
            sections = {section["title"]: section for section in self.browser.evaluate(ROWS)}
            rows = {row["cells"][0]: row for row in sections["Conditions"]["rows"]}
            self.assertEqual(rows["MemoryPressure"]["cells"][1], "True")
            self.assertEqual(rows["MemoryPressure"]["tones"], ["state bad"])
            self.assertIn("is below its threshold", rows["MemoryPressure"]["cells"][2])
            self.assertEqual(rows["DiskPressure"]["tones"], ["state warn"])
            self.assertIn(f"statfs {point} has not returned for 2 s", rows["DiskPressure"]["cells"][2])
            signals = {row["cells"][0]: row for row in sections["Signals"]["rows"]}
            self.assertTrue(signals["memory.available"]["bars"][0]["over"])
            self.assertIn("below the threshold", signals["memory.available"]["cells"][1])
            self.assertIn("has not returned", signals["nodefs.available"]["cells"][1])
            sources = {row["cells"][0]: row for row in sections["Sources"]["rows"]}
            self.assertEqual((sources["nodefs"]["cells"][1], sources["nodefs"]["tones"]), ("hung", ["state bad"]))

    def test_hostile_names_are_words_and_nothing_else(self):
        name = "\"><img src=x onerror=\"document.title='owned'\">&lt;'\\ \n\tü\u202e}\" 1"
        source = "<script>document.title='owned'</script>{a=\"b\"}"
        with tempfile.TemporaryDirectory(prefix="nodekeep-page-") as directory:
            point = pathlib.Path(directory) / name
            point.mkdir()
            server = FileSystemServer().start()
            self.addCleanup(server.close)
            agent = self.agent(
                prefix=[*PRIVATE_MOUNTS, *server.mount_command(point, source), "--"], pass_fds=[server.descriptor])
            mount = wait_for(
                lambda: next((entry for entry in agent.json("/status")["fileSystems"]
                              if entry["mountPoint"] == str(point) and "capacityBytes" in entry["usage"]), None),
                10, "the hostile mount")
            self.assertEqual(mount["source"], source)
            text = agent.get("/").body.decode()
            self.assertNotIn("<img", text)
            self.assertNotIn("<script", text)
            self.assertFalse(Links(text).names & {"script", "img"})
            self.browser.open(f"http://127.0.0.1:{agent.port}/")
            self.assertNotEqual(self.browser.evaluate("document.title"), "owned")
            # Other control characters than the end of a line are shown as such.
            self.assertIn(
                str(point).replace("\t", "\ufffd"),
                self.browser.evaluate("[...document.querySelectorAll('th')].map(th => th.textContent)"))
            self.assertEqual(self.browser.evaluate("document.querySelectorAll('img, script').length"), 0)
            metrics = agent.get("/metrics").body
            check = subprocess.run(["promtool", "check", "metrics"], input=metrics, capture_output=True)
            self.assertEqual((check.returncode, check.stdout + check.stderr), (0, b""))
            escaped = str(point).replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')
            self.assertIn(f'mountpoint="{escaped}"', metrics.decode().replace("mount_point=", "mountpoint="))
