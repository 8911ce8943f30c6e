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
PAGE = "http://127.0.0.1:9465/"
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
    demo = subprocess.Popen([Path(sys.executable).with_name("sidecar"), "demo"])
    try:
        wait_until_worth_it()
        with tempfile.TemporaryDirectory() as profile:
            options = [*FLAGS, f"--user-data-dir={profile}", f"--screenshot={PICTURE}", PAGE]
            subprocess.run([browser, *options], check=True)
    finally:
        demo.send_signal(signal.SIGINT)
        demo.wait()


def wait_until_worth_it() -> None:
    """Return once an alert fires and every target has answered."""
    deadline = time.monotonic() + GIVE_UP_SECONDS
    while time.monotonic() < deadline:
        text = page()
        if "The pod is ready; 0 of 3 targets down; 1 alert firing" in text:
            return
        time.sleep(0.5)
    sys.exit("the demo had nothing to show")


def page() -> str:
    """Return the page, empty while nobody answers."""
    try:
        with urlopen(PAGE, timeout=2) as response:
            text: str = response.read().decode()
            return text
    except URLError:
        return ""


if __name__ == "__main__":
    main()
