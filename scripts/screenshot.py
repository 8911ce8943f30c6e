"""Takes the README's picture from the real page: runs the demo, waits until it has something to show, photographs it.

python -m scripts.screenshot   (needs Debian's chromium-headless-shell)
"""

import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

ROOT = Path(__file__).parent.parent
PICTURE = ROOT / "docs/page.png"
GIVE_UP_SECONDS = 60.0
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--window-size=1100,1250",
)


def main() -> None:
    """Write docs/page.png."""
    browser = shutil.which("chromium-headless-shell") or sys.exit("chromium-headless-shell is not installed")
    demo = subprocess.Popen([Path(sys.executable).with_name("sidecar"), "demo"], stdout=subprocess.PIPE, text=True)
    try:
        url = page_of(demo)
        wait_until_worth_it(url)
        with tempfile.TemporaryDirectory() as profile:
            options = [*FLAGS, f"--user-data-dir={profile}", f"--screenshot={PICTURE}", url]
            subprocess.run([browser, *options], check=True)
    finally:
        demo.send_signal(signal.SIGINT)
        demo.wait()


def page_of(demo: subprocess.Popen[str]) -> str:
    """Return where the demonstration says that its page is."""
    for line in demo.stdout or ():
        if "what runs here" in line:
            return line.split()[0]
    sys.exit("the demo ended before it had a page")


def wait_until_worth_it(url: str) -> None:
    """Return once an alert fires and every target has answered."""
    deadline = time.monotonic() + GIVE_UP_SECONDS
    while time.monotonic() < deadline:
        text = page(url)
        if "The pod is ready; 0 of 3 targets down; 1 alert firing" in text:
            return
        time.sleep(0.5)
    sys.exit("the demo had nothing to show")


def page(url: str) -> str:
    """Return the page at `url`, empty while nobody answers."""
    try:
        with urlopen(url, timeout=2) as response:
            text: str = response.read().decode()
            return text
    except URLError:
        return ""


if __name__ == "__main__":
    main()
