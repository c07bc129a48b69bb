"""Chromium by the W3C WebDriver protocol: plain HTTP requests to chromedriver."""

import re
import shutil
import subprocess
from types import TracebackType
from typing import Any, Self

import httpx

FLAGS = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
# In milliseconds. A busy machine takes as long as it takes: no page is at fault for that.
DAY = 24 * 3600 * 1000


def is_there() -> bool:
    """Whether Chromium and its driver are installed."""
    return all(map(shutil.which, ("chromium", "chromedriver")))


class Browser:
    """One window of a real browser."""

    def __init__(self, folder: str):
        self._driver = subprocess.Popen(
            ["chromedriver", "--port=0"],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert self._driver.stdout is not None
        # It chooses a free port, and says so once it answers.
        said = (re.search(r"successfully on port (\d+)", line) for line in self._driver.stdout)
        port = next((match[1] for match in said if match), None)
        if port is None:
            raise RuntimeError("chromedriver does not start")
        self._http = httpx.Client(
            base_url=f"http://127.0.0.1:{port}", timeout=None, trust_env=False
        )
        options = {
            "binary": shutil.which("chromium"),
            "args": [*FLAGS, f"--user-data-dir={folder}"],
        }
        wanted = {
            "browserName": "chrome",
            "goog:chromeOptions": options,
            "goog:loggingPrefs": {"browser": "ALL", "performance": "ALL"},
            "timeouts": {"script": DAY, "pageLoad": DAY},
        }
        made = self._post("/session", capabilities={"alwaysMatch": wanted})
        self._session = f"/session/{made['sessionId']}"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self._http.delete(self._session)
        self._http.close()
        self._driver.terminate()
        self._driver.wait()
        self._driver.stdout.close()

    def show(self, url: str) -> None:
        """Load a page and wait until it is complete."""
        self._post(f"{self._session}/url", url=url)

    def resize(self, width: int, height: int) -> None:
        """Pretend to be a screen of that many pixels; windows have a least width."""
        self._devtools(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=width < 500,
        )

    def prefer(self, scheme: str) -> None:
        """Prefer the colour scheme "light" or "dark"."""
        feature = {"name": "prefers-color-scheme", "value": scheme}
        self._devtools("Emulation.setEmulatedMedia", features=[feature])

    def run(self, script: str) -> Any:
        """Run JavaScript and return what it returns."""
        return self._post(f"{self._session}/execute/sync", script=script, args=[])

    def await_result(self, script: str) -> Any:
        """Run JavaScript that ends in a promise and return what it resolves to."""
        done = "arguments[arguments.length - 1]"
        return self._post(
            f"{self._session}/execute/async", script=f"({script}).then({done})", args=[]
        )

    def console(self) -> list[str]:
        """Return the errors and warnings on the console since the last call."""
        entries = self._post(f"{self._session}/se/log", type="browser")
        return [entry["message"] for entry in entries if entry["level"] in ("SEVERE", "WARNING")]

    def requests(self) -> list[str]:
        """Return the addresses that were asked for since the last call."""
        found = []
        for entry in self._post(f"{self._session}/se/log", type="performance"):
            if '"Network.requestWillBeSent"' in entry["message"]:
                request = httpx.Response(200, text=entry["message"]).json()["message"]
                found.append(request["params"]["request"]["url"])
        return found

    def _devtools(self, command: str, **parameters: Any) -> None:
        path = f"{self._session}/goog/cdp/execute"
        self._post(path, cmd=command, params=parameters)

    def _post(self, path: str, **content: Any) -> Any:
        answer = self._http.post(path, json=content).json()["value"]
        if isinstance(answer, dict) and "error" in answer:
            raise RuntimeError(answer["message"])
        return answer
